"""When viewers are called in the midst of a cell. Time passes only where a test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qtkernel.kernel import live as live_module
from qtkernel.kernel.live import CLOCK, INTERVAL, PATIENCE, SHARE, Live
from qtkernel.loops.base import EventLoop
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder
from tests.support.said import around, cell_input, failed


class View:
    """A viewer that notes what it is told."""

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        self.shown = 0
        self.told: list[EventLoop | None] = []
        self._during = during

    def show(self) -> None:
        self.shown += 1
        self._during()

    def blocked(self, loop: EventLoop | None) -> None:
        self.told.append(loop)


class House:
    """A kernel with `Live`, and a clock that a test moves."""

    def __init__(self) -> None:
        self.kernel = PureKernel()
        self.now = 0.0
        self.computed = 0.0
        self.flushes = 0
        self.live = Live(
            self.kernel.interrupter,
            lambda: self.kernel.loop,
            self._flush,
            self.kernel.control_loop,
        )
        self.kernel.requests.events.on("busy", self.live.begun)
        self.kernel.requests.events.on("idle", self.live.ended)

    def _flush(self) -> None:
        self.flushes += 1

    def pass_time(self, seconds: float) -> None:
        """Let time pass while the cell computes: nothing is printed, no loop turns."""
        end = self.now + seconds + 1e-6  # not less, however it is rounded
        while self.now < end:
            step = min(INTERVAL / 5, end - self.now)
            self.now += step
            self.kernel.control_loop.advance(step)
            self.kernel.control_loop.settle()

    def turn(self) -> None:
        """The loop has a turn, and what it has been given is done in it."""
        self.kernel.loop.turns.count += 1
        self.kernel.loop.settle()

    def run(self, cell: Callable[[], Any]) -> str:
        """Run a cell, whose assertions are the test's; its msg_id."""
        failures: list[AssertionError] = []

        def whole() -> None:
            try:
                cell()
            except AssertionError as error:
                failures.append(error)

        self.kernel.interpreter.cell("cell")(whole)
        msg_id = self.kernel.run("cell")
        for failure in failures:
            raise failure
        return msg_id


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House()
    monkeypatch.setattr(live_module, "_clock", lambda: house.now)
    monkeypatch.setattr(live_module, "_cpu", lambda: house.computed)
    yield house
    assert house.kernel.loop.errors == []
    assert house.kernel.control_loop.errors == []


def look(house: House, *during: Callable[[], object]) -> View:
    """Somebody looks at it."""
    view = View(*during)
    house.live.viewers = (*house.live.viewers, view)
    return view


# A print


def test_what_is_printed_is_shown_a_while_after_the_last_time(house: House) -> None:
    view, seen = look(house), []

    def cell() -> None:
        house.live.wrote("at once\n")
        seen.append(view.shown)
        for _ in range(3):
            house.pass_time(INTERVAL)
            house.live.wrote("a line\n")
            seen.append(view.shown)
            house.live.wrote("and one more\n")
            seen.append(view.shown)

    house.run(cell)
    assert seen == [0, 1, 1, 2, 2, 3, 3]
    assert house.flushes == 3


def test_pieces_of_a_line_wait_for_its_end(house: House) -> None:
    view, seen = look(house), []

    def cell() -> None:
        house.pass_time(INTERVAL)
        for piece in ("a", " ", "b", "\n"):
            house.live.wrote(piece)
            seen.append(view.shown)

    house.run(cell)
    assert seen == [0, 0, 0, 1]


def test_a_progress_bar_ends_no_line(house: House) -> None:
    view = look(house)

    def cell() -> None:
        for percent in range(1, 4):
            house.pass_time(INTERVAL)
            house.live.wrote(f"\r{percent} %")
            assert view.shown == percent

    house.run(cell)
    assert view.shown == 3


def test_a_flush_shows_what_has_been_printed(house: House) -> None:
    view = look(house)

    def cell() -> None:
        house.pass_time(INTERVAL)
        house.live.flushed()  # of nothing
        assert view.shown == 0
        house.live.wrote(".")
        house.live.flushed()
        assert view.shown == 1

    house.run(cell)
    assert view.shown == 1


@pytest.mark.parametrize(
    ("computes", "waits", "expected"), [(0.06, 0.0, SHARE * 0.06), (0.002, 0.3, 0.302)]
)
def test_it_takes_a_small_share_of_the_cell_s_time(
    house: House, computes: float, waits: float, expected: float
) -> None:
    def during() -> None:
        house.computed += computes
        house.now += computes + waits

    view, seen = look(house, during), []

    def cell() -> None:
        house.pass_time(INTERVAL)
        house.live.wrote("a\n")
        began = house.now
        while view.shown == 1:
            house.pass_time(INTERVAL / 5)
            house.live.wrote("b\n")
        seen.append(house.now - computes - waits - began)

    house.run(cell)
    assert expected <= seen[0] < expected + INTERVAL


def test_nobody_looks(house: House) -> None:
    def cell() -> None:
        house.pass_time(10 * CLOCK)
        house.live.wrote("a\n")

    house.run(cell)
    assert house.flushes == 0
    assert house.kernel.control_loop._timers == []


