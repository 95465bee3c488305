"""Who is attached: frontends that speak, are gone, come back, and are let in or not."""

from __future__ import annotations

import gc
import itertools
import logging
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from qtkernel.kernel.clients import GRACE, Client, Clients
from qtkernel.protocol import Header, Message
from tests.support.manual_loop import ManualLoop

turns = itertools.count()


class Wire:
    """A connection, as it is told by the channels."""

    def __init__(self, pid: int | None = 7) -> None:
        self.alive = True
        self.pid = pid
        self.address: str | None = None
        self.speakers: set[str] = set()
        self.came = self.went = next(turns)


class House:
    """The registry, and what it tells."""

    def __init__(self, on_attach: Callable[[Client], object] | None = None) -> None:
        self.loop = ManualLoop()
        self.told: list[str] = []
        self.silent: list[Wire] = []
        self.clients = Clients(
            lambda callback: self.loop.call_soon_threadsafe(callback),
            lambda delay, callback: self.loop.call_later(delay, callback),
            on_attach,
        )
        self.clients.on_attached = lambda client: self.told.append(f"+{client.session}")
        self.clients.on_detached = lambda client: self.told.append(f"-{client.session}")
        self.clients.on_gone = lambda session: self.told.append(f"gone {session}")
        self.clients.on_decided = lambda: self.told.append("decided")
        self.clients.silent = self._silent

    def _silent(self) -> Iterable[Wire]:
        return tuple(self.silent)

    def hear(self, session: str, wire: Wire) -> None:
        if wire in self.silent:
            self.silent.remove(wire)
        self.clients.heard(message(session), wire)

    def lose(self, wire: Wire) -> None:
        wire.alive, wire.went = False, next(turns)
        if wire in self.silent:
            self.silent.remove(wire)
        self.clients.lost(wire)

    def wait(self, seconds: float = GRACE) -> list[str]:
        """Let time pass; what has been told since the last time."""
        self.loop.settle()
        self.loop.advance(seconds)
        self.loop.settle()
        told, self.told = self.told, []
        return told

    @property
    def sessions(self) -> list[str]:
        return [client.session for client in self.clients.current()]


def message(session: str) -> Message:
    header = Header("m1", "kernel_info_request", session, "ada")
    return Message([b"x"], header, b"{}", b"{}", {}, b"{}", [])


@pytest.fixture
def house() -> House:
    return House()


def test_a_frontend_is_attached_when_it_speaks(house: House) -> None:
    assert house.clients.current() == ()
    wire = Wire(pid=None)
    wire.address = "192.0.2.1"
    house.hear("a", wire)
    (client,) = house.clients.current()
    assert (client.session, client.username, client.address) == ("a", "ada", "192.0.2.1")
    assert client.attached_at.tzinfo is not None
    assert str(client) == "a from 192.0.2.1"
    assert house.told == [], "not in the middle of reading the channel"
    assert house.wait(0) == ["+a"]


def test_one_frontend_with_two_sockets_is_one_client(house: House) -> None:
    shell, control = Wire(), Wire()
    house.hear("a", shell)
    house.hear("a", control)
    house.lose(shell)
    assert house.wait(10 * GRACE) == ["+a"]
    house.lose(control)
    assert house.wait() == ["gone a", "-a"]
    assert house.sessions == []


def test_it_may_come_back(house: House) -> None:
    wire = Wire()
    house.hear("a", wire)
    house.lose(wire)
    assert house.wait(0.9 * GRACE) == ["+a"]
    again = Wire()
    house.hear("a", again)
    assert house.wait(10 * GRACE) == []
    assert house.sessions == ["a"]
    house.lose(again)
    assert house.wait() == ["gone a", "-a"]


def test_the_grace_begins_anew_with_each_loss(house: House) -> None:
    for _ in range(3):
        wire = Wire()
        house.hear("a", wire)
        house.lose(wire)
        house.wait(0.9 * GRACE)
        assert house.sessions == ["a"]
    assert house.wait(0.2 * GRACE) == ["gone a", "-a"]


def test_a_silent_connection_of_its_process_is_taken_for_its_own(house: House) -> None:
    wire = Wire()
    house.hear("a", wire)
    house.lose(wire)
    back = Wire()
    house.silent = [Wire(pid=8), back]
    assert house.wait(10 * GRACE) == ["+a"]
    house.lose(back)
    assert house.wait() == ["gone a", "-a"]


def test_one_that_was_silent_before_is_somebody_elses(house: House) -> None:
    wire, bystander = Wire(pid=None), Wire(pid=None)
    house.silent = [bystander]
    house.hear("a", wire)
    house.lose(wire)
    assert house.wait() == ["+a", "gone a", "-a"]


