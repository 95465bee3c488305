"""Keys that come before it is clear what they are for.

After Enter it takes a turn or two of the event loop until one knows whether the cell is complete,
and then whether it asks a question, is over already, or goes on in the background. What is typed
meanwhile, or was typed while the application was busy, belongs to what comes next: it waits here,
and is then typed for the user. So typing ahead loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from qtkernel import qt

PATIENCE: Final = 100
"""Milliseconds that keys wait for a cell to begin; another frontend's may be under way."""


class HeldKeys:
    """Key presses for `control` that wait.

    Args:
        settle: called when it is time to look what has become of it; keys go on after that.
    """

    def __init__(self, control: Any, settle: Callable[[], object]) -> None:
        self._control = control
        self._settle = settle
        self._actions: list[Callable[[], object]] = []
        self._waits = False
        self.asking = False
        """Whether an answer is awaited that is certain to come."""
        self._timer = qt.QtCore.QTimer(control)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._timeout)

    @property
    def holding(self) -> bool:
        """Whether keys wait."""
        return self.asking or self._waits

    def wait(self) -> None:
        """Let keys wait until it is known what they are for, for a short while at most."""
        self._waits = True
        self._timer.start(PATIENCE)

    def settle_soon(self) -> None:
        """It is known: go on in the next turn of the event loop, when all that comes now has."""
        self._timer.start(0)

    def add(self, event: Any) -> None:
        """Take a key press."""
        copy = _copied(event)
        self.add_action(lambda: qt.QtWidgets.QApplication.sendEvent(self._control, copy))

    def add_action(self, action: Callable[[], object]) -> None:
        """Take something else that comes between key presses."""
        self._actions.append(action)

    def clear(self) -> None:
        """Forget them."""
        self._actions.clear()

    def stop(self) -> None:
        """Forget them, and wait for nothing."""
        self._actions.clear()
        self._timer.stop()
        self.asking = self._waits = False

    def _timeout(self) -> None:
        self._waits = False
        self._settle()
        while self._actions and not self.holding:
            self._actions.pop(0)()


def _copied(event: Any) -> Any:
    # Qt's own is gone when the event filter has returned
    return qt.QtGui.QKeyEvent(
        event.type(),
        event.key(),
        event.modifiers(),
        event.text(),
        event.isAutoRepeat(),
        event.count(),
    )
