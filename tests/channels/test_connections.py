"""Which connections a socket has, over every transport: who comes, who speaks, who is gone."""

from __future__ import annotations

import errno
import os
import socket as socket_module
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from qtkernel.channels.connections import Connection, Connections
from qtkernel.channels.router import RouterChannel
from qtkernel.channels.sockets import Endpoints, bind_all, new_curve_keys
from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.protocol import Channel, ConnectionInfo, Message, Session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks at descriptors")


class Shell:
    """A shell channel, whom it has heard, and which connections are gone."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self.session = Session(endpoints.info.key.encode())
        self.heard: list[Connection] = []
        self.gone: list[Connection] = []
        self.look: Callable[[], object] = lambda: None
        self.connections = Connections(endpoints.monitors[Channel.SHELL], self._lost)
        self.channel = RouterChannel(
            Channel.SHELL,
            endpoints.sockets[Channel.SHELL],
            self.session,
            self._deliver,
            connections=self.connections,
        )
        self._stack = ExitStack()

    def _deliver(self, _message: Message, _problem: object) -> None:
        assert self.channel.connection is not None
        self.heard.append(self.channel.connection)
        self.look()

    def _lost(self, connection: Connection) -> None:
        self.gone.append(connection)
        self.look()

    def peer(self, routing_id: bytes | None = None) -> zmq.Socket[bytes]:
        """Somebody who connects, with a context (and descriptors) of his own."""
        context = zmq.Context()
        self._stack.callback(context.destroy, linger=0)
        dealer: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self._stack.callback(dealer.close, linger=0)
        if routing_id is not None:
            dealer.routing_id = routing_id
        info = self.endpoints.info
        if info.curve_publickey:
            dealer.curve_serverkey = info.curve_publickey.encode()
            dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
        dealer.connect(info.endpoint(Channel.SHELL))
        return dealer

    def speak(self, peer: zmq.Socket[bytes]) -> None:
        """Let a peer say something."""
        peer.send_multipart(Session(self.session.key).pack("x_request", {}))

    def run_until(self, loop: EventLoop, condition: Callable[[], bool]) -> None:
        """Run the loop until `condition`, which is looked at whenever something is told."""

        def look() -> None:
            if condition():
                loop.stop()

        expired: list[bool] = []
        self.look = look
        guard = loop.call_later(20, lambda: (expired.append(True), loop.stop()))
        loop.call_soon_threadsafe(look)
        loop.run()
        guard.cancel()
        self.look = lambda: None
        assert not expired, f"heard {self.heard}, gone {self.gone}"

    def close(self) -> None:
        """Close both sides."""
        self._stack.close()
        self.channel.close()


@pytest.fixture(params=["tcp", "ipc", "curve"])
def transport_info(
    request: pytest.FixtureRequest, info: ConnectionInfo, tmp_path: Path
) -> ConnectionInfo:
    """What to bind."""
    if request.param == "ipc":
        return msgspec.structs.replace(info, transport="ipc", ip=str(tmp_path / "k"))
    if request.param == "curve":
        public, secret = new_curve_keys()
        return msgspec.structs.replace(info, curve_publickey=public, curve_secretkey=secret)
    return info


@pytest.fixture
def shell(transport_info: ConnectionInfo) -> Iterator[Shell]:
    endpoints = bind_all(transport_info)
    created = Shell(endpoints)
    yield created
    created.close()
    endpoints.close()


def test_a_peer_that_speaks_and_goes(shell: Shell, loop: EventLoop) -> None:
    shell.channel.attach(loop)
    peer = shell.peer()
    for count in (1, 2):
        shell.speak(peer)
        shell.run_until(loop, lambda count=count: len(shell.heard) == count)
    first, second = shell.heard
    assert first is second
    assert first.alive
    if shell.endpoints.info.transport == "ipc":
        assert first.pid == (os.getpid() if sys.platform == "linux" else None)
    else:
        assert first.address == "127.0.0.1"
    peer.close(linger=0)
    shell.run_until(loop, lambda: bool(shell.gone))
    assert shell.gone == [first]
    assert not first.alive


def test_peers_are_told_apart(shell: Shell, loop: EventLoop) -> None:
    shell.channel.attach(loop)
    one, two = shell.peer(b"one"), shell.peer(b"two")
    shell.speak(one)
    shell.run_until(loop, lambda: len(shell.heard) == 1)
    shell.speak(two)
    shell.run_until(loop, lambda: len(shell.heard) == 2)
    one.close(linger=0)
    shell.run_until(loop, lambda: bool(shell.gone))
    assert shell.gone == shell.heard[:1]


def test_a_descriptor_that_is_used_again(shell: Shell, loop: EventLoop) -> None:
    shell.channel.attach(loop)
    for count in range(1, 6):
        peer = shell.peer()
        shell.speak(peer)
        shell.run_until(loop, lambda count=count: len(shell.heard) == count)
        peer.close(linger=0)
        peer.context.term()
        shell.run_until(loop, lambda count=count: len(shell.gone) == count)
    assert shell.gone == shell.heard
    assert len({each.fd for each in shell.heard}) < 5, "the system gives the lowest one"


def test_what_is_read_late_is_of_a_connection_that_is_gone(shell: Shell, loop: EventLoop) -> None:
    """Nobody looks until all is over: two have spoken, perhaps on the same descriptor."""
    peer = shell.peer()
    shell.speak(peer)
    assert shell.endpoints.sockets[Channel.SHELL].poll(10_000)
    peer.close()  # with what it has said
    peer.context.term()
    last = shell.peer()
    shell.speak(last)
    shell.channel.attach(loop)
    shell.run_until(loop, lambda: len(shell.heard) == 2 and not shell.heard[0].alive)
    assert shell.heard[1].alive


def test_a_last_message_that_is_read_when_the_next_one_is_there(
    shell: Shell, loop: EventLoop
) -> None:
    """The application was busy: one has spoken again and gone, and another has come meanwhile."""
    one = shell.peer()
    shell.channel.attach(loop)
    shell.speak(one)
    shell.run_until(loop, lambda: bool(shell.heard))
    first = shell.heard[0]
    shell.channel.detach()
    shell.speak(one)
    one.close()  # with what it has said
    one.context.term()
    monitor = shell.endpoints.monitors[Channel.SHELL]
    assert monitor.poll(10_000)
    another = shell.peer()
    while len(shell.connections.silent()) < 1:
        monitor.poll(10_000)
    for _ in range(3):
        shell.speak(another)
    shell.channel.attach(loop)
    shell.run_until(loop, lambda: len(shell.heard) == 5)
    assert [each.alive for each in shell.heard] == [False, False, True, True, True]
    assert shell.heard[0] is first
    assert len(set(shell.heard[2:])) == 1


def test_one_that_says_nothing(shell: Shell, loop: EventLoop) -> None:
    shell.channel.attach(loop)
    peer = shell.peer()
    while not shell.connections.silent():
        shell.endpoints.monitors[Channel.SHELL].poll(10_000)
    shell.speak(peer)
    shell.run_until(loop, lambda: bool(shell.heard))
    assert shell.connections.silent() == []


def test_it_moves_with_the_channel(
    shell: Shell, loop: EventLoop, errors: list[BaseException]
) -> None:
    other = HeadlessLoop(errors.append)
    peer = shell.peer()
    shell.channel.attach(loop)
    shell.speak(peer)
    shell.run_until(loop, lambda: bool(shell.heard))
    shell.channel.detach()
    peer.close(linger=0)
    # the edge of this belongs to no loop
    assert shell.endpoints.monitors[Channel.SHELL].poll(10_000)
    shell.channel.attach(other)
    shell.run_until(other, lambda: bool(shell.gone))
    other.close()


def test_nothing_is_left_open(transport_info: ConnectionInfo, loop: EventLoop) -> None:
    before = 0
    for turn in range(3):
        endpoints = bind_all(transport_info)
        shell = Shell(endpoints)
        shell.channel.attach(loop)
        shell.speak(shell.peer())
        shell.run_until(loop, lambda shell=shell: bool(shell.heard))
        shell.close()
        endpoints.close()
        bind_all(transport_info).close()
        # what is opened once for the whole process is, in the first turn
        before = before if turn else descriptors()
    assert descriptors() == before


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_flood_of_connections_that_nobody_looks_at(info: ConnectionInfo) -> None:
    """Where the monitor's pipe is full libzmq's own thread stops, and with it every channel."""
    endpoints = bind_all(info)
    host, port = info.ip, endpoints.info.shell_port
    for _ in range(2500):
        socket_module.create_connection((host, port)).close()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    requester = context.socket(zmq.DEALER)
    requester.connect(endpoints.info.endpoint(Channel.STDIN))
    requester.send(b"alive")
    assert endpoints.sockets[Channel.STDIN].poll(10_000)
    context.destroy(linger=0)
    endpoints.close()


# What is read in one go, told by hand: the system decides otherwise which descriptors are the same


class Part:
    """The first part of a message, and nothing but where it came from."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def get(self, option: object) -> int:
        """What zmq.Frame.get says."""
        if option != zmq.SRCFD:
            raise zmq.ZMQError(errno.EINVAL)
        return self.fd


