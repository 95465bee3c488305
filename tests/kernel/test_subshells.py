"""Who a request is for, where there are child subshells; and their own requests (JEP 91)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qtkernel.kernel.subshells import Handover
from tests.support.fake_interpreter import Await
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import ANYTHING, around, executed, failed, reply


def create(house: PureKernel, recorder: Recorder) -> str:
    house.control_request("create_subshell_request")
    (_, answer, _) = recorder.take()
    assert answer.content["status"] == "ok"
    return str(answer.content["subshell_id"])


def test_they_are_made_listed_and_deleted(house: PureKernel, recorder: Recorder) -> None:
    one, two = create(house, recorder), create(house, recorder)
    assert one != two
    for expected in ([one, two], [two]):
        msg_id = house.control_request("list_subshell_request")
        listed = {"status": "ok", "subshell_id": expected}
        recorder.expect(around(msg_id, reply(msg_id, "list_subshell_reply", listed, "control")))
        msg_id = house.control_request("delete_subshell_request", {"subshell_id": expected[0]})
        deleted = reply(msg_id, "delete_subshell_reply", {"status": "ok"}, "control")
        recorder.expect(around(msg_id, deleted))
        assert house.children[expected[0]].told == ["end"]


def test_one_that_is_not_there_cannot_be_deleted(house: PureKernel, recorder: Recorder) -> None:
    house.control_request("delete_subshell_request", {"subshell_id": "nobody"})
    (_, answer, _) = recorder.take()
    assert answer.content["ename"] == "UnknownSubshellError"
    assert "'nobody'" in answer.content["evalue"]


def test_requests_go_to_whom_they_are_for(house: PureKernel, recorder: Recorder) -> None:
    one, two = create(house, recorder), create(house, recorder)
    cell = house.ask("execute_request", {"code": "x"}, subshell_id=two)
    recorder.expect_silence()
    assert house.children[one].requests == []
    assert [each.message.msg_id for each in house.children[two].requests] == [cell]
    assert house.interpreter.ran == []
    msg_id = house.run("mine")
    recorder.expect(around(msg_id, ANYTHING, executed(msg_id, 1)))


@pytest.mark.parametrize("msg_type", ["comm_open", "comm_msg", "comm_close", "comm_info_request"])
def test_comm_messages_are_the_parents(
    house: PureKernel, recorder: Recorder, msg_type: str
) -> None:
    child = create(house, recorder)
    content = {"comm_id": "c", "target_name": "t"}
    for subshell_id in (child, "nobody"):
        house.ask(msg_type, content, subshell_id=subshell_id)
    assert len(house.interpreter.queries) == 2
    assert house.children[child].requests == []
    recorder.take()


def test_an_unknown_one_is_an_error_while_a_cell_is_under_way(
    house: PureKernel, recorder: Recorder
) -> None:
    wait = house.interpreter.cells["wait"] = Await()
    house.run("wait")
    recorder.take()
    msg_id = house.ask("execute_request", {"code": "x"}, subshell_id="nobody")
    recorder.expect(around(msg_id, failed(msg_id, 1, "UnknownSubshellError")))
    assert isinstance(wait, Await)
    wait.done()
    recorder.take()


def test_an_interrupt_is_for_all(house: PureKernel, recorder: Recorder) -> None:
    children = [create(house, recorder) for _ in range(2)]
    house.control_request("interrupt_request")
    assert [house.children[each].told for each in children] == [["interrupt"], ["interrupt"]]
    recorder.take()


def test_a_kernel_that_closes_ends_them_and_makes_no_more(
    house: PureKernel, recorder: Recorder
) -> None:
    child = create(house, recorder)
    house.subshells.close(1.0)
    assert house.children[child].told == ["end", "join True"]
    house.control_request("create_subshell_request")
    (_, answer, _) = recorder.take()
    assert (answer.content["status"], len(house.children)) == ("error", 1)


# From one thread to another


def test_what_is_handed_over_arrives_in_order_and_is_posted_once() -> None:
    posted: list[Callable[[], None]] = []
    heard: list[object] = []
    handover: Handover[int] = Handover(posted.append, heard.append, lambda: heard.append("drained"))
    handover.put(1)
    handover.put(2)
    assert (len(posted), heard) == (1, [])
    posted.pop()()
    assert heard == [1, 2, "drained"]
    handover.put(3)
    handover.deliver()  # whoever cannot wait for the loop
    assert heard[3:] == [3]
    posted.pop()()
    assert heard[4:] == ["drained"]


def test_on_another_loop_it_is_posted_again() -> None:
    posted: list[Callable[[], None]] = []
    heard: list[object] = []
    handover: Handover[int] = Handover(posted.append, heard.append, lambda: None)
    handover.put(1)
    posted.clear()  # a loop that has been closed
    handover.loop_changed()
    posted.pop()()
    assert heard == [1]
