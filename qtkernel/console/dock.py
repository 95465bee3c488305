"""A console in a dock: what `EmbeddedKernel.dock` returns."""

from __future__ import annotations

from typing import Any, Final, Literal

from qtkernel import qt
from qtkernel.console.console import Console
from qtkernel.console.icons import icon
from qtkernel.console.kernel import ConsoleKernel
from qtkernel.console.weak import weak, when_deleted

Area = Literal["left", "right", "top", "bottom"]

HEIGHT: Final = 240
"""Pixels that a dock above or below asks for at first; its width at the sides is twice that."""

_AREAS: Final = {
    "left": "LeftDockWidgetArea",
    "right": "RightDockWidgetArea",
    "top": "TopDockWidgetArea",
    "bottom": "BottomDockWidgetArea",
}


class ConsoleDock(qt.QtWidgets.QDockWidget):  # type: ignore[misc]
    """A `Console` in a QDockWidget.

    Closing hides it, and the console goes on; ``toggleViewAction()`` belongs into the View menu.
    It lives until it is deleted, which detaches the console, or the kernel closes.

    Args:
        kernel: an open one.
        parent: a QMainWindow, or a widget in one: it goes there, to `area`. Another widget, or
            None where there is no main window (`main_window`): it floats.
        title: of the dock.
        more: as of `Console`.

    Raises:
        RuntimeError: the kernel is closed.
        ValueError: there is no such area.
    """

    def __init__(
        self,
        kernel: ConsoleKernel,
        parent: Any = None,
        *,
        title: str = "Console",
        area: Area = "bottom",
        **more: Any,
    ) -> None:
        if area not in _AREAS:
            raise ValueError(f"area={area!r}: it is {', '.join(map(repr, _AREAS))}")
        console = Console(kernel, **more)  # first: if it fails, no empty dock is left behind
        window = main_window(parent)
        super().__init__(title, parent if window is None else window)
        self.setObjectName(_free_name(window))
        self.console = console
        self.setWidget(console)
        self.setFocusProxy(self.console)
        self._set_icon()
        opened = weak(self._opened)
        self.toggleViewAction().triggered.connect(lambda *_checked: opened())
        self.console.exit_requested.connect(weak(self._exit))
        when_deleted(self, kernel.on("closed", self.deleteLater))
        if window is not None:
            self._put_into(window, getattr(qt.QtCore.Qt.DockWidgetArea, _AREAS[area]))
        else:
            self.setFloating(True)
            self.resize(3 * HEIGHT, 2 * HEIGHT)
            self.show()

    def run(self, code: str) -> None:
        """Execute `code` as if the user had typed it: it is shown, and is in the history."""
        self.console.run(code)

    def show_input(self, code: str) -> None:
        """Put `code` at the prompt, instead of what is there, without running it."""
        self.console.show_input(code)

    def clear(self) -> None:
        """Take away all but the prompt."""
        self.console.clear()

    def changeEvent(self, event: Any) -> None:  # noqa: N802
        """Qt's: the application has another palette."""
        super().changeEvent(event)
        if event.type() == qt.QtCore.QEvent.Type.PaletteChange:
            self._set_icon()

    def _set_icon(self) -> None:
        drawn = icon("console", self.palette())
        self.setWindowIcon(drawn)
        self.toggleViewAction().setIcon(drawn)

    def _opened(self) -> None:
        if self.isVisible():
            self.raise_()
            self.activateWindow()
            self.console.setFocus()

    def _exit(self) -> None:
        self.close()

    def _put_into(self, window: Any, area: Any) -> None:
        window.addDockWidget(area, self)
        areas, orientations = qt.QtCore.Qt.DockWidgetArea, qt.QtCore.Qt.Orientation
        if area in (areas.TopDockWidgetArea, areas.BottomDockWidgetArea):
            window.resizeDocks([self], [HEIGHT], orientations.Vertical)
        else:
            window.resizeDocks([self], [2 * HEIGHT], orientations.Horizontal)


def main_window(parent: Any) -> Any | None:
    """The QMainWindow for a dock: the one that `parent` is in, if one is given.

    Otherwise the active one, else the only one that there is, or that can be seen, else None.
    """
    if parent is not None:
        return _main_window_of(parent)
    application = qt.QtWidgets.QApplication
    active = _main_window_of(application.activeWindow())
    if active is not None:
        return active
    kind = qt.QtWidgets.QMainWindow
    windows = [each for each in application.topLevelWidgets() if isinstance(each, kind)]
    if len(windows) > 1:
        windows = [each for each in windows if each.isVisible()]
    return windows[0] if len(windows) == 1 else None


def _main_window_of(widget: Any) -> Any | None:
    while widget is not None and not isinstance(widget, qt.QtWidgets.QMainWindow):
        widget = widget.parentWidget()
    return widget


def _free_name(window: Any) -> str:
    """An object name that no dock of `window` has: QMainWindow.saveState goes by them."""
    taken = set()
    if window is not None:
        taken = {each.objectName() for each in window.findChildren(qt.QtWidgets.QDockWidget)}
    name, number = "consoleDock", 1
    while name in taken:
        number += 1
        name = f"consoleDock{number}"
    return name
