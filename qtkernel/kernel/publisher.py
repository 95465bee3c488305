"""Publishing on IOPub, under the request that caused it (see `attribution`).

Handing messages over never blocks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import CodeType
from typing import Any, Protocol

from qtkernel.kernel.attribution import Attribution
from qtkernel.loops.turns import Turns
from qtkernel.protocol import Message, Session, parent_of

_getpid = os.getpid

Frames = Sequence[Any]


class _Host:
    """The `parent` of what no request has caused: output of the host's own."""


HOST = _Host()

_HOST_METADATA = {"qtkernel": {"origin": "host"}}


class Listener(Protocol):
    """A frontend that is told of what is published without a socket in between."""

    host_output: bool

    def hear(self, msg_type: str, frames: Frames, session_id: str | None, host: bool) -> object:
        """Take a message; from any thread, and without blocking.

        Args:
            session_id: of the frontend whose request has caused it; None if none has.
            host: whether the application itself has written it.
        """


class Publisher:
    """Packs messages for IOPub and hands them to whoever sends them. Thread-safe.

    Args:
        session: signs the messages.
        send: takes ready frames, for all frontends that come from outside; must not block.
        attribution: says which request output made here and now belongs to. By default one
            that sees no event loop in event loops.
    """

    def __init__(
        self,
        session: Session,
        send: Callable[[Frames], object],
        attribution: Attribution | None = None,
    ) -> None:
        self._session = session
        self._send = send
        self.attribution = attribution or Attribution(Turns(complete=True))
        self._pid = _getpid()
        self._topic = b"kernel." + session.session_id.encode() + b"."
        # no call in between: every print of a cell asks twice
        self.current = self.attribution.current

        self.captures_host = False
        """Whether frontends from outside get what the host itself writes, too."""
        self.listeners: tuple[Listener, ...] = ()
        """The frontends in this process."""
        self.wait: Callable[[], object] = lambda: None
        """Waits, a moment at most, until what was sent is on its way."""

    @property
    def host(self) -> _Host | None:
        """`HOST` if any frontend gets what the host itself writes, else None."""
        if self.captures_host or any(each.host_output for each in self.listeners):
            return HOST
        return None

    def is_current(self) -> bool:
        """See `Attribution.is_current`."""
        return self.attribution.is_current()

    def request(self, message: Message | None) -> AbstractContextManager[None]:
        """See `Attribution.request`."""
        return self.attribution.request(message)

    def claim_code(self, code: CodeType) -> None:
        """See `Attribution.claim_code`."""
        self.attribution.claim_code(code)

    def claim_thread(self, thread: threading.Thread) -> None:
        """See `Attribution.claim_thread`."""
        self.attribution.claim_thread(thread)

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """See `Attribution.carried`."""
        return self.attribution.carried(function)

    def parent_message(self) -> dict[str, Any]:
        """The current request as Python objects; empty if there is none."""
        message = self.current()
        return {} if message is None else message.to_dict()

    def adopt(self, message: Mapping[str, Any]) -> None:
        """Let output made from here on, on this thread, belong to a request.

        Args:
            message: what `parent_message` has returned; only its header is looked at.

        Raises:
            BadMessage: there is no header in it with a msg_id and a msg_type.
        """
        current = self.current()
        adopted = parent_of(message)
        if current is None or current.msg_id != adopted.msg_id:
            self.attribution.adopt(adopted)

    def publish(
        self,
        msg_type: str,
        content: object,
        *,
        parent: Message | _Host | None = None,
        metadata: Mapping[str, Any] | None = None,
        buffers: Sequence[Any] = (),
    ) -> None:
        """Send a message to every subscriber.

        Args:
            msg_type: one of "Messages on the IOPub (PUB/SUB) channel".
            content: what `Session.pack` takes.
            parent: the request that it belongs to; the current one by default. With `HOST` it has
                an empty parent header and says in its metadata whose it is.
            metadata: of the message.
            buffers: binary parts.
        """
        if _getpid() != self._pid:
            return  # a forked child: the sockets are its parent's
        parent = parent or self.current()
        host = isinstance(parent, _Host)
        if isinstance(parent, _Host):
            parent, metadata = None, _HOST_METADATA
        frames = self._session.pack(
            msg_type,
            content,
            parent_header=parent.header_bytes if parent is not None else b"{}",
            metadata=metadata,
            identities=(self._topic + msg_type.encode(),),
            buffers=buffers,
        )
        if self.captures_host or not host:
            self._send(frames)
        for listener in self.listeners:
            session_id = None if parent is None else parent.header.session
            listener.hear(msg_type, frames, session_id, host)

    def settle(self) -> None:
        """See to it that what was published leaves before what is sent elsewhere now."""
        if _getpid() == self._pid:
            self.wait()

    def status(self, execution_state: str, parent: Message | None = None) -> None:
        """Publish busy, idle or starting. Messaging document, "Kernel status"."""
        self.publish("status", {"execution_state": execution_state}, parent=parent)

    def welcome(self, subscription: str) -> Frames:
        """The frames of an iopub_welcome; its topic frame is the subscription itself (JEP 65)."""
        return self._session.pack(
            "iopub_welcome",
            {"subscription": subscription},
            identities=(subscription.encode(),),
        )

    def overrun_notice(self) -> Frames:
        """The frames of the notice that a slow frontend has lost output."""
        text = (
            "[qtkernel] A frontend reads its output too slowly: some of it was dropped for that "
            "frontend, to keep the application responsive.\n"
        )
        return self._session.pack(
            "stream", {"name": "stderr", "text": text}, identities=(self._topic + b"stream",)
        )
