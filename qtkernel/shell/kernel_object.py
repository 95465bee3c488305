"""What other packages find as ``get_ipython().kernel``.

They know ipykernel's kernel, and take of it: `comm_manager` (to register comm targets),
`get_parent` and `set_parent` (to send output of a thread under a cell's request), `shell`, and
``session.send(iopub_socket, ...)`` (to publish messages of their own). Each is served here by what
the kernel does itself, so that nobody outside needs a socket.

Found in public code, November 2026: ipywidgets (`comm_manager`, `get_parent`, `_parent_header`,
`send_response`, `iopub_socket`), ipyflow, meshcat and others (`comm_manager.register_target`), what
lists variables (`shell`, for IPython's NamespaceMagics), JupyterLab's tests of display ids
(`session.send`). What looks for tornado's loop or ipykernel's streams (jupyter_ui_poll) fails.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qtkernel.interpreter import IOPub
from qtkernel.protocol import PROTOCOL_VERSION, BadMessage, parent_of


class _IOPubSocket:
    """Where `SessionObject.send` sends to. It has no methods: no code outside has a socket."""


class SessionObject:
    """``get_ipython().kernel.session``: makes messages, and publishes them on IOPub.

    Args:
        session_id: of the kernel, as far as other packages see.
    """

    def __init__(self, iopub: IOPub, iopub_socket: _IOPubSocket) -> None:
        self._iopub = iopub
        self._iopub_socket = iopub_socket
        self.session = uuid.uuid4().hex
        self.username = "kernel"

    def msg(
        self,
        msg_type: str,
        content: Any = None,
        parent: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A message as Python objects, in its "General Message Format"; nothing is sent."""
        made = dict(header) if header is not None else self.msg_header(msg_type)
        return {
            "header": made,
            "msg_id": made["msg_id"],
            "msg_type": made["msg_type"],
            "parent_header": _header_of(parent),
            "content": {} if content is None else content,
            "metadata": dict(metadata or {}),
        }

    def msg_header(self, msg_type: str) -> dict[str, Any]:
        """A new header."""
        return {
            "msg_id": uuid.uuid4().hex,
            "msg_type": msg_type,
            "session": self.session,
            "username": self.username,
            "date": datetime.now(UTC).isoformat(),
            "version": PROTOCOL_VERSION,
        }

    def send(
        self,
        stream: Any,
        msg_or_type: str | Mapping[str, Any],
        content: Any = None,
        parent: Mapping[str, Any] | None = None,
        ident: Any = None,  # noqa: ARG002
        buffers: Sequence[Any] | None = None,
        track: bool = False,  # noqa: ARG002
        header: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Publish a message; returns it.

        Args:
            stream: `iopub_socket`.
            msg_or_type: a message type, or what `msg` has returned.
            parent: a message, or a header. By default the request whose code is running.
            ident, track: ignored; the kernel gives its messages their topics.

        Raises:
            ValueError: `stream` is not `iopub_socket`.
        """
        if stream is not self._iopub_socket:
            raise ValueError(
                "kernel.session.send() publishes on kernel.iopub_socket; the other sockets belong "
                "to the kernel"
            )
        if isinstance(msg_or_type, str):
            message = self.msg(msg_or_type, content, parent, header, metadata)
        else:
            message = dict(msg_or_type)
        parent_header = message.get("parent_header")
        self._iopub.publish(
            message["msg_type"],
            message["content"],
            parent=parent_of({"header": parent_header}) if parent_header else None,
            metadata=message.get("metadata") or None,
            buffers=buffers or message.get("buffers") or (),
        )
        return message


class KernelObject:
    """``get_ipython().kernel``."""

    implementation = "qtkernel"

    def __init__(self, shell: Any, iopub: IOPub, comm_manager: Any) -> None:
        self.shell = shell
        self.comm_manager = comm_manager
        self.iopub_socket = _IOPubSocket()
        self.session = SessionObject(iopub, self.iopub_socket)
        self.log = logging.getLogger("qtkernel.kernel")
        self._iopub = iopub

    def get_parent(self, channel: str | None = None) -> dict[str, Any]:  # noqa: ARG002
        """The request whose code is running, in its "General Message Format"; or empty."""
        return self._iopub.parent_message()

    @property
    def _parent_header(self) -> dict[str, Any]:
        """What `get_parent` returns, as ipykernel called it up to version 5."""
        return self.get_parent()

    def set_parent(self, ident: Any, parent: Mapping[str, Any], channel: str = "shell") -> None:  # noqa: ARG002
        """Let output made from here on, on this thread, belong to a request.

        Args:
            parent: what `get_parent` has returned.
        """
        adopt(self._iopub, parent)

    def send_response(
        self,
        stream: Any,
        msg_or_type: str | Mapping[str, Any],
        content: Any = None,
        ident: Any = None,  # noqa: ARG002
        buffers: Sequence[Any] | None = None,
        track: bool = False,  # noqa: ARG002
        header: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        channel: str | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Publish a message under the current request; see `SessionObject.send`."""
        return self.session.send(
            stream, msg_or_type, content, buffers=buffers, header=header, metadata=metadata
        )


def adopt(iopub: IOPub, parent: Mapping[str, Any]) -> None:
    """``set_parent``, the kernel's and the shell's.

    Raises:
        ValueError: `parent` is no message.
    """
    try:
        iopub.adopt(parent)
    except BadMessage as error:
        raise ValueError(f"set_parent() takes what get_parent() returns: {error}") from None


def _header_of(parent: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if not parent else dict(parent.get("header", parent))
