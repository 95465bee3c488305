"""Telling the application: callbacks, in order, and never at the cost of the kernel."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from qtkernel.kernel.events import EVENTS, Events, Executed
from tests.support.fake_interpreter import Await
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import around, cell_input, executed


def test_callbacks_are_called_in_order_with_what_has_happened() -> None:
    events, seen = Events(), []
    events.on("executed", lambda what: seen.append(("first", what)))
    events.on("executed", lambda what: seen.append(("second", what)))
    events.on("busy", lambda: seen.append(("busy", None)))
    events.emit("executed", 1)
    assert seen == [("first", 1), ("second", 1)]


def test_a_callback_that_fails_is_logged_and_the_others_are_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events, seen = Events(), []

    def fail() -> None:
        raise KeyboardInterrupt

    events.on("idle", fail)
    events.on("idle", lambda: seen.append("called"))
    with caplog.at_level(logging.ERROR, "qtkernel.kernel"):
        events.emit("idle")
    assert seen == ["called"]
    (record,) = caplog.records
    assert "'idle'" in record.getMessage()


def test_one_of_two_equal_callbacks_is_taken_back() -> None:
    events, seen = Events(), []

    def callback() -> None:
        seen.append(1)

    first = events.on("busy", callback)
    events.on("busy", callback)
    first()
    first()
    events.emit("busy")
    assert seen == [1]


def test_a_callback_that_another_takes_back_is_not_called() -> None:
    events: Events = Events()
    seen: list[str] = []
    disconnects: list[Any] = []
    events.on("busy", lambda: disconnects[0]())
    disconnects.append(events.on("busy", lambda: seen.append("called")))
    events.emit("busy")
    assert seen == []


def test_wanted() -> None:
    events = Events()
    assert not events.wanted("executed")
    disconnect = events.on("executed", print)
    assert events.wanted("executed")
    disconnect()
    assert not events.wanted("executed")
    events.on("executed", print)
    events.clear()
    assert not events.wanted("executed")


def test_what_cannot_be_says_why() -> None:
    events = Events()
    with pytest.raises(ValueError, match=r"no event 'bussy'; there are: busy, idle") as error:
        events.on("bussy", print)
    assert all(name in str(error.value) for name in EVENTS)
    with pytest.raises(TypeError, match="for 'busy' cannot be called: None"):
        events.on("busy", None)  # type: ignore[arg-type]


# What the kernel tells


def test_a_cell_is_busy_executed_idle(house: PureKernel, recorder: Recorder) -> None:
    seen: list[Any] = []
    events = house.requests.events
    events.on("busy", lambda: seen.append("busy"))
    events.on("idle", lambda: seen.append("idle"))
    events.on("executed", seen.append)
    house.run("a")
    recorder.take()
    assert seen == ["busy", Executed("a", 1, "ok", session="frontend"), "idle"]


def test_the_error_of_a_cell_is_told(house: PureKernel, recorder: Recorder) -> None:
    @house.interpreter.cell("boom")
    def raises() -> None:
        raise ValueError("no")

    seen: list[Executed] = []
    house.requests.events.on("executed", seen.append)
    house.run("boom", silent=True)
    recorder.take()
    assert seen == [Executed("boom", 1, "error", "ValueError", "no", "frontend", silent=True)]


def test_a_cell_that_awaits_is_under_way(house: PureKernel, recorder: Recorder) -> None:
    seen: list[str] = []
    for event in ("busy", "executed", "idle"):
        house.requests.events.on(event, lambda *_, event=event: seen.append(event))
    waiting = house.interpreter.cells["waits"] = Await()
    house.run("waits")
    assert seen == ["busy"]
    waiting.done()
    recorder.take()
    assert seen == ["busy", "executed", "idle"]


def test_a_callback_is_no_code_of_the_cell(house: PureKernel, recorder: Recorder) -> None:
    seen: list[Any] = []
    for event in ("busy", "executed", "idle"):
        house.requests.events.on(event, lambda *_: seen.append(house.publisher.current()))
    house.run("a")
    recorder.take()
    assert seen == [None, None, None]


def test_a_callback_that_fails_costs_no_reply(house: PureKernel, recorder: Recorder) -> None:
    def fail(*_: Any) -> None:
        raise ValueError

    for event in ("busy", "executed", "idle"):
        house.requests.events.on(event, fail)
    msg_id = house.run("a")
    recorder.expect(around(msg_id, cell_input(msg_id, "a", 1), executed(msg_id, 1)))
