"""Interrupting a cell: a KeyboardInterrupt where the cell is, and nowhere else.

Theory of operation. Python runs signal handlers on the main thread, between two bytecodes of
whatever runs there. That may be the cell, but just as well the kernel's own code, IPython's, or a
slot of the host that a nested event loop called while the cell waits in a dialog. So the handler
looks where it is:

* It raises only if the interrupted stack contains a *region* (`Interrupter.call`, or a coroutine
  driven by `Interrupter.drive`) and no event loop has been entered since the cell began. A flag
  would not do: there is always a bytecode between the end of the cell and its clearing. A frame is
  on the stack or it is not.
* Otherwise, if the cell waits in a way that we know (`waiting`: an await, an input()), that wait
  is ended and raises by itself.
* Otherwise the interrupt stays pending; `interrupt` repeats the signal every 50 ms until it is
  taken, and the end of the cell takes it at the latest. With nothing running it is dropped.

A real signal is sent, because only that ends a blocking system call (`time.sleep`: measured
0.2 ms). It is directed at the main thread, and the main thread is woken out of the toolkit's own
C++ loop by an empty callback, since Python-level handlers run only when Python code runs.

Before the host's own handler is put back, a signal that is under way is waited for; otherwise it
would hit the host.
"""

from __future__ import annotations

import bdb
import contextlib
import os
import pdb
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

from qtkernel.interpreter import Stepped
from qtkernel.loops.base import EventLoop

T = TypeVar("T")

REPEAT = 0.05
"""Seconds between two signals while an interrupt has not been taken."""

_RETELL = 1.0  # seconds after which a wait that has not ended is told again
_SETTLE = 0.2  # seconds that a signal under way is waited for, at most
_clock = time.monotonic
_sleep = time.sleep
_getpid = os.getpid


