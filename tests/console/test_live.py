"""A console while a cell blocks the event loop: what happens to it in the midst of that."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import qtkernel
from qtkernel.console.console import Console
from qtkernel.embed.embedded import EmbeddedKernel
from tests.console.conftest import PATIENCE, delete
from tests.support.binding import QtCore, QtGui, QtTest, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

WHILE = 0.4
"""Seconds that a cell sleeps for a signal to come: it may come later, and then a test waits on."""


class Place:
    """A console in a window, and a cell that is a function of the test."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.kernel: EmbeddedKernel = qtkernel.embed(self.names, transport=None)
        self.console: Console = self.kernel.console()
        self.console.resize(600, 300)
        self.console.show()

    @property
    def text(self) -> str:
        """What the console shows."""
        return str(self.console.widget._control.toPlainText())

    def run(self, cell: Callable[[], object]) -> str:
        """Run `cell` as one, in the event loop; how it ended."""
        self.names["cell"] = cell
        ended: list[str] = []
        loop = QtCore.QEventLoop()
        undo = [
            self.kernel.on("executed", lambda executed: ended.append(executed.status)),
            self.kernel.on("idle", loop.quit),
            self.kernel.on("closed", loop.quit),
        ]
        QtCore.QTimer.singleShot(round(PATIENCE * 1000), loop.quit)
        self.console.run("cell()")
        loop.exec()
        for each in undo:
            each()
        return ended[0] if ended else ""

    def sees(self, text: str) -> Callable[[], bool]:
        """Whether `text` is in the console; blocks for it, in a cell."""

        def seen() -> bool:
            deadline = time.monotonic() + PATIENCE
            while text not in self.text and time.monotonic() < deadline:
                time.sleep(WHILE)
            return text in self.text

        return seen


def wait_until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        QtTest.QTest.qWait(5)


Embed = Callable[[], Place]


@pytest.fixture
def embed(qapp: object, caplog: pytest.LogCaptureFixture) -> Iterator[Embed]:  # noqa: ARG001
    """To be called in the test itself: pytest takes sys.stdout anew after the fixtures."""
    places: list[Place] = []

    def begin() -> Place:
        places.append(Place())
        return places[-1]

    yield begin
    places[0].kernel.close()
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
    assert [record.getMessage() for record in caplog.records] == []


def test_the_last_words_before_a_sleep_are_there_while_it_sleeps(embed: Embed) -> None:
    place = embed()
    seen = []

    def cell() -> None:
        print("the last words")
        seen.append("the last words" in place.text)
        seen.append(place.sees("the last words")())

    assert place.run(cell) == "ok"
    assert seen == [False, True]


def test_it_is_shown_in_a_paint_event_of_the_cell_s_own(embed: Embed) -> None:
    """A second painting, while the application paints in the same window."""
    place = embed()
    seen = []

    class Canvas(QtWidgets.QWidget):  # type: ignore[misc, name-defined]
        def paintEvent(self, _event: Any) -> None:  # noqa: N802
            painted.append(True)
            if in_cell and not seen:
                painter = QtGui.QPainter(self)
                painter.drawLine(0, 0, 9, 9)
                print("in the paint event")
                seen.append(place.sees("in the paint event")())
                painter.drawLine(9, 0, 0, 9)
                painter.end()

    window = QtWidgets.QWidget()
    window.resize(600, 340)
    place.console.setParent(window)
    canvas = Canvas(window)
    canvas.setGeometry(0, 310, 20, 20)
    in_cell: list[bool] = []
    painted: list[bool] = []
    window.show()
    place.console.show()
    wait_until(lambda: bool(painted))

    def cell() -> None:
        in_cell.append(True)
        canvas.repaint()

    assert place.run(cell) == "ok"
    assert seen == [True]
    delete(window)


def test_the_console_is_deleted_in_a_cell(embed: Embed) -> None:
    place = embed()

    def cell() -> None:
        print("before")
        assert place.sees("before")()
        delete(place.console)
        print("after")
        time.sleep(WHILE)
        print("and after")

    assert place.run(cell) == "ok"


def test_the_kernel_is_closed_in_a_cell(embed: Embed) -> None:
    place = embed()

    def cell() -> None:
        print("before")
        assert place.sees("before")()
        place.kernel.close()
        print("after")
        time.sleep(WHILE)

    place.run(cell)
    wait_until(lambda: place.kernel.closed)


def test_the_console_is_hidden_in_a_cell_and_shown_again(embed: Embed) -> None:
    place = embed()
    seen = []

    def cell() -> None:
        place.console.hide()
        print("hidden")
        time.sleep(WHILE)
        seen.append("hidden" in place.text)
        place.console.show()
        print("shown")
        seen.append(place.sees("shown")())

    assert place.run(cell) == "ok"
    assert seen == [False, True]


def test_two_consoles_show_their_own(embed: Embed) -> None:
    place = embed()
    other = place.kernel.console()
    other.show()
    seen = []

    def cell() -> None:
        print("mine")
        seen.append(place.sees("mine")())
        seen.append("mine" in other.widget._control.toPlainText())

    assert place.run(cell) == "ok"
    assert seen == [True, False]


def test_an_interrupt_of_what_has_been_shown(embed: Embed) -> None:
    place = embed()

    def cell() -> None:
        print("soon")
        assert place.sees("soon")()
        place.kernel.interrupt()
        time.sleep(PATIENCE)

    began = time.monotonic()
    assert place.run(cell) == "error"
    assert time.monotonic() - began < PATIENCE
    wait_until(lambda: "KeyboardInterrupt" in place.text)
