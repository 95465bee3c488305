"""What can be wrong with something that came from outside, and whose fault it is.

Everything here derives from `ProtocolError`, so whoever reads a socket has one name to catch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qtkernel.protocol.message import Message

# What a peer wrote may be a megabyte long; an error quotes no more than this many characters.
QUOTED = 60


class ProtocolError(Exception):
    """Something from outside breaks the rules of the messaging document."""


class BadFrames(ProtocolError):
    """The sender does not speak the protocol: number or size of frames, or no delimiter.

    Messaging document, "The Wire Protocol".
    """


class BadSignature(ProtocolError):
    """The sender does not have the key, or the signed parts were altered on the way."""


class ReplayedMessage(ProtocolError):
    """A message with this very signature has been taken already."""


class BadMessage(ProtocolError):
    """Signed, so the sender has the key, but not a message: JSON or its shape is wrong.

    `request` is what is needed to answer it (identities and header, with empty metadata and
    content) where the header could be read, and None where there is nothing to answer to.
    """

    def __init__(self, problem: str, request: Message | None = None) -> None:
        super().__init__(problem)
        self.request = request


class UnknownMessageType(ProtocolError):
    """The frontend asks for something that this kernel does not know."""

    def __init__(self, msg_type: str) -> None:
        super().__init__(f"unknown message type {msg_type[:QUOTED]!r}")
        self.msg_type = msg_type


class InvalidContent(ProtocolError):
    """The content does not fit its message type; says which field and what was expected."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f'field "{field}": {problem}')
        self.field = field
        self.problem = problem


class BadConnectionFile(ProtocolError, ValueError):
    """A connection file that must not or cannot be used. The text is one line for a person."""