class Interrupter:
    """Delivers interrupts to the cell of one kernel.

    `interrupt` may be called from any thread; everything else belongs to the kernel's thread.

    Args:
        loop: returns the event loop that the kernel runs on at the moment.
        level: returns how many event loops are nested on the kernel's thread.
    """

    def __init__(self, loop: Callable[[], EventLoop], level: Callable[[], int]) -> None:
        self._loop = loop
        self._level = level
        self._pid = _getpid()
        self._thread = threading.get_ident()
        self._can_signal = threading.current_thread() is threading.main_thread()
        self._lock = threading.Lock()
        self._running = False
        self._pending = False
        self._sent_at: float | None = None  # of a signal that the handler has not seen yet
        self._base_level = 0
        self._waits: list[Callable[[], object]] = []
        self._told: tuple[Callable[[], object] | None, float] = (None, 0.0)
        self._previous: Any = None
        self._installed = False

    # What the kernel says

    def begin(self) -> None:
        """A cell begins: from here on an interrupt is for it."""
        self._base_level = self._level()
        if self._can_signal and not self._installed:
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        with self._lock:
            self._running = True

    def end(self) -> bool:
        """The cell has ended; True if an interrupt came that it has not seen."""
        with self._lock:
            self._running = False
            pending, self._pending = self._pending, False
        if self._sent_at is not None:
            self._settle()
        if self._can_signal and not self._installed:
            self._restore()
        return pending

    def install(self) -> Callable[[], None]:
        """Keep the SIGINT handler while no cell runs, too; returns the undo. Main thread only."""
        self._previous = signal.signal(signal.SIGINT, self._on_signal)
        self._installed = True

        def undo() -> None:
            self._installed = False
            self._restore()

        return undo

    def _restore(self) -> None:
        self._take_over_from_debugger()
        # a cell, or the host meanwhile, may have set a handler of its own: that one stays
        above = _owner(signal.getsignal(signal.SIGINT))
        if above is self:
            signal.signal(signal.SIGINT, self._previous)
        while above is not None and above is not self:
            # another kernel's cell began after ours and is still under way: it must not bring
            # our handler back when it ends
            beneath = _owner(above._previous)
            if beneath is self:
                above._previous = self._previous
            above = beneath

    def _take_over_from_debugger(self) -> None:
        # pdb's ``c`` sets a handler of its own over ours, and restores ours when it is next entered
        debugger = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
        if isinstance(debugger, bdb.Bdb):
            signal.signal(signal.SIGINT, self._on_signal)
            pdb.Pdb._previous_sigint_handler = None  # type: ignore[attr-defined]

    def call(self, function: Callable[[], T]) -> T:
        """Run code of a cell; an interrupt is raised in it as KeyboardInterrupt."""
        return function()

    async def drive(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run an awaiting cell; an interrupt is raised where it is, running or waiting.

        Cancelling is how a task is made to leave its await. The cell gets the KeyboardInterrupt
        that its user meant, at the very await, so that its except and finally clauses run as they
        would in synchronous code.
        """
        return await Stepped(coroutine, translate=self._as_interrupt)

    def _as_interrupt(self, error: BaseException) -> BaseException:
        interrupted = not isinstance(error, Exception) and self.take()
        return KeyboardInterrupt() if interrupted else error

    @contextlib.contextmanager
    def waiting(self, end_wait: Callable[[], object]) -> Iterator[None]:
        """While the cell waits for something: an interrupt calls `end_wait`, on this thread."""
        self._waits.append(end_wait)
        try:
            yield
        finally:
            self._waits.remove(end_wait)

    def take(self) -> bool:
        """Whether an interrupt is pending; it is taken by asking."""
        with self._lock:
            pending, self._pending = self._pending, False
        return pending

    # What asks for an interrupt

    @property
    def pending(self) -> bool:
        """Whether an interrupt has been asked for and has not been taken."""
        return self._pending

    def interrupt(self) -> bool:
        """Interrupt the running cell; False if none runs. From any thread; returns at once.

        Whoever calls this repeats it with `again` every `REPEAT` seconds while `pending`.
        """
        with self._lock:
            if not self._running:
                return False
            self._begin_pending()
        self.again()
        return True

    def again(self) -> None:
        """Send the signal of a pending interrupt, once more if need be."""
        with self._lock:
            if not (self._running and self._pending) or _getpid() != self._pid:
                return
            if self._can_signal:
                self._sent_at = _clock()
                _send_signal(self._thread)
        # the main thread may sit in the toolkit's C++ loop, where no Python code runs
        self._loop().call_soon_threadsafe(self._deliver_to_wait)

    # On the kernel's thread

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True  # IPython leaves such frames out of a cell's traceback
        if _getpid() != self._pid:
            raise KeyboardInterrupt  # a forked child is on its own
        beneath = _owner(self._previous)
        if self._sent_at is None and beneath is not None and beneath._sent_at is not None:
            beneath._on_signal(signum, frame)  # meant for another kernel, whose cell ours is inside
            return
        self._sent_at = None
        if not self._running:
            return
        self._begin_pending()
        if self._in_region(frame) and self._level() <= self._base_level:
            self._pending = False
            raise KeyboardInterrupt
        self._deliver_to_wait()

    def _begin_pending(self) -> None:
        if not self._pending:
            self._told = (None, 0.0)
        self._pending = True

    def _deliver_to_wait(self) -> None:
        """Tell the innermost wait, once: the signal's handler and the posted callback both come
        here, and a task that is cancelled twice raises twice."""
        if not self._pending or not self._waits:
            return
        wait, (told, told_at) = self._waits[-1], self._told
        if wait is not told or _clock() - told_at > _RETELL:
            self._told = (wait, _clock())
            wait()

    def _in_region(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code in _REGIONS and frame.f_locals.get("self") is self:
                return True
            frame = frame.f_back
        return False

    def _settle(self) -> None:
        # the handler runs on this thread, between bytecodes of this very loop
        deadline = _clock() + _SETTLE
        while self._sent_at is not None and _clock() < deadline:
            _sleep(0.0001)
        self._sent_at = None


def _owner(handler: Any) -> Interrupter | None:
    """Whose signal handler this is; None if it is not one of ours."""
    owner = getattr(handler, "__self__", None)
    return owner if isinstance(owner, Interrupter) else None


def _send_signal(thread: int) -> None:
    if os.name == "nt":
        # no directed signals there; blocking calls that heed Ctrl+C wait on this event
        import _thread

        _thread.interrupt_main(signal.SIGINT)
    else:
        signal.pthread_kill(thread, signal.SIGINT)


_REGIONS = frozenset({Interrupter.call.__code__, Interrupter.drive.__code__})
