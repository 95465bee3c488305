"""Whose output it is: which request's code is running here and now.

Three things tell, and none does alone.

* A context variable, which the request cycle sets. Tasks of asyncio take it along; but so does
  everything that runs on top of a cell: the host's slots while the cell sits in a dialog.
* The stack. What an event loop has called was not called by the cell below that loop (`Turns`
  knows the place), and a function that a cell has defined is that cell's work wherever it is
  called from: a slot, a timer, a thread of C++.
* The thread. One that a cell has started is the cell's.

So the variable is believed as long as no event loop has been entered since it was set, in tasks,
and in other threads; a slot is asked where its code comes from; and what nothing speaks for is the
host's. The code of cells is known by the code objects themselves, not by their file names: those
of two kernels, or of two runs of one cell, may be the same. They are held weakly, so that a cell
that has left no function behind leaves nothing here either.
"""

from __future__ import annotations

import itertools
import sys
import threading
from asyncio.events import Handle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import CodeType, FrameType, TracebackType
from typing import Any, TypeVar
from weakref import ref

from qtkernel.interpreter import Stepped
from qtkernel.loops.turns import Turns
from qtkernel.protocol import Message

F = TypeVar("F", bound=Callable[..., Any])

_get_ident = threading.get_ident

# by identity: equal code objects of different functions are not the same, and hashing one costs
# 0.3 us, since it goes through all that the object is made of
_CONTEXTS: dict[int, CodeType] = {}
_REQUESTS: set[int] = set()


def _sets_context(function: Callable[..., Any]) -> int:
    """Note a function whose frame says: the variable is right for what this has called."""
    code = function.__code__
    _CONTEXTS[id(code)] = code
    return id(code)


def steps_request(function: F) -> F:
    """Mark the function that runs requests, each in a `request` of its own."""
    _REQUESTS.add(_sets_context(function))
    return function


_sets_context(Handle._run)  # every step of a task and every callback of asyncio
_sets_context(Stepped.__await__)  # a cell's, on loops with handles of their own: PySide6.QtAsyncio


class _Stretch:
    """Code that runs under a request without a break, and what has been seen when it began."""

    __slots__ = ("attribution", "count", "message", "turns")

    def __init__(self, attribution: Attribution, message: Message, turns: Turns) -> None:
        self.attribution = attribution
        self.message = message
        self.turns = turns
        self.count = turns.count


# One variable for all kernels of the process (a context variable is never freed), so the value
# says whose request it is.
_stretch: ContextVar[_Stretch | None] = ContextVar("qtkernel_request", default=None)

_Claim = tuple[int, Message]
"""A request, after the number that says when it claimed what it is noted for."""


class _Claimed(ref[Any]):
    """A code object or a thread of a cell, as long as it is there: nothing is kept alive."""

    __slots__ = ("claim", "key")

    claim: _Claim
    key: int


