"""Frontends in the kernel's own process: no socket, no thread, no second event loop.

A `Port` is what one of them has instead of sockets. Its messages are the same as on the wire,
signed and verified, and they take the same way as others once they are there; so a request from
here queues, is aborted, and answers just as one from outside.

Nothing is handled inside of `Port.send`: it may be called by a key press, and a cell must be
called by the event loop. What comes back is in one queue for all channels, so that a frontend sees
outputs, replies and questions in the order in which they were made; four sockets cannot say that.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtkernel.channels.inbox import Frames, Inbox
from qtkernel.protocol import (
    BadMessage,
    Channel,
    Message,
    ProtocolError,
    Session,
)
from qtkernel.protocol.encode import from_json

DELIVERY_BUDGET = 0.005
"""Seconds that one turn may hand over messages before the host's loop gets its own."""

_log = logging.getLogger("qtkernel.channels")
_clock = time.perf_counter
_getpid = os.getpid

CallSoon = Callable[[Callable[[], None]], object]
Receive = Callable[[Message, ProtocolError | None, Callable[[Frames], object]], object]


@dataclass(frozen=True)
class Lane:
    """How the kernel takes the messages of one channel.

    Args:
        call_soon: runs a callback on the thread that serves the channel; from any thread.
        receive: gets each message, what is wrong with it, and the way back.
        drained: called when all that was there has been received.
    """

    call_soon: CallSoon
    receive: Receive
    drained: Callable[[], object] = lambda: None


class Ports:
    """All frontends of one kernel that are in its process.

    Args:
        session: the kernel's.
        lanes: for shell, stdin and control.
        changed: called when a port has been opened or closed, or has another `Port.viewer`.
        gone: gets the session id of a port that has been closed.
    """

    def __init__(
        self,
        session: Session,
        lanes: Mapping[Channel, Lane],
        changed: Callable[[], object],
        gone: Callable[[str], object],
    ) -> None:
        self._session = session
        self._inlets = {channel: _Inlet(session, lane) for channel, lane in lanes.items()}
        self._call_soon = lanes[Channel.SHELL].call_soon
        self._changed = changed
        self._gone = gone
        self._ports: dict[bytes, Port] = {}

    def open(self) -> Port:
        """A new port. It belongs to the kernel's own thread, as all of these methods do."""
        port = Port(self._session.key, self._inlets, self._call_soon, self._changed, self._forget)
        self._ports[port.identity] = port
        self._changed()
        return port

    def current(self) -> tuple[Port, ...]:
        """Those that are open."""
        return tuple(self._ports.values())

    def has(self, session_id: str) -> bool:
        """Whether the frontend with this session id is one of these, and not closed."""
        return any(port.session_id == session_id for port in self._ports.values())

    def send_stdin(self, frames: Frames) -> bool:
        """Send on the stdin channel; False if the message is for nobody here."""
        port = self._ports.get(bytes(frames[0]))
        if port is None:
            return False
        port.put(Channel.STDIN, "input_request", frames)
        return True

    def drain(self, channel: Channel) -> None:
        """Let the kernel receive all that has been sent by one channel."""
        self._inlets[channel].drain()

    def loop_changed(self) -> None:
        """Go on, on another loop: what was posted to the old one may never run."""
        for inlet in self._inlets.values():
            inlet.post(again=True)
        for port in self.current():
            port.post(again=True)

    def close(self) -> None:
        """Hand over what still waits, close all ports and tell them so."""
        for port in self.current():
            port.deliver()
            port.close()
            with _logged("on_closed"):
                port.on_closed()

    def _forget(self, port: Port) -> None:
        del self._ports[port.identity]
        self._changed()
        self._gone(port.session_id)


