"""An application with a console in a dock, for tests to run as a script.

    python bench.py CONNECTION_FILE

It has a menu bar, an editor, a clock that notes how long it was kept from ticking, and it evaluates
the expressions that come on its stdin, in its own loop, so that a test can ask for anything that it
knows. What it says goes to its real stdout.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import qtkernel
from tests.desktop.hosts.ear import listen, say
from tests.support.binding import QtCore, QtGui, QtWidgets

TICK = 10  # milliseconds

_clock = time.monotonic


class Clock(QtCore.QObject):
    """A timer of the application's own."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0
        self.gap = 0.0
        self._last = _clock()
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK)

    def start_over(self) -> None:
        """Forget the largest gap."""
        self.gap, self._last = 0.0, _clock()

    def _tick(self) -> None:
        now = _clock()
        self.gap = max(self.gap, now - self._last)
        self._last = now
        self.ticks += 1


class Blinker(QtWidgets.QWidget):
    """A widget that says how often it was painted, and is dirty after every tick."""

    def __init__(self) -> None:
        super().__init__()
        self.painted = 0
        self.setFixedHeight(12)

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Qt's."""
        self.painted += 1
        super().paintEvent(event)


class Bench:
    """The application: what an expression can name is what this has."""

    def __init__(self, connection_file: str) -> None:
        self.app = QtWidgets.QApplication(sys.argv[:1])
        self.clock = Clock()
        self.win = QtWidgets.QMainWindow()
        self.win.setWindowTitle("bench")
        self.win.resize(900, 640)
        self.edit = QtWidgets.QPlainTextEdit()
        self.blinker = Blinker()
        page = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(page)
        column.addWidget(self.edit)
        column.addWidget(self.blinker)
        self.win.setCentralWidget(page)
        self.ended: list[list[Any]] = []
        self.ns: dict[str, Any] = {"app": self.app, "win": self.win, "say": say}
        self.ns |= {"clock": self.clock, "blinker": self.blinker, "edit": self.edit}
        self.kernel = qtkernel.embed(self.ns, name="bench", connection_file=connection_file)
        self.kernel.on("executed", self._executed)
        self.dock = self.kernel.dock(self.win)
        self.win.resizeDocks([self.dock], [400], QtCore.Qt.Orientation.Vertical)
        self.dock.setMinimumHeight(200)
        self.view = self.win.menuBar().addMenu("&View")
        self.view.addAction(self.dock.toggleViewAction())
        self.win.show()
        self._ear = listen(lambda: globals() | {"self": self} | vars(self))

    def _executed(self, executed: Any) -> None:
        self.ended.append([_clock(), executed.code, executed.status])


def part(dock: Any, name: str) -> Any:
    """A part of a dock, by its object name."""
    found = dock.findChild(QtWidgets.QWidget, name)
    assert found is not None, f"there is no {name!r} in {dock.objectName()!r}"
    return found


def page_of(dock: Any) -> Any:
    """The text widget of a console."""
    return dock.console.widget._control


def line_height(dock: Any) -> float:
    """The height of a line of text, in pixels; the page's font metrics are not all of it."""
    document = page_of(dock).document()
    return float(document.documentLayout().blockBoundingRect(document.lastBlock()).height())


def pending_input(dock: Any) -> str:
    """What is at the prompt."""
    return str(dock.console.widget.input_buffer)


def is_quiet(dock: Any) -> bool:
    """Whether its prompt waits for the next cell."""
    widget = dock.console.widget
    return bool(widget._prompt_shown and not widget.has_cells())


def kernel_is_busy(bench: Bench) -> bool:
    """Whether a cell runs or waits."""
    return bool(bench.dock.console.widget.has_cells())


def place_of(dock: Any, text: str) -> list[int]:
    """A point on the screen in the first word of the last `text` in a console."""
    page = page_of(dock)
    cursor = QtGui.QTextCursor(page.document())
    cursor.setPosition(page.toPlainText().rindex(text) + 2)
    point = page.viewport().mapToGlobal(page.cursorRect(cursor).center())
    return [point.x(), point.y()]


def dark(app: Any) -> None:
    """Give the application a dark palette, as its View menu may."""
    palette = QtGui.QPalette(QtGui.QColor(40, 44, 52), QtGui.QColor(40, 44, 52))
    for role, colour in (("Base", "#1e2127"), ("Text", "#e6e6e6"), ("WindowText", "#e6e6e6")):
        palette.setColor(getattr(QtGui.QPalette.ColorRole, role), QtGui.QColor(colour))
    app.setPalette(palette)


def main() -> None:
    """Run the application."""
    bench = Bench(sys.argv[1])
    say("ready")
    code = bench.app.exec()
    bench.kernel.close()
    say(f"ended: {code}")


if __name__ == "__main__":
    main()
