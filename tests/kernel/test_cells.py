"""Counts, silence, and what is aborted behind a cell that fails."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qtkernel.interpreter import ExecuteResult
from tests.support.fake_interpreter import Await
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import aborted, around, cell_input, executed, failed, reply, status


@pytest.fixture(autouse=True)
def boom(house: PureKernel) -> None:
    """The cell ``boom`` fails."""

    @house.interpreter.cell("boom")
    def raises() -> None:
        raise ValueError("boom")


def ok(msg_id: str, code: str, count: int) -> list[Any]:
    return around(msg_id, cell_input(msg_id, code, count), executed(msg_id, count))


def bad(msg_id: str, code: str, count: int) -> list[Any]:
    return around(
        msg_id, cell_input(msg_id, code, count), failed(msg_id, count, "ValueError", "boom")
    )


def silent(msg_id: str, count: int) -> list[Any]:
    return around(msg_id, executed(msg_id, count))


# Counts


def test_a_stored_cell_counts_and_all_its_messages_say_the_same_number(
    house: PureKernel, recorder: Recorder
) -> None:
    ids = [house.run("a"), house.run("b")]
    recorder.expect(ok(ids[0], "a", 1), ok(ids[1], "b", 2))


def test_what_a_failed_cell_has_published_is_on_its_way_before_its_reply(
    house: PureKernel, recorder: Recorder
) -> None:
    settled: list[list[str]] = []
    house.publisher.wait = lambda: settled.append([said.msg_type for said in recorder.take()])
    house.run("boom")
    assert settled == [["status", "execute_input"]]
    assert [said.msg_type for said in recorder.take()] == ["execute_reply", "status"]
    house.run("fine")
    assert len(settled) == 1  # the others do not wait
    recorder.take()


def test_a_failed_cell_counts(house: PureKernel, recorder: Recorder) -> None:
    ids = [house.run("boom"), house.run("b")]
    recorder.expect(bad(ids[0], "boom", 1), ok(ids[1], "b", 2))


def test_a_cell_that_is_not_stored_does_not_count(house: PureKernel, recorder: Recorder) -> None:
    ids = [house.run("a", store_history=False), house.run("b"), house.run("c")]
    # the reply has the number of the last one that does: frontends show one more at their prompt
    uncounted = around(ids[0], cell_input(ids[0], "a", 1), executed(ids[0], 0))
    recorder.expect(uncounted, ok(ids[1], "b", 1), ok(ids[2], "c", 2))


@pytest.mark.parametrize("store_history", [True, False, None])
def test_silent_is_never_stored_and_says_nothing(
    house: PureKernel, recorder: Recorder, store_history: bool | None
) -> None:
    msg_id = house.run("a", silent=True, store_history=store_history)
    recorder.expect(silent(msg_id, 0))
    (call,) = house.interpreter.calls
    assert (call.silent, call.store_history) == (True, False)


def test_the_minimal_content_is_enough(house: PureKernel, recorder: Recorder) -> None:
    msg_id = house.ask("execute_request", {"code": "x"})
    recorder.expect(ok(msg_id, "x", 1))
    (call,) = house.interpreter.calls
    assert (call.silent, call.store_history, call.user_expressions) == (False, True, {})


def test_expressions_and_payloads_are_in_the_reply(house: PureKernel, recorder: Recorder) -> None:
    house.interpreter.cell("x")(
        lambda: ExecuteResult(0, None, {"k": {"status": "ok"}}, [{"source": "page"}])
    )
    msg_id = house.run("x", user_expressions={"k": "1"})
    more = {"user_expressions": {"k": {"status": "ok"}}, "payload": [{"source": "page"}]}
    recorder.expect(around(msg_id, cell_input(msg_id, "x", 1), executed(msg_id, 1, **more)))
    assert house.interpreter.calls[0].user_expressions == {"k": "1"}


# Aborting


def test_after_an_error_the_executes_that_are_there_are_aborted_and_nothing_else(
    house: PureKernel, recorder: Recorder
) -> None:
    first = house.arrive("execute_request", {"code": "boom"})
    second = house.arrive("execute_request", {"code": "a"})
    info = house.arrive("comm_info_request")
    third = house.arrive("execute_request", {"code": "b"})
    house.handle()
    later = house.run("c")
    recorder.expect(
        bad(first, "boom", 1),
        around(second, aborted(second, 2)),
        around(info, reply(info, "comm_info_reply")),
        around(third, aborted(third, 2)),
        ok(later, "c", 2),
    )
    assert house.interpreter.ran == ["boom", "c"]


def test_a_cell_whose_frontend_has_died_aborts_no_request_of_others(
    house: PureKernel, recorder: Recorder
) -> None:
    house.requests.is_gone = lambda session: session == "frontend"
    first = house.arrive("execute_request", {"code": "boom"})
    own = house.arrive("execute_request", {"code": "a"})
    others = house.arrive("execute_request", {"code": "b"})
    message = house.arriving[-1].message
    message.header = msgspec.structs.replace(message.header, session="somebody else")
    house.handle()
    recorder.expect(
        bad(first, "boom", 1),
        around(own, aborted(own, 2)),
        ok(others, "b", 2),
    )


def test_what_is_still_in_the_socket_is_there(house: PureKernel, recorder: Recorder) -> None:
    """The cell took its time: requests have arrived that nobody has read."""
    arrived = []

    @house.interpreter.cell("slow boom")
    def slow_boom() -> None:
        arrived.append(house.arrive("execute_request", {"code": "a"}))
        raise ValueError("boom")

    first = house.run("slow boom")
    recorder.expect(bad(first, "slow boom", 1), around(arrived[0], aborted(arrived[0], 2)))


@pytest.mark.parametrize("how", [{"stop_on_error": False}, {"silent": True}])
def test_no_abort_when_not_asked_for_or_silent(
    house: PureKernel, recorder: Recorder, how: dict[str, bool]
) -> None:
    house.arrive("execute_request", {"code": "boom"} | how)
    second = house.arrive("execute_request", {"code": "a"})
    house.handle()
    count = 1 if "silent" in how else 2
    assert recorder.take()[-4:] == ok(second, "a", count)


def test_a_request_with_wrong_content_aborts_nothing(house: PureKernel, recorder: Recorder) -> None:
    house.arrive("execute_request", {})
    second = house.arrive("execute_request", {"code": "a"})
    house.handle()
    assert recorder.take()[-4:] == ok(second, "a", 1)


def test_an_aborted_request_of_wrong_content_is_aborted(
    house: PureKernel, recorder: Recorder
) -> None:
    first = house.arrive("execute_request", {"code": "boom"})
    second = house.arrive("execute_request", {"code": 5})
    house.handle()
    recorder.expect(bad(first, "boom", 1), around(second, aborted(second, 2)))


def test_a_failed_cell_that_awaited_aborts_too(house: PureKernel, recorder: Recorder) -> None:
    wait = Await()

    @house.interpreter.cell("await")
    async def fails_late() -> None:
        await wait()
        raise ValueError("boom")

    first = house.run("await")
    second = house.run("a")
    recorder.expect(status(first, "busy"), cell_input(first, "await", 1))
    wait.done()
    recorder.expect(failed(first, 1, "ValueError", "boom"), status(first, "idle"))
    house.loop.settle()
    recorder.expect(around(second, aborted(second, 2)))


# Closing


def test_closing_aborts_what_waits(house: PureKernel, recorder: Recorder) -> None:
    first, info, second = (
        house.arrive("execute_request", {"code": "a"}),
        house.arrive("kernel_info_request"),
        house.arrive("execute_request", {"code": "b"}),
    )
    house.kernel.drain()
    house.kernel.abort_all()
    recorder.expect(
        around(first, aborted(first, 1)),
        around(info, reply(info, "kernel_info_reply")),
        around(second, aborted(second, 1)),
    )


def test_closing_during_a_cell_aborts_what_waits_for_it(
    house: PureKernel, recorder: Recorder
) -> None:
    """A host may quit while a cell sits in its dialog: those behind it are answered at once."""
    behind = []

    @house.interpreter.cell("dialog")
    def dialog() -> None:
        behind.append(house.run("a"))  # is read in the nested loop, and waits
        house.arrive("execute_request", {"code": "b"})
        house.kernel.drain()
        recorder.take()
        house.kernel.abort_all()
        (one,) = behind
        said = recorder.take()
        assert said[:3] == around(one, aborted(one, 1))
        assert [each.content.get("status") for each in said] == [None, "aborted", None] * 2

    first = house.run("dialog")
    recorder.expect(executed(first, 1), status(first, "idle"))


def test_a_closed_kernel_begins_nothing(house: PureKernel) -> None:
    house.arrive("execute_request", {"code": "a"})
    house.kernel.close()
    house.handle()
    assert house.interpreter.ran == []


def test_observers_of_cells_are_told_before_the_reply(
    house: PureKernel, recorder: Recorder
) -> None:
    seen: list[list[Any]] = []
    house.requests.events.on("executed", lambda _executed: seen.append(recorder.take()))
    first = house.run("a")
    assert seen == [[status(first, "busy"), cell_input(first, "a", 1)]]
    recorder.expect(executed(first, 1), status(first, "idle"))
