"""The debugging session: one for the kernel, whatever number of frontends take part in it.

It lives on the control thread. When a breakpoint stops the kernel's own thread, everything that
the control channel serves is answered as before: whoever stopped it can continue it.

What needs the namespace (`in_namespace`) runs user code, reprs at the least, and so belongs on the
kernel's own thread. That is asked by a callback; if it is stopped instead, or stops before it has
got there, nothing else can run on it, and the control thread does it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from qtkernel.interpreter import DebugAdapter, Pending
from qtkernel.kernel.debug_connection import DebugConnection
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.publisher import Publisher
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import Message, dap
from qtkernel.protocol.dap import DapMessage

T = TypeVar("T")

Breakpoints = Sequence[Mapping[str, Any]]

# What only a thread that has stopped does: one that goes on instead would do it when it stops again
_OF_STOPPED = frozenset(
    {
        *("completions", "evaluate", "exceptionInfo", "gotoTargets", "setExpression"),
        *("setVariable", "stepInTargets", "variables"),
    }
)

_UNINTERRUPTED = _OF_STOPPED | {"continue"}

# What a frontend says to begin a session or to join one. JupyterLab asks for debugInfo wherever it
# opens a notebook, and shows nothing of the stops of a session that it is not part of.
_TAKES_PART = frozenset({"attach", "initialize", "launch"})

# the adapter's own numbering, which is not part of the protocol
_NOT_DAP = "pydevd_cmd_id"


class Refused(Exception):
    """A request that cannot be done; says why."""


class Debugger:
    """The state of the session. Every method belongs to the control thread.

    Args:
        adapter: debugs.
        publisher: for its events.
        interrupter: of what runs on the kernel's own thread.
        loop: the control thread's own.
        call_soon: runs a callback on the kernel's event loop.
    """

    def __init__(
        self,
        adapter: DebugAdapter,
        publisher: Publisher,
        interrupter: Interrupter,
        loop: EventLoop,
        call_soon: Callable[[Callable[[], None]], None],
    ) -> None:
        self.adapter = adapter
        self.attached = False
        """Whether breakpoints stop."""
        self.breakpoints: dict[str, Breakpoints] = {}
        """By source path; kept from one session to the next."""
        self.stopped: dict[int, None] = {}
        """The threads that have stopped, in that order; others may be held along with them."""
        self.parent: Message | None = None
        """The debug_request that events are published under: the last one."""
        self._taking_part: set[bytes | None] = set()
        self._publisher = publisher
        self._interrupter = interrupter
        self._loop = loop
        self._call_soon = call_soon
        self._connection: DebugConnection | None = None
        self._capabilities: DapMessage = {}
        self._jobs: list[_Job[Any]] = []
        self._passing = False

    @property
    def started(self) -> bool:
        """Whether a session is under way."""
        return self._connection is not None

    def asked_by(self, message: Message, command: str) -> None:
        """A debug_request has come; who begins or joins the session takes part in it."""
        self.parent = message
        if command in _TAKES_PART:
            self._taking_part.add(_routing_id(message))

    def frontend_gone(self, routing_id: bytes | None) -> None:
        """End the session if that was the last one that could let go on what has stopped.

        Args:
            routing_id: of its connection to the control channel.
        """
        self._taking_part.discard(routing_id)
        if not self._taking_part:
            self.close()

    async def initialize(self, arguments: Mapping[str, Any]) -> DapMessage:
        """Begin a session, or join the one that there is; the adapter's response.

        Raises:
            DebuggerUnavailable: it cannot be.
        """
        if self._connection is None:
            end = self.adapter.connect()
            self._connection = DebugConnection(end, self._loop, self._took_place, self._lost)
            self._capabilities = {}
        if self._capabilities:
            return self._capabilities
        # again by whoever joins before it has been answered; the one argument that has to be there
        # is of no use: there is one adapter
        named = {"adapterID": "qtkernel", **arguments}
        response = await self._connection.request("initialize", named)
        if response["success"]:
            self._capabilities = response
        return response

    async def attach(self, command: str, arguments: Mapping[str, Any]) -> DapMessage:
        """Let breakpoints stop, those from before among them; the adapter's response.

        Args:
            command: "attach" or "launch": the process is there already, so both are the same.
        """
        response = await self.ask(command, self.adapter.attach_arguments(arguments))
        if response["success"]:
            self.attached = True
            for path in list(self.breakpoints):
                await self.set_breakpoints(path, self.breakpoints[path])
            await self.ask("configurationDone", {})
        return response

    async def set_breakpoints(self, path: str, breakpoints: Breakpoints) -> DapMessage:
        """Set all breakpoints of a source file, now if there is a session, else for the next."""
        self.breakpoints.pop(path, None)
        if breakpoints:
            self.breakpoints[path] = breakpoints
        if not self.attached:
            waiting = {"verified": False, "message": "waits until a debugger is attached"}
            body = {"breakpoints": [{**each, **waiting} for each in breakpoints]}
            return dap.response(0, "setBreakpoints", body)
        arguments = {"source": {"path": path}, "breakpoints": breakpoints}
        response = await self.ask("setBreakpoints", arguments)
        if response["success"] and breakpoints:
            # where they really are: a line without code has none
            found = response["body"]["breakpoints"]
            self.breakpoints[path] = [
                {**asked, "line": each.get("line", asked["line"])}
                for asked, each in zip(breakpoints, found, strict=False)
            ]
        elif not response["success"] and self.attached:
            self.breakpoints.pop(path, None)  # it has refused them
        return response

    async def ask(self, command: str, arguments: Mapping[str, Any]) -> DapMessage:
        """Forward a request to the adapter; its response, or a failure if there is no session."""
        if self._connection is None:
            return dap.failure(0, command, "there is no debugging session: initialize comes first")
        return await self._connection.request(command, arguments)

    def let_interrupt(self) -> None:
        """Let everything go on that has stopped, past all breakpoints, until `interrupted`.

        What is being evaluated for the debugger's user is what the interrupt is for, then: where
        it has stopped it stays.
        """
        connection = self._connection
        if connection is None or not self.stopped or connection.waits_for(_UNINTERRUPTED):
            return
        # It would stop at the next one before it could be interrupted: the interrupt of a loop
        # with a breakpoint took 0.9 s (measured), and five stops.
        if not self._passing:
            self._passing = True
            for path in self.breakpoints:
                connection.post("setBreakpoints", {"source": {"path": path}, "breakpoints": []})
        connection.post("continue", {"threadId": next(iter(self.stopped))})

    def interrupted(self) -> None:
        """The interrupt has been taken: breakpoints stop again."""
        if self._passing and self._connection is not None:
            for path, breakpoints in self.breakpoints.items():
                arguments = {"source": {"path": path}, "breakpoints": breakpoints}
                self._connection.post("setBreakpoints", arguments)
        self._passing = False

    async def disconnect(self) -> None:
        """End the session; everything that has stopped goes on. The breakpoints are kept."""
        if self._connection is not None:
            await self._connection.request("disconnect", {"terminateDebuggee": False})
        self.close()

    def close(self) -> None:
        """End the session at once; everything that has stopped goes on. Idempotent."""
        if self._connection is not None:
            self._end(self._connection)

    async def in_namespace(self, function: Callable[[], T]) -> T:
        """Call what may run code of the user's, on the thread that this belongs to.

        Raises:
            Refused: it has raised SystemExit or the like, which is for nobody here.
            Exception: whatever else it has raised.
        """
        job = _Job(lambda: self._interrupter.call(function), self.parent, self._publisher)
        if self.stopped:
            job.run()
        else:
            self._jobs.append(job)
            self._call_soon(lambda: self._run(job))
            await job.done
        return job.result()

    def _run(self, job: _Job[Any]) -> None:
        with self._interrupter.span():
            job.run()
        self._loop.call_soon_threadsafe(lambda: self._finish(job))

    def _finish(self, job: _Job[Any]) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
        job.done.resolve()

    # What the adapter tells

    def _took_place(self, event: DapMessage) -> None:
        event.pop(_NOT_DAP, None)
        body = event.get("body") or {}
        kind = event.get("event")
        if kind == "stopped":
            self.stopped[body.get("threadId", 0)] = None
            self._run_waiting_jobs()
        elif kind == "continued" and body.get("allThreadsContinued", True):
            self.stopped.clear()
            if self._connection is not None:
                self._connection.give_up(_OF_STOPPED, "it has gone on meanwhile")
        elif kind == "continued" or (kind == "thread" and body.get("reason") == "exited"):
            self.stopped.pop(body.get("threadId", 0), None)
        self._publisher.publish("debug_event", event, parent=self.parent)

    def _run_waiting_jobs(self) -> None:
        for job in list(self._jobs):
            if job.run():
                self._finish(job)

    def _lost(self) -> None:
        """The adapter has failed: what it has taken is given back, and frontends are told."""
        self.close()
        event = {"seq": 0, "type": "event", "event": "terminated", "body": {}}
        self._publisher.publish("debug_event", event, parent=self.parent)

    def _end(self, connection: DebugConnection) -> None:
        self._connection = None
        self.attached = self._passing = False
        self.stopped.clear()
        self._taking_part.clear()
        connection.hang_up()
        self.adapter.disconnect()
        connection.close()


def _routing_id(message: Message) -> bytes | None:
    return next(iter(message.identities), None)


class _Job(Generic[T]):
    """A call that one of two threads makes, whichever gets to it first."""

    def __init__(
        self, function: Callable[[], T], parent: Message | None, publisher: Publisher
    ) -> None:
        self._function = function
        self._parent = parent
        self._publisher = publisher
        self._lock = threading.Lock()
        self._taken = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self.done = Pending()

    def run(self) -> bool:
        """Make the call, unless another thread has begun it; whether it was made."""
        with self._lock:
            taken, self._taken = self._taken, True
        if taken:
            return False
        try:
            with self._publisher.request(self._parent):
                self._value = self._function()
        except BaseException as error:
            self._error = error
        return True

    def result(self) -> T:
        """What it has returned; see `Debugger.in_namespace`."""
        error = self._error
        if error is not None and not isinstance(error, Exception):
            raise Refused(f"{type(error).__name__}: {error}")
        if error is not None:
            raise error
        return self._value  # type: ignore[return-value]
