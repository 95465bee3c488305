"""A cell that awaits: a task on an asyncio loop, which may be the host's."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Coroutine
from typing import Any

from qtkernel.interpreter import Pending

Outcome = tuple[Any, BaseException | None]


class Awaiting:
    """The task in which a cell runs, and its end.

    Args:
        loop: an asyncio loop that runs, or will.
        cell: what is awaited.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, cell: Awaitable[Any]) -> None:
        self.ended = Pending()
        self._body = _contained(cell)
        self._context = contextvars.copy_context()
        self._outcome: Outcome | None = None
        self._task = loop.create_task(self._body, context=self._context)
        self._task.add_done_callback(self._done)

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
        """
        if self._task.done() or self._outcome is not None:
            return
        self._outcome = self._context.run(_cancel, self._body)
        # the task is left with a coroutine that has ended; nobody need hear about that
        self._task._log_destroy_pending = False  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self._task.cancel()
        self.ended.resolve()

    def _done(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # seen: `result` raises it
        self.ended.resolve()


async def _contained(cell: Awaitable[Any]) -> Outcome:
    """The cell, so that no interrupt of it gets out of the task and into the host's event loop.

    asyncio lets these two through.
    """
    try:
        return await cell, None
    except (KeyboardInterrupt, SystemExit) as error:
        return None, error


def _cancel(body: Coroutine[Any, Any, Outcome]) -> Outcome:
    """End `body`, which waits; what it comes to.

    What takes its cancellation and awaits something more, such as the tasks of its TaskGroup, has
    no loop for that any more. It is told so more and more plainly.
    """
    for error in (asyncio.CancelledError(), KeyboardInterrupt(), GeneratorExit()):
        try:
            body.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except BaseException as raised:
            return None, raised
    return None, asyncio.CancelledError()
