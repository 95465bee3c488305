"""A desktop application with a kernel inside, for tests to run as a script.

    python host.py before|after CONNECTION_FILE

It has two windows, a timer that ticks, a SIGINT handler of its own, and does what it is told by
lines on its stdin, as if a person used it. What it says goes to its real stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable

import qtkernel
from tests.support.binding import QtCore, QtWidgets

TICK = 5  # milliseconds

_clock = time.perf_counter  # a cell may replace it in its module


def say(text: str) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


class Ticker(QtCore.QObject):
    """A timer of the host's that notes how long it was kept from ticking."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.largest_gap = 0.0
        self._last = _clock()
        self._alarms: list[int] = []
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK)

    def start_over(self) -> None:
        """Forget the gaps so far."""
        self.largest_gap = 0.0
        self._last = _clock()

    def say_after(self, ticks: int) -> None:
        """Say so when the timer has ticked so many times more."""
        self._alarms.append(self.count + ticks)

    def _tick(self) -> None:
        now = _clock()
        self.largest_gap = max(self.largest_gap, now - self._last)
        self._last = now
        self.count += 1
        if self.count in self._alarms:
            self._alarms.remove(self.count)
            say("ticked")


class Slots(QtCore.QObject):
    """A slot that is called every millisecond and notes what is raised in it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.raised: list[str] = []
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._slot)

    def start(self) -> None:
        """Begin."""
        self._timer.start(1)

    def _slot(self) -> None:
        try:
            self.calls += sum(1 for _ in range(50)) // 50
        except BaseException as error:
            self.raised.append(repr(error))


class Window(QtWidgets.QMainWindow):
    """A window with something in it."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setWindowTitle(title)
        self.label = QtWidgets.QLabel("nothing yet", self)
        self.setCentralWidget(self.label)
        self.show()


class Host:
    """The application."""

    def __init__(self, connection_file: str) -> None:
        self.app = QtWidgets.QApplication(sys.argv[:1])
        self.first, self.second = Window("first"), Window("second")
        self.ticker = Ticker()
        self.slots = Slots()
        self.namespace: dict[str, object] = {
            "app": self.app,
            "first": self.first,
            "second": self.second,
            "ticker": self.ticker,
            "say": say,
            "QtCore": QtCore,
            "QtWidgets": QtWidgets,
        }
        self._connection_file = connection_file
        self._cpu_before = 0.0
        self.kernel: qtkernel.EmbeddedKernel | None = None
        self._commands: dict[str, Callable[[], str]] = {
            "report": self.report,
            "accept": self.accept,
            "sigint": self.sigint,
            "slots": self.start_slots,
            "raised": self.raised,
            "dialog": self.dialog,
            "start over": self.start_over,
            "gap": self.gap,
            "names": self.names,
            "close": self.close,
            "quit": self.quit,
        }
        self._stdin = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read)
        self._stdin.activated.connect(self._read_commands)

    def embed(self) -> None:
        """The three lines."""
        self.kernel = qtkernel.embed(
            self.namespace, name="host", connection_file=self._connection_file
        )
        say("ready")

    def _read_commands(self) -> None:
        data = os.read(0, 65536).decode()
        if not data:
            # the test run is gone, perhaps hard: nobody else would end this application
            self._stdin.setEnabled(False)
            self.app.quit()
        for command in data.splitlines():
            say(f"{command}: {self._commands[command]()}")

    def report(self) -> str:
        """What the windows show."""
        windows = (self.first, self.second)
        return json.dumps([[w.windowTitle(), w.label.text()] for w in windows])

    def accept(self) -> str:
        """Press OK in the modal dialog that is open."""
        dialog = self.app.activeModalWidget()
        dialog.accept()
        return type(dialog).__name__

    def dialog(self) -> str:
        """Open a dialog of the host's own, in a slot of its own."""

        def open_dialog() -> None:
            dialog = QtWidgets.QDialog(self.first)
            dialog.setObjectName("the host's")
            QtCore.QTimer.singleShot(0, lambda: say("the host's dialog is open"))
            result = dialog.exec()
            say(f"the host's dialog was ended with {int(result)}")

        QtCore.QTimer.singleShot(0, open_dialog)
        return "done"

    def start_over(self) -> str:
        """Forget how long the timer was kept from ticking, and the CPU time used, until now."""
        self.ticker.start_over()
        self._cpu_before = time.process_time()
        return "done"

    def gap(self) -> str:
        """Since then, in seconds: for how long the timer was kept from ticking, and CPU time."""
        return json.dumps([self.ticker.largest_gap, time.process_time() - self._cpu_before])

    def start_slots(self) -> str:
        """Have a slot called every millisecond."""
        self.slots.start()
        return "started"

    def raised(self) -> str:
        """What was raised in that slot."""
        return json.dumps([self.slots.calls > 0, self.slots.raised])

    def sigint(self) -> str:
        """Whose the SIGINT handler is."""
        return "own" if signal.getsignal(signal.SIGINT) is on_sigint else "other"

    def names(self) -> str:
        """What is in the namespace."""
        return json.dumps(sorted(self.namespace))

    def close(self) -> str:
        """Close the kernel and leave the application running."""
        assert self.kernel is not None
        self.kernel.close()
        return "done"

    def quit(self) -> str:
        """End the application."""
        self.app.quit()
        return "done"


def on_sigint(_signum: int, _frame: object) -> None:
    """The host's own handler."""
    say("the host got SIGINT")


def main() -> None:
    """Run the application."""
    signal.signal(signal.SIGINT, on_sigint)
    when, connection_file = sys.argv[1:]
    host = Host(connection_file)
    if when == "before":
        host.embed()
    else:
        QtCore.QTimer.singleShot(0, host.embed)
    code = host.app.exec()
    say(f"loop ended: {code}")
    if host.kernel is not None:
        host.kernel.close()
    say("ended")


if __name__ == "__main__":
    main()
