"""A cell that awaits: a task on an asyncio loop, which may be the host's."""

from __future__ import annotations

import asyncio
from typing import Any

from qtkernel.interpreter import Pending, Stepped

Outcome = tuple[Any, BaseException | None]


class Awaiting:
    """The task in which a cell runs, and its end.

    Args:
        loop: an asyncio loop that runs, or will.
        cell: what is awaited.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, cell: Stepped[Any]) -> None:
        self.ended = Pending()
        self._loop = loop
        self._cell = cell
        self._outcome: Outcome | None = None
        self._body = self._run()
        self._task = loop.create_task(self._body)
        self._task.add_done_callback(self._done)

    async def _run(self) -> Outcome:
        try:
            return await self._cell, None
        except (KeyboardInterrupt, SystemExit) as error:
            # an interrupt that has hit IPython's own code around the cell's: asyncio would let it
            # through, out of the task and into the host's event loop
            return None, error
        except BaseException:
            if self._outcome is None:
                raise
            return self._outcome  # the cell has ended out of turn, and the task only now

    def cancel(self) -> None:
        """Raise CancelledError at the cell's await, when the loop has its next turn."""
        self._task.cancel()

    def result(self) -> Any:
        """What the cell has returned or raised; `ended` has been resolved."""
        value, error = self._task.result() if self._outcome is None else self._outcome
        if error is not None:
            raise error
        return value

    def end(self) -> None:
        """Cancel the cell here and now, without a turn of its loop.

        The kernel closes, and the loop is the host's: it may be in the middle of a callback (this
        one), or have stopped for ever. What the cell's finally clauses do without awaiting is done.
        One that is in a nested event loop ends when that does.
        """
        if self._task.done() or self._outcome is not None or self._cell.running:
            return
        self._outcome = _cancel(self._cell)
        self._task._log_destroy_pending = False  # type: ignore[attr-defined]
        if self._loop.is_closed():
            self._body.close()
        else:
            self._task.cancel()
        self.ended.resolve()

    def _done(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # seen: `result` raises it
        self.ended.resolve()


def _cancel(cell: Stepped[Any]) -> Outcome:
    """End a cell that waits; what it comes to.

    What takes its cancellation and awaits something more, such as the tasks of its TaskGroup, has
    no loop for that any more. It is told so more and more plainly.
    """
    for error in (asyncio.CancelledError(), KeyboardInterrupt(), GeneratorExit()):
        try:
            cell.throw(error)
        except StopIteration as stop:
            return stop.value, None
        except BaseException as raised:
            return None, raised
    return None, asyncio.CancelledError()
