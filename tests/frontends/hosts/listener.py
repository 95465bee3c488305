"""A host that listens to its kernel, by callbacks and by Qt's signals.

python listener.py CONNECTION_FILE
"""

from __future__ import annotations

import os
import sys
from typing import Any

import qtkernel
from tests.support.binding import QtCore, QtWidgets


def say(text: str) -> None:
    """Say something to the test."""
    os.write(1, f"{text}\n".encode())


class Window(QtWidgets.QLabel):
    """Shows what the kernel does, through signals and slots."""

    def busy(self) -> None:
        """A cell has begun."""
        self.setText("busy")
        say("signal busy")
        print("the host prints")

    def executed(self, cell: Any) -> None:
        """A cell has ended."""
        say(f"signal executed {cell.code!r} {cell.status} {cell.ename}")

    def idle(self) -> None:
        """No cell is under way."""
        self.setText("idle")
        say("signal idle")


def main() -> None:
    """Run it."""
    app = QtWidgets.QApplication(sys.argv[:1])
    window = Window()
    kernel = qtkernel.embed({"app": app}, connection_file=sys.argv[1])
    for name in ("busy", "executed", "idle"):
        getattr(kernel.signals, name).connect(getattr(window, name))
    kernel.on("closed", lambda: say(f"callback closed {os.path.exists(sys.argv[1])}"))
    # on the very last thing that a cell leads to, the application may close its kernel
    kernel.on("executed", lambda cell: kernel.close() if cell.code == "'the last one'" else None)
    notifier = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read)
    notifier.activated.connect(app.quit)
    say("ready")
    app.exec()
    say("ended")


if __name__ == "__main__":
    main()
