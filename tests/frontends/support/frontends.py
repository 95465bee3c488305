"""A frontend for tests: jupyter_client's own BlockingKernelClient, and what a request led to."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

PATIENCE = 30.0

Message = dict[str, Any]


@dataclass
class Outcome:
    """The reply to a request, and everything on IOPub under it until idle."""

    reply: Message
    messages: list[Message] = field(default_factory=list)

    @property
    def content(self) -> dict[str, Any]:
        """The content of the reply."""
        return self.reply["content"]  # type: ignore[no-any-return]

    @property
    def status(self) -> str:
        """ok, error or aborted."""
        return str(self.content["status"])

    def contents(self, msg_type: str) -> list[dict[str, Any]]:
        """The contents of the messages of one type."""
        return [m["content"] for m in self.messages if m["msg_type"] == msg_type]

    def text(self, name: str = "stdout") -> str:
        """What was printed."""
        return "".join(c["text"] for c in self.contents("stream") if c["name"] == name)

    @property
    def result(self) -> str:
        """The value of the cell, as text/plain."""
        assert self.status == "ok", self.content
        (content,) = self.contents("execute_result")
        return str(content["data"]["text/plain"])

    @property
    def ename(self) -> str:
        """The name of the exception that ended the cell; the reply and IOPub agree on it."""
        assert self.status == "error", self.content
        (content,) = self.contents("error")
        assert content["ename"] == self.content["ename"]
        return str(content["ename"])


class Frontend:
    """A connected client that sorts out which reply belongs to which request."""

    def __init__(self, connection_file: Path) -> None:
        self.client = BlockingKernelClient()
        self.client.load_connection_file(str(connection_file))
        self.client.start_channels(hb=False)
        self._replies: dict[str, Message] = {}
        self._published: defaultdict[str, list[Message]] = defaultdict(list)
        self._idle: set[str] = set()
        self._texts: list[str] = []
        try:
            # from here on nothing on IOPub can be missed
            while self.client.get_iopub_msg(timeout=PATIENCE)["msg_type"] != "iopub_welcome":
                pass
            self.outcome(self.client.kernel_info())
        except Empty:
            self.close()
            raise AssertionError(f"{connection_file}: no kernel greets") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        self.client.stop_channels()

    def run(self, code: str, timeout: float = PATIENCE, **options: Any) -> Outcome:
        """Run a cell to its end."""
        return self.outcome(self.client.execute(code, **options), timeout)

    def start(self, code: str, **options: Any) -> str:
        """Send a cell; its msg_id."""
        return str(self.client.execute(code, **options))

    def outcome(self, msg_id: str, timeout: float = PATIENCE) -> Outcome:
        """Wait for the reply to a request and for its idle."""
        deadline = time.monotonic() + timeout
        reply = self.reply(msg_id, timeout)
        while msg_id not in self._idle:
            self._read_published(deadline)
        self._idle.remove(msg_id)
        return Outcome(reply, self._published.pop(msg_id))

    def reply(self, msg_id: str, timeout: float = PATIENCE) -> Message:
        """Wait for a reply on the shell channel."""
        deadline = time.monotonic() + timeout
        while msg_id not in self._replies:
            rest = max(0.0, deadline - time.monotonic())
            try:
                message = self.client.get_shell_msg(timeout=rest)
            except Empty:
                raise AssertionError(f"no reply to {msg_id} within {timeout} s") from None
            self._replies[message["parent_header"]["msg_id"]] = message
        return self._replies.pop(msg_id)

    def wait_for(self, msg_id: str, msg_type: str, timeout: float = PATIENCE) -> Message:
        """Wait until a message under `msg_id` has come on IOPub; `outcome` still has it."""
        deadline = time.monotonic() + timeout
        while True:
            for message in self._published[msg_id]:
                if message["msg_type"] == msg_type:
                    return message
            self._read_published(deadline)

    def wait_for_text(self, msg_id: str, end: str, timeout: float = PATIENCE) -> str:
        """Wait until the text under `msg_id`, from its idle on if that is over, ends with `end`."""
        deadline = time.monotonic() + timeout
        while True:
            text = "".join(
                message["content"]["text"]
                for message in self._published[msg_id]
                if message["msg_type"] == "stream"
            )
            if text.endswith(end):
                return text
            assert time.monotonic() < deadline, f"{text!r} does not end with {end!r}"
            self._read_published(deadline)

    def take_published(
        self, wanted: Callable[[Message], bool], timeout: float = PATIENCE
    ) -> Message:
        """Wait for a message on IOPub under whatever request, and take it."""
        deadline = time.monotonic() + timeout
        while True:
            for messages in self._published.values():
                for message in messages:
                    if wanted(message):
                        messages.remove(message)
                        return message
            self._read_published(deadline)

    def published(self, msg_id: str) -> list[Message]:
        """All that has come under `msg_id` (from its idle on, if that is over); "" is nobody's."""
        return self._published[msg_id]

    def everything(self) -> list[str]:
        """All lines of text that have come until now, and are still coming."""
        with contextlib.suppress(AssertionError):
            while True:
                self._read_published(time.monotonic() + 0.2)
        return "".join(self._texts).splitlines()

    def _read_published(self, deadline: float) -> None:
        try:
            message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise AssertionError("nothing (more) came on IOPub in time") from None
        parent_id = message["parent_header"].get("msg_id", "")
        self._published[parent_id].append(message)
        if message["msg_type"] == "stream":
            self._texts.append(message["content"]["text"])
        if is_idle(message, parent_id):
            self._idle.add(parent_id)

    def prompt(self, timeout: float = PATIENCE) -> str:
        """Wait until the kernel asks for input; the prompt."""
        try:
            message = self.client.get_stdin_msg(timeout=timeout)
        except Empty:
            raise AssertionError("no input_request came") from None
        assert message["msg_type"] == "input_request"
        return str(message["content"]["prompt"])

    def answer(self, text: str) -> None:
        """Answer the question."""
        self.client.input(text)

    def control(self, msg_type: str, content: dict[str, Any] | None = None) -> Message:
        """Send a request on the control channel and wait for its reply."""
        message = self.client.session.msg(msg_type, content or {})
        self.client.control_channel.send(message)
        while True:
            try:
                reply = self.client.get_control_msg(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"no reply to {msg_type} on control") from None
            if is_child(reply, message["header"]["msg_id"]):
                return reply  # type: ignore[no-any-return]

    def interrupt(self) -> None:
        """Interrupt the running cell, as frontends of a kernel in message mode do."""
        assert self.control("interrupt_request")["content"]["status"] == "ok"

    def shutdown(self, restart: bool = False) -> Message:
        """Ask the kernel to end; the reply."""
        return self.control("shutdown_request", {"restart": restart})


def is_child(message: Message, msg_id: str) -> bool:
    """Whether a message belongs to a request."""
    return bool(message["parent_header"].get("msg_id") == msg_id)


def is_idle(message: Message, msg_id: str) -> bool:
    """Whether a message is the end of a request."""
    return (
        is_child(message, msg_id)
        and message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
    )
