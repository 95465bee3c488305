"""An application that plots with pyplot on its own, for tests of whose figures are whose.

    python plotting.py CONNECTION_FILE

It has a figure in a window. Its stdin takes lines: ``state`` tells what matplotlib is like,
``plot`` makes another figure, ``close`` closes the kernel, ``quit`` ends it.
"""

from __future__ import annotations

import json
import os
import sys

import matplotlib as mpl

import qtkernel
from tests.support.binding import QtCore, QtWidgets


def say(text: str) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


class Host(QtCore.QObject):
    """The application."""

    def __init__(self, connection_file: str) -> None:
        super().__init__()
        self.app = QtWidgets.QApplication(sys.argv[:1])
        self.app.setQuitOnLastWindowClosed(True)
        mpl.use("qtagg")
        from matplotlib import pyplot

        self.pyplot = pyplot
        self.plot()
        self.window = QtWidgets.QMainWindow()
        self.window.show()
        say(f"before: {self.state()}")
        self.kernel = qtkernel.embed({"app": self.app}, connection_file=connection_file)
        say("ready")
        self._stdin = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read)
        self._stdin.activated.connect(self._read_commands)

    def _read_commands(self) -> None:
        commands = {
            "state": self.state,
            "plot": self.plot,
            "close": self.kernel.close,
            "quit": self.app.quit,
        }
        for command in os.read(0, 65536).decode().splitlines() or ["quit"]:
            say(f"{command}: {commands[command]()}")

    def plot(self) -> None:
        """Make a figure."""
        _figure, axes = self.pyplot.subplots()
        axes.plot([1, 2])

    def state(self) -> str:
        """What matplotlib is like, and which figures there are."""
        pyplot = self.pyplot
        figures = [
            [number, type(pyplot.figure(number).canvas.manager).__name__]
            for number in pyplot.get_fignums()
        ]
        return json.dumps(
            {
                "backend": str(dict.__getitem__(mpl.rcParams, "backend")),
                "module": pyplot._backend_mod.__name__,
                "makes": pyplot._backend_mod.FigureCanvas.__name__,
                "interactive": mpl.is_interactive(),
                "draw": pyplot.draw_if_interactive.__name__,
                "needmain": hasattr(pyplot.show, "_needmain"),
                "figures": figures,
            }
        )


if __name__ == "__main__":
    host = Host(sys.argv[1])
    host.app.exec()
    host.kernel.close()
