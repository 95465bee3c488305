"""A KeyboardInterrupt in the cell and nowhere else: with real signals, on the main thread."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from qtkernel.kernel import interrupt as interrupt_module
from qtkernel.kernel.control_requests import REPEAT
from qtkernel.kernel.interrupt import Interrupter
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import around, cell_input, executed, failed, published

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no directed signals there")


@pytest.fixture
def host_signals() -> Iterator[list[int]]:
    """The signals that reached the host's own handler."""
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: seen.append(number))
    yield seen
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def house(host_signals: list[int]) -> Iterator[PureKernel]:
    """A kernel in a host that has a SIGINT handler of its own; no signal may reach that."""
    kernel = PureKernel()
    ours = signal.getsignal(signal.SIGINT)
    yield kernel
    kernel.recorder.expect_silence()
    assert kernel.loop.errors == []
    assert signal.getsignal(signal.SIGINT) is ours
    assert host_signals == []


def soon(function: Callable[[], object]) -> threading.Thread:
    """Call `function` on another thread, now."""
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def interrupted(msg_id: str, code: str, count: int = 1) -> list[Any]:
    return around(
        msg_id, cell_input(msg_id, code, count), failed(msg_id, count, "KeyboardInterrupt")
    )


def test_a_busy_cell(house: PureKernel, recorder: Recorder) -> None:
    @house.interpreter.cell("busy")
    def busy() -> None:
        soon(house.interrupter.interrupt)
        while True:
            pass

    msg_id = house.run("busy")
    recorder.expect(interrupted(msg_id, "busy"))


def test_a_sleeping_cell(house: PureKernel, recorder: Recorder) -> None:
    @house.interpreter.cell("sleep")
    def sleep() -> None:
        soon(house.interrupter.interrupt)
        time.sleep(30)

    began = time.monotonic()
    msg_id = house.run("sleep")
    assert time.monotonic() - began < 10
    recorder.expect(interrupted(msg_id, "sleep"))


def test_the_cell_may_catch_it(house: PureKernel, recorder: Recorder) -> None:
    @house.interpreter.cell("catch")
    def catch() -> None:
        with pytest.raises(KeyboardInterrupt):
            house.interrupter.interrupt()

    msg_id = house.run("catch")
    recorder.expect(around(msg_id, cell_input(msg_id, "catch", 1), executed(msg_id, 1)))
    assert not house.interrupter.pending


def test_with_nothing_running_it_is_dropped(house: PureKernel, recorder: Recorder) -> None:
    assert house.interrupter.interrupt() is False
    msg_id = house.run("x")
    recorder.expect(around(msg_id, cell_input(msg_id, "x", 1), executed(msg_id, 1)))


def test_outside_of_the_cell_s_own_code_it_waits_for_the_end(
    house: PureKernel, recorder: Recorder
) -> None:
    """It hits the kernel's, or IPython's, own code: nothing is raised there."""
    after = []

    @house.interpreter.cell("not in a region")
    async def not_in_a_region() -> None:
        house.interrupter.interrupt()
        after.append(True)

    msg_id = house.run("not in a region")
    assert after == [True]
    error = {"ename": "KeyboardInterrupt", "evalue": "", "traceback": ["KeyboardInterrupt"]}
    recorder.expect(
        around(
            msg_id,
            cell_input(msg_id, "not in a region", 1),
            published(msg_id, "error", error),
            failed(msg_id, 1, "KeyboardInterrupt", ""),
        )
    )
    assert not house.interrupter.pending


def test_a_host_s_slot_is_not_hit(house: PureKernel, recorder: Recorder) -> None:
    """The cell is in a dialog; what runs there is the host's. The cell is hit when it goes on."""
    seen = []

    def slot() -> None:
        house.control_request("interrupt_request")
        house.control_loop.advance(10 * REPEAT)
        seen.append(house.interrupter.pending)

    @house.interpreter.cell("dialog")
    def dialog() -> None:
        house.loop.nested(slot)
        seen.append("back in the cell")
        house.interrupter.again()
        seen.append("not reached")

    house.run("dialog")
    assert seen == [True, "back in the cell"]
    assert [each.content.get("ename") for each in recorder.take()][-2] == "KeyboardInterrupt"
    house.control_loop.advance(REPEAT)
    assert house.control_loop._timers == [], "taken, so it is not repeated any more"


