"""The gate of a channel: what waits for a decision, in which order it goes on, what is refused."""

from __future__ import annotations

from qtkernel.kernel.clients import Client, Clients
from qtkernel.kernel.gate import AttachRefused, Gate
from qtkernel.kernel.queue import Request
from tests.kernel.test_clients import Wire, message
from tests.support.manual_loop import ManualLoop


class Channel:
    """A gate, and what has come through it."""

    def __init__(self, loop: ManualLoop, clients: Clients) -> None:
        self.passed: list[Request] = []
        self.refused: list[Request] = []
        self.gate = Gate(
            clients,
            lambda request, wire: loop.call_soon_threadsafe(
                lambda: clients.heard(request.message, wire)
            ),
            self.passed.append,
            self.refused.append,
        )

    def receive(self, session: str, wire: Wire) -> Request:
        request = Request(message(session), lambda _frames: None)
        self.gate.receive(request, wire)
        return request


class Decisions:
    """Two channels and who has been let in by name."""

    def __init__(self) -> None:
        self.verdicts: dict[str, bool] = {}
        self.loop = ManualLoop()
        self.clients = Clients(self.loop.call_soon_threadsafe, self.loop.call_later, self._decide)
        self.shell = Channel(self.loop, self.clients)
        self.control = Channel(self.loop, self.clients)
        self.looks = True

        def decided() -> None:
            if self.looks:
                self.shell.gate.look()
                self.control.gate.look()

        self.clients.on_decided = decided

    def _decide(self, client: Client) -> bool:
        return self.verdicts[client.session]


def test_requests_wait_and_go_on_in_order() -> None:
    house = Decisions()
    house.verdicts = {"a": True}
    wire, other = Wire(), Wire()
    sent = [house.shell.receive("a", wire) for _ in range(3)]
    on_control = house.control.receive("a", other)
    assert house.shell.passed == house.control.passed == []
    house.loop.settle()
    assert house.shell.passed == sent
    assert house.control.passed == [on_control]


def test_one_is_refused_and_the_other_served() -> None:
    house = Decisions()
    house.verdicts = {"a": True, "b": False}
    good, bad = Wire(), Wire()
    mine, theirs = house.shell.receive("a", good), house.shell.receive("b", bad)
    house.loop.settle()
    theirs_again = house.shell.receive("b", bad)
    assert house.shell.passed == [mine]
    assert house.shell.refused == [theirs, theirs_again]
    for request in house.shell.refused:
        assert isinstance(request.problem, AttachRefused)


def test_what_comes_after_the_decision_does_not_overtake_what_was_held() -> None:
    house = Decisions()
    house.verdicts = {"a": True}
    house.looks = False  # the other thread has not got the word yet
    wire = Wire()
    first = house.control.receive("a", wire)
    house.loop.settle()
    second = house.control.receive("a", wire)
    assert house.control.passed == [first, second]


def test_at_the_close_whoever_was_not_let_in_is_refused() -> None:
    house = Decisions()
    request = house.shell.receive("a", Wire())
    house.loop._posted.popleft()()  # it has been heard
    house.clients.close()
    house.shell.gate.look()
    assert house.shell.refused == [request]


def test_without_on_attach_nothing_waits() -> None:
    loop = ManualLoop()
    clients = Clients(loop.call_soon_threadsafe, loop.call_later)
    channel = Channel(loop, clients)
    wire = Wire()
    sent = [channel.receive("a", wire) for _ in range(2)]
    assert channel.passed == sent
    assert loop.turn() == 1, "it is heard of once for a connection"
