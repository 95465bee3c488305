"""Waiting inside of a cell while the application lives on: in a nested run of its event loop.

Waits nest: while ``input()`` waits, a slot of the cell's may run a command. `stop` ends the
innermost run only, so whichever wait ends, each run that returns looks whose end it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from qtkernel.interpreter import Wait
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.publisher import Publisher
from qtkernel.loops.base import EventLoop


class NestedWaits:
    """`qtkernel.interpreter.Waiting`, for the cells of one kernel. Made on the kernel's thread.

    Args:
        loop: returns the event loop that the kernel runs on at the moment.
    """

    def __init__(
        self, loop: Callable[[], EventLoop], interrupter: Interrupter, publisher: Publisher
    ) -> None:
        self._loop = loop
        self._interrupter = interrupter
        self._publisher = publisher
        self._thread = threading.get_ident()
        self._open: list[Wait] = []

    def can_wait(self) -> bool:
        """See `Waiting.can_wait`."""
        return threading.get_ident() == self._thread

    @property
    def loop_name(self) -> str:
        """See `Waiting.loop_name`."""
        return self._loop().name

    @property
    def waits(self) -> bool:
        """Whether a cell waits, in a nested run of the loop."""
        return bool(self._open)

    def look(self) -> None:
        """See `Waiting.look`."""
        self._loop().call_soon_threadsafe(self._look)

    def _look(self) -> None:
        # not if that wait is over already: it would be the application's own run that ends
        if any(wait.done for wait in self._open):
            self._loop().stop()

    def until_done(self, wait: Wait, interrupt: Callable[[], object]) -> bool:
        """See `Waiting.until_done`."""
        __tracebackhide__ = True

        def interrupted() -> None:
            wait.interrupted = True
            interrupt()

        self._open.append(wait)
        try:
            with (
                self._interrupter.waiting(interrupted, nested=True),
                self._publisher.request(None),
            ):
                return self._serve(wait)
        finally:
            self._open.remove(wait)
            if wait.interrupted:
                self._interrupter.take()

    def _serve(self, wait: Wait) -> bool:
        while not wait.done:
            self._loop().run()
            if not self._ended_by_us(wait):
                return False
        return True

    def _ended_by_us(self, wait: Wait) -> bool:
        outer_done = any(other.done for other in self._open if other is not wait)
        if outer_done and wait.done:
            # the stop that the outer wait's end caused was spent on our run
            self.look()
        return outer_done or wait.done
