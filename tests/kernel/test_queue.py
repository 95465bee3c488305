"""What runs while a cell is under way, in which order, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qtkernel.kernel import kernel as kernel_module
from qtkernel.kernel.queue import RequestQueue
from tests.support.fake_interpreter import Await
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import around, cell_input, executed, reply, status

ANSWERED = [
    ("complete_request", {"code": "a"}),
    ("inspect_request", {"code": "a"}),
    ("is_complete_request", {"code": "a"}),
    ("history_request", {"hist_access_type": "tail"}),
    ("kernel_info_request", {}),
    ("comm_info_request", {}),
    ("comm_msg", {"comm_id": "c"}),
]


def answers(house: PureKernel) -> list[Any]:
    """Ask everything that is answered during a cell; what is expected."""
    expected = []
    for msg_type, content in ANSWERED:
        msg_id = house.ask(msg_type, content)
        said = []
        if msg_type.endswith("_request"):
            said = [reply(msg_id, msg_type.replace("_request", "_reply"))]
        expected += around(msg_id, *said)
    return expected


def test_while_a_cell_awaits_the_rest_is_answered_and_cells_wait_in_order(
    house: PureKernel, recorder: Recorder
) -> None:
    wait = Await()
    house.interpreter.cell("await")(wait)
    first = house.run("await")
    recorder.expect(status(first, "busy"), cell_input(first, "await", 1))
    ids = [house.run(code) for code in "abc"]
    recorder.expect_silence()
    recorder.expect(answers(house))
    wait.done()
    recorder.expect(executed(first, 1), status(first, "idle"))
    house.loop.settle()
    expected = []
    for count, (msg_id, code) in enumerate(zip(ids, "abc", strict=True), 2):
        expected += around(msg_id, cell_input(msg_id, code, count), executed(msg_id, count))
    recorder.expect(expected)


def test_while_a_cell_is_in_a_dialog_the_rest_is_answered(
    house: PureKernel, recorder: Recorder
) -> None:
    ids: list[str] = []

    def in_the_dialog() -> None:
        recorder.take()
        ids.append(house.run("a"))
        recorder.expect_silence()
        recorder.expect(answers(house))
        ids.append(house.run("b"))

    house.interpreter.cell("dialog")(lambda: house.loop.nested(in_the_dialog))
    first = house.run("dialog")
    expected = [executed(first, 1), status(first, "idle")]
    for count, (msg_id, code) in enumerate(zip(ids, "ab", strict=True), 2):
        expected += around(msg_id, cell_input(msg_id, code, count), executed(msg_id, count))
    recorder.expect(expected)


def test_two_cells_await_one_after_the_other(house: PureKernel, recorder: Recorder) -> None:
    waits = {"a": Await(), "b": Await()}
    for code, wait in waits.items():
        house.interpreter.cell(code)(wait)
    house.run("a")
    house.run("b")
    waits["b"].done()
    house.loop.settle()
    assert house.interpreter.ran == []
    waits["a"].done()
    house.loop.settle()
    assert house.interpreter.ran == ["a", "b"]
    recorder.take()


def test_output_of_an_awaiting_cell_is_its_own(house: PureKernel, recorder: Recorder) -> None:
    wait = Await()
    parents = []

    @house.interpreter.cell("await")
    async def cell() -> None:
        await wait()
        parents.append(house.publisher.current())

    first = house.run("await")
    assert house.publisher.current() is None
    house.ask("kernel_info_request")
    assert house.publisher.current() is None
    wait.done()
    (parent,) = parents
    assert parent is not None
    assert parent.msg_id == first
    recorder.take()


# Whose turn it is


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock for the budget that stands still unless it is moved."""
    now = [0.0]
    monkeypatch.setattr(kernel_module, "_clock", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def test_a_flood_gives_the_loop_its_turn(
    house: PureKernel, recorder: Recorder, clock: Callable[[float], None]
) -> None:
    house.interpreter.cell("slow")(lambda: clock(kernel_module.DISPATCH_BUDGET * 0.6))
    for _ in range(5):
        house.arrive("execute_request", {"code": "slow"})
    house.handle()
    assert len(house.interpreter.ran) == 2
    house.loop.turn()
    assert len(house.interpreter.ran) == 4
    house.loop.turn()
    assert len(house.interpreter.ran) == 5
    house.loop.settle()
    recorder.take()


def test_without_hurry_all_is_handled_in_one_turn(
    house: PureKernel, recorder: Recorder, clock: Callable[[float], None]
) -> None:
    clock(0.0)
    for _ in range(50):
        house.arrive("execute_request", {"code": "x"})
    house.handle()
    assert len(house.interpreter.ran) == 50
    assert house.loop.turn() == 0, "nothing is posted while nothing is left"
    recorder.take()


def test_one_iteration_reads_and_handles_one_request(house: PureKernel, recorder: Recorder) -> None:
    first = house.arrive("kernel_info_request")
    house.arrive("kernel_info_request")
    assert house.kernel.do_one_iteration() is True
    recorder.expect(around(first, reply(first, "kernel_info_reply")))
    assert house.kernel.do_one_iteration() is True
    assert house.kernel.do_one_iteration() is False
    recorder.take()


def test_on_another_loop_the_queue_goes_on(house: PureKernel, recorder: Recorder) -> None:
    posted: list[Callable[[], None]] = []
    kernel = kernel_module.Kernel(house.kernel._cycle, posted.append)
    house.requests.kernel = kernel
    wait = Await()
    house.interpreter.cell("await")(wait)
    for code in ("await", "a"):
        kernel.receive(house.request("execute_request", {"code": code}))
    kernel.dispatch()
    wait.done()
    assert len(posted) == 1
    posted.clear()  # the old loop has ended with it
    kernel.loop_changed()
    for callback in posted:
        callback()
    assert house.interpreter.ran == ["await", "a"]
    recorder.take()


def test_a_held_queue_begins_nothing_until_the_loop_has_changed(
    house: PureKernel, recorder: Recorder
) -> None:
    posted: list[Callable[[], None]] = []
    kernel = kernel_module.Kernel(house.kernel._cycle, posted.append)
    house.requests.kernel = kernel
    kernel.hold()
    kernel.receive(house.request("execute_request", {"code": "a"}))
    kernel.dispatch()
    assert house.interpreter.ran == []
    kernel.loop_changed()
    for callback in posted:
        callback()
    assert house.interpreter.ran == ["a"]
    recorder.take()


def test_the_queue_keeps_the_order_of_the_cells_whoever_else_is_served(
    house: PureKernel,
) -> None:
    queue = RequestQueue()
    cells = [house.request("execute_request", {"code": str(n)}) for n in range(3)]
    info = house.request("kernel_info_request")
    for request in (cells[0], info, cells[1]):
        queue.put(request)
    assert queue.take(executing=True) is info
    assert queue.take(executing=True) is None
    queue.put(cells[2])
    assert [queue.take(executing=False) for _ in range(4)] == [*cells, None]
    assert len(queue) == 0
