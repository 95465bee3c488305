"""Interrupting a cell: a KeyboardInterrupt where the cell is, and nowhere else.

Theory of operation. Python runs signal handlers on the main thread, between two bytecodes of
whatever runs there. That may be the cell, but just as well the kernel's own code, IPython's, or a
slot of the host that a nested event loop called while the cell waits in a dialog. So the handler
looks where it is:

* It raises only if a *region* (`Interrupter.call`, or a coroutine driven by `Interrupter.drive`)
  is among the frames that the innermost event loop has called (`qtkernel.loops.turns`). A flag
  would not do: there is always a bytecode between the end of the cell and its clearing. A frame is
  on the stack or it is not. So a slot is not hit, whatever it was that let it run: a dialog, or
  the ``app.processEvents()`` of a loop in the cell.
* A task that the cell has started, and that runs while the cell awaits, is cancelled where it is,
  and the interrupt goes on to the cell. (A KeyboardInterrupt that a task lets out would end the
  host's own asyncio loop.)
* Otherwise, if the cell waits in a way that we know (`waiting`: an await, an input()), that wait
  is ended and raises by itself.
* Otherwise, if the cell has entered the innermost event loop, what that loop belongs to is ended
  (`qtkernel.loops.waits`): a dialog is rejected, a menu closed. The signal comes when the call
  returns.
* Otherwise the interrupt stays pending. Whoever asked for it repeats the signal until it is taken
  (`control_requests`), and the end of the cell takes it at the latest. With nothing running it is
  dropped.

A real signal is sent, because only that ends a blocking system call (`time.sleep`: measured
0.2 ms). It is directed at the main thread, and the main thread is woken out of the toolkit's own
C++ loop by an empty callback, since Python-level handlers run only when Python code runs.

Before the host's own handler is put back, a signal that is under way is waited for; otherwise it
would hit the host.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar

from qtkernel.interpreter import Stepped
from qtkernel.loops.base import EventLoop
from qtkernel.loops.turns import turns_of
from qtkernel.loops.waits import waits_of

T = TypeVar("T")

_RETELL = 1.0  # seconds after which a wait that has not ended is told again
_REEND = 0.2  # seconds after which an event loop that has not ended is ended again
_SETTLE = 0.2  # seconds that a signal under way is waited for, at most
_clock = time.monotonic
_sleep = time.sleep
_getpid = os.getpid

# The kernel whose cell has started a task: a task inherits it, and so do those that it starts. A
# context variable is never freed, so there is one for all kernels of the process.
_interrupter: ContextVar[Interrupter | None] = ContextVar("qtkernel_interrupter", default=None)


class Interrupter:
    """Delivers interrupts to the cell of one kernel.

    `interrupt` may be called from any thread; everything else belongs to the kernel's thread.

    Args:
        loop: returns the event loop that the kernel runs on at the moment.
    """

    def __init__(self, loop: Callable[[], EventLoop]) -> None:
        self._loop = loop
        self._pid = _getpid()
        self._thread = threading.get_ident()
        self._can_signal = threading.current_thread() is threading.main_thread()
        self._lock = threading.Lock()
        self._running = False
        self._pending = False
        self._sent_at: float | None = None  # of a signal that the handler has not seen yet
        self._waits: list[tuple[Callable[[], object], bool]] = []
        self._told: tuple[object, float] = (None, 0.0)
        self._holds = 0
        self._previous: Any = None
        self._installed = False

    # What the kernel says

    def begin(self) -> None:
        """A cell begins: from here on an interrupt is for it."""
        waits_of(self._loop()).begin()
        # in a nested event loop of a comm's handler a cell may begin: ours is there already
        if self._can_signal and not self._running:
            if not self._installed:
                self._previous = signal.signal(signal.SIGINT, self._on_signal)
            elif _owner(signal.getsignal(signal.SIGINT)) is None:
                # a cell has left its own there, as servers and training loops do: no later one
                # could be interrupted
                signal.signal(signal.SIGINT, self._on_signal)
        with self._lock:
            self._running = True

    def end(self) -> bool:
        """The cell has ended; True if an interrupt came that it has not seen. Idempotent."""
        waits_of(self._loop()).call_off_strike()
        with self._lock:
            self._running = False
            pending, self._pending = self._pending, False
        if self._sent_at is not None:
            self._settle()
        if self._can_signal and not self._installed:
            self._restore()
        return pending

    @contextlib.contextmanager
    def span(self) -> Iterator[None]:
        """While code for a frontend runs that is no cell: like one it can be interrupted.

        What runs while a cell awaits is so already: the interrupt hits what is on the stack.
        """
        if self._running:
            yield
            return
        self.begin()
        try:
            yield
        finally:
            self.end()

    def install(self) -> Callable[[], None]:
        """Keep the SIGINT handler while no cell runs, too; returns the undo. Main thread only."""
        self._previous = signal.signal(signal.SIGINT, self._on_signal)
        self._installed = True

        def undo() -> None:
            self._installed = False
            self._restore()

        return undo

    def _restore(self) -> None:
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

    def call(self, function: Callable[[], T]) -> T:
        """Run code of a cell; an interrupt is raised in it as KeyboardInterrupt."""
        return function()

    async def drive(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run an awaiting cell; an interrupt is raised where it is, running or waiting.

        Cancelling is how a task is made to leave its await. The cell gets the KeyboardInterrupt
        that its user meant, at the very await, so that its except and finally clauses run as they
        would in synchronous code.
        """
        _interrupter.set(self)
        return await Stepped(coroutine, around=self._step, translate=self._as_interrupt)

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        waits_of(self._loop()).begin()  # the host may have opened something meanwhile
        yield

    def _as_interrupt(self, error: BaseException) -> BaseException:
        interrupted = not isinstance(error, Exception) and self.take()
        return KeyboardInterrupt() if interrupted else error

    @contextlib.contextmanager
    def waiting(self, end_wait: Callable[[], object], *, nested: bool = False) -> Iterator[None]:
        """While the cell waits for something: an interrupt calls `end_wait`, on this thread.

        Args:
            end_wait: ends the wait.
            nested: the wait is in a nested run of the kernel's own loop.
        """
        wait = (end_wait, nested)
        self._waits.append(wait)
        try:
            yield
        finally:
            self._waits.remove(wait)

    def take(self) -> bool:
        """Whether an interrupt is pending; it is taken by asking."""
        with self._lock:
            pending, self._pending = self._pending, False
        return pending

    # What asks for an interrupt

    @property
    def running(self) -> bool:
        """Whether a cell is under way."""
        return self._running

    @property
    def pending(self) -> bool:
        """Whether an interrupt has been asked for and has not been taken."""
        return self._pending

    def interrupt(self) -> bool:
        """Interrupt the running cell; False if none runs. From any thread; returns at once.

        Whoever calls this repeats it with `again` while `pending`.
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
        self._loop().call_soon_threadsafe(self._deliver)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """No interrupt is raised meanwhile; it comes when this is over."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            if self._pending and not self._holds:
                self.again()

    def is_cell(self, frame: FrameType | None) -> bool:
        """Whether this frame is of the cell's own code, or of what it has called, but not of ours.

        On the kernel's thread. What an event loop runs that the cell has entered is not.
        """
        above = True  # of what runs cells, which is ours again
        if not self._running:
            return False
        for each in turns_of(self._loop()).interrupted_frames(frame):
            if id(each.f_code) in _REGIONS:
                return each.f_locals.get("self") is self
            module = str(each.f_globals.get("__name__"))
            if above and module.startswith(_OURS):
                return False
            above = above and module != _RUNS_CELLS
        return False

    # On the kernel's thread

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True  # IPython leaves such frames out of a cell's traceback
        if _getpid() != self._pid:
            raise KeyboardInterrupt  # a forked child is on its own
        beneath = _owner(self._previous)
        if self._sent_at is None and beneath is not None and beneath._sent_at is not None:
            beneath._on_signal(signum, frame)  # meant for another kernel, whose cell ours is inside
            return
        repeated, self._sent_at = self._sent_at is not None, None
        if not self._running or (repeated and not self._pending):
            return  # it has been taken while this signal was on its way
        self._begin_pending()
        if self._holds or _is_in_debugger(frame):
            return  # the end of that sends it again, or who repeats it
        region = self._region(turns_of(self._loop()).interrupted_frames(frame))
        if region is _TASK:
            raise asyncio.CancelledError
        if region is not None:
            self._pending = False
            waits_of(self._loop()).call_off_strike()
            raise KeyboardInterrupt
        loop = self._loop()
        if self._has_entered_loop(frame) and waits_of(loop).strike_on_return():
            self._sent_at = _clock()  # one was meant for the cell, and hit a slot on its way
        loop.call_soon_threadsafe(self._deliver)

    def _begin_pending(self) -> None:
        if not self._pending:
            self._told = (None, 0.0)
        self._pending = True

    def _deliver(self) -> None:
        """Let the cell out of where it waits. Called by the loop, and thus by the innermost."""
        if not self._pending:
            return
        loop = self._loop()
        if not self._has_entered_loop(sys._getframe()) or (self._waits and self._waits[-1][1]):
            self._tell_wait()
        elif self._can_signal:
            if self._is_due(turns_of(loop).places(), _REEND):
                waits_of(loop).end()
            if waits_of(loop).strike_on_return():
                self._sent_at = _clock()

    def _tell_wait(self) -> None:
        # once: a task that is cancelled twice raises twice
        if self._waits and self._is_due(self._waits[-1], _RETELL):
            self._waits[-1][0]()

    def _is_due(self, wait: object, patience: float) -> bool:
        told, told_at = self._told
        if wait == told and _clock() - told_at <= patience:
            return False
        self._told = (wait, _clock())
        return True

    def _has_entered_loop(self, frame: FrameType | None) -> bool:
        """Whether the cell has entered the event loop that has called `frame`."""
        turns = turns_of(self._loop())
        return self._region(turns.frames(turns.entered_from(frame))) is not None

    def _region(self, frames: Iterable[FrameType]) -> object:
        """`_CELL` if code of the cell is among `frames`, `_TASK` for a task of a cell, or None."""
        for frame in frames:
            if id(frame.f_code) in _REGIONS and frame.f_locals.get("self") is self:
                return _CELL
            if frame.f_code is _HANDLE_RUN and self._has_started(frame.f_locals.get("self")):
                return _TASK
        return None

    def _has_started(self, handle: Any) -> bool:
        context = getattr(handle, "_context", None)
        return context is not None and context.get(_interrupter) is self

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


