"""Live output where a console is not simply a part of its window."""

from __future__ import annotations

import time

import pytest

from tests.desktop.application import Rect
from tests.desktop.bench import Bench
from tests.desktop.test_live import lowest

CELL = (
    "import time; blinker.update(); painted = blinker.painted; "
    "print('x\\n' * 6, end=''); say('waits'); time.sleep(4); blinker.painted - painted"
)
RED = (0xFF, 0, 0)


def text_place(bench: Bench) -> Rect:
    """Where on the screen the first letters of the console's lines are."""
    # as X says: Qt 5 may miss where the window manager has put a window
    window = bench.ask("int(page_of(dock).window().winId())")
    x, y, _, _ = bench.screen.geometry(window)
    corner = "page_of(dock).viewport().mapTo(page_of(dock).window(), QtCore.QPoint(0, 0))"
    dx, dy = bench.ask(f"(lambda at: (at.x(), at.y()))({corner})")
    return x + dx, y + dy, 200, bench.ask("page_of(dock).viewport().height()")


def run_and_see(bench: Bench) -> None:
    """Run a cell that prints some lines and blocks; return when they are on the screen."""
    bench.ask("dock.clear()")
    step = bench.ask("line_height(dock)")
    bench.wait_until_seen(lambda: 0 < lowest(bench.screen.look(text_place(bench))) < 3 * step)
    place = text_place(bench)
    bench.ask(f"dock.run({CELL!r})")
    bench.wait_for_line("waits")
    since = time.monotonic()
    while lowest(bench.screen.look(place)) < 6 * step:
        assert time.monotonic() < since + 3, "the text is not there"
        time.sleep(0.02)


def be_native(bench: Bench) -> None:
    """As beside a video or a VTK view: Qt makes all siblings of such a widget native."""
    bench.ask("edit.winId() and True")
    bench.wait_for("dock.windowHandle() is not None")


def have_a_native_part(bench: Bench) -> None:
    bench.ask("page_of(dock).winId() and True")


def float_freely(bench: Bench) -> None:
    bench.ask("dock.setFloating(True)")
    bench.wait_for("dock.windowHandle() is not None and dock.windowHandle().isExposed()")


def be_a_tab(bench: Bench) -> None:
    bench.ask("vars(self).__setitem__('other', QtWidgets.QDockWidget('other', win))")
    bench.ask("win.addDockWidget(QtCore.Qt.DockWidgetArea.BottomDockWidgetArea, other)")
    bench.ask("win.tabifyDockWidget(other, dock)")
    bench.ask("dock.raise_()")


@pytest.mark.parametrize("place", [be_native, have_a_native_part, float_freely, be_a_tab])
def test_it_is_seen_there(bench: Bench, place: object) -> None:
    assert callable(place)
    place(bench)
    run_and_see(bench)
    bench.wait_for_end(1)
    assert "Out[1]: 0" in bench.text(), "the application's own widget was painted"


def test_what_lies_above_the_console_stays_there(bench: Bench) -> None:
    bench.ask("vars(self).__setitem__('patch', QtWidgets.QLabel(win))")
    bench.ask("patch.setStyleSheet('background: #ff0000')")
    bench.ask("patch.resize(50, 50)")
    bench.ask("patch.move(page_of(dock).mapTo(win, QtCore.QPoint(300, 10)))")
    bench.ask("patch.show()")
    patch = bench.rect("patch")
    bench.wait_until_seen(lambda: bench.screen.look(patch).colors()[RED] == 2500)
    run_and_see(bench)
    assert bench.screen.look(patch).colors()[RED] == 2500
    bench.wait_for_end(1)
