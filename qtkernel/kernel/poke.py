"""Calling something in the midst of a cell that blocks its thread, without harm to the cell.

Theory of operation. Only a signal gets a Python function called on a thread that is in
``time.sleep``. Python's own blocking calls go on afterwards (PEP 475). A C library's may not: one
that blocks in ``read()`` fails with EINTR, its ``usleep(900000)`` is over after 70 ms (both
measured, with ctypes). Somebody who measures with an instrument would get wrong readings because a
console is open. So whoever asks is refused, depending on what the thread does (`Heed`), which its
topmost Python frame tells, and on Linux the system call that it is in.

The signal is SIGURG: nobody uses it, what comes too late is ignored by default, and unlike SIGINT
it means nothing to handlers that a cell or the host has (a cell's own one for SIGINT, a host that
reads ``signal.set_wakeup_fd``). Where it may, it lets system calls go on by itself (SA_RESTART).
"""

from __future__ import annotations

import enum
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

_SIGNAL: Final[Any] = getattr(signal, "SIGURG", None)
_getpid = os.getpid


class Heed(enum.Enum):
    """What a signal does to a thread that blocks."""

    WAKES = "it is in a call of Python's, which runs the handler and goes on"
    PASSES = "it computes, or the call is not ended: the handler runs now or later"
    MAY_HARM = "a C library is in a system call, which perhaps is one that ends"
    HARMS = "a C library sleeps, and would do so for too short a time"


class Poker:
    """Reaches the cells of one kernel, if its thread is the main one.

    Args:
        is_cell: whether a frame is of the cell's own code, or of what that has called.
    """

    def __init__(self, is_cell: Callable[[FrameType | None], bool]) -> None:
        self._is_cell = is_cell
        self._thread = threading.get_ident()
        self._native_id = threading.get_native_id()
        self._pid = _getpid()
        main = threading.current_thread() is threading.main_thread()
        self._can_signal = main and _SIGNAL is not None
        self._callback: Callable[[], object] | None = None

    def take(self) -> None:
        """A cell begins: it can be reached. On its thread. Idempotent."""
        if not self._can_signal or self in _taken:
            return
        if not _taken:
            if signal.getsignal(_SIGNAL) is not signal.SIG_DFL:
                return  # the host's own
            signal.signal(_SIGNAL, _on_signal)
        self._callback = None
        _taken.append(self)

    def give_back(self) -> None:
        """The cell has ended. On its thread. Idempotent."""
        if self in _taken:
            _taken.remove(self)
            if not _taken and signal.getsignal(_SIGNAL) is _on_signal:
                signal.signal(_SIGNAL, signal.SIG_DFL)

    def poke(self, callback: Callable[[], object], *, worth_a_risk: bool) -> None:
        """Call `callback` in the midst of the running cell. From any other thread.

        It is not called while the cell is in an event loop that it has entered, or in the kernel's
        or a console's code, which may be in the middle of what the callback does.

        Args:
            callback: must not raise.
            worth_a_risk: also if the cell is in a C library's system call, which SA_RESTART lets
                go on, but not if it is poll() or the like.
        """
        if self not in _taken or _getpid() != self._pid:
            return
        if signal.getsignal(_SIGNAL) is not _on_signal:
            return  # the cell has one of its own
        heed = _heed(self._thread, self._native_id)
        # one into such a call. Elsewhere again: one that comes right before Python enters a call
        # is handled after it
        worth_a_risk = worth_a_risk and self._callback is None
        if heed is Heed.HARMS or (heed is Heed.MAY_HARM and not worth_a_risk):
            return
        self._callback = callback
        signal.siginterrupt(_SIGNAL, heed is Heed.WAKES)
        signal.pthread_kill(self._thread, _SIGNAL)

    def called(self, frame: FrameType | None) -> None:
        """The signal has come, and this frame was running."""
        callback, self._callback = self._callback, None
        if callback is not None and self._is_cell(frame):
            callback()


_taken: list[Poker] = []  # the signal is one for all kernels of the process


def _on_signal(_number: int, frame: FrameType | None) -> None:
    for each in tuple(_taken):
        each.called(frame)


# In C code that it imports there may be anybody's
_NOT_PYTHONS: Final = frozenset({"importlib", "ctypes"})
_PYTHONS_OWN: Final = sys.stdlib_module_names - _NOT_PYTHONS

# Linux's numbers of nanosleep, clock_nanosleep and futex; of select, pselect6, poll and ppoll
_CALLS: Final = {
    "x86_64": ("35", "230", "202", ("23", "270", "7", "271")),
    "aarch64": ("101", "115", "98", ("72", "73")),
}
_SLEEP, _CLOCK_SLEEP, _FUTEX, _WAITS = _CALLS.get(platform.machine(), ("", "", "", ()))
_TIME_SLEEP: Final = ["0x1", "0x1"]  # CLOCK_MONOTONIC and TIMER_ABSTIME, as Python has it
_NOTHING: Final = "0x0"  # to wait for, but a timeout; ppoll and poll without a set


def _heed(thread: int, native_id: int) -> Heed:
    frame = sys._current_frames().get(thread)
    name = "" if frame is None else str(frame.f_globals.get("__name__"))
    if name.partition(".")[0] in _PYTHONS_OWN:
        return Heed.WAKES  # its C code is Python's, too: select(), waitpid(), a lock
    number, *arguments = _system_call(native_id)
    is_time_sleep = number == _CLOCK_SLEEP and arguments[:2] == _TIME_SLEEP
    if number in ("running", _FUTEX) or is_time_sleep:
        return Heed.PASSES  # who waits for the GIL is in a futex
    if number in (_SLEEP, _CLOCK_SLEEP) or (number in _WAITS and arguments[0] == _NOTHING):
        return Heed.HARMS
    return Heed.MAY_HARM


def _system_call(native_id: int) -> list[str]:
    """The number of the system call that a thread is in, and its arguments."""
    try:
        with open(f"/proc/self/task/{native_id}/syscall") as file:
            return file.read().split()
    except OSError:
        return ["unknown"]
