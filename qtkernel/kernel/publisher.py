"""Publishing on IOPub, under the request that caused it.

The current request is a context variable: code of a cell has it, and so have the tasks that the
cell starts, for as long as they live. Handing messages over never blocks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from qtkernel.protocol import Message, Session

_getpid = os.getpid

Frames = Sequence[Any]

# One variable for all kernels of the process (a context variable is never freed), so the value
# says whose request it is.
_current: ContextVar[tuple[Publisher, Message] | None] = ContextVar(
    "qtkernel_request", default=None
)


class Publisher:
    """Packs messages for IOPub and hands them to the thread that sends them. Thread-safe.

    Args:
        session: signs the messages.
        send: takes ready frames; must not block.
        remember: whether output outside of any request belongs to the last cell that ran. True
            for a standalone kernel, whose process has no other purpose; in an embedded kernel
            such output is the host's own.
    """

    def __init__(
        self, session: Session, send: Callable[[Frames], object], *, remember: bool = False
    ) -> None:
        self._session = session
        self._send = send
        self._remember = remember
        self._last: Message | None = None
        self._pid = _getpid()
        self._topic = b"kernel." + session.session_id.encode() + b"."

    def current(self) -> Message | None:
        """The request whose code is running here, or None."""
        entry = _current.get()
        if entry is not None and entry[0] is self:
            return entry[1]
        return self._last

    def is_current(self) -> bool:
        """Whether code of a request of this kernel is running here."""
        entry = _current.get()
        return entry is not None and entry[0] is self

    @contextmanager
    def request(self, message: Message | None) -> Iterator[None]:
        """Make `message` the current request, for this stretch of code on this thread.

        The variable is set back by value, not by token: a stretch may end in another context
        than it began in, when a request was parked in between.
        """
        previous = _current.get()
        _current.set((self, message) if message is not None else None)
        try:
            yield
        finally:
            _current.set(previous)

    def remember(self, message: Message) -> None:
        """Note that a cell runs: later output without a request is its, if that is wanted."""
        if self._remember:
            self._last = message

    def publish(
        self,
        msg_type: str,
        content: object,
        *,
        parent: Message | None = None,
        metadata: Mapping[str, Any] | None = None,
        buffers: Sequence[Any] = (),
    ) -> None:
        """Send a message to every subscriber.

        Args:
            msg_type: one of "Messages on the IOPub (PUB/SUB) channel".
            content: what `Session.pack` takes.
            parent: the request that it belongs to; the current one by default.
            metadata: of the message.
            buffers: binary parts.
        """
        if _getpid() != self._pid:
            return  # a forked child: the sockets are its parent's
        parent = parent or self.current()
        frames = self._session.pack(
            msg_type,
            content,
            parent_header=parent.header_bytes if parent is not None else b"{}",
            metadata=metadata,
            identities=(self._topic + msg_type.encode(),),
            buffers=buffers,
        )
        self._send(frames)

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
