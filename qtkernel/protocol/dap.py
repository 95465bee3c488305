"""The Debug Adapter Protocol: its framing, and the shape of its messages. Pure, as all of this.

Source: https://microsoft.github.io/debug-adapter-protocol/overview ("Base Protocol") and the
messaging document, "Debug request", which carries the same messages without the framing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtkernel.protocol.encode import from_json, to_json
from qtkernel.protocol.errors import BadMessage

DapMessage = dict[str, Any]
"""A request, response or event: a JSON object with `type` and `seq`."""

MAX_HEADER = 1024
"""Bytes that a header may have: the one that there is takes 20 to 40."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length"


class BadFraming(ValueError):
    """What came is not the Debug Adapter Protocol; nothing behind it can be read."""


def frame(message: Mapping[str, Any]) -> bytes:
    """A message as it goes over a stream."""
    body = bytes(to_json(message))
    return b"Content-Length: %d" % len(body) + _END + body


class Deframer:
    """Cuts a stream into messages, however it comes in pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> Sequence[DapMessage]:
        """Take bytes; returns the messages that are complete with them.

        Raises:
            BadFraming: they are not of this protocol.
        """
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> DapMessage | None:
        if self._length is None:
            self._length = self._header()
        if self._length is None or len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._length = None
        try:
            message = from_json(body)
        except BadMessage as error:
            raise BadFraming(f"a body that is {error}") from None
        if not isinstance(message, dict):
            raise BadFraming("a body that is not a JSON object")
        return message

    def _header(self) -> int | None:
        end = self._buffer.find(_END)
        if end < 0:
            if len(self._buffer) > MAX_HEADER:
                raise BadFraming(f"a header of more than {MAX_HEADER} bytes")
            return None
        header = bytes(self._buffer[:end])
        del self._buffer[: end + len(_END)]
        return _content_length(header)


def _content_length(header: bytes) -> int:
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == _LENGTH and value.strip().isdigit():
            return int(value)
    raise BadFraming(f"a header without Content-Length: {header[:100]!r}")


def request(seq: int, command: str, arguments: Mapping[str, Any]) -> DapMessage:
    """A request, as `frame` takes it."""
    return {"seq": seq, "type": "request", "command": command, "arguments": arguments}


def response(
    request_seq: int, command: str, body: Mapping[str, Any] | None = None, *, seq: int = 0
) -> DapMessage:
    """The response to a request that has been done."""
    return {
        "seq": seq,
        "type": "response",
        "request_seq": request_seq,
        "success": True,
        "command": command,
        "body": body or {},
    }


def failure(request_seq: int, command: str, message: str, *, seq: int = 0) -> DapMessage:
    """The response to a request that could not be done, and why."""
    return {
        "seq": seq,
        "type": "response",
        "request_seq": request_seq,
        "success": False,
        "command": command,
        "message": message,
        "body": {"error": {"id": 1, "format": message, "showUser": True}},
    }