def test_many_interrupts_into_short_cells(house: PureKernel, recorder: Recorder) -> None:
    """Each cell is answered, each answer is one of two, and none is hit by a stray."""
    # written in C: an interrupt inside a Semaphore's own Python code can leave its lock held
    begun: queue.SimpleQueue[None] = queue.SimpleQueue()
    lengths = itertools.cycle(range(0, 8000, 200))

    def pester() -> None:
        for _ in range(200):
            begun.get()
            # the cell may have ended by now: where exactly it hits is left to chance on purpose
            house.interrupter.interrupt()

    def short() -> None:
        length = next(lengths)
        begun.put(None)
        for _ in range(length):
            pass

    house.interpreter.cell("short")(short)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = soon(pester)
    names = []
    for _ in range(200):
        house.run("short")
        (answer,) = [each for each in recorder.take() if each.msg_type == "execute_reply"]
        names.append(answer.content.get("ename", "ok"))
    for _ in range(200):
        begun.put(None)  # for cells that were hit before they had said so
    thread.join()
    sys.setswitchinterval(interval)
    assert set(names) <= {"ok", "KeyboardInterrupt"}
    assert names.count("KeyboardInterrupt") > 10
    house.interpreter.cell("long")(lambda: sum(range(200_000)))
    msg_id = house.run("long")
    assert recorder.take()[-2].content["status"] == "ok", f"a stray hit {msg_id}"


