"""Interrupting the cell of a subshell, on a thread that gets no signals.

What waits is told so: an await is cancelled, a question is ended. What runs gets a
KeyboardInterrupt from Python itself, between two bytecodes (``PyThreadState_SetAsyncExc``), so a
blocking call of the system's ends first. It is sent only while code of the cell is on the thread,
and if that ends before it has come, it is let come where it does no harm. It cannot be taken back:
Python 3.11 would go on looking for it for ever, and hang in a profiler (measured: ``%prun``).
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from qtkernel.interpreter import Stepped
from qtkernel.loops.base import EventLoop

T = TypeVar("T")

_get_ident = threading.get_ident
_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in.argtypes = (ctypes.c_ulong, ctypes.py_object)


class ThreadInterrupter:
    """Delivers interrupts to the cells of one subshell.

    `interrupt` may be called from any thread; everything else belongs to the subshell's.

    Args:
        loop: the subshell's.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._lock = threading.RLock()
        self._running = False
        self._pending = False
        self._stretches = 0
        self._sent = False
        self._thread = 0
        self._waits: list[Callable[[], object]] = []

    def begin(self) -> None:
        """A cell begins: from here on an interrupt is for it."""
        with self._lock:
            self._running = True

    def end(self) -> bool:
        """The cell has ended; True if an interrupt came that it has not seen. Idempotent."""
        with self._lock:
            self._let_come()
            self._running, self._stretches = False, 0
            pending, self._pending = self._pending, False
        return pending

    def call(self, function: Callable[[], T]) -> T:
        """Run code of a cell; an interrupt is raised in it as KeyboardInterrupt."""
        __tracebackhide__ = True
        with self._stretch():
            return function()

    async def drive(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run an awaiting cell; an interrupt is raised where it is, running or waiting."""
        return await Stepped(coroutine, around=self._stretch, translate=self._as_interrupt)

    @contextlib.contextmanager
    def waiting(self, end_wait: Callable[[], object]) -> Iterator[None]:
        """While the cell waits for the subshell's loop: an interrupt calls `end_wait` there."""
        with self.blocked(lambda: self._loop.call_soon_threadsafe(end_wait)):
            yield

    @contextlib.contextmanager
    def blocked(self, end_wait: Callable[[], object]) -> Iterator[None]:
        """While the subshell's thread is blocked: an interrupt calls `end_wait`, anywhere."""
        with self._lock:
            self._waits.append(end_wait)
            pending = self._pending
        try:
            if pending:
                end_wait()
            yield
        finally:
            with self._lock:
                self._waits.remove(end_wait)

    @property
    def running(self) -> bool:
        """Whether a cell is under way."""
        return self._running

    @property
    def pending(self) -> bool:
        """Whether an interrupt has been asked for and has not been taken."""
        return self._pending

    def take(self) -> bool:
        """Whether an interrupt is pending; it is taken by asking."""
        with self._lock:
            pending, self._pending = self._pending, False
        return pending

    def interrupt(self) -> bool:
        """Interrupt the running cell; False if none runs. From any thread; returns at once."""
        with self._lock:
            if not self._running:
                return False
            self._pending = True
            if self._waits:
                self._waits[-1]()
            elif self._stretches:
                self._send()
        return True

    @contextlib.contextmanager
    def _stretch(self) -> Iterator[None]:
        """Code of a cell is on the thread."""
        __tracebackhide__ = True
        with self._lock:
            if self._pending and not self._waits:
                self._pending = False
                raise KeyboardInterrupt
            self._stretches += 1
            self._thread = _get_ident()
        try:
            yield
        except KeyboardInterrupt:
            with self._lock:
                if self._sent:
                    self._sent = self._pending = False
            raise
        finally:
            with self._lock:
                self._stretches = max(0, self._stretches - 1)
                if not self._stretches:
                    self._let_come()

    def _send(self) -> None:
        if not self._sent:
            self._sent = True
            _raise_in(self._thread, KeyboardInterrupt)

    def _let_come(self) -> None:
        if self._sent:
            self._sent = False
            with contextlib.suppress(KeyboardInterrupt):
                # it comes at the first turn, if the cell has not had it, and kept it to itself
                for _ in range(10):
                    pass

    def _as_interrupt(self, error: BaseException) -> BaseException:
        interrupted = not isinstance(error, Exception) and self.take()
        return KeyboardInterrupt() if interrupted else error