def test_until_somebody_else_speaks_there(house: House) -> None:
    wire = Wire()
    house.hear("a", wire)
    house.lose(wire)
    back = Wire()
    house.silent = [back]
    house.wait()
    house.hear("b", back)
    house.wait()
    assert house.sessions == ["b"]


def test_two_that_are_lost_do_not_share_one_silent_connection(house: House) -> None:
    wires = {name: Wire() for name in "ab"}
    for name, wire in wires.items():
        house.hear(name, wire)
    for wire in wires.values():
        house.lose(wire)
    house.silent = [Wire()]
    house.wait()
    assert house.sessions == ["a"]


def test_a_connection_that_is_gone_before_its_message_is_read(house: House) -> None:
    wire = Wire()
    wire.alive = False
    house.hear("a", wire)
    assert house.wait(0) == ["+a"]
    assert house.wait() == ["gone a", "-a"]


def test_several_behind_one_connection(house: House) -> None:
    wire = Wire()
    house.hear("a", wire)
    house.hear("b", wire)
    assert house.sessions == ["a", "b"]
    house.lose(wire)
    assert house.wait() == ["+a", "+b", "gone a", "-a", "gone b", "-b"]


def test_another_loop(house: House) -> None:
    wire = Wire()
    house.hear("a", wire)
    house.lose(wire)
    house.loop._posted.clear()
    house.loop._timers.clear()
    house.clients.loop_changed()
    assert house.wait() == ["+a", "gone a", "-a"]


def test_after_the_close_nothing_is_told(house: House) -> None:
    wire = Wire()
    house.hear("a", wire)
    house.clients.close()
    house.lose(wire)
    assert house.wait(10 * GRACE) == []
    timers = [timer for _, _, timer in house.loop._timers if timer.callback]
    assert timers == [], "nothing is left on the host's loop"


# on_attach


@pytest.mark.parametrize(("verdict", "admitted"), [(None, True), (True, True), (False, False)])
def test_the_application_decides(verdict: Any, admitted: bool) -> None:
    asked: list[str] = []
    house = House(lambda client: (asked.append(client.session), verdict)[1])
    house.hear("a", Wire())
    assert house.clients.admitted("a") is None
    assert asked == [], "not in the middle of reading the channel"
    house.wait(0)
    assert asked == ["a"]
    assert house.clients.admitted("a") is admitted
    assert house.sessions == ["a"] * admitted
    house.hear("a", Wire())
    house.wait(0)
    assert asked == ["a"], "once"


def test_one_that_is_refused_has_neither_come_nor_gone() -> None:
    house = House(lambda _client: False)
    wire = Wire()
    house.hear("a", wire)
    house.lose(wire)
    assert house.wait() == ["decided", "gone a"]
    assert house.clients.admitted("a") is None, "and is asked about when it comes again"


def test_a_decision_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_client: Client) -> object:
        raise KeyError("what")

    house = House(fail)
    house.hear("a", Wire())
    with caplog.at_level(logging.ERROR):
        house.wait(0)
    assert house.clients.admitted("a") is False
    assert "KeyError: 'what'" in caplog.text


def test_others_are_decided_on_while_a_dialog_is_open() -> None:
    order: list[str] = []

    def ask(client: Client) -> object:
        order.append(f"ask {client.session}")
        if client.session == "a":
            house.hear("b", Wire())
            house.loop.turn()  # the dialog
        order.append(f"answer {client.session}")
        return True

    house = House(ask)
    house.hear("a", Wire())
    house.wait(0)
    assert order == ["ask a", "ask b", "answer b", "answer a"]
    assert house.sessions == ["a", "b"]


def test_one_that_goes_while_the_dialog_is_open() -> None:
    def ask(_client: Client) -> object:
        house.lose(wire)
        house.loop.advance(2 * GRACE)
        return True

    wire = Wire()
    house = House(ask)
    house.hear("a", wire)
    told = house.wait(0)
    assert told == ["gone a", "decided", "+a", "-a"]
    assert house.sessions == []


def test_what_is_posted_and_never_run_keeps_nothing_alive() -> None:
    """The control thread hears that a frontend is gone, while the kernel closes."""
    house = House()
    kept = weakref.ref(house)
    clients = house.clients
    clients.close()
    del house
    gc.collect()
    assert kept() is None
    clients.heard(message("a"), Wire())  # harmless
    clients.lost(Wire())


@pytest.mark.parametrize(("gated", "admitted"), [(False, True), (True, False)])
def test_who_comes_after_the_close_is_not_left_waiting(gated: bool, admitted: bool) -> None:
    house = House((lambda _client: True) if gated else None)
    house.clients.close()
    assert house.clients.admitted("a") is admitted
