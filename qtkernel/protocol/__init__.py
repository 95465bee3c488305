"""The protocol, pure: messages, typed contents, signing, JSON and connection files.

What lives here knows neither sockets nor threads nor IPython nor a toolkit, and so is tested
without any of them. Everybody may come in; it imports nothing of qtkernel but itself.

* `message`: `Message`, `Header`, `Channel`; `session`: frames to messages and back.
* `contents`: one struct a message type, and `decode`; `typed` puts misfits into words.
* `encode`: JSON for whatever cells hand over.
* `connection`: reading connection files; `connection_file`: writing, removing, sweeping ours.
* `errors`: what can be wrong, and whose fault it is.
"""

from __future__ import annotations

from qtkernel.protocol.connection import ConnectionInfo, read_connection_file
from qtkernel.protocol.connection_file import (
    default_path,
    is_stale,
    new_key,
    remove_connection_file,
    sweep_stale,
    write_connection_file,
)
from qtkernel.protocol.contents import (
    REQUESTS,
    CommClose,
    CommInfoRequest,
    CommMsg,
    CommOpen,
    CompleteRequest,
    ConnectRequest,
    ExecuteRequest,
    HistoryRequest,
    InputReply,
    InspectRequest,
    InterruptRequest,
    IsCompleteRequest,
    KernelInfoRequest,
    ObjectInfoRequest,
    ShutdownRequest,
    VersionRequest,
    decode,
)
from qtkernel.protocol.encode import from_json, to_json
from qtkernel.protocol.errors import (
    BadConnectionFile,
    BadFrames,
    BadMessage,
    BadSignature,
    InvalidContent,
    ProtocolError,
    ReplayedMessage,
    UnknownMessageType,
)
from qtkernel.protocol.message import (
    DELIMITER,
    PROTOCOL_VERSION,
    SIGNATURE_SCHEME,
    Channel,
    Header,
    Message,
)
from qtkernel.protocol.session import Session, parent_of

__all__ = [
    "DELIMITER",
    "PROTOCOL_VERSION",
    "REQUESTS",
    "SIGNATURE_SCHEME",
    "BadConnectionFile",
    "BadFrames",
    "BadMessage",
    "BadSignature",
    "Channel",
    "CommClose",
    "CommInfoRequest",
    "CommMsg",
    "CommOpen",
    "CompleteRequest",
    "ConnectRequest",
    "ConnectionInfo",
    "ExecuteRequest",
    "Header",
    "HistoryRequest",
    "InputReply",
    "InspectRequest",
    "InterruptRequest",
    "InvalidContent",
    "IsCompleteRequest",
    "KernelInfoRequest",
    "Message",
    "ObjectInfoRequest",
    "ProtocolError",
    "ReplayedMessage",
    "Session",
    "ShutdownRequest",
    "UnknownMessageType",
    "VersionRequest",
    "decode",
    "default_path",
    "from_json",
    "is_stale",
    "new_key",
    "parent_of",
    "read_connection_file",
    "remove_connection_file",
    "sweep_stale",
    "to_json",
    "write_connection_file",
]
