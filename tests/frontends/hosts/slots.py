"""A host whose slots fail when it is told so, with a hook of its own or without.

python slots.py own|default CONNECTION_FILE
"""

from __future__ import annotations

import os
import sys
from types import TracebackType

import qtkernel
from tests.support.binding import QtCore, QtWidgets, Slot


def say(text: str) -> None:
    """Say something to the test."""
    os.write(1, f"{text}\n".encode())


def own_hook(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """The host's own way to deal with it."""
    say(f"own hook: {kind.__name__}: {error}")


class Scope(QtWidgets.QWidget):
    """Something of the host's with slots."""

    def __init__(self) -> None:
        super().__init__()
        self.button = QtWidgets.QPushButton("go", self)
        self.button.setObjectName("go")
        self.ticks = 0
        self._clock = QtCore.QTimer(self)
        self._clock.timeout.connect(self.tick)
        self._clock.start(5)

    def tick(self) -> None:
        """The host is alive."""
        self.ticks += 1

    @Slot()
    def refresh(self) -> None:
        """A slot that is declared as one."""
        raise ValueError("the host's slot failed")

    def fail(self) -> None:
        """A slot that is just a method."""
        raise LookupError("the host's method failed")


def main() -> None:
    """Run it until the test says something."""
    hook, connection_file = sys.argv[1:]
    if hook == "own":
        sys.excepthook = own_hook
    before = sys.excepthook
    app = QtWidgets.QApplication(sys.argv[:1])
    scope = Scope()
    names = {"app": app, "scope": scope, "QtCore": QtCore, "QtWidgets": QtWidgets}
    kernel = qtkernel.embed(names, connection_file=connection_file)

    def obey() -> None:
        command = os.read(0, 100).decode().strip()
        if command == "close":
            kernel.close()
            say(f"closed: {sys.excepthook is before}")
        elif command == "fail":
            QtCore.QTimer.singleShot(0, scope.fail)
            QtCore.QTimer.singleShot(20, lambda: say("failed"))
        else:
            app.quit()

    notifier = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read)
    notifier.activated.connect(obey)
    say("ready")
    app.exec()
    kernel.close()
    say("ended")


if __name__ == "__main__":
    main()
