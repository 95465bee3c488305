"""One ROUTER socket driven by one event loop: shell, control and stdin.

Reads everything that is there, verifies and decodes each message once, hands them on in order
and only then says `drained`, which is the moment to dispatch. Reading has a time budget as
dispatch has, because a flood of 20,000 requests would otherwise hold the host's loop while it is
only being read.

The kernel's own thread drives the shell channel, until subshells need one that is never busy: then
that takes the socket over, whatever its owner is doing. So each use of the socket is under a lock
(50 ns), and only its owner reads. A socket may change threads, given the lock's memory barrier.
"""

from __future__ import annotations

import logging
import os
import threading
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

DRAIN_PATIENCE = 1.0
"""Seconds that another thread may take to read what has arrived."""

_log = logging.getLogger("qtkernel.channels")
_get_ident = threading.get_ident
_clock = time.perf_counter
_getpid = os.getpid


class UnreachablePeer(LookupError):
    """The frontend that a message is for is not connected to this channel."""


class _Delivering(threading.local):
    connection: Connection | None = None


class RouterChannel:
    """A ROUTER socket on an event loop. Every method belongs to that loop's thread, but for `send`,
    `drain` and what says otherwise.

    Args:
        deliver: gets each message that is signed, and what is wrong with it if it cannot be read
            beyond its header.
        drained: called when everything that was there has been delivered.
        connections: those of the socket; driven along with it.
    """

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
        self._thread: int | None = None  # the owner's; None: whoever asks
        self._taken = False
        self._lock = threading.Lock()
        self._delivering = _Delivering()
        self._fd = int(socket.FD)
        self._look_posted = False
        self._pid = _getpid()

    @property
    def connection(self) -> Connection | None:
        """The one that the message has come by which is being delivered, if they are known."""
        return self._delivering.connection

    def attach(self, loop: EventLoop) -> None:
        """Let `loop` drive the socket from now on; not if it has been taken over."""
        with self._lock:
            if self._taken:
                return
            self._loop, self._thread = loop, _get_ident()
        loop.add_reader(self._fd, self._look)
        # the edge of what arrived before this moment is gone
        self._post_look()
        if self._connections is not None:
            self._connections.attach(loop)

    def take_over(
        self,
        loop: EventLoop,
        deliver: Callable[[Message, ProtocolError | None], object],
        drained: Callable[[], object] = lambda: None,
    ) -> None:
        """Let `loop`, on whose thread this is called, drive the socket for good.

        Args:
            deliver, drained: are called on this thread from now on, in the place of the others.
        """
        with self._lock:
            before, self._loop, self._thread = self._loop, loop, _get_ident()
            self._deliver, self._drained = deliver, drained
            self._taken, self._look_posted = True, False
        if before is not None:
            before.call_soon_threadsafe(lambda: before.remove_reader(self._fd))
        loop.add_reader(self._fd, self._look)
        self._post_look()
        if self._connections is not None:
            self._connections.take_over(loop)

    def detach(self) -> None:
        """Take the socket off its loop, but not off one that has taken it over."""
        with self._lock:
            if self._taken:
                return
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.remove_reader(self._fd)
        if self._connections is not None:
            self._connections.detach()
        self._look_posted = False

    def drain(self) -> None:
        """Have everything delivered that has arrived, however much, without dispatching it.

        From any thread. A thread that has taken the socket over gets `DRAIN_PATIENCE` for that.
        """
        loop = self._loop
        if loop is None or self._is_owner():
            self._read(float("inf"))
            return
        done = threading.Event()

        def drain() -> None:
            self._read(float("inf"))
            done.set()

        loop.call_soon_threadsafe(drain)
        done.wait(DRAIN_PATIENCE)

    def send(self, frames: Sequence[Any]) -> None:
        """Send one message. From any thread; what is not the owner's is sent by that, soon.

        Raises:
            UnreachablePeer: on stdin, when the frontend is not connected to it.
        """
        if not self._is_owner():
            loop = self._loop
            assert loop is not None
            loop.call_soon_threadsafe(lambda: self._send(frames))
            return
        self._send(frames)

    def _send(self, frames: Sequence[Any]) -> None:
        with self._lock:
            try:
                self._socket.send_multipart(frames, copy=True)  # see IOPubThread
            except zmq.ZMQError as error:
                if error.errno == zmq.EHOSTUNREACH:
                    raise UnreachablePeer from None
                raise
            swallowed = self._loop is not None and is_readable(self._socket)
        if swallowed:
            # the send has consumed the edge of a message that arrived meanwhile
            self._post_look()

    def _is_owner(self) -> bool:
        return self._thread is None or self._thread == _get_ident()

    def close(self) -> None:
        """Detach and close; what was sent gets up to the socket's linger time to leave."""
        self.detach()
        with self._lock:
            self._socket.close()
        if self._connections is not None:
            self._connections.close()

    def _post_look(self) -> None:
        loop = self._loop
        if loop is not None and not self._look_posted:
            self._look_posted = True
            loop.call_soon_threadsafe(self._posted_look)

    def _posted_look(self) -> None:
        if not self._is_owner():
            return
        # two posts may be under way when the socket has changed its loop in between: harmless
        self._look_posted = False
        if self._loop is not None:
            self._look()

    def _look(self) -> None:
        if _getpid() != self._pid:
            # A forked child that has come back to the host's event loop. The descriptor is its
            # parent's, too: what it reads here would be lost for the parent.
            return
        if not self._is_owner():
            return  # it has been taken over; this loop is about to be told
        if self._read(_clock() + READ_BUDGET):
            self._post_look()
        self._drained()

    def _read(self, deadline: float) -> bool:
        """Read until nothing is there (False) or the deadline has passed (True)."""
        while (frames := self._next_frames()) is not None:
            self._receive(frames)
            if _clock() > deadline:
                return True
        return False

    def _next_frames(self) -> list[bytes] | None:
        with self._lock:
            if self._socket.closed or not self._is_owner() or not is_readable(self._socket):
                return None
            try:
                first = self._socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return None
            frames = [first.bytes]
            if first.more:
                frames += self._socket.recv_multipart(zmq.NOBLOCK, copy=True)
        if self._connections is not None:
            self._delivering.connection = self._connections.of(first, frames[0])
        return frames

    def _receive(self, frames: list[bytes]) -> None:
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
