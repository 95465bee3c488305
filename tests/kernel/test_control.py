"""Interrupt and shutdown requests, on the control channel and where old clients send them."""

from __future__ import annotations

import threading

import pytest

from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import around, published, reply


def test_an_interrupt_is_answered_and_dropped_when_nothing_runs(
    house: PureKernel, recorder: Recorder
) -> None:
    msg_id = house.control_request("interrupt_request")
    recorder.expect(around(msg_id, reply(msg_id, "interrupt_reply", {"status": "ok"}, "control")))
    assert not house.interrupter.pending


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("channel", ["shell", "control"])
def test_a_shutdown_is_answered_published_and_acted_on(
    house: PureKernel, recorder: Recorder, restart: bool, channel: str
) -> None:
    content = {"restart": restart}
    if channel == "shell":
        msg_id = house.ask("shutdown_request", content)
    else:
        msg_id = house.control_request("shutdown_request", content)
    answer = {"status": "ok", "restart": restart}
    recorder.expect(
        around(
            msg_id,
            published(msg_id, "shutdown_reply", answer),
            reply(msg_id, "shutdown_reply", answer, channel),
        )
    )
    assert house.shutdowns == [restart]


def test_an_old_client_says_nothing_of_a_restart(house: PureKernel, recorder: Recorder) -> None:
    house.control_request("shutdown_request")
    assert house.shutdowns == [False]
    recorder.take()


def test_the_control_channel_runs_no_cells(house: PureKernel, recorder: Recorder) -> None:
    msg_id = house.control_request("execute_request", {"code": "x"})
    (_, answer, _) = recorder.take()
    assert answer.parent == msg_id
    assert (answer.channel, answer.content["ename"]) == ("control", "UnknownMessageType")
    assert house.interpreter.ran == []


def test_where_every_thread_is(house: PureKernel, recorder: Recorder) -> None:
    waiting, go_on = threading.Event(), threading.Event()

    def wait_here() -> None:
        waiting.set()
        go_on.wait(20)

    thread = threading.Thread(target=wait_here, name="one that waits")
    thread.start()
    waiting.wait(20)
    msg_id = house.control_request("stack_request")
    go_on.set()
    thread.join()
    (_, answer, _) = recorder.take()
    assert (answer.parent, answer.msg_type) == (msg_id, "stack_reply")
    threads = answer.content["threads"]
    (mine, *others) = threads
    assert mine["ident"] == threading.get_ident()
    assert [each["kernel"] for each in threads] == [True] + [False] * len(others)
    (other,) = (each for each in others if each["name"] == "one that waits")
    assert any("in wait_here" in line for line in other["stack"])
