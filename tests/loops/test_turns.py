"""What has been called by the innermost event loop, and what lies below it on the stack."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.qt import QtLoop
from qtkernel.loops.turns import Turns, turns_of


@pytest.fixture
def loop(app: Any, errors: list[BaseException]) -> Iterator[QtLoop]:
    created = QtLoop(app, errors.append)
    yield created
    created.close()


def names(turns: Turns) -> list[str]:
    """The functions that the innermost loop has called, the innermost first."""
    return [frame.f_code.co_name for frame in turns.frames(sys._getframe(1))]


def below(turns: Turns) -> list[str]:
    """The functions of the turn in which the innermost loop was entered."""
    frames = turns.frames(turns.entered_from(sys._getframe(1)))
    return [frame.f_code.co_name for frame in frames]


def in_the_loop(loop: QtLoop, cell: Callable[[], object]) -> None:
    """Run `cell` as the kernel does: from the application's own loop."""
    from tests.support.binding import QtCore

    core = QtCore

    def called() -> None:
        try:
            cell()
        finally:
            core.QCoreApplication.quit()

    loop.call_soon_threadsafe(called)
    core.QCoreApplication.instance().exec()


def spin_event_loop(slot: Callable[[], object]) -> None:
    from tests.support.binding import QtCore

    nested = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(0, slot)
    QtCore.QTimer.singleShot(20, nested.quit)
    nested.exec()


def open_dialog(slot: Callable[[], object]) -> None:
    from tests.support.binding import QtCore, QtWidgets

    dialog = QtWidgets.QDialog()
    QtCore.QTimer.singleShot(0, slot)
    QtCore.QTimer.singleShot(20, dialog.reject)
    dialog.exec()


def process_events(slot: Callable[[], object]) -> None:
    from tests.support.binding import QtCore

    done: list[int] = []
    QtCore.QTimer.singleShot(0, lambda: (slot(), done.append(1)))
    while not done:
        QtCore.QCoreApplication.processEvents()


@pytest.mark.parametrize("nest", [spin_event_loop, open_dialog, process_events])
def test_a_slot_in_a_nested_loop_is_not_the_cells(
    loop: QtLoop, nest: Callable[[Callable[[], object]], None]
) -> None:
    turns, seen = loop.turns, {}

    def host_slot() -> None:
        seen["slot"] = names(turns)
        seen["below"] = below(turns)

    def cell() -> None:
        before = turns.count
        seen["before"] = names(turns)
        nest(host_slot)
        seen["counted"] = turns.count > before
        seen["after"] = names(turns)

    in_the_loop(loop, cell)
    assert "host_slot" in seen["slot"]
    assert "cell" not in seen["slot"]
    assert nest.__name__ not in seen["slot"]
    assert "cell" in seen["below"]
    assert "cell" in seen["before"]
    assert "cell" in seen["after"], "the nested loop has ended"
    assert seen["counted"]


def test_the_very_frame_that_had_entered_a_loop_goes_on(loop: QtLoop) -> None:
    from tests.support.binding import QtCore

    turns, seen = loop.turns, []

    def helper() -> None:
        seen.append(names(turns))

    def cell() -> None:
        QtCore.QTimer.singleShot(0, helper)
        for _ in range(3):
            QtCore.QCoreApplication.processEvents()
            seen.append(names(turns))
            helper()

    in_the_loop(loop, cell)
    in_slot, *others = seen
    assert "helper" in in_slot
    assert "cell" not in in_slot
    assert len(others) == 6
    assert all("cell" in each for each in others)


def test_loops_that_have_ended_are_forgotten(loop: QtLoop) -> None:
    kept: list[int] = []

    def cell() -> None:
        for _ in range(5):
            spin_event_loop(lambda: None)
            open_dialog(lambda: None)
        kept.append(len(loop.turns._entered))

    in_the_loop(loop, cell)
    assert kept[0] <= 2  # the outermost, and the last one


def test_a_signal_that_a_cell_emits_is_the_cells_doing(loop: QtLoop) -> None:
    from tests.support.binding import QtWidgets

    turns, seen = loop.turns, []
    button = QtWidgets.QPushButton()
    button.clicked.connect(lambda: seen.append(names(turns)))

    def cell() -> None:
        before = turns.count
        button.click()
        assert turns.count == before

    in_the_loop(loop, cell)
    assert "cell" in seen[0]


def test_loops_in_loops(loop: QtLoop) -> None:
    turns, seen = loop.turns, {}

    def innermost() -> None:
        seen["innermost"] = names(turns)
        seen["its caller"] = below(turns)

    def host_opens_a_dialog() -> None:
        spin_event_loop(innermost)
        seen["host, after"] = names(turns)

    def cell() -> None:
        spin_event_loop(host_opens_a_dialog)
        seen["cell, after"] = names(turns)

    in_the_loop(loop, cell)
    assert "host_opens_a_dialog" not in seen["innermost"]
    assert "host_opens_a_dialog" in seen["its caller"]
    assert "cell" not in seen["its caller"]
    assert "host_opens_a_dialog" in seen["host, after"]
    assert "cell" not in seen["host, after"]
    assert "cell" in seen["cell, after"]


def test_a_run_of_our_own(loop: QtLoop) -> None:
    """As input() does."""
    turns, seen = loop.turns, []

    def slot() -> None:
        seen.append(names(turns))
        loop.stop()

    def cell() -> None:
        loop.call_soon_threadsafe(slot)
        loop.run()
        seen.append(names(turns))

    in_the_loop(loop, cell)
    assert "cell" not in seen[0]
    assert "cell" in seen[1]


def test_a_headless_loop() -> None:
    loop, seen = HeadlessLoop(), []

    def inner() -> None:
        seen.append(names(loop.turns))
        seen.append(below(loop.turns))
        loop.stop()

    def cell() -> None:
        before = loop.turns.count
        loop.call_soon_threadsafe(inner)
        loop.run()
        assert loop.turns.count > before
        loop.stop()

    loop.call_soon_threadsafe(cell)
    loop.run()
    loop.close()
    assert "cell" not in seen[0]
    assert "cell" in seen[1]


def test_callbacks_of_tkinter_are_the_hosts(root: Any) -> None:
    from qtkernel.loops.tk import TkLoop

    loop, seen = TkLoop(root), []

    def host_callback() -> None:
        seen.append(names(loop.turns))
        loop.stop()

    def cell() -> None:
        root.after(0, host_callback)
        root.wait_variable(variable)

    import tkinter

    variable = tkinter.IntVar(root)
    root.after(50, lambda: variable.set(1))
    loop.call_soon_threadsafe(cell)
    loop.run()
    loop.close()
    assert "cell" not in seen[0]
    assert not loop.turns.complete


def test_a_backend_that_knows_nothing_of_turns() -> None:
    class Foreign:
        name = "foreign"

    turns = turns_of(Foreign())
    assert not turns.complete
    assert "test_a_backend_that_knows_nothing_of_turns" in names(turns)


def test_no_frame_is_kept_by_a_loop_that_is_closed(app: Any) -> None:
    from tests.support.binding import QtCore

    loop: EventLoop = QtLoop(app)
    QtCore.QTimer.singleShot(0, QtCore.QCoreApplication.quit)
    app.exec()
    turns = turns_of(loop)
    assert turns._entered
    loop.close()
    assert not turns._entered
    before = turns.count
    QtCore.QCoreApplication.processEvents()
    assert turns.count == before
