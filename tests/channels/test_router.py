"""A ROUTER socket on a foreign loop: no message is left lying, whatever else is going on."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from qtkernel.channels import router as router_module
from qtkernel.channels.router import RouterChannel, UnreachablePeer
from qtkernel.channels.sockets import Endpoints
from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.protocol import BadMessage, Channel, Message, ProtocolError, Session
from tests.channels.conftest import Inbox

Dealer = zmq.Socket[bytes]


def send(dealer: Dealer, inbox: Inbox, count: int = 1) -> list[str]:
    """Send requests as a frontend with the right key does; their ids."""
    session = Session(inbox.session.key)
    ids = []
    for _ in range(count):
        frames = session.pack("x_request", {})
        ids.append(json.loads(frames[2])["msg_id"])
        dealer.send_multipart(frames)
    return ids


def arrived(inbox: Inbox) -> None:
    """Wait until something is in the socket, without reading it."""
    assert inbox.channel._socket.poll(10_000)


def run_until(loop: EventLoop, inbox: Inbox, condition: Callable[[], bool]) -> None:
    """Run the loop until `condition`, which is looked at whenever the socket was drained."""
    drained = inbox.on_drained
    expired: list[bool] = []

    def look() -> None:
        drained()
        if condition():
            loop.stop()

    inbox.on_drained = look
    guard = loop.call_later(10, lambda: (expired.append(True), loop.stop()))
    loop.run()
    guard.cancel()
    inbox.on_drained = drained
    assert not expired, "a message was left lying in the socket"


def test_a_burst_is_read_at_one_wake_up(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_module, "READ_BUDGET", 60.0)
    inbox.channel.attach(loop)
    run_until(loop, inbox, lambda: True)  # the look after attaching
    ids = send(dealer, inbox, 50)
    run_until(loop, inbox, lambda: len(inbox.messages) == 50)
    assert inbox.ids == ids


def test_what_arrived_before_the_attaching_is_read(
    loop: EventLoop, inbox: Inbox, dealer: Dealer
) -> None:
    ids = send(dealer, inbox, 3)
    arrived(inbox)  # this look has taken the edge
    inbox.channel.attach(loop)
    run_until(loop, inbox, lambda: len(inbox.messages) == 3)
    assert inbox.ids == ids


def test_a_message_that_arrives_during_a_send_is_seen(
    loop: EventLoop, inbox: Inbox, dealer: Dealer
) -> None:
    """Sending consumes the edge: without a look after it the second request waits for ever."""
    more: list[str] = []

    def answer_late() -> None:
        if not more:
            more.extend(send(dealer, inbox))
            arrived(inbox)
            inbox.reply(inbox.messages[0][0])

    inbox.channel.attach(loop)
    inbox.on_drained = lambda: answer_late() if inbox.messages else None
    ids = send(dealer, inbox)
    run_until(loop, inbox, lambda: len(inbox.messages) == 2)
    assert inbox.ids == ids + more


def test_requests_and_replies_in_lock_step(loop: EventLoop, inbox: Inbox, dealer: Dealer) -> None:
    """Each reply is answered by the next request at once, 200 times: no edge is ever missed."""
    inbox.channel.attach(loop)

    def answer() -> None:
        if inbox.messages and len(inbox.messages) < 200:
            inbox.reply(inbox.messages[-1][0])
            dealer.recv_multipart()
            send(dealer, inbox)

    inbox.on_drained = answer
    send(dealer, inbox)
    run_until(loop, inbox, lambda: len(inbox.messages) == 200)


def test_all_is_delivered_before_anything_is_dispatched(
    loop: EventLoop, inbox: Inbox, dealer: Dealer
) -> None:
    """A handler may open a nested loop: what is still in the socket then would be hidden."""
    ids = send(dealer, inbox, 20)
    arrived(inbox)
    inbox.channel.attach(loop)
    seen_by_first: list[int] = []
    inbox.on_message = lambda _m: seen_by_first.append(len(inbox.drained_at))
    run_until(loop, inbox, lambda: len(inbox.messages) == 20)
    assert inbox.ids == ids
    assert inbox.drained_at[-1] == 20


def test_messages_are_seen_in_a_loop_inside_of_the_dispatch(
    loop: EventLoop, inbox: Inbox, dealer: Dealer
) -> None:
    nested: list[str] = []

    def dispatch() -> None:
        if len(inbox.messages) == 1:
            nested.extend(send(dealer, inbox))
            run_until(loop, inbox, lambda: len(inbox.messages) == 2)

    inbox.channel.attach(loop)
    inbox.on_drained = dispatch
    ids = send(dealer, inbox)
    run_until(loop, inbox, lambda: len(inbox.messages) == 2)
    assert inbox.ids == ids + nested


def test_reading_a_flood_gives_the_host_its_turn(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_module, "READ_BUDGET", 0.0)
    ids = send(dealer, inbox, 30)
    inbox.channel.attach(loop)
    run_until(loop, inbox, lambda: len(inbox.messages) == 30)
    assert inbox.ids == ids
    assert set(range(1, 31)) <= set(inbox.drained_at)


def test_drain_reads_everything_without_saying_so(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_module, "READ_BUDGET", 0.0)
    inbox.channel.attach(loop)
    ids = send(dealer, inbox, 5)
    while len(inbox.messages) < 5:
        arrived(inbox)
        inbox.channel.drain()
    assert inbox.ids == ids
    assert inbox.drained_at == []


# Moving


def test_a_channel_moves_to_another_loop_and_back(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, errors: list[BaseException]
) -> None:
    from qtkernel.loops.headless import HeadlessLoop

    other = HeadlessLoop(errors.append)
    ids: list[str] = []
    for current in (loop, other, loop, other):
        ids.extend(send(dealer, inbox, 2))
        inbox.channel.attach(current)
        run_until(current, inbox, lambda: inbox.ids == ids)
        inbox.channel.detach()
    assert inbox.ids == ids
    other.close()


def test_a_look_posted_to_the_old_loop_does_not_count_for_the_new_one(
    inbox: Inbox, dealer: Dealer, errors: list[BaseException]
) -> None:
    from qtkernel.loops.headless import HeadlessLoop

    old, new = HeadlessLoop(errors.append), HeadlessLoop(errors.append)
    ids = send(dealer, inbox)
    arrived(inbox)
    inbox.channel.attach(old)
    inbox.channel.detach()
    old.close()
    inbox.channel.attach(new)
    run_until(new, inbox, lambda: bool(inbox.messages))
    assert inbox.ids == ids
    new.close()


def test_after_the_close_a_posted_look_is_harmless(
    loop: EventLoop, inbox: Inbox, dealer: Dealer
) -> None:
    send(dealer, inbox)
    inbox.channel.attach(loop)
    inbox.channel.close()
    loop.call_soon_threadsafe(loop.stop)
    loop.run()
    assert inbox.messages == []
    assert inbox.drained_at == [], "and nothing is dispatched any more"


# What is refused and what is answered


def spoil(frames: list[Any], index: int, data: bytes) -> list[Any]:
    return [*frames[:index], data, *frames[index + 1 :]]


@pytest.mark.parametrize(
    ("index", "data", "why"),
    [
        (0, b"<NO|MSG>", "no delimiter"),
        (1, b"0" * 64, "the signature does not match"),
        (1, b"", "the signature is not 64"),
        (5, b'{"code": "evil()"}', "the signature does not match"),
    ],
)
def test_what_is_not_signed_is_refused_and_logged(
    loop: EventLoop,
    inbox: Inbox,
    dealer: Dealer,
    caplog: pytest.LogCaptureFixture,
    index: int,
    data: bytes,
    why: str,
) -> None:
    session = Session(inbox.session.key)
    dealer.send_multipart(spoil(session.pack("x_request", {}), index, data))
    ids = send(dealer, inbox)
    inbox.channel.attach(loop)
    with caplog.at_level(logging.WARNING):
        run_until(loop, inbox, lambda: bool(inbox.messages))
    assert inbox.ids == ids
    (record,) = caplog.records
    assert record.getMessage().startswith("shell channel: refused a message: ")
    assert why in record.getMessage()


def test_a_replay_is_refused(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, caplog: pytest.LogCaptureFixture
) -> None:
    frames = Session(inbox.session.key).pack("x_request", {})
    dealer.send_multipart(frames)
    dealer.send_multipart(frames)
    ids = send(dealer, inbox)
    inbox.channel.attach(loop)
    run_until(loop, inbox, lambda: len(inbox.messages) == 2)
    assert inbox.ids[1:] == ids
    assert "has been taken before" in caplog.text


def test_a_signed_message_that_cannot_be_read_is_delivered_with_its_problem(
    loop: EventLoop, inbox: Inbox, dealer: Dealer
) -> None:
    session = Session(inbox.session.key)
    frames = session.pack("x_request", {})
    broken = spoil(frames, 4, b"[]")  # the metadata
    dealer.send_multipart(spoil(broken, 1, session._sign(*broken[2:6])))
    inbox.channel.attach(loop)
    run_until(loop, inbox, lambda: bool(inbox.messages))
    ((message, problem),) = inbox.messages
    assert isinstance(problem, BadMessage)
    assert message.msg_type == "x_request"
    assert message.identities, "there is a way back to the sender"


def test_on_stdin_an_unreachable_frontend_is_an_error(endpoints: Endpoints) -> None:
    session = Session(b"k")
    stdin = RouterChannel(Channel.STDIN, endpoints.sockets[Channel.STDIN], session, lambda *_: None)
    with pytest.raises(UnreachablePeer):
        stdin.send(session.pack("input_request", {}, identities=[b"nobody"]))
    stdin.close()


def test_on_shell_an_unreachable_frontend_is_not(inbox: Inbox) -> None:
    inbox.channel.send(inbox.session.pack("x_reply", {}, identities=[b"nobody"]))


# Another thread takes the socket over


class OtherThread:
    """A thread with a loop, to which the channel moves."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.errors: list[BaseException] = []
        self._loop = HeadlessLoop(self.errors.append)
        self.messages: list[Message] = []
        self.threads: set[int] = set()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._loop.run)

    def start(self) -> None:
        """Take over."""
        self._loop.call_soon_threadsafe(
            lambda: self._inbox.channel.take_over(self._loop, self._deliver)
        )
        self._thread.start()

    def _deliver(self, message: Message, _problem: ProtocolError | None) -> None:
        with self._changed:
            self.threads.add(threading.get_ident())
            self.messages.append(message)
            self._changed.notify_all()

    def wait(self, count: int) -> list[str]:
        """Wait until so many messages have been delivered here."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= count, 20)
        return self.ids

    @property
    def ids(self) -> list[str]:
        """The msg_ids of what was delivered here."""
        return [message.msg_id for message in self.messages]

    def block(self) -> threading.Event:
        """Keep the thread busy; what is returned lets it go on."""
        busy, go = threading.Event(), threading.Event()
        self._loop.call_soon_threadsafe(lambda: (busy.set(), go.wait(20)))
        assert busy.wait(20)
        return go

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()
        assert self.errors == []


@pytest.fixture
def other(inbox: Inbox) -> Iterator[OtherThread]:
    """A thread that has not begun."""
    other = OtherThread(inbox)
    yield other
    other.end()


def test_a_thread_takes_over_while_the_owner_is_busy(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, other: OtherThread
) -> None:
    inbox.channel.attach(loop)
    run_until(loop, inbox, lambda: True)
    ids = send(dealer, inbox, 3)
    arrived(inbox)  # and the owner does not look
    other.start()
    assert other.wait(3) == ids
    ids += send(dealer, inbox, 50)
    assert other.wait(53) == ids
    assert other.threads == {other._thread.ident}
    # what the owner sends goes by the other, and its loop is told in the end
    inbox.reply(other.messages[-1])
    assert dealer.poll(10_000)
    dealer.recv_multipart()
    loop.call_later(0, loop.stop)
    loop.run()
    assert not loop.remove_reader(int(inbox.channel._socket.FD))
    assert inbox.messages == []


def test_who_does_not_own_the_socket_can_have_it_drained(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, other: OtherThread
) -> None:
    inbox.channel.attach(loop)
    other.start()
    first = send(dealer, inbox)
    assert other.wait(1) == first
    go = other.block()
    ids = first + send(dealer, inbox)
    arrived(inbox)
    assert other.ids == first
    threading.Timer(0.05, go.set).start()
    inbox.channel.drain()
    assert other.ids == ids


def test_a_loop_that_comes_later_does_not_get_it_back(
    loop: EventLoop, inbox: Inbox, dealer: Dealer, other: OtherThread
) -> None:
    inbox.channel.attach(loop)
    other.start()
    first = send(dealer, inbox)
    assert other.wait(1) == first
    inbox.channel.detach()
    inbox.channel.attach(loop)
    ids = first + send(dealer, inbox, 5)
    assert other.wait(6) == ids
