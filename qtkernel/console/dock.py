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
    Deleting it detaches the console. The kernel deletes it when it closes.

    Args:
        kernel: an open one.
        window: the QMainWindow to put it into, at `area`; another widget, or None, to float.
        title: of the dock.
        more: as of `Console`.

    Raises:
        RuntimeError: the kernel is closed.
        ValueError: there is no such area.
    """

    def __init__(
        self,
        kernel: ConsoleKernel,
        window: Any = None,
        *,
        title: str = "Console",
        area: Area = "bottom",
        **more: Any,
    ) -> None:
        if area not in _AREAS:
            raise ValueError(f"area={area!r}: it is {', '.join(map(repr, _AREAS))}")
        super().__init__(title, window)
        self.setObjectName("consoleDock")  # QMainWindow.saveState wants one
        self.console = Console(kernel, self, **more)
        self.setWidget(self.console)
        self.setFocusProxy(self.console)
        self.toggleViewAction().setIcon(icon("console", self.palette()))
        self.console.exit_requested.connect(weak(self._exit))
        when_deleted(self, kernel.on("closed", weak(self._kernel_closed)))
        if isinstance(window, qt.QtWidgets.QMainWindow):
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

    def _exit(self) -> None:
        self.close()

    def _kernel_closed(self) -> None:
        self.deleteLater()

    def _put_into(self, window: Any, area: Any) -> None:
        window.addDockWidget(area, self)
        areas, orientations = qt.QtCore.Qt.DockWidgetArea, qt.QtCore.Qt.Orientation
        if area in (areas.TopDockWidgetArea, areas.BottomDockWidgetArea):
            window.resizeDocks([self], [HEIGHT], orientations.Vertical)
        else:
            window.resizeDocks([self], [2 * HEIGHT], orientations.Horizontal)


def main_window() -> Any | None:
    """The application's main window: the active one, else the only one there is, else None."""
    application = qt.QtWidgets.QApplication
    windows = [
        each for each in application.topLevelWidgets() if isinstance(each, qt.QtWidgets.QMainWindow)
    ]
    active = application.activeWindow()
    if active in windows:
        return active
    return windows[0] if len(windows) == 1 else None