class Attribution:
    """Finds the request that code belongs to, for one kernel. Made on the kernel's own thread.

    `current` may be called from any thread, and costs 0.1 us in the code of a cell.

    Args:
        turns: of the kernel's event loop; set again when the kernel moves to another one.
        remember: whether output outside of any request belongs to the last cell that ran. True
            for a standalone kernel, whose process has no other purpose; in an embedded kernel
            such output is the host's own.
    """

    def __init__(self, turns: Turns, *, remember: bool = False) -> None:
        self.turns = turns
        self._remember = remember
        self._last: Message | None = None
        self._thread = _get_ident()
        # by identity, for the same reason as above
        self._codes: dict[int, _Claimed] = {}
        self._threads: dict[int, _Claimed] = {}
        self._numbers = itertools.count()

    # Asking

    def current(self) -> Message | None:
        """The request whose code is running here and now, or None: the host's."""
        stretch = _stretch.get()
        if stretch is not None and stretch.attribution is self:
            turns = stretch.turns
            if turns.count == stretch.count and turns is self.turns and turns.complete:
                return stretch.message
            if _get_ident() != self._thread:
                return stretch.message
        elif not self._codes and not self._threads:
            return self._last
        if _get_ident() != self._thread:
            return self._of_thread(sys._getframe(1)) or self._last
        return self._of_turn(sys._getframe(1), stretch) or self._last

    def is_current(self) -> bool:
        """Whether a request of this kernel is under way on this stack, however far below."""
        stretch = _stretch.get()
        return stretch is not None and stretch.attribution is self

    def of_traceback(self, trace: TracebackType | None) -> Message | None:
        """The request whose code an exception has come through first, or None.

        In another thread than the kernel's, asked in that thread, it may also be that of the
        thread, as for what the thread prints.
        """
        found = None
        while trace is not None and found is None:
            found = self._codes.get(id(trace.tb_frame.f_code))
            trace = trace.tb_next
        if _get_ident() != self._thread:
            return self._or_of_thread(found)
        return None if found is None else found.claim[1]

    def of_thread(self, thread: threading.Thread | None) -> Message | None:
        """The request that has started a thread, or None."""
        claimed = self._threads.get(id(thread))
        return None if claimed is None else claimed.claim[1]

    def _of_turn(self, frame: FrameType, stretch: _Stretch | None) -> Message | None:
        """By the part of the stack that the innermost event loop has called."""
        found: _Claimed | None = None
        for below in self.turns.frames(frame):
            key = id(below.f_code)
            if key in _CONTEXTS:
                if stretch is None or stretch.attribution is not self:
                    break
                if key in _REQUESTS and stretch.turns is self.turns:
                    # Nested loops have been entered, and left again. Not so in a task: others
                    # have the same stretch, and may be below the loop that has called this one.
                    stretch.count = self.turns.count
                return stretch.message
            found = self._codes.get(key, found)
        return None if found is None else found.claim[1]

    def _of_thread(self, frame: FrameType | None) -> Message | None:
        """By the whole stack of another thread, and by who has started it.

        The later of the two: an old function in a thread of a newer cell belongs to that, and so
        does a new function that a cell has handed to an older pool.
        """
        found = None
        while frame is not None:
            found = self._codes.get(id(frame.f_code), found)
            frame = frame.f_back
        return self._or_of_thread(found)

    def _or_of_thread(self, found: _Claimed | None) -> Message | None:
        # current_thread() would make up an object for a thread of C++, and keep it
        thread = threading._active.get(_get_ident())  # type: ignore[attr-defined]
        claims = [each.claim for each in (found, self._threads.get(id(thread))) if each]
        return max(claims, key=_number)[1] if claims else None

    # Noting

    @contextmanager
    def request(self, message: Message | None) -> Iterator[None]:
        """Make `message` the current request, for this stretch of code on this thread.

        The variable is set back by value, not by token: a stretch may end in another context
        than it began in, when a request was parked in between.
        """
        previous = _stretch.get()
        _stretch.set(None if message is None else _Stretch(self, message, self.turns))
        try:
            yield
        finally:
            _stretch.set(previous)

    def adopt(self, message: Message) -> None:
        """Make `message` the current request of the code here, until its stretch ends.

        In a thread that no request has begun that is until the thread ends.
        """
        _stretch.set(_Stretch(self, message, self.turns))

    def remember(self, message: Message) -> None:
        """Note that a cell runs: later output without a request is its, if that is wanted."""
        if self._remember:
            self._last = message

    def claim_code(self, code: CodeType) -> None:
        """Note that `code`, and all functions and classes in it, are the current request's."""
        message = self.current()
        if message is None:
            return
        claim = (next(self._numbers), message)
        codes = [code]
        while codes:
            code = codes.pop()
            _note(self._codes, code, claim)
            codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]

    def claim_thread(self, thread: threading.Thread) -> None:
        """Note that what `thread` does is the current request's."""
        message = self.current()
        if message is not None:
            _note(self._threads, thread, (next(self._numbers), message))

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, such that it runs under what is the current request now, in any thread."""
        message = self.current()
        if message is None:
            return function

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with self.request(message):
                return function(*args, **kwargs)

        return run


def _note(table: dict[int, _Claimed], key: object, claim: _Claim) -> None:
    claimed = _Claimed(key, lambda gone: table.pop(gone.key, None))
    claimed.claim, claimed.key = claim, id(key)
    table[claimed.key] = claimed


def _number(claim: _Claim) -> int:
    return claim[0]
