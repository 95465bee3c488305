"""Comm messages on their way to the interpreter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.fake_interpreter import Await
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import around, published

CONTENTS = {
    "comm_open": {"comm_id": "c", "target_name": "t", "data": {"a": 1}},
    "comm_msg": {"comm_id": "c", "data": {"a": 1}},
    "comm_close": {"comm_id": "c", "data": {"a": 1}},
}


@pytest.mark.parametrize(("msg_type", "content"), CONTENTS.items())
def test_a_comm_message_gets_busy_and_idle_and_no_reply(
    house: PureKernel, recorder: Recorder, msg_type: str, content: Any
) -> None:
    house.interpreter.on_comm_message = lambda: house.publisher.publish("stream", {"text": "x"})
    msg_id = house.ask(msg_type, content)
    recorder.expect(around(msg_id, published(msg_id, "stream", {"text": "x"})))


def test_the_interpreter_gets_the_whole_message(house: PureKernel, recorder: Recorder) -> None:
    request = house.request("comm_msg", {"comm_id": "c", "data": {"a": 1}}, metadata={"m": 2})
    request.message.buffers = [memoryview(b"abc")]
    house.kernel.receive(request)
    house.kernel.dispatch()
    (message,) = house.interpreter.queries
    header = message.pop("header")
    assert (header["msg_id"], header["extra"]) == (request.message.msg_id, 1)
    assert message == {
        "msg_id": request.message.msg_id,
        "msg_type": "comm_msg",
        "parent_header": {},
        "metadata": {"m": 2},
        "content": {"comm_id": "c", "data": {"a": 1}},
        "buffers": [b"abc"],
    }
    recorder.take()


@pytest.mark.parametrize("more", [{}, {"data": None}])
def test_data_may_be_missing(house: PureKernel, recorder: Recorder, more: dict[str, None]) -> None:
    house.ask("comm_msg", {"comm_id": "c", **more})
    assert house.interpreter.queries[0]["content"] == {"comm_id": "c", "data": {}}
    recorder.take()


def test_comms_live_while_a_cell_awaits(house: PureKernel, recorder: Recorder) -> None:
    wait = Await()
    house.interpreter.cell("await")(wait)
    house.run("await")
    recorder.take()
    msg_id = house.ask("comm_msg", {"comm_id": "c"})
    recorder.expect(around(msg_id))
    assert house.interrupter.running  # what the cell is, still
    wait.done()
    recorder.take()


def test_a_handler_is_interruptible_and_nothing_after_it(
    house: PureKernel, recorder: Recorder
) -> None:
    seen: list[bool] = []
    house.interpreter.on_comm_message = lambda: seen.append(house.interrupter.running)
    house.ask("comm_msg", {"comm_id": "c"})
    assert seen == [True]
    assert not house.interrupter.running
    recorder.take()


def test_a_failure_of_the_interpreter_ends_with_idle(house: PureKernel, recorder: Recorder) -> None:
    house.interpreter.failure = RuntimeError("broken")
    msg_id = house.ask("comm_info_request")
    said = recorder.take()
    assert said[0] == around(msg_id)[0]
    assert said[-1] == around(msg_id)[-1]
    assert said[1].content["ename"] == "RuntimeError"
