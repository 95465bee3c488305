"""Messages as tests read and write them: channel, type, content, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qtkernel.protocol import Message, from_json


class _Anything:
    """Equal to whatever it is compared with, for the parts that a test is not about."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "ANYTHING"


ANYTHING: Any = _Anything()


@dataclass(frozen=True)
class Said:
    """One message of the kernel's. `parent` is the msg_id of the request, "" without one."""

    channel: str
    msg_type: str
    content: Any
    parent: str

    def __repr__(self) -> str:
        return f"\n    {self.channel} {self.msg_type} <{self.parent[-6:]}> {self.content}"


def said(channel: str, message: Message) -> Said:
    """What a message of the kernel's says."""
    parent = from_json(message.parent_header_bytes)
    assert isinstance(parent, dict), "the parent header must be an object, null breaks clients"
    return Said(channel, message.msg_type, message.content_dict(), parent.get("msg_id", ""))


# What a kernel is expected to say about the request `parent`


def status(parent: str, state: str) -> Said:
    """A status message."""
    return Said("iopub", "status", {"execution_state": state}, parent)


def published(parent: str, msg_type: str, content: Any = ANYTHING) -> Said:
    """Anything else on IOPub."""
    return Said("iopub", msg_type, content, parent)


def stream(parent: str, text: str, name: str = "stdout") -> Said:
    """Output of a cell."""
    return published(parent, "stream", {"name": name, "text": text})


def cell_input(parent: str, code: str, count: int) -> Said:
    """The announcement of a cell."""
    return published(parent, "execute_input", {"code": code, "execution_count": count})


def reply(parent: str, msg_type: str, content: Any = ANYTHING, channel: str = "shell") -> Said:
    """A reply."""
    return Said(channel, msg_type, content, parent)


def executed(parent: str, count: int, **more: Any) -> Said:
    """The reply to a cell that ran to its end."""
    content: Mapping[str, Any] = {
        "status": "ok",
        "execution_count": count,
        "user_expressions": {},
        "payload": [],
    } | more
    return reply(parent, "execute_reply", content)


def failed(parent: str, count: int, ename: str, evalue: Any = ANYTHING, **more: Any) -> Said:
    """The reply to a cell that raised."""
    error = {"ename": ename, "evalue": evalue, "traceback": ANYTHING}
    return executed(parent, count, status="error", **error, **more)


def aborted(parent: str, count: int) -> Said:
    """The reply to a cell that was not run, after an earlier one failed."""
    return executed(parent, count, status="aborted")


def around(parent: str, *between: Said) -> list[Said]:
    """`between`, inside busy and idle."""
    return [status(parent, "busy"), *between, status(parent, "idle")]
