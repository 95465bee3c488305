"""Tk's loop behind the seam, through a Tcl interpreter of our own.

Tcl keeps file and timer handlers for each *thread*, not for each interpreter. So the handlers hang
on a bare interpreter that knows nothing of Tk: it needs no display, it is not
``tkinter._default_root``, and a cell that destroys every window cannot take it away. Whoever
serves events in this thread serves ours too, the host's ``mainloop()`` included (the tests prove
it). What hangs there is a `HeadlessLoop`: one file handler for its selector's descriptor, however
many readers there are, and one timer. Tcl waits with select() and panics at descriptors of 1024
and more; this way it never sees those.

Windows has no file handlers in Tcl: there the headless loop is looked at every `POLL_INTERVAL`
seconds, the one exception to "no polling". Tk does not tell when its own nested loops
(``wait_window``) begin a turn, so `TkLoop.turns` are not complete: on the stack, a callback of
tkinter's counts as called by the event loop.
"""

from __future__ import annotations

import math
import time
from typing import Any

from qtkernel.loops.base import Callback, ErrorHandler, log_error
from qtkernel.loops.errors import WrongThread
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.pending import Timer, report
from qtkernel.loops.turns import Turns, runs_events

POLL_INTERVAL = 0.015
"""Seconds between two looks where Tcl cannot watch descriptors."""

LONGEST_INTERVAL = 2**31 - 1
"""Milliseconds that a Tcl timer can wait; for longer delays it fires early and is set again."""

_READABLE = 2  # TCL_READABLE


class _Run:
    """One `run` on the stack."""

    __slots__ = ("stopped",)

    def __init__(self) -> None:
        self.stopped = False


class TkLoop:
    """The seam over the Tcl event loop of this thread.

    Args:
        root: the host's window. A `run` returns once it has been destroyed. Without one (a
            standalone kernel) only `stop` ends a run; cells create and destroy what they like.
        polling: look every `POLL_INTERVAL` instead of watching; None: only where Tcl must.

    Raises:
        ImportError: this Python comes without tkinter.
        WrongThread: called from another thread than the root's.
    """

    name = "tk"

    def __init__(
        self,
        root: Any = None,
        on_error: ErrorHandler = log_error,
        *,
        polling: bool | None = None,
    ) -> None:
        self._on_error = on_error
        self._root = root
        if root is not None:
            _check_thread(root)
        self.turns = Turns(complete=False)
        self._tcl: Any = _interpreter()
        self._core = HeadlessLoop(on_error, on_deadline=self._set_timer)
        self._timer: Any = None
        self._look: Any = None
        self._runs: list[_Run] = []
        self._closed = False
        self._fd = self._core.fileno()
        if polling is None:
            polling = self._fd is None or not hasattr(self._tcl, "createfilehandler")
        self._polling = polling
        if polling:
            self._poll()
        else:
            self._tcl.createfilehandler(self._fd, _READABLE, lambda *_: self._core.step())

    def add_reader(self, fd: int, callback: Callback) -> None:
        """See `EventLoop.add_reader`."""
        self._core.add_reader(fd, callback)

    def remove_reader(self, fd: int) -> bool:
        """See `EventLoop.remove_reader`."""
        return self._core.remove_reader(fd)

    def call_soon_threadsafe(self, callback: Callback) -> None:
        """See `EventLoop.call_soon_threadsafe`."""
        # through a descriptor: a Tcl call from a foreign thread waits for this one, or fails
        self._core.call_soon_threadsafe(callback)

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """See `EventLoop.call_later`. Tcl's timers are accurate to a millisecond."""
        return self._core.call_later(delay, callback)

    @runs_events
    def run(self) -> None:
        """See `EventLoop.run`; it also returns when the host's root is destroyed."""
        if self._closed:
            raise RuntimeError("the event loop is closed")
        run = _Run()
        self._runs.append(run)
        tcl = self._tcl  # `close` in a callback must not take it away under our feet
        try:
            while not run.stopped and self._root_exists():
                try:
                    tcl.dooneevent(0)
                except BaseException as error:
                    report(error, self._on_error)
        finally:
            self._runs.pop()

    def stop(self) -> None:
        """See `EventLoop.stop`. Stopping a run that has not returned yet once more is one stop."""
        if self._runs:
            self._runs[-1].stopped = True
            # from a signal handler Tcl may be waiting
            self._core.call_soon_threadsafe(_nothing)

    def close(self) -> None:
        """See `EventLoop.close`. Every `run` under way returns; the host's root lives on."""
        if self._closed:
            return
        self._closed = True
        for run in self._runs:
            run.stopped = True
        if not self._polling:
            self._tcl.deletefilehandler(self._fd)
        if self._look is not None:
            self._look.deletetimerhandler()
        self._core.close()
        self._set_timer(None)
        # by its own thread: Tcl aborts when the garbage collector of another one frees it
        self._tcl = self._root = self._look = None

    def _root_exists(self) -> bool:
        if self._root is None:
            return True
        try:
            return bool(self._root.winfo_exists())
        except BaseException:
            return False  # TclError: "application has been destroyed"

    def _poll(self) -> None:
        # the next look first: a callback may open a nested loop that has to be served
        self._look = self._tcl.createtimerhandler(round(POLL_INTERVAL * 1000), self._poll)
        self._core.step()

    def _set_timer(self, deadline: float | None) -> None:
        if self._timer is not None:
            self._timer.deletetimerhandler()
            self._timer = None
        if deadline is not None and not self._closed:
            # rounded up: a timer that comes too early only has to be set again
            milliseconds = math.ceil(max(0.0, deadline - time.monotonic()) * 1000)
            self._timer = self._tcl.createtimerhandler(
                min(milliseconds, LONGEST_INTERVAL), self._timer_fired
            )

    def _timer_fired(self) -> None:
        self._timer = None
        try:
            self._core.fire()
        except BaseException as error:
            report(error, self._on_error)


def _interpreter() -> Any:
    """A bare Tcl interpreter.

    Not ``tkinter.Tcl()``, which runs the user's ~/.Tk.py.
    """
    try:
        import tkinter  # noqa: I001  (first: on Windows it finds Tcl's own files)
        import _tkinter
    except ImportError as error:
        raise ImportError(
            f"this Python has no Tk ({error}); Debian and Ubuntu: apt install python3-tk"
        ) from error
    runs_events(tkinter.CallWrapper.__call__)
    return _tkinter.create(None, "qtkernel", "Tcl", False, True, False, False, None)


def _check_thread(root: Any) -> None:
    try:
        # Tk refuses this in any thread but its own; nothing else of it tells whose it is
        root.tk.createtimerhandler(LONGEST_INTERVAL, _nothing).deletetimerhandler()
    except RuntimeError as error:
        raise WrongThread("call this from the thread that created the Tk root") from error


def _nothing() -> None:
    pass
