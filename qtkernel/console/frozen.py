"""The interrupt button, and Ctrl+C, while a cell keeps the GUI thread from noticing them.

Qt hears of a press when its event loop runs again, which is when the cell is over. So the control
thread listens, on a connection of its own to the X server (`x11`), from when a cell has blocked the
loop for a moment until it is over, and only while a console can be seen. What it acts on is what Qt
would have delivered to the console: a press of the left button where the interrupt button is and no
other window lies above it, or Ctrl+C while the console has the keyboard and nothing is selected.

Only X11 tells; elsewhere a blocked console is interrupted from outside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from qtkernel.console.x11 import CONTROL_KEYS, NoXInput, Press, XInput
from qtkernel.loops.base import EventLoop

LATE: Final = 50
"""Milliseconds that Qt's time of a press may be after that of the server's raw event."""

_LEFT_BUTTON: Final = 1
_C: Final = {ord("c"), ord("C")}
_log = logging.getLogger("qtkernel.console")


@dataclass(frozen=True)
class Target:
    """Where a press means an interrupt. Pixels are the device's."""

    window: int
    """The id of the top-level window."""
    button: tuple[int, int, int, int] | None
    """The interrupt button within the window: x, y, width, height."""
    has_keyboard: bool
    """Whether the console has the keyboard within the window, and nothing is selected in it."""


class FrozenWatch:
    """Listens for one console.

    Args:
        interrupt: interrupts the cell; from any thread.
    """

    def __init__(self, interrupt: Callable[[], object]) -> None:
        self._interrupt = interrupt
        self._input: XInput | None = None
        self._loop: EventLoop | None = None
        self._fd = -1
        self._controls: set[int] = set()  # key codes of Control keys that are down
        self.target: Target | None = None
        """Set by the GUI thread, None while the console cannot be seen."""
        self.acted_at: int | None = None
        """The server's time, in milliseconds, of the last press that has been acted on."""

    def was_acted_on(self, time: int) -> bool:
        """Whether Qt delivers, at last, a press of that time which has had its effect already."""
        return self.acted_at is not None and 0 <= self.acted_at + LATE - time <= 2 * LATE

    # On the control thread

    def begin(self, loop: EventLoop) -> None:
        """A cell blocks the GUI thread: listen."""
        try:
            self._input = XInput()
        except NoXInput as error:
            _log.debug("no interrupts of a blocked console by its own button: %s", error)
            return
        self._controls = {key for key in self._input.pressed_keys() if self._is_control(key)}
        self._loop, self._fd = loop, self._input.fileno()
        loop.add_reader(self._fd, self._look)
        loop.call_soon_threadsafe(self._look)  # a reply may have brought an event with it

    def end(self) -> None:
        """The cell is over, or the loop has had a turn: Qt hears for itself. Idempotent."""
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop = None
        if self._input is not None:
            self._input.close()
            self._input = None

    def _look(self) -> None:
        try:
            while self._input is not None and (found := list(self._input.presses())):
                for press in found:
                    self._pressed(press)
        except NoXInput:
            self.end()

    def _pressed(self, press: Press) -> None:
        if press.kind != "button" and self._is_control(press.detail):
            (self._controls.add if press.kind == "key" else self._controls.discard)(press.detail)
        target = self.target
        if target is not None and self._is_meant(press, target):
            self.acted_at = press.time
            self._interrupt()

    def _is_meant(self, press: Press, target: Target) -> bool:
        assert self._input is not None
        if press.kind == "button":
            at = self._input.pointer_in(target.window)
            if press.detail != _LEFT_BUTTON or target.button is None or at is None:
                return False
            x, y, width, height = target.button
            return x <= at[0] < x + width and y <= at[1] < y + height
        return (
            press.kind == "key"
            and bool(self._controls)
            and target.has_keyboard
            and self._input.focus() == target.window
            and bool(_C & self._input.keysyms(press.detail))
        )

    def _is_control(self, key: int) -> bool:
        assert self._input is not None
        return bool(self._input.keysyms(key) & set(CONTROL_KEYS))
