"""Which asyncio loop this thread's code meets: the one marked running, and the default one.

Both are global state of asyncio's, and the host's. A step of a cell needs others:
``asyncio.run()`` works in it, whoever runs the host's loop, and ``asyncio.get_event_loop()`` is the
loop on which tasks really run.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from asyncio import events
from collections.abc import Callable, Iterator
from typing import Any

_events: Any = events
_mark = asyncio._get_running_loop
_set_mark = asyncio._set_running_loop
_get_running_loop = asyncio.get_running_loop


class _Stretches(threading.local):
    """The marks that were there before each stretch of code under way on this thread."""

    def __init__(self) -> None:
        self.marks: list[asyncio.AbstractEventLoop | None] = []


_stretches = _Stretches()


@contextlib.contextmanager
def marked_running(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """A stretch of code for which `loop` runs, or none; the mark is put back after it."""
    outer = _mark()
    _stretches.marks.append(outer)
    _set_mark(loop)
    try:
        yield
    finally:
        _stretches.marks.pop()
        _set_mark(outer)


def host_loop() -> asyncio.AbstractEventLoop | None:
    """The asyncio loop that the host runs on this thread, if it does.

    It is the one at the bottom. What is marked running may be another: a cell inside
    ``asyncio.run()`` can have opened a nested event loop, which serves a second kernel.
    """
    loop = _stretches.marks[0] if _stretches.marks else _mark()
    return None if getattr(loop, "is_guest", False) else loop


@contextlib.contextmanager
def loops_may_run(loop: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[None]:
    """A synchronous step of a cell: ``asyncio.run()`` works, and so does ``create_task()``.

    Without a loop of the host's none is marked running, and only who asks for the running one gets
    `loop`: cells that were written for ipykernel, whose loop runs around them, start tasks so.

    The host's own mark must stay: the cell may open a nested event loop (a dialog, ``input()``) in
    which the host's tasks go on, and those ask for it (measured with qasync: each task that slept
    there failed). So it is hidden from asyncio's loops only, which refuse to run inside another.

    Args:
        loop: returns the loop on which tasks of cells run; called only when somebody asks.
    """
    host = host_loop()
    with marked_running(host):
        if host is None:
            with _found_when_asked_for(loop):
                yield
            return
        before = _events._get_running_loop, _events._set_running_loop
        thread = threading.get_ident()

        def seen_by_loops() -> asyncio.AbstractEventLoop | None:
            loop = _mark()
            return None if loop is host else loop

        def mark(loop: asyncio.AbstractEventLoop | None) -> None:
            # a loop that has run leaves None
            _set_mark(host if loop is None and threading.get_ident() == thread else loop)

        _events._get_running_loop, _events._set_running_loop = seen_by_loops, mark
        try:
            yield
        finally:
            _events._get_running_loop, _events._set_running_loop = before


@contextlib.contextmanager
def _found_when_asked_for(loop: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[None]:
    """Let ``get_running_loop()`` return a loop where none runs, on this thread."""
    places: tuple[Any, ...] = (events, asyncio)
    before = [place.get_running_loop for place in places]
    thread = threading.get_ident()

    def get_running_loop() -> asyncio.AbstractEventLoop:
        running = _mark()
        if running is None and threading.get_ident() == thread:
            return loop()
        return running or _get_running_loop()

    for place in places:
        place.get_running_loop = get_running_loop
    try:
        yield
    finally:
        for place, theirs in zip(places, before, strict=True):
            place.get_running_loop = theirs


class StepPolicy:
    """asyncio's event loop policy while a step of a cell runs.

    On the kernel's thread the default loop is `loop`'s, until code of a cell sets another. All else
    is left to the policy that was there, without anything being set up in it.

    Args:
        loop: returns the loop on which tasks of cells run.
    """

    def __init__(self, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._loop = loop
        self._local = _Local(self)
        self._thread = threading.get_ident()
        self._chosen: asyncio.AbstractEventLoop | None = None
        self._beneath: Any = None
        self._own_policy: Any = None

    def take(self) -> Callable[[], None]:
        """Become asyncio's policy; returns the undo, which leaves alone what a cell has set."""
        # the module's own variable: get_event_loop_policy() would make a policy for the host
        before = _events._event_loop_policy
        # another kernel's step may be around ours, and ours around that: never in a circle
        self._beneath = before._beneath if isinstance(before, StepPolicy) else before
        _events._event_loop_policy = self

        def undo() -> None:
            if _events._event_loop_policy is self:
                _events._event_loop_policy = before

        return undo

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        """The loop on which tasks run, or what a cell has set instead."""
        if not self._on_kernel_thread():
            return self._standard().get_event_loop()  # type: ignore[no-any-return]
        return self._default_here()

    def set_event_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Choose another default, for cells only; None (``asyncio.run()`` ends so): the first."""
        if self._on_kernel_thread():
            self._chosen = loop
        else:
            self._standard().set_event_loop(loop)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A new loop: of asyncio's own, where the host runs one here.

        A second loop of a toolkit's (qasync, PySide6.QtAsyncio) cannot run inside of the first.
        """
        inside = self._on_kernel_thread() and host_loop() is not None
        policy = self._own() if inside else self._standard()
        return policy.new_event_loop()  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        # the child watcher of Python 3.11: a host's policy must not get one from us
        return getattr(self._own(), name)

    def default_loop(self) -> asyncio.AbstractEventLoop | None:
        """What `get_event_loop` returns; None on a thread that has none yet."""
        if self._on_kernel_thread():
            return self._default_here()
        return getattr(getattr(self._standard(), "_local", None), "_loop", None)

    def _default_here(self) -> asyncio.AbstractEventLoop:
        if self._chosen is not None and self._chosen.is_closed():
            self._chosen = None
        return self._loop() if self._chosen is None else self._chosen

    def _on_kernel_thread(self) -> bool:
        return threading.get_ident() == self._thread

    def _standard(self) -> Any:
        return self._own() if self._beneath is None else self._beneath

    def _own(self) -> Any:
        if self._own_policy is None:
            self._own_policy = asyncio.DefaultEventLoopPolicy()
        return self._own_policy


class _Local:
    """Where asyncio's own policies keep the default loop of each thread: ``policy._local._loop``.

    nest_asyncio looks there, and puts its own `get_event_loop`, which does so too, into the class
    of the policy that it finds.
    """

    def __init__(self, policy: StepPolicy) -> None:
        self._policy = policy

    @property
    def _loop(self) -> asyncio.AbstractEventLoop | None:
        return self._policy.default_loop()
