"""The handlers of the control channel. They run on the control thread, while a cell runs.

Shutdown is served on the shell channel too, where old clients send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtkernel.interpreter import Pending
from qtkernel.kernel.debugger import Debugger
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import contents

Reply = Mapping[str, Any]

REPEAT = 0.05
"""Seconds between two signals while an interrupt has not been taken, at most."""

_FIRST_REPEAT = 0.001
"""Seconds to the second signal: the first may have hit a slot that the cell lets run."""


class ControlRequests:
    """Interrupt and shutdown.

    Args:
        control_loop: the control thread's own loop, for repeating a signal.
        shut_down: acts on a shutdown_request; gets whether it is a restart. Called on whatever
            thread served the request, before its reply has been sent: it must only begin things.
            What it returns is waited for before the reply, and resolved on that same thread.
    """

    def __init__(
        self,
        publisher: Publisher,
        interrupter: Interrupter,
        control_loop: EventLoop,
        shut_down: Callable[[bool], Pending | None],
    ) -> None:
        self._publisher = publisher
        self._interrupter = interrupter
        self._loop = control_loop
        self._shut_down = shut_down
        self._repeating = False
        self.debugger: Debugger | None = None
        """Lets go on what has stopped. It belongs to the control thread."""
        self.interrupt_subshells: Callable[[], object] = lambda: None
        """Interrupts what runs in child subshells."""

    async def interrupt_request(
        self, _request: Request, _content: contents.InterruptRequest
    ) -> Reply:
        """Messaging document, "Kernel interrupt". Answered at once."""
        self.interrupt()
        return {"status": "ok"}

    async def shutdown_request(self, request: Request, content: contents.ShutdownRequest) -> Reply:
        """Messaging document, "Kernel shutdown"."""
        reply = {"status": "ok", "restart": content.restart}
        self._publisher.publish("shutdown_reply", reply, parent=request.message)
        # what is stopped at a breakpoint could neither restart nor end
        if self.debugger is not None:
            self._loop.call_soon_threadsafe(self.debugger.close)
        restarted = self._shut_down(content.restart)
        if restarted is not None:
            await restarted
        return reply

    def interrupt(self) -> None:
        """Interrupt the running cell, and see to it until it has been taken. Control thread.

        What has stopped at a breakpoint goes on: the cell, to be interrupted, or a slot.
        """
        self.interrupt_subshells()
        if self.debugger is not None:
            self.debugger.let_interrupt()
        if self._interrupter.interrupt():
            if not self._repeating:
                self._repeating = True
                self._repeat_in(_FIRST_REPEAT)
        elif self.debugger is not None:
            self.debugger.interrupted()

    def _repeat_in(self, delay: float) -> None:
        self._loop.call_later(delay, lambda: self._repeat(delay))

    def _repeat(self, delay: float) -> None:
        if self._interrupter.pending:
            if self.debugger is not None:
                self.debugger.let_interrupt()  # what was evaluated may have ended by itself
            self._interrupter.again()
            self._repeat_in(min(2 * delay, REPEAT))
        else:
            self._repeating = False
            if self.debugger is not None:
                self.debugger.interrupted()