class Port:
    """One frontend in the kernel's process. Its methods belong to the kernel's own thread.

    It gets what its own requests have caused, and what nobody's has; not what other frontends do.
    """

    def __init__(
        self,
        key: bytes,
        inlets: Mapping[Channel, _Inlet],
        call_soon: CallSoon,
        changed: Callable[[], object],
        closed: Callable[[Port], object],
    ) -> None:
        # the routing id is nobody else's business: who knew it could answer for this frontend
        self.identity = secrets.token_bytes(16)
        self._session = Session(key)
        self._inlets: Mapping[Channel, _Inlet] = inlets
        self._call_soon = call_soon
        self._changed = changed
        self._closed_by = closed
        self._inbox = Inbox()
        self._posted = False
        self._pid = _getpid()
        self.closed = False
        self._viewer: Any = None
        self.host_output = False
        """Whether it gets what the host itself prints, too."""
        self.on_message: Callable[[Channel, dict[str, Any]], object] = _nothing
        """Gets each message as jupyter_client has them, in order, called by the event loop."""
        self.on_closed: Callable[[], object] = _nothing
        """Called when the kernel has closed; the port is closed by then."""

    @property
    def viewer(self) -> Any:
        """What shows the output of a blocking cell (`qtkernel.kernel.live.Viewer`), or None.

        To be set while somebody looks at it, and only then.
        """
        return self._viewer

    @viewer.setter
    def viewer(self, viewer: Any) -> None:
        self._viewer = viewer
        self._changed()

    @property
    def session_id(self) -> str:
        """The session id in the headers of its requests."""
        return self._session.session_id

    def send(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        parent_header: bytes = b"{}",
        metadata: Mapping[str, Any] | None = None,
        buffers: Sequence[Any] = (),
    ) -> str:
        """Send a message to the kernel, which handles it when its event loop comes to it.

        Args:
            channel: SHELL, STDIN or CONTROL.
            msg_type, content, parent_header, metadata, buffers: as of `Session.pack`.

        Returns:
            The id of the message, which its replies have in their parent header.

        Raises:
            RuntimeError: the port, or its kernel, is closed.
            TypeError: the content cannot be sent.
        """
        if self.closed:
            raise RuntimeError("this port is closed: there is no kernel to send a message to")
        frames = self._session.pack(
            msg_type,
            content,
            parent_header=parent_header,
            metadata=metadata,
            identities=(self.identity,),
            buffers=buffers,
        )
        self._inlets[channel].put(frames, lambda reply: self.put(channel, "", reply))
        return str(from_json(bytes(frames[3]))["msg_id"])

    def hear(self, msg_type: str, frames: Frames, session_id: str | None, host: bool) -> None:
        """Take a message of IOPub, if it is one for this frontend. From any thread.

        Args:
            session_id: of the frontend whose request has caused it; None if none has.
            host: whether the application itself has written it.
        """
        if self.host_output if host else session_id in (None, self.session_id):
            self.put(Channel.IOPUB, msg_type, frames)

    def put(self, channel: Channel, msg_type: str, frames: Frames) -> None:
        """Queue a message for the frontend. From any thread."""
        if self.closed or _getpid() != self._pid:
            return
        self._inbox.put(channel, msg_type, frames)
        self.post()

    def deliver(self, budget: float = float("inf")) -> None:
        """Hand over what waits, for `budget` seconds. On the kernel's own thread."""
        deadline = _clock() + budget
        try:
            while (message := self._inbox.take()) is not None:
                with _logged("on_message"):
                    self.on_message(*message)
                if _clock() > deadline:
                    break
        finally:
            self.post()  # what is left, whatever it was that ended this

    def close(self) -> None:
        """Leave: nothing is handed over any more. Idempotent.

        An ``input()`` that waits for this frontend ends with EOFError, its cells that have not
        begun are aborted.
        """
        if not self.closed:
            self.closed = True
            self._inbox.clear()
            self.on_message = _nothing
            self._closed_by(self)
            # whoever keeps a port keeps no kernel by it
            self._inlets, self._viewer = {}, None
            self._call_soon = self._changed = self._closed_by = _nothing

    def post(self, *, again: bool = False) -> None:
        """See to it that the event loop delivers what waits."""
        if self._inbox and (again or not self._posted):
            self._posted = True
            try:
                self._call_soon(self._posted_delivery)
            except BaseException:
                # a cell's KeyboardInterrupt in the middle of its print(): the next one posts
                self._posted = False
                raise

    def _posted_delivery(self) -> None:
        self._posted = False
        if _getpid() == self._pid:  # else a forked child that has come back to the host's loop
            self.deliver(DELIVERY_BUDGET)


class _Inlet:
    """The messages of all ports on their way to the kernel, by one channel."""

    def __init__(self, session: Session, lane: Lane) -> None:
        self._session = session
        self._lane = lane
        self._sent: deque[tuple[Frames, Callable[[Frames], object]]] = deque()
        self._posted = False
        self._pid = _getpid()

    def put(self, frames: Frames, send: Callable[[Frames], object]) -> None:
        self._sent.append((frames, send))
        self.post()

    def post(self, *, again: bool = False) -> None:
        if self._sent and (again or not self._posted):
            self._posted = True
            self._lane.call_soon(self._look)

    def drain(self) -> None:
        while self._sent:
            frames, send = self._sent.popleft()
            try:
                self._lane.receive(self._session.unpack(frames), None, send)
            except BadMessage as error:
                if error.request is None:
                    raise
                self._lane.receive(error.request, error, send)

    def _look(self) -> None:
        self._posted = False
        if _getpid() == self._pid:  # else a forked child that has come back to the host's loop
            self.drain()
            self._lane.drained()


@contextlib.contextmanager
def _logged(what: str) -> Iterator[None]:
    """A frontend's mistake must not keep the messages behind from it, nor end the host."""
    try:
        yield
    except Exception:
        _log.exception("%s of a frontend in this process failed", what)


def _nothing(*_: object) -> None:
    pass
