"""The contents of requests, one struct a message type, named after it.

Field names, meanings and defaults are the messaging document's; each class names its section.
Unknown fields are ignored, a null for an optional field counts as missing, and the minimal
content that a frontend may send is legal.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from qtkernel.protocol.encode import from_json
from qtkernel.protocol.errors import BadMessage, InvalidContent, UnknownMessageType
from qtkernel.protocol.typed import to_struct

CodePoints = Annotated[int, msgspec.Meta(ge=0)]
"""A position in a cell, in Unicode code points."""


class ExecuteRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Execute"."""

    code: str
    silent: bool = False
    store_history: bool | None = None
    user_expressions: dict[str, str] = {}
    allow_stdin: bool = True
    stop_on_error: bool = True

    @property
    def stores_history(self) -> bool:
        """Whether the cell is counted and kept: by default yes, silent never."""
        return not self.silent and self.store_history is not False


class InspectRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Introspection". Without `cursor_pos` it is about the end of the code."""

    code: str
    cursor_pos: CodePoints | None = None
    detail_level: Literal[0, 1] = 0
    omit_sections: list[str] = []


class CompleteRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Completion". Without `cursor_pos` (0 is not that) it is about the code's end."""

    code: str
    cursor_pos: CodePoints | None = None


class HistoryRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "History". Session 0 is the current one, negative ones count back from it."""

    hist_access_type: Literal["range", "tail", "search"]
    output: bool = False
    raw: bool = True
    session: int = 0
    start: int = 1
    stop: int | None = None
    n: int | None = None
    pattern: str | None = None
    unique: bool = False


class IsCompleteRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Code completeness"."""

    code: str


class KernelInfoRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Kernel info"."""


class ConnectRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Connect"."""


class CommInfoRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Comm info". Without `target_name` it is about every comm."""

    target_name: str | None = None


class ShutdownRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Kernel shutdown"."""

    restart: bool = False


class DebugRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Debug request": a request of the Debug Adapter Protocol."""

    command: str
    seq: int = 0
    arguments: dict[str, Any] = {}


class InterruptRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Kernel interrupt"."""


class InputReply(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Messages on the stdin ROUTER/DEALER channel". jupyter_client sends no status."""

    value: str = ""
    status: str = "ok"


class CommOpen(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Opening a Comm"."""

    comm_id: str
    target_name: str
    data: dict[str, Any] = {}


class CommMsg(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Comm Messages"."""

    comm_id: str
    data: dict[str, Any] = {}


class CommClose(msgspec.Struct, kw_only=True, frozen=True):
    """Section "Tearing Down Comms"."""

    comm_id: str
    data: dict[str, Any] = {}


class ObjectInfoRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Protocol 4's "Object information", which inspect_request took over from."""

    oname: str
    detail_level: Literal[0, 1] = 0


class VersionRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Protocol 3's question for version numbers, which kernel_info_request took over from."""


class CreateSubshellRequest(msgspec.Struct, kw_only=True, frozen=True):
    """JEP 91, "Create subshell"."""


class DeleteSubshellRequest(msgspec.Struct, kw_only=True, frozen=True):
    """JEP 91, "Delete subshell"."""

    subshell_id: str


class ListSubshellRequest(msgspec.Struct, kw_only=True, frozen=True):
    """JEP 91, "List subshells"."""


class UsageRequest(msgspec.Struct, kw_only=True, frozen=True):
    """What the kernel uses of its machine; ipykernel's message, on the control channel."""


class StackRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Where the threads are; a message of our own, on the control channel."""


REQUESTS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        "execute_request": ExecuteRequest,
        "inspect_request": InspectRequest,
        "complete_request": CompleteRequest,
        "history_request": HistoryRequest,
        "is_complete_request": IsCompleteRequest,
        "kernel_info_request": KernelInfoRequest,
        "connect_request": ConnectRequest,
        "comm_info_request": CommInfoRequest,
        "shutdown_request": ShutdownRequest,
        "interrupt_request": InterruptRequest,
        "debug_request": DebugRequest,
        "input_reply": InputReply,
        "comm_open": CommOpen,
        "comm_msg": CommMsg,
        "comm_close": CommClose,
        "object_info_request": ObjectInfoRequest,
        "version_request": VersionRequest,
        "create_subshell_request": CreateSubshellRequest,
        "delete_subshell_request": DeleteSubshellRequest,
        "list_subshell_request": ListSubshellRequest,
        "usage_request": UsageRequest,
        "stack_request": StackRequest,
    }
)
"""Every message type that a frontend may send, with the type of its content."""

_DECODERS = {name: msgspec.json.Decoder(kind).decode for name, kind in REQUESTS.items()}


def decode(msg_type: str, content_bytes: bytes) -> msgspec.Struct:
    """Decode and check the content of a message, in one step.

    Raises:
        UnknownMessageType: `REQUESTS` does not have it.
        InvalidContent: the content does not fit; names the field, what was expected and what
            came.
    """
    decoder = _DECODERS.get(msg_type)
    if decoder is None:
        raise UnknownMessageType(msg_type)
    try:
        return decoder(content_bytes)
    except (ValueError, RecursionError):
        pass
    # Again, slowly: what msgspec cannot read may still be JSON, and what does not fit needs words.
    try:
        content = from_json(content_bytes)
    except BadMessage as error:
        raise InvalidContent("content", f"expected an object, but it is {error}") from None
    return to_struct(content, REQUESTS[msg_type])
