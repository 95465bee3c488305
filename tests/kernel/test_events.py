"""Telling the application: callbacks, in order, and never at the cost of the kernel."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from qtkernel.kernel.events import EVENTS, Events


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
