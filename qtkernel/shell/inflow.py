"""Text that comes by descriptors, and its place among the text that cells write.

The control thread reads them: it is never busy with a cell. So text flows while a cell computes,
asks or awaits, and an interrupt of the cell loses none of it. Whoever is about to write text, or
to show something, has the control thread take first what is there (`Inflow.settle`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from qtkernel.loops.base import EventLoop

_PATIENCE = 1.0  # seconds; the control thread takes microseconds

_getpid = os.getpid  # a reference of our own: cells may replace it


class Inflow:
    """What the control thread reads.

    Args:
        loop: the control thread's.
        waiting: whether there is something to be read.
        take_all: reads it all, on the control thread and without the lock. Its argument says
            whether a character that is not complete by now will never be.
    """

    def __init__(
        self, loop: EventLoop, waiting: Callable[[], bool], take_all: Callable[[bool], None]
    ) -> None:
        self._loop = loop
        self._waiting = waiting
        self._take_all = take_all
        self._pid = _getpid()
        self._loop_thread = 0
        self.lock = threading.Lock()
        """Held from when something is read until it is in its place."""
        loop.call_soon_threadsafe(self._note_thread)

    def in_child(self) -> bool:
        """Whether this is a forked child, which has neither the thread nor its sockets."""
        return _getpid() != self._pid

    def is_exempt(self) -> bool:
        """Whether nothing is settled here: in a forked child, and on the control thread itself."""
        return self.in_child() or threading.get_ident() == self._loop_thread

    def settle(self, final: bool = False) -> None:
        """Have what has been written until now be in its place. From any thread.

        Args:
            final: whether a character that is not complete by now will never be.
        """
        if self.is_exempt():
            return
        with self.lock:  # not while the control thread has taken what it has not handed on yet
            waiting = self._waiting()
        if not (waiting or final):
            return
        settled = threading.Event()

        def take() -> None:
            self._take_all(final)
            settled.set()

        self._loop.call_soon_threadsafe(take)
        settled.wait(_PATIENCE)

    def _note_thread(self) -> None:
        self._loop_thread = threading.get_ident()
