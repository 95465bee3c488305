"""A child subshell, put together: a thread with an event loop, a queue and an interpreter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qtkernel.embed.coroutines import Coroutines
from qtkernel.kernel.kernel import Handler, Kernel, RequestCycle
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request
from qtkernel.kernel.shell_requests import ShellRequests
from qtkernel.kernel.stdin import Stdin
from qtkernel.kernel.subshells import Handover, Subshells
from qtkernel.kernel.thread_interrupt import ThreadInterrupter
from qtkernel.loops.coroutines import GuestLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.protocol import Session
from qtkernel.shell.interpreter import ShellInterpreter
from qtkernel.shell.shell import ZMQInteractiveShell
from qtkernel.shell.streams import OutputBuffer

TaskFailed = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]


@dataclass(frozen=True)
class Parts:
    """What children have in common with the kernel."""

    session: Session
    publisher: Publisher
    output: OutputBuffer
    shell: ZMQInteractiveShell
    stdin: Stdin
    handlers: Callable[[ShellRequests], Mapping[str, Handler]]
    """Of the shell channel, given those that need an interpreter."""
    drain: Callable[[], object]
    """Has everything read that has arrived on the channel; from any thread."""
    is_gone: Callable[[str], bool]
    task_failed: TaskFailed
    """The exception handler of asyncio loops."""


def build_subshells(
    parts: Parts, kernel: Kernel, refusing: RequestCycle, share: Callable[[], object]
) -> Subshells:
    """The child subshells of `kernel`; there are none yet.

    Args:
        refusing: answers requests for a child that is not there.
        share: called on the control thread before the first one comes, to read the channel there.
    """
    return Subshells(
        lambda subshell_id: ChildSubshell(subshell_id, parts),
        kernel.receive,
        refusing.start,
        share,
    )


class ChildSubshell:
    """`qtkernel.kernel.subshells.Subshell`. Its thread has begun."""

    def __init__(self, subshell_id: str, parts: Parts) -> None:
        self._parts = parts
        loop = self._loop = HeadlessLoop()
        self._coroutines = Coroutines(lambda: loop, self._adopt, None)
        self._interrupter = ThreadInterrupter(loop)
        self._interpreter = ShellInterpreter(
            parts.shell, self._interrupter, self._coroutines.asyncio_loop
        )
        requests = self._requests = ShellRequests(
            self._interpreter, parts.publisher, self._interrupter, parts.stdin
        )
        requests.is_gone, requests.blocked = parts.is_gone, self._interrupter.blocked
        cycle = RequestCycle(
            parts.session,
            parts.publisher,
            parts.handlers(requests),
            parts.output.flush,
            requests.describe_error,
            requests.interruptible,
        )
        kernel = self._kernel = requests.kernel = Kernel(cycle, loop.call_soon_threadsafe)
        kernel.drain = self._drain
        self._arrived: Handover[Request] = Handover(
            loop.call_soon_threadsafe, kernel.receive, kernel.dispatch
        )
        self._thread = threading.Thread(
            target=self._run, name=f"qtkernel-subshell-{subshell_id[:8]}", daemon=True
        )
        self._thread.start()

    def put(self, request: Request) -> None:
        """See `Subshell.put`."""
        self._arrived.put(request)

    def interrupt(self) -> None:
        """See `Subshell.interrupt`."""
        self._interrupter.interrupt()

    def end(self) -> None:
        """See `Subshell.end`."""
        self._interrupter.interrupt()
        self._loop.call_soon_threadsafe(self._end)

    def join(self, timeout: float) -> None:
        """See `Subshell.join`."""
        self._thread.join(timeout)

    # On the thread

    def _run(self) -> None:
        states = self._parts.shell.states
        states.add()
        try:
            self._interpreter.connect_input(self._requests.read_input)
            self._loop.run()
        finally:
            states.remove()
            self._loop.close()

    def _drain(self) -> None:
        self._parts.drain()
        self._arrived.deliver()

    def _end(self) -> None:
        self._kernel.hold()
        self._coroutines.end()
        self._interpreter.end_awaiting()
        self._arrived.deliver()
        self._kernel.abort_all()
        self._kernel.close()
        self._loop.stop()

    def _adopt(self, guest: GuestLoop) -> None:
        guest.put_around(lambda: self._parts.shell.environment)
        guest.asyncio_loop.set_exception_handler(self._parts.task_failed)