def test_the_host_never_sees_a_signal_that_is_under_way(
    house: PureKernel,
    recorder: Recorder,
    host_signals: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has been sent, and arrives when the cell has ended already."""
    under_way = []
    monkeypatch.setattr(interrupt_module, "_send_signal", under_way.append)

    def arrives(_seconds: float) -> None:
        signal.pthread_kill(under_way.pop(), signal.SIGINT)

    monkeypatch.setattr(interrupt_module, "_sleep", arrives)
    house.interpreter.cell("x")(house.interrupter.interrupt)
    house.run("x")
    assert under_way == []
    assert host_signals == []
    assert recorder.take()[-2].content["ename"] == "KeyboardInterrupt"


def test_a_signal_that_never_arrives_is_not_waited_for_long(
    house: PureKernel, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupt_module, "_send_signal", lambda _thread: None)
    house.interpreter.cell("x")(house.interrupter.interrupt)
    began = time.monotonic()
    house.run("x")
    assert time.monotonic() - began < 5
    recorder.take()


def test_a_repetition_that_comes_late_does_not_hit_twice(
    house: PureKernel, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control thread repeats the signal just when the first one is taken."""

    sent: list[int] = []
    seen: list[str] = []
    monkeypatch.setattr(interrupt_module, "_send_signal", sent.append)

    @house.interpreter.cell("x")
    def cell() -> None:
        house.interrupter.interrupt()
        assert house.interrupter.take()  # as an await does
        try:
            signal.pthread_kill(sent.pop(), signal.SIGINT)
            seen.append("not hit")
        except KeyboardInterrupt:
            seen.append("hit")

    house.run("x")
    assert seen == ["not hit"]
    assert recorder.take()[-2].content["status"] == "ok"


def test_a_handler_that_the_cell_sets_stays(house: PureKernel, recorder: Recorder) -> None:
    host = signal.getsignal(signal.SIGINT)
    house.interpreter.cell("x")(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    house.run("x")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, host)
    recorder.take()


def test_while_a_cell_runs_the_handler_is_ours_and_host_s_again_after(
    house: PureKernel, recorder: Recorder, host_signals: list[int]
) -> None:
    house.run("x")
    signal.raise_signal(signal.SIGINT)
    assert host_signals == [signal.SIGINT]
    host_signals.clear()
    recorder.take()


def test_a_standalone_kernel_keeps_its_handler(house: PureKernel, recorder: Recorder) -> None:
    undo = house.interrupter.install()
    for _ in range(2):
        signal.raise_signal(signal.SIGINT)  # nothing runs: dropped, and not the host's either
        house.run("x")
    house.interpreter.cell("ctrl-c")(lambda: signal.raise_signal(signal.SIGINT))
    house.run("ctrl-c")
    assert recorder.take()[-2].content["ename"] == "KeyboardInterrupt"
    undo()


def test_what_a_cell_has_left_for_signals_is_not_the_next_one_s(
    house: PureKernel, recorder: Recorder
) -> None:
    """In a standalone kernel, whose handler is there while nothing runs, too."""
    undo = house.interrupter.install()
    house.interpreter.cell("leaves")(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    house.run("leaves")
    house.interpreter.cell("ctrl-c")(lambda: signal.raise_signal(signal.SIGINT))
    house.run("ctrl-c")
    assert recorder.take()[-2].content["ename"] == "KeyboardInterrupt"
    undo()


def test_a_kernel_that_is_not_on_the_main_thread_interrupts_at_the_end() -> None:
    names = []

    def live() -> None:
        house = PureKernel()
        house.interpreter.cell("x")(house.interrupter.interrupt)
        house.run("x")
        names.append(house.recorder.take()[-2].content["ename"])

    soon(live).join()
    assert names == ["KeyboardInterrupt"]


# Two kernels in one process


def test_an_interrupt_hits_the_kernel_that_was_asked(house: PureKernel) -> None:
    """The one sits in a dialog, in which the other runs a cell."""
    other = PureKernel(interrupter=Interrupter(lambda: house.loop))
    ran = []

    @other.interpreter.cell("inside")
    def inside() -> None:
        house.interrupter.interrupt()
        ran.append("inside")

    @house.interpreter.cell("dialog")
    def dialog() -> None:
        house.loop.nested(lambda: other.run("inside"))
        house.interrupter.again()
        ran.append("not reached")

    house.run("dialog")
    assert ran == ["inside"]
    assert other.recorder.take()[-2].content["status"] == "ok"
    assert house.recorder.take()[-2].content["ename"] == "KeyboardInterrupt"


def test_two_cells_that_overlap_leave_the_host_s_handler(house: PureKernel) -> None:
    """Both await; the one that began first ends first."""
    host = signal.getsignal(signal.SIGINT)
    one, two = house.interrupter, Interrupter(lambda: house.loop)
    one.begin()
    two.begin()
    one.end()
    two.end()
    assert signal.getsignal(signal.SIGINT) is host


def test_cells_that_overlap_again_and_again_leave_the_host_s_handler(house: PureKernel) -> None:
    host = signal.getsignal(signal.SIGINT)
    one, two = house.interrupter, Interrupter(lambda: house.loop)
    one.begin()
    for _ in range(3):
        two.begin()
        one.end()
        one.begin()
        two.end()
    one.end()
    assert signal.getsignal(signal.SIGINT) is host


@pytest.mark.parametrize("seen", ["status", "execute_input"])
def test_a_frontend_that_has_seen_something_of_the_cell_can_interrupt(seen: str) -> None:
    """Its busy is the first; a second interrupt at its idle is for nobody."""
    house = PureKernel()
    said = house.recorder.on("iopub")

    def send(frames: Sequence[Any]) -> None:
        said(frames)
        if house.recorder.messages[-1].msg_type == seen:
            house.control.interrupt()

    house.publisher._send = send
    house.run("a")
    reply = house.recorder.take()[-2]
    assert (reply.msg_type, reply.content["ename"]) == ("execute_reply", "KeyboardInterrupt")
    assert not house.interrupter.pending


@pytest.mark.parametrize("content", [{"code": 7}, {"code": "x"}])
def test_the_host_s_handler_is_back_after_a_cell_that_never_ran(
    house: PureKernel, content: dict[str, Any]
) -> None:
    """Its content is wrong; or it is aborted, and nothing was to be interrupted."""
    if content["code"] == 7:
        house.ask("execute_request", content)
    else:
        house.arrive("execute_request", content)
        house._drain()
        house.kernel.abort_all()
    house.recorder.take()
    assert house.interrupter.interrupt() is False


def test_an_interrupt_is_repeated_quickly_at_first_and_by_one_timer(house: PureKernel) -> None:
    seen = []

    def slot() -> None:
        for _ in range(3):
            house.control_request("interrupt_request")
        seen.append(len(house.control_loop._timers))
        house.interrupter.again = lambda: seen.append(house.control_loop.now)  # type: ignore[method-assign]
        house.control_loop.advance(0.02)

    house.interpreter.cell("dialog")(lambda: house.loop.nested(slot))
    house.run("dialog")
    house.recorder.take()
    assert seen[0] == 1
    assert seen[1:] == pytest.approx([0.001, 0.003, 0.007, 0.015])


def test_a_cell_inside_a_comm_s_handler_leaves_the_host_s_handler(house: PureKernel) -> None:
    """A handler opens a dialog, in whose event loop a cell is run. `house` looks at the handler."""
    house.interpreter.on_comm_message = lambda: house.run("inside")
    house.ask("comm_msg", {"comm_id": "c"})
    assert house.interpreter.ran == ["inside"]
    house.recorder.take()
