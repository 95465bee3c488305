"""One ROUTER socket driven by one event loop: shell, control and stdin.

Reads everything that is there, verifies and decodes each message once, hands them on in order
and only then says `drained`, which is the moment to dispatch. Reading has a time budget as
dispatch has, because a flood of 20,000 requests would otherwise hold the host's loop while it is
only being read.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from qtkernel.channels.connections import Connection, Connections
from qtkernel.channels.readable import is_readable
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import BadMessage, Channel, Message, ProtocolError, Session

READ_BUDGET = 0.005
"""Seconds that one wake-up may read before the host's loop gets its turn."""

_log = logging.getLogger("qtkernel.channels")
_clock = time.perf_counter
_getpid = os.getpid


class UnreachablePeer(LookupError):
    """The frontend that a message is for is not connected to this channel."""


class RouterChannel:
    """A ROUTER socket on an event loop. Every method belongs to that loop's thread.

    Args:
        deliver: gets each message that is signed, and what is wrong with it if it cannot be read
            beyond its header.
        drained: called when everything that was there has been delivered.
        connections: those of the socket; driven along with it.
    """

    connection: Connection | None = None
    """The one that the message has come by which is being delivered, if they are known."""

    def __init__(
        self,
        channel: Channel,
        socket: zmq.Socket[bytes],
        session: Session,
        deliver: Callable[[Message, ProtocolError | None], object],
        drained: Callable[[], object] = lambda: None,
        connections: Connections | None = None,
    ) -> None:
        self.channel = channel
        self._socket = socket
        self._session = session
        self._deliver = deliver
        self._drained = drained
        self._connections = connections
        self._loop: EventLoop | None = None
        self._fd = int(socket.FD)
        self._look_posted = False
        self._pid = _getpid()

    def attach(self, loop: EventLoop) -> None:
        """Let `loop` drive the socket from now on."""
        self._loop = loop
        loop.add_reader(self._fd, self._look)
        # the edge of what arrived before this moment is gone
        self._post_look()
        if self._connections is not None:
            self._connections.attach(loop)

    def detach(self) -> None:
        """Take the socket off its loop; it can be attached to another one."""
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop = None
        if self._connections is not None:
            self._connections.detach()
        self._look_posted = False

    def drain(self) -> None:
        """Read and deliver everything that has arrived, however much, without dispatching it."""
        self._read(float("inf"))

    def send(self, frames: Sequence[Any]) -> None:
        """Send one message.

        Raises:
            UnreachablePeer: on stdin, when the frontend is not connected to it.
        """
        try:
            self._socket.send_multipart(frames, copy=True)  # see IOPubThread
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                raise UnreachablePeer from None
            raise
        if self._loop is not None and is_readable(self._socket):
            # the send has consumed the edge of a message that arrived meanwhile
            self._post_look()

    def close(self) -> None:
        """Detach and close; what was sent gets up to the socket's linger time to leave."""
        self.detach()
        self._socket.close()
        if self._connections is not None:
            self._connections.close()

    def _post_look(self) -> None:
        if self._loop is not None and not self._look_posted:
            self._look_posted = True
            self._loop.call_soon_threadsafe(self._posted_look)

    def _posted_look(self) -> None:
        # two posts may be under way when the socket has changed its loop in between: harmless
        self._look_posted = False
        if self._loop is not None:
            self._look()

    def _look(self) -> None:
        if _getpid() != self._pid:
            # A forked child that has come back to the host's event loop. The descriptor is its
            # parent's, too: what it reads here would be lost for the parent.
            return
        if self._read(_clock() + READ_BUDGET):
            self._post_look()
        self._drained()

    def _read(self, deadline: float) -> bool:
        """Read until nothing is there (False) or the deadline has passed (True)."""
        while not self._socket.closed and is_readable(self._socket):
            self._receive()
            if _clock() > deadline:
                return True
        return False

    def _receive(self) -> None:
        try:
            first = self._socket.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return
        frames = [first.bytes]
        if first.more:
            frames += self._socket.recv_multipart(zmq.NOBLOCK, copy=True)
        if self._connections is not None:
            self.connection = self._connections.of(first, frames[0])
        try:
            message = self._session.unpack(frames)
        except BadMessage as error:
            if error.request is not None:
                self._deliver(error.request, error)
            else:
                self._refuse(error)
        except ProtocolError as error:
            self._refuse(error)
        else:
            self._deliver(message, None)

    def _refuse(self, error: ProtocolError) -> None:
        # Nobody to answer: who sends this does not have the key, or does not speak the protocol.
        _log.warning("%s channel: refused a message: %s", self.channel.value, error)
