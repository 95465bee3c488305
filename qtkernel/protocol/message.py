"""One message, as it stands between the wire and the kernel.

Messaging document, "General Message Format" and "The Wire Protocol".
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import msgspec

from qtkernel.protocol.encode import from_json
from qtkernel.protocol.errors import BadMessage, InvalidContent

PROTOCOL_VERSION = "5.5"
"""The version of the messaging document that every header and kernel_info_reply names."""

DELIMITER = b"<IDS|MSG>"
"""The frame between the routing identities and the signed message."""

SIGNATURE_SCHEME = "hmac-sha256"
"""The one signature scheme of this kernel, as connection files call it."""


class Channel(enum.Enum):
    """The five sockets of a kernel (messaging document, "Introduction")."""

    SHELL = "shell"
    CONTROL = "control"
    STDIN = "stdin"
    IOPUB = "iopub"
    HB = "hb"


class Header(msgspec.Struct, frozen=True):
    """What the kernel reads of a message header; `subshell_id` is JEP 91's.

    Messaging document, "Message Header". Keys that are not here are tolerated: they come back to
    the sender in the parent header, which is passed on verbatim.
    """

    msg_id: str
    msg_type: str
    session: str = ""
    username: str = ""
    date: str = ""
    version: str = ""
    subshell_id: str | None = None


@dataclass(slots=True)
class Message:
    """A verified message. Its content is still bytes: `decode` gives it its type.

    `header_bytes` is the header verbatim, and goes out verbatim as the parent header of whatever
    the message causes.
    """

    identities: list[bytes]
    header: Header
    header_bytes: bytes
    parent_header_bytes: bytes
    metadata: dict[str, Any]
    content_bytes: bytes
    buffers: list[memoryview]

    @property
    def msg_type(self) -> str:
        """The type that the header names."""
        return self.header.msg_type

    @property
    def msg_id(self) -> str:
        """The id that the header names."""
        return self.header.msg_id

    def to_dict(self) -> dict[str, Any]:
        """The message as Python objects, made anew at each call.

        In the shape of "General Message Format", as handlers of comms and other packages know it.

        Raises:
            InvalidContent: the content is not a JSON object.
        """
        return {
            "header": from_json(self.header_bytes),
            "msg_id": self.msg_id,
            "msg_type": self.msg_type,
            "parent_header": from_json(self.parent_header_bytes) or {},
            "metadata": dict(self.metadata),
            "content": self.content_dict(),
            "buffers": list(self.buffers),
        }

    def content_dict(self) -> dict[str, Any]:
        """The content, decoded anew at each call.

        Raises:
            InvalidContent: it is not a JSON object.
        """
        try:
            content = from_json(self.content_bytes)
        except BadMessage as error:
            raise InvalidContent("content", f"expected an object, but it is {error}") from None
        if not isinstance(content, dict):
            raise InvalidContent("content", "expected an object")
        return content
