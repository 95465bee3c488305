"""Which asyncio loop this thread's code meets: the one marked running, and the default one.

Both are global state of asyncio's, and the host's. A step of a cell needs others. A synchronous
step has no loop marked running, so that ``asyncio.run()`` works, whoever runs the host's loop.
``asyncio.get_event_loop()`` is there the loop on which tasks really run.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from asyncio import events
from collections.abc import Callable, Iterator
from typing import Any


class _Stretches(threading.local):
    """The marks that were taken away, for each stretch of code under way on this thread."""

    def __init__(self) -> None:
        self.marks: list[asyncio.AbstractEventLoop | None] = []


_stretches = _Stretches()


@contextlib.contextmanager
def no_loop_marked_running() -> Iterator[None]:
    """A stretch of code for which no asyncio loop runs; the mark is put back after it."""
    outer = asyncio._get_running_loop()
    _stretches.marks.append(outer)
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        _stretches.marks.pop()
        asyncio._set_running_loop(outer)


def outermost_running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs at the bottom of this thread: the host's, if it is an asyncio one.

    What is marked running may be less than that: a cell inside ``asyncio.run()`` can have opened a
    nested event loop, which serves another kernel.
    """
    return _stretches.marks[0] if _stretches.marks else asyncio._get_running_loop()


class StepPolicy:
    """asyncio's event loop policy while a step of a cell runs.

    On the kernel's thread the default loop is `loop`'s, until code of a cell sets another. All else
    is left to the policy that was there, without anything being set up in it.

    Args:
        loop: returns the loop on which tasks of cells run.
    """

    def __init__(self, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._chosen: asyncio.AbstractEventLoop | None = None
        self._beneath: Any = None
        self._own_policy: Any = None

    def take(self) -> Callable[[], None]:
        """Become asyncio's policy; returns the undo, which leaves alone what a cell has set."""
        # the module's own variable: get_event_loop_policy() would make a policy for the host
        before = events._event_loop_policy  # type: ignore[attr-defined]
        # another kernel's step may be around ours, and ours around that: never in a circle
        self._beneath = before._beneath if isinstance(before, StepPolicy) else before
        events._event_loop_policy = self  # type: ignore[attr-defined]

        def undo() -> None:
            if events._event_loop_policy is self:  # type: ignore[attr-defined]
                events._event_loop_policy = before  # type: ignore[attr-defined]

        return undo

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        """The loop on which tasks run, or what a cell has set instead."""
        if not self._on_kernel_thread():
            return self._standard().get_event_loop()  # type: ignore[no-any-return]
        if self._chosen is not None and self._chosen.is_closed():
            self._chosen = None
        return self._loop() if self._chosen is None else self._chosen

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
        inside = self._on_kernel_thread() and outermost_running_loop() is not None
        policy = self._own() if inside else self._standard()
        return policy.new_event_loop()  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        # the child watcher of Python 3.11: a host's policy must not get one from us
        return getattr(self._own(), name)

    def _on_kernel_thread(self) -> bool:
        return threading.get_ident() == self._thread

    def _standard(self) -> Any:
        return self._own() if self._beneath is None else self._beneath

    def _own(self) -> Any:
        if self._own_policy is None:
            self._own_policy = asyncio.DefaultEventLoopPolicy()
        return self._own_policy
