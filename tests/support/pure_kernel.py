"""A kernel without sockets and without Python behind the wall: lists and fakes on all sides."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

from qtkernel.kernel.attribution import Attribution
from qtkernel.kernel.comm_requests import CommRequests
from qtkernel.kernel.control_requests import ControlRequests
from qtkernel.kernel.handlers import control_handlers, shell_handlers
from qtkernel.kernel.info import InfoRequests
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.kernel import Kernel, RequestCycle
from qtkernel.kernel.nested import NestedWaits
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request
from qtkernel.kernel.shell_requests import ShellRequests
from qtkernel.kernel.stacks import StackRequests
from qtkernel.kernel.stdin import Stdin
from qtkernel.kernel.subshells import Subshells
from qtkernel.kernel.usage import UsageRequests
from qtkernel.loops.turns import Turns
from qtkernel.protocol import Message, ProtocolError, Session
from tests.support.fake_interpreter import FakeInterpreter
from tests.support.manual_loop import ManualLoop
from tests.support.recorder import Recorder

KEY = b"the tests' own key"
PORTS = {f"{name}_port": port for port, name in enumerate(("shell", "control", "stdin"), 1)}


class FakeSubshell:
    """A child subshell that notes what it is told."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.told: list[str] = []

    def put(self, request: Request) -> None:
        self.requests.append(request)

    def interrupt(self) -> None:
        self.told.append("interrupt")

    def end(self) -> None:
        self.told.append("end")

    def join(self, timeout: float) -> None:
        self.told.append(f"join {timeout > 0}")


class PureKernel:
    """The kernel of `qtkernel.kernel`, and what its tests do with it."""

    def __init__(self, *, remember: bool = False, interrupter: Interrupter | None = None) -> None:
        self.loop = ManualLoop()
        self.control_loop = ManualLoop()
        self.recorder = Recorder(KEY)
        self.session = Session(KEY)
        attribution = Attribution(Turns(complete=True), remember=remember)
        self.publisher = Publisher(self.session, self.recorder.on("iopub"), attribution)
        self.interrupter = interrupter or Interrupter(lambda: self.loop)
        self.asked: list[Sequence[Any]] = []
        self.unreachable = False
        waits = NestedWaits(lambda: self.loop, self.interrupter, self.publisher)
        self.stdin = Stdin(self.session, waits, lambda: self.loop, self._send_stdin)
        self.interpreter = FakeInterpreter(self.interrupter)
        self.requests = ShellRequests(
            self.interpreter, self.publisher, self.interrupter, self.stdin
        )
        self.flushes: list[Callable[[], object]] = []
        self.shutdowns: list[bool] = []
        self.arriving: list[Request] = []
        """What is in the socket and has not been read."""
        self.features = ["a feature"]
        self.about = {"loop": "manual"}
        self._build()
        self._ids = itertools.count(1)

    def _build(self) -> None:
        info = InfoRequests(
            self.interpreter.language_info(),
            PORTS,
            features=self.features,
            about=lambda: self.about,
        )
        self.control = ControlRequests(
            self.publisher, self.interrupter, self.control_loop, self.shutdowns.append
        )
        self.handlers = dict(
            shell_handlers(
                info,
                self.control,
                self.requests,
                CommRequests(self.interpreter, self.interrupter),
            )
        )
        cycle = RequestCycle(
            self.session,
            self.publisher,
            self.handlers,
            lambda: [flush() for flush in self.flushes],
            self.requests.describe_error,
            self.requests.interruptible,
        )
        self.kernel = Kernel(cycle, self.loop.call_soon_threadsafe)
        self.kernel.drain = self._drain
        self.requests.kernel = self.kernel
        self.children: dict[str, FakeSubshell] = {}
        refusing = RequestCycle(
            self.session, self.publisher, {}, lambda: None, self.requests.describe_error
        )
        self.subshells = Subshells(self._create, self.kernel.receive, refusing.start)
        self.control.interrupt_subshells = self.subshells.interrupt
        self.control_cycle = RequestCycle(
            self.session,
            self.publisher,
            control_handlers(info, self.control, StackRequests(), UsageRequests(), self.subshells),
            lambda: None,
        )

    def _create(self, subshell_id: str) -> FakeSubshell:
        self.children[subshell_id] = FakeSubshell()
        return self.children[subshell_id]

    def _drain(self) -> None:
        while self.arriving:
            self.subshells.accept(self.arriving.pop(0))

    def _send_stdin(self, frames: Sequence[Any]) -> None:
        if self.unreachable:
            raise LookupError
        self.asked.append(frames)
        self.recorder.on("stdin")(frames)

    # Requests

    def message(
        self,
        msg_type: str,
        content: Any,
        *,
        identities: Sequence[bytes] = (b"frontend",),
        metadata: dict[str, Any] | None = None,
        subshell_id: str | None = None,
    ) -> Message:
        """A message from a frontend. `content` may be bytes that are no JSON."""
        header = {"msg_id": f"m{next(self._ids)}", "msg_type": msg_type, "session": "frontend"}
        if subshell_id is not None:
            header["subshell_id"] = subshell_id
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        frames = Session(KEY).pack(msg_type, {}, identities=identities)
        message = self.session.unpack(frames)
        message.header = type(message.header)(**header)
        message.header_bytes = json.dumps(header | {"extra": 1}).encode()
        message.content_bytes = data
        message.metadata = metadata or {}
        return message

    def request(
        self,
        msg_type: str,
        content: Any = None,
        *,
        problem: ProtocolError | None = None,
        **more: Any,
    ) -> Request:
        """A request, its reply's way back being the recorder."""
        message = self.message(msg_type, {} if content is None else content, **more)
        return Request(message, self.recorder.on("shell"), problem)

    def arrive(self, msg_type: str, content: Any = None, **more: Any) -> str:
        """Let a request arrive in the socket; its msg_id."""
        request = self.request(msg_type, content, **more)
        self.arriving.append(request)
        return request.message.msg_id

    def handle(self) -> None:
        """What a wake-up of the socket does: read everything, then dispatch."""
        self._drain()
        self.kernel.dispatch()

    def ask(self, msg_type: str, content: Any = None, **more: Any) -> str:
        """Send a request and let it be handled; its msg_id."""
        msg_id = self.arrive(msg_type, content, **more)
        self.handle()
        return msg_id

    def run(self, code: str, **more: Any) -> str:
        """Ask for a cell; its msg_id."""
        return self.ask("execute_request", {"code": code} | more)

    def answer(
        self,
        value: Any = None,
        *,
        identities: Sequence[bytes] = (b"frontend",),
        content: Any = None,
    ) -> None:
        """An input_reply arrives."""
        reply = self.message("input_reply", content or {"value": value}, identities=identities)
        self.stdin.receive(reply)

    def control_request(self, msg_type: str, content: Any = None) -> str:
        """Ask on the control channel; its msg_id."""
        message = self.message(msg_type, {} if content is None else content)
        self.control_cycle.start(Request(message, self.recorder.on("control")))
        return message.msg_id
