"""A frontend with nothing but sockets: what is on the wire, without a client library's help."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import zmq

from qtkernel.loops.base import EventLoop
from qtkernel.protocol import Channel, ConnectionInfo, Message, Session
from tests.support.said import Said, said

PATIENCE = 20.0
"""Seconds that a message may take."""


class NothingCame(AssertionError):
    """No message came in time."""


class BareClient:
    """DEALER sockets for the requests and a SUB socket, connected to a kernel.

    As a context manager it waits until it is subscribed: what is published before is not heard.

    The sockets may be handed on from one thread to another, which this does by taking turns.
    """

    def __init__(
        self,
        info: ConnectionInfo,
        *,
        identity: bytes = b"",
        topics: Sequence[bytes] = (b"",),
        stdin: bool = True,
        key: str | None = None,
        curve_keys: tuple[bytes, bytes] | None = None,
        server_key: str | None = None,
    ) -> None:
        self.info = info
        self.session = Session((key or info.key).encode())
        self.context = zmq.Context()
        self._topics = list(topics)
        self._curve = (curve_keys, server_key or info.curve_publickey)
        self.sockets: dict[Channel, Any] = {}
        for channel in (Channel.SHELL, Channel.CONTROL, *([Channel.STDIN] if stdin else [])):
            # the identity of stdin must be that of shell: the question goes to the same address
            self._connect(channel, zmq.DEALER, identity or self.session.session_id.encode()[:16])
        self._connect(Channel.IOPUB, zmq.SUB, b"")
        for topic in topics:
            self.sockets[Channel.IOPUB].setsockopt(zmq.SUBSCRIBE, topic)

    def _connect(self, channel: Channel, kind: int, identity: bytes) -> None:
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.ipv6 = ":" in self.info.ip
        if identity:
            socket.setsockopt(zmq.IDENTITY, identity)
        keys, server_key = self._curve
        if keys is not None and server_key is not None:
            socket.setsockopt(zmq.CURVE_PUBLICKEY, keys[0])
            socket.setsockopt(zmq.CURVE_SECRETKEY, keys[1])
            socket.setsockopt(zmq.CURVE_SERVERKEY, server_key.encode())
        socket.connect(self.info.endpoint(channel))
        self.sockets[channel] = socket

    def __enter__(self) -> Self:
        for _ in self._topics:
            self.settle()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets; what was not read is lost."""
        self.context.destroy(linger=0)

    # Sending

    def send(
        self, msg_type: str, content: object = None, channel: Channel = Channel.SHELL, **more: Any
    ) -> str:
        """Send a message; its msg_id."""
        frames = self.session.pack(msg_type, {} if content is None else content, **more)
        self.sockets[channel].send_multipart(frames)
        return str(self.session_header(frames)["msg_id"])

    def session_header(self, frames: Sequence[Any]) -> dict[str, Any]:
        """The header in the frames of a message of ours."""
        header: dict[str, Any] = json.loads(bytes(frames[2]))
        return header

    def execute(self, code: str, **more: Any) -> str:
        """Ask for a cell; its msg_id."""
        return self.send("execute_request", {"code": code} | more)

    # Receiving

    def message(self, channel: Channel, patience: float = PATIENCE) -> Message:
        """The next message on a channel."""
        if not self.sockets[channel].poll(int(patience * 1000)):
            raise NothingCame(f"nothing came on {channel.value} within {patience} s")
        return self.session.unpack(self.sockets[channel].recv_multipart())

    def said(self, channel: Channel = Channel.SHELL, patience: float = PATIENCE) -> Said:
        """The next message on a channel, as tests compare it."""
        return said(channel.value, self.message(channel, patience))

    def published_until(self, done: Callable[[Said], bool]) -> list[Said]:
        """All messages on IOPub until the one for which `done`.

        Without the kernel's `starting`: it is published by another thread than the one that makes
        the kernel, so a frontend that came at once may hear it or not.
        """
        heard: list[Said] = []
        while not heard or not done(heard[-1]):
            each = self.said(Channel.IOPUB)
            if each.content != {"execution_state": "starting"}:
                heard.append(each)
        return heard

    def output(self, parent: str) -> list[Said]:
        """All messages on IOPub until `parent` is idle."""
        return self.published_until(
            lambda each: each.content == {"execution_state": "idle"} and each.parent == parent
        )

    def run(self, code: str, **more: Any) -> tuple[str, list[Said], Said]:
        """Run a cell: its msg_id, all of IOPub until it is idle, and the reply."""
        msg_id = self.execute(code, **more)
        return msg_id, self.output(msg_id), self.said()

    def ask(
        self, msg_type: str, content: object = None, channel: Channel = Channel.SHELL
    ) -> dict[str, Any]:
        """Ask, listen until idle, and give the content of the reply."""
        msg_id = self.send(msg_type, content, channel)
        self.output(msg_id)
        answer = self.said(channel)
        assert answer.parent == msg_id
        return dict(answer.content)

    def settle(self) -> None:
        """Wait until IOPub is heard; what came before is forgotten."""
        self.published_until(lambda each: each.msg_type == "iopub_welcome")

    def hears_nothing(self, channel: Channel, patience: float = 0.3) -> bool:
        """Whether nothing comes on a channel for a while. Only for what must never come."""
        return not self.sockets[channel].poll(int(patience * 1000))


def converse(loop: EventLoop, script: Callable[[], Any]) -> Any:
    """Run `script`, a frontend's part, on a thread, and the kernel's loop here until it ends."""
    result: list[Any] = []
    errors: list[BaseException] = []

    def run_script() -> None:
        try:
            result.append(script())
        except BaseException as error:
            errors.append(error)
        finally:
            loop.call_soon_threadsafe(loop.stop)

    # not started before the loop runs, or its stop could come before that
    thread = threading.Thread(target=run_script)
    loop.call_soon_threadsafe(thread.start)
    guard = loop.call_later(3 * PATIENCE, lambda: (errors.append(NothingCame()), loop.stop()))
    while not result and not errors:
        loop.run()
    guard.cancel()
    if errors:
        raise errors[0]
    thread.join()
    return result[0]
