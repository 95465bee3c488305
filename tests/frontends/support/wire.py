"""A client of bare sockets, for thousands of requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import zmq

from qtkernel.protocol import Channel, Message, Session, read_connection_file

PATIENCE_MS = 30_000


class Wire:
    """One DEALER socket to a kernel's shell channel. Belongs to the thread that made it."""

    def __init__(self, connection_file: Path, *, key: bytes | None = None) -> None:
        info = read_connection_file(connection_file)
        self.session = Session(info.key.encode() if key is None else key)
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        # thousands of requests wait on either side in some tests
        self._socket.sndhwm = self._socket.rcvhwm = 0
        self._socket.connect(info.endpoint(Channel.SHELL))

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()
        self._context.term()

    def send(self, msg_type: str, content: dict[str, Any] | None = None) -> str:
        """Send a request; its msg_id."""
        frames = self.session.pack(msg_type, content or {})
        self._socket.send_multipart(frames)
        return str(msgspec.json.decode(frames[2])["msg_id"])

    def receive(self, timeout_ms: int = PATIENCE_MS) -> Message:
        """The next reply.

        Raises:
            AssertionError: none comes in time.
        """
        assert self.has_reply(timeout_ms), "no reply came"
        return self.session.unpack(self._socket.recv_multipart())

    def has_reply(self, timeout_ms: int) -> bool:
        """Whether a reply comes in time."""
        return bool(self._socket.poll(timeout_ms))

    def request(self, msg_type: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its reply; the reply's content."""
        msg_id = self.send(msg_type, content)
        reply = self.receive()
        assert parent_id(reply) == msg_id
        return content_of(reply)

    def execute(self, code: str) -> dict[str, Any]:
        """Run a cell; the content of the reply."""
        return self.request("execute_request", {"code": code})


def parent_id(message: Message) -> str:
    """The msg_id of the request that a reply is for."""
    return str(msgspec.json.decode(message.parent_header_bytes)["msg_id"])


def content_of(message: Message) -> dict[str, Any]:
    """The decoded content."""
    content: dict[str, Any] = msgspec.json.decode(message.content_bytes)
    return content
