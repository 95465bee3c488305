"""How a test asks an application anything that it knows: expressions on stdin, values on stdout."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from tests.support.binding import QtCore, QtWidgets


def say(text: str) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


def listen(names: Callable[[], dict[str, Any]]) -> QtCore.QSocketNotifier:
    """Evaluate what comes on stdin, in the application's own event loop, with these names and ours.

    Returns:
        What listens, to be kept.
    """
    notifier = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read)

    def answer() -> None:
        data = os.read(0, 1 << 20).decode()
        if not data:
            # the test run is gone, perhaps hard: nobody else would end this application
            notifier.setEnabled(False)
            QtWidgets.QApplication.quit()
        for line in data.splitlines():
            number, _, expression = line.partition(" ")
            try:
                said = ["ok", eval(json.loads(expression), globals() | names())]
            except Exception as error:
                said = ["error", repr(error)]
            say(f"{number}: {json.dumps(said, default=repr)}")

    notifier.activated.connect(answer)
    return notifier


def rect(widget: Any) -> list[int]:
    """Where a widget is on the screen: x, y, width, height."""
    corner = widget.mapToGlobal(QtCore.QPoint(0, 0))
    return [corner.x(), corner.y(), widget.width(), widget.height()]


def popup(name: str) -> Any:
    """The visible window of a class whose name has this in it, or None."""
    for each in QtWidgets.QApplication.topLevelWidgets():
        if each.isVisible() and (name in type(each).__name__ or name in each.objectName()):
            return each
    return None
