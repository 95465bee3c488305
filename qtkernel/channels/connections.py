"""Which connections a ROUTER socket has, and which of them a message has come by.

libzmq tells both, in two places: the socket's monitor says which descriptor was accepted and which
one is gone, and every message part carries the descriptor that it was read from. (Read with
``copy=False``, the first part alone: 1 us more, of 16 us that reading a message takes.)

Descriptors are used again. A connection is gone before the next one gets its descriptor, in the
monitor as well; but the two are read one after the other, so whenever a message does not fit to
what is known the monitor is read first. One connection has one routing id: another one on the same
descriptor is another connection.
"""

from __future__ import annotations

import itertools
import os
import socket as socket_module
import struct
import threading
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from qtkernel.channels.readable import is_readable
from qtkernel.loops.base import EventLoop

WATCHED = int(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)

_turns = itertools.count()


class Connection:
    """One peer's connection to one socket. It belongs to the thread that drives the socket."""

    __slots__ = ("address", "alive", "came", "fd", "pid", "routing_id", "speakers", "went")

    def __init__(self, fd: int, *, alive: bool = True) -> None:
        self.fd = fd
        self.alive = alive
        self.routing_id: bytes | None = None
        """Of its messages; None as long as there is none."""
        self.address: str | None = None
        """The peer's host, if it is one that comes by TCP and has sent something."""
        self.pid = peer_pid(fd) if alive else None
        """The peer's process, if it is one that comes by a Unix socket."""
        self.speakers: set[str] = set()
        """The frontends that have spoken on it: several, if it is a proxy's."""
        self.came = self.went = next(_turns)
        """Numbers that grow with each connection that comes or goes: which was first."""


class Connections:
    """The connections of one socket. They belong to the thread that drives it; `of`, `silent` and
    `look` may be called from any.

    Args:
        monitor: what `monitored` has returned for the socket.
        lost: called with each connection that is gone, by whoever finds that out.
    """

    def __init__(
        self, monitor: zmq.Socket[bytes], lost: Callable[[Connection], object] = lambda _gone: None
    ) -> None:
        self._monitor = monitor
        self._lost = lost
        self._by_fd: dict[int, Connection] = {}
        self._unheard: set[int] = set()
        """The descriptors of those that were gone before a message of theirs was read."""
        self._former: dict[int, bytes] = {}
        """By descriptor: the routing id of the last one that was heard there and is gone."""
        self._loop: EventLoop | None = None
        self._lock = threading.RLock()
        self._fd = int(monitor.FD)

    def attach(self, loop: EventLoop) -> None:
        """Let `loop` say when a connection comes or goes."""
        self._loop = loop
        loop.add_reader(self._fd, self.look)
        loop.call_soon_threadsafe(self._look_if_attached)  # the edge of what was there is gone

    def take_over(self, loop: EventLoop) -> None:
        """Let `loop`, on whose thread this is called, say it from now on."""
        before, self._loop = self._loop, None
        if before is not None:
            before.call_soon_threadsafe(lambda: before.remove_reader(self._fd))
        self.attach(loop)

    def detach(self) -> None:
        """Take it off its loop; it can be attached to another one."""
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop = None

    def close(self) -> None:
        """Detach and close; the socket itself must be closed before."""
        self.detach()
        self._monitor.close(linger=0)

    def of(self, part: zmq.Frame, routing_id: bytes) -> Connection:
        """The connection that a message has come by, of which `part` is the first."""
        with self._lock:
            return self._of(part, routing_id)

    def _of(self, part: zmq.Frame, routing_id: bytes) -> Connection:
        fd = int(part.get(zmq.SRCFD))
        found = self._by_fd.get(fd)
        if found is None or found.routing_id != routing_id:
            self.look()
            found = self._claim(fd, routing_id)
            if found.alive and found.routing_id is None:
                found.routing_id = routing_id
                found.address = _address(part) if found.pid is None else None
        return found

    def _claim(self, fd: int, routing_id: bytes) -> Connection:
        found = self._by_fd.get(fd)
        if found is None:
            return Connection(fd, alive=False)
        if found.routing_id in (None, routing_id):
            return found
        former = self._former.get(fd)
        if former == routing_id or (former != found.routing_id and fd not in self._unheard):
            return Connection(fd, alive=False)  # a last message of the one before
        # Only one of the two is there. Who has been heard first was taken for this connection, but
        # came by one that was gone before that message was read.
        self._unheard.discard(fd)
        self._drop(fd)
        found = self._by_fd[fd] = Connection(fd)
        return found

    def silent(self) -> list[Connection]:
        """Those on which nothing has been said, oldest first."""
        with self._lock:
            self.look()
            return [each for each in self._by_fd.values() if each.routing_id is None]

    def look(self) -> None:
        """Read what the monitor has to say."""
        with self._lock:
            while not self._monitor.closed and is_readable(self._monitor):
                event = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))
                fd = int(event["value"])
                self._drop(fd)
                if event["event"] == zmq.EVENT_ACCEPTED:
                    self._by_fd[fd] = Connection(fd)

    def _drop(self, fd: int) -> None:
        gone = self._by_fd.pop(fd, None)
        if gone is not None:
            gone.alive = False
            gone.went = next(_turns)
            if gone.routing_id is None:
                self._unheard.add(fd)
            else:
                self._former[fd] = gone.routing_id
            self._lost(gone)

    def _look_if_attached(self) -> None:
        if self._loop is not None:
            self.look()


def monitored(socket: zmq.Socket[bytes], name: str) -> zmq.Socket[bytes]:
    """Make the monitor of a socket that is not bound yet.

    Args:
        name: another one for each socket of a context.
    """
    monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
    # libzmq's I/O thread, and with it every channel, would stop where this is full
    monitor.rcvhwm = 0
    monitor.linger = 0
    endpoint = f"inproc://monitor-{name}"
    socket.monitor(endpoint, WATCHED)
    monitor.connect(endpoint)
    return monitor


def peer_pid(fd: int) -> int | None:
    """The process at the other end of a Unix socket, where the system tells (Linux)."""
    option: Any = getattr(socket_module, "SO_PEERCRED", None)
    if option is None:
        return None
    try:
        with socket_module.socket(fileno=os.dup(fd)) as peer:
            if peer.family != socket_module.AF_UNIX:
                return None
            size = struct.calcsize("3i")
            found = peer.getsockopt(socket_module.SOL_SOCKET, option, size)
            return int(struct.unpack("3i", found)[0]) or None
    except OSError:
        return None  # libzmq has closed it by now


def _address(part: zmq.Frame) -> str | None:
    try:
        return str(part.get("Peer-Address"))
    except zmq.ZMQError:
        return None  # the transport does not know