def _is_in_debugger(frame: FrameType | None) -> bool:
    """Whether a debugger has stopped the code here, or looks at it.

    Raised in there, an interrupt ends the tracing of the thread. What the debugger evaluates for
    its user is code like a cell's: that can be interrupted.
    """
    above = None  # the module of the frame that the next one has called
    while frame is not None:
        module = str(frame.f_globals.get("__name__")).partition(".")[0]
        if module.startswith(_DEBUGGER):
            return above is None or above in _CALLED_BY_DEBUGGER
        above = module
        frame = frame.f_back
    return False


def _send_signal(thread: int) -> None:
    if os.name == "nt":
        # no directed signals there; blocking calls that heed Ctrl+C wait on this event
        import _thread

        _thread.interrupt_main(signal.SIGINT)
    else:
        signal.pthread_kill(thread, signal.SIGINT)


_DEBUGGER = ("pydev", "_pydev", "debugpy")
_CALLED_BY_DEBUGGER = sys.stdlib_module_names | {"qtkernel"}  # threads are started through ours
_OURS = ("qtkernel.", "qtconsole.")
_RUNS_CELLS = "IPython.core.interactiveshell"
_CELL, _TASK = "cell", "task"
_HANDLE_RUN = asyncio.Handle._run.__code__
# by identity: hashing a code object goes through all that it is made of
_REGIONS = frozenset({id(Interrupter.call.__code__), id(Interrupter.drive.__code__)})