def test_no_cell_runs(house: House) -> None:
    view = look(house)
    house.pass_time(INTERVAL)
    house.live.wrote("the host's\n")
    assert view.shown == 0


def test_a_thread_of_the_cell_prints(house: House) -> None:
    """The painting belongs to the kernel's thread."""
    view = look(house)

    def cell() -> None:
        house.pass_time(INTERVAL)
        thread = threading.Thread(target=lambda: house.live.wrote("a\n"))
        thread.start()
        thread.join()

    house.run(cell)
    assert view.shown == 0


def test_a_loop_that_turns_shows_it_itself(house: House) -> None:
    view = look(house)

    def slot() -> None:
        for _ in range(3):
            house.pass_time(INTERVAL)
            house.live.wrote("in a slot\n")

    def cell() -> None:
        house.kernel.loop.nested(slot)
        assert view.shown == 0
        house.pass_time(INTERVAL)
        house.turn()
        house.live.wrote("a turn has been since\n")
        assert view.shown == 0
        house.pass_time(INTERVAL)
        house.live.wrote("and none\n")

    house.run(cell)
    assert view.shown == 1


# The viewers


def test_what_a_viewer_prints_and_raises(house: House, caplog: pytest.LogCaptureFixture) -> None:
    def during() -> None:
        house.now += INTERVAL
        names = {"__name__": "qtkernel.console.viewer", "live": house.live}
        exec("live.wrote('again\\n')", names)
        raise RuntimeError("broken")

    views = [look(house, during), look(house)]

    def cell() -> None:
        house.pass_time(INTERVAL)
        house.live.wrote("a\n")

    house.run(cell)
    assert [view.shown for view in views] == [1, 1]
    assert "RuntimeError: broken" in caplog.text
    assert house.kernel.interpreter.ran == ["cell"]


def test_an_interrupt_waits_until_a_viewer_has_returned(house: House) -> None:
    after: list[str] = []

    def during() -> None:
        house.kernel.interrupter.interrupt()
        after.append("the viewer goes on")

    look(house, during)

    def cell() -> None:
        house.pass_time(INTERVAL)
        house.live.wrote("a\n")
        after.append("not reached")

    recorder: Recorder = house.kernel.recorder
    msg_id = house.run(cell)
    assert after == ["the viewer goes on"]
    recorder.expect(
        around(
            msg_id,
            cell_input(msg_id, "cell", 1),
            failed(msg_id, 1, "KeyboardInterrupt"),
        )
    )


# Whether the loop is blocked


def test_viewers_are_told_that_the_loop_is_blocked(house: House) -> None:
    view = look(house)

    def cell() -> None:
        house.pass_time(PATIENCE - INTERVAL)
        assert view.told == []
        house.pass_time(4 * INTERVAL)
        assert view.told == [house.kernel.control_loop]
        house.pass_time(3 * CLOCK)

    house.run(cell)
    house.pass_time(2 * INTERVAL)
    assert view.told == [house.kernel.control_loop, None]
    assert house.kernel.control_loop._timers == []


def test_a_loop_that_has_nothing_to_do_is_not_blocked(house: House) -> None:
    """The cell awaits, or sits in a dialog. The loop is asked, and answers."""
    view = look(house)

    def cell() -> None:
        for _ in range(100):
            house.pass_time(INTERVAL / 2)
            if house.kernel.loop._posted:
                house.turn()

    house.run(cell)
    assert view.told == []


def test_a_loop_that_blocks_later_and_turns_again(house: House) -> None:
    view = look(house)

    def cell() -> None:
        for _ in range(20):
            house.pass_time(INTERVAL)
            house.turn()
        assert view.told == []
        house.pass_time(1.0)
        assert view.told == [house.kernel.control_loop]
        house.turn()
        house.pass_time(2 * INTERVAL)
        assert view.told == [house.kernel.control_loop, None]

    house.run(cell)


def test_many_short_cells_are_watched_by_one(house: House) -> None:
    look(house)
    for _ in range(50):
        house.run(lambda: None)
        house.pass_time(INTERVAL / 5)
    assert len(house.kernel.control_loop._timers) == 1
    house.pass_time(2 * PATIENCE)
    assert house.kernel.control_loop._timers == []


def test_somebody_begins_to_look_while_a_cell_runs(house: House) -> None:
    views: list[View] = []

    def cell() -> None:
        views.append(look(house))
        house.pass_time(PATIENCE + 3 * INTERVAL)
        assert views[0].told == [house.kernel.control_loop]
        house.live.wrote("a\n")

    house.run(cell)
    assert views[0].shown == 1


def test_nobody_looks_any_more_while_a_cell_runs(house: House) -> None:
    view = look(house)

    def cell() -> None:
        house.pass_time(1.0)
        house.live.viewers = ()
        house.pass_time(2 * INTERVAL)
        assert view.told == [house.kernel.control_loop, None]
        house.live.wrote("a\n")

    house.run(cell)
    assert view.shown == 0
    assert house.kernel.control_loop._timers == []


def test_the_kernel_closes_in_a_cell(house: House) -> None:
    view = look(house)

    def cell() -> None:
        house.pass_time(1.0)
        house.live.close()
        assert view.told == [house.kernel.control_loop, None]
        house.live.wrote("a\n")

    house.run(cell)
    assert view.shown == 0