class Monitored:
    """Connections, and the other end of their monitor."""

    FD = 1_000_000  # nobody's: nothing can be asked of the system about it

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.told = self.context.socket(zmq.PAIR)
        self.told.bind("inproc://told")
        monitor = self.context.socket(zmq.PAIR)
        monitor.connect("inproc://told")
        self.gone: list[Connection] = []
        self.connections = Connections(monitor, self.gone.append)

    def tell(self, *events: zmq.Event) -> None:
        for event in events:
            self.told.send_multipart([struct.pack("=HI", event, self.FD), b"tcp://"])

    def hear(self, routing_id: bytes) -> Connection:
        part: Any = Part(self.FD)
        return self.connections.of(part, routing_id)


@pytest.fixture
def monitored() -> Iterator[Monitored]:
    created = Monitored()
    yield created
    created.told.close()
    created.connections.close()
    created.context.term()


COMES, GOES = zmq.EVENT_ACCEPTED, zmq.EVENT_DISCONNECTED


def test_the_later_one_has_the_descriptor(monitored: Monitored) -> None:
    monitored.tell(COMES, GOES, COMES)
    old = monitored.hear(b"old")
    new = monitored.hear(b"new")
    assert (old.alive, new.alive) == (False, True)
    assert monitored.gone[-1] is old
    assert monitored.hear(b"new") is new
    monitored.tell(GOES)
    monitored.connections.look()
    assert monitored.gone[-1] is new


def test_a_last_message_of_the_one_before(monitored: Monitored) -> None:
    monitored.tell(COMES)
    old = monitored.hear(b"old")
    monitored.tell(GOES, COMES)
    new = monitored.hear(b"new")
    late = monitored.hear(b"old")
    assert (old.alive, late.alive, new.alive) == (False, False, True)
    assert monitored.gone == [old]
    assert monitored.hear(b"new") is new


def test_one_that_is_gone_before_anybody_looks(monitored: Monitored) -> None:
    monitored.tell(COMES, GOES)
    assert not monitored.hear(b"old").alive
