"""A console while a cell blocks the event loop: painted from within the cell, and interruptible.

See `qtkernel.kernel.live` for when, `paint` and `frozen` for how.
"""

from __future__ import annotations

import weakref
from typing import Any

from qtkernel import qt
from qtkernel.console.frozen import FrozenWatch, Target
from qtkernel.console.paint import Painter
from qtkernel.loops.base import EventLoop


class LiveView(qt.QtCore.QObject):  # type: ignore[misc]
    """What a `Console` shows the kernel as its viewer, while it can be seen.

    Args:
        console: it owns this.
    """

    def __init__(self, console: Any) -> None:
        super().__init__(console)
        self._console = weakref.ref(console)
        self._painter = Painter(console)
        self._watch = FrozenWatch(console.kernel.interrupt)
        self._late: list[Any] = [console.widget._control]
        if console.toolbar is not None:
            self._late.append(console.toolbar.interrupt)
        for each in self._late:
            each.installEventFilter(self)

    def show(self) -> None:
        """Show what there is. On the kernel's thread, in the midst of a cell."""
        console = self._console()
        if console is None:
            return
        console.widget.flush_pending()
        if console.toolbar is not None:
            console.toolbar.show_elapsed()
        self._watch.target = _target(console)
        self._painter.paint()

    def blocked(self, loop: EventLoop | None) -> None:
        """A cell blocks the event loop, or (None) does no longer. On the control thread, `loop`."""
        if loop is not None:
            self._watch.begin(loop)
        else:
            self._watch.end()

    def hidden(self) -> None:
        """Nobody looks at it any more."""
        self._watch.target = None
        self._painter.forget()

    def eventFilter(self, _watched: Any, event: Any) -> bool:  # noqa: N802
        """Qt's: leave out what has had its effect while Qt could not deliver it."""
        kinds = qt.QtCore.QEvent.Type
        if event.type() not in (kinds.MouseButtonPress, kinds.KeyPress):
            return False
        return self._watch.was_acted_on(int(event.timestamp()))


def _target(console: Any) -> Target | None:
    if qt.QtGui.QGuiApplication.platformName() != "xcb":
        return None
    window = console.window()
    ratio = window.devicePixelRatioF()
    button = None
    if console.toolbar is not None and console.toolbar.interrupt.isVisible():
        place = console.toolbar.interrupt
        at = place.mapTo(window, qt.QtCore.QPoint(0, 0))
        pixels = (at.x(), at.y(), place.width(), place.height())
        x, y, width, height = (round(each * ratio) for each in pixels)
        button = (x, y, width, height)
    control = console.widget._control
    has_keyboard = control.hasFocus() and not control.textCursor().hasSelection()
    return Target(int(window.winId()), button, has_keyboard)
