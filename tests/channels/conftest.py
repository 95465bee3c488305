"""Bound sockets of a kernel, and loops to drive them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from qtkernel.channels.router import RouterChannel
from qtkernel.channels.sockets import Endpoints, bind_all
from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.protocol import Channel, ConnectionInfo, Message, ProtocolError, Session, new_key


@pytest.fixture
def info() -> ConnectionInfo:
    return ConnectionInfo(key=new_key())


@pytest.fixture
def endpoints(info: ConnectionInfo) -> Iterator[Endpoints]:
    """The five sockets of a kernel, on free ports of the loopback interface."""
    bound = bind_all(info)
    yield bound
    bound.close()


@pytest.fixture
def errors() -> Iterator[list[BaseException]]:
    """What callbacks of the loop raise."""
    caught: list[BaseException] = []
    yield caught
    assert caught == []


@pytest.fixture(params=["headless", "qt"])
def loop(request: pytest.FixtureRequest, errors: list[BaseException]) -> Iterator[EventLoop]:
    """An event loop of our own, and Qt's."""
    if request.param == "qt":
        from qtkernel.loops.qt import QtLoop

        created: EventLoop = QtLoop(request.getfixturevalue("qapp"), errors.append)
    else:
        created = HeadlessLoop(errors.append)
    yield created
    created.close()


class Inbox:
    """The shell channel and what it delivers."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.messages: list[tuple[Message, ProtocolError | None]] = []
        self.drained_at: list[int] = []
        self.session = Session(endpoints.info.key.encode())
        self.on_message: Callable[[Message], Any] = lambda _message: None
        self.on_drained: Callable[[], Any] = lambda: None
        self.channel = RouterChannel(
            Channel.SHELL,
            endpoints.sockets[Channel.SHELL],
            self.session,
            self._deliver,
            self._drained,
        )

    def _deliver(self, message: Message, problem: ProtocolError | None) -> None:
        self.messages.append((message, problem))
        self.on_message(message)

    def _drained(self) -> None:
        self.drained_at.append(len(self.messages))
        self.on_drained()

    @property
    def ids(self) -> list[str]:
        """The msg_ids of what was delivered."""
        return [message.msg_id for message, _ in self.messages]

    def reply(self, to: Message) -> None:
        """Send something back."""
        frames = self.session.pack(
            "x_reply", {}, parent_header=to.header_bytes, identities=to.identities
        )
        self.channel.send(frames)


@pytest.fixture
def inbox(endpoints: Endpoints) -> Iterator[Inbox]:
    created = Inbox(endpoints)
    yield created
    created.channel.close()


@pytest.fixture
def dealer(endpoints: Endpoints) -> Iterator[zmq.Socket[bytes]]:
    """A frontend's end of the shell channel."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoints.info.endpoint(Channel.SHELL))
    yield socket
    context.destroy(linger=0)
