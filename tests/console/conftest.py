"""A console in this process, on a kernel of its own, and a user who types in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import qtkernel
from qtkernel.console.widget import ConsoleWidget
from qtkernel.embed.embedded import EmbeddedKernel
from tests.support.binding import QtCore, QtTest

PATIENCE = 25.0
"""Seconds that a user waits for what has to come."""

Condition = Callable[[], object]
Script = Iterator[Condition]
Key = QtCore.Qt.Key
CONTROL = QtCore.Qt.KeyboardModifier.ControlModifier
SHIFT = QtCore.Qt.KeyboardModifier.ShiftModifier
PLAIN = QtCore.Qt.KeyboardModifier.NoModifier


class User:
    """Somebody at a console: types, and looks."""

    def __init__(self, kernel: EmbeddedKernel, console: ConsoleWidget) -> None:
        self.kernel = kernel
        self.console = console
        self.control = console._control

    @property
    def text(self) -> str:
        """All that the console shows."""
        return str(self.control.toPlainText())

    @property
    def typed(self) -> str:
        """What is at the prompt."""
        return str(self.console.input_buffer)

    def output(self, number: int) -> str:
        """What stands between an input and the next prompt."""
        cell = self.text.partition(f"In [{number}]: ")[2].partition("\n\nIn [")[0]
        lines = cell.split("\n")[1:]
        while lines and lines[0].startswith("   ...: "):
            del lines[0]
        return "\n".join(lines)

    def type(self, text: str) -> None:
        """Press the keys for `text`; a line feed is Enter."""
        for character in text:
            if character == "\n":
                self.press(Key.Key_Return)
            else:
                QtTest.QTest.keyClicks(self.control, character)

    def press(self, key: Any, modifier: Any = PLAIN) -> None:
        """Press one key."""
        QtTest.QTest.keyClick(self.control, key, modifier)

    # What to wait for

    def sees(self, text: str) -> Condition:
        """`text` is on the screen."""
        return lambda: text in self.text

    def at_prompt(self, number: int) -> Condition:
        """An empty prompt with this number is the last thing, and no cell is under way."""
        return lambda: (
            self.text.endswith(f"In [{number}]: ")
            and not self.console.has_cells()
            and not self.console._keyboard.held.holding
        )

    def is_asked(self, question: str) -> Condition:
        """A question is the last thing."""
        return lambda: self.text.endswith(question) and self.console._reading


def play(user: User, script: Script) -> None:
    """Go through a script in the event loop, as a user does, also while cells run in it.

    What it yields are conditions; it goes on when they are true, and fails if that takes too long.
    """
    loop = QtCore.QEventLoop()
    timer = QtCore.QTimer()
    failures: list[BaseException] = []
    condition: Condition = lambda: True  # noqa: E731
    deadline = time.monotonic() + PATIENCE
    going_on = False

    def look() -> None:
        nonlocal condition, deadline, going_on
        if going_on:
            return
        going_on = True  # what the script does may run an event loop of its own
        try:
            if condition():
                condition = next(script)
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain; the console shows:\n{user.text}")
        except StopIteration:
            timer.stop()
            loop.quit()
        except BaseException as error:
            failures.append(error)
            timer.stop()
            user.console._port.close()  # lets go of a cell that waits for an answer
            loop.quit()
        finally:
            going_on = False

    timer.timeout.connect(look)
    timer.start(5)
    loop.exec()
    if failures:
        raise failures[0]


Sit = Callable[..., User]


@pytest.fixture
def sit(qapp: object) -> Iterator[Sit]:  # noqa: ARG001 (kernels need the application)
    """Gives a user at a console on a kernel without sockets, in a namespace with a few names.

    To be called in the test itself: pytest takes sys.stdout anew after the fixtures.
    """
    users: list[User] = []

    def sit_down(**more: Any) -> User:
        names = {"model": 3, "QtCore": QtCore}
        kernel = qtkernel.embed(**({"user_ns": names, "transport": None} | more))
        users.append(User(kernel, shown(kernel)))
        return users[-1]

    yield sit_down
    for user in users:
        delete(user.console)
        user.kernel.close()


def shown(kernel: EmbeddedKernel, **more: Any) -> ConsoleWidget:
    """A new console in a window of its own."""
    console = ConsoleWidget(kernel, **more)
    console.resize(900, 500)
    console.show()
    return console


def delete(console: ConsoleWidget) -> None:
    """Delete a console, now."""
    console.deleteLater()
    QtCore.QCoreApplication.sendPostedEvents(console, QtCore.QEvent.Type.DeferredDelete)
