"""A console with its toolbar: what `EmbeddedKernel.console` returns."""

from __future__ import annotations

from typing import Any

from qtkernel import qt
from qtkernel.console.kernel import ConsoleKernel
from qtkernel.console.live import LiveView
from qtkernel.console.toolbar import Toolbar
from qtkernel.console.weak import when_deleted
from qtkernel.console.widget import ConsoleWidget


class Console(qt.QtWidgets.QWidget):  # type: ignore[misc]
    """A live console: a widget for any place in the application's windows.

    Several may be on one kernel, each with its own input and output. It lives until it is deleted,
    which detaches it and nothing else, or the kernel closes.

    The signal `exit_requested` is emitted for ``exit``, ``quit`` and Ctrl+D.

    Args:
        kernel: an open one.
        parent: a QWidget, or None.
        toolbar: whether there is a row of buttons above.
        banner: the line to begin with; by default the names that are there and how to attach from
            outside, "" for none.

    Raises:
        RuntimeError: the kernel is closed.
    """

    exit_requested = qt.Signal()

    def __init__(
        self,
        kernel: ConsoleKernel,
        parent: Any = None,
        *,
        toolbar: bool = True,
        banner: str | None = None,
    ) -> None:
        widget = ConsoleWidget(kernel, banner=banner)  # first: if it fails, nothing is left behind
        super().__init__(parent)
        self.setObjectName("console")
        self.setWindowTitle("Console")
        self.kernel = kernel
        self.widget = widget
        """The text of it, a qtconsole widget."""
        self.widget.host_output = kernel.capture == "all"
        self.toolbar = Toolbar(kernel, self.widget, self) if toolbar else None
        column = qt.QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if self.toolbar is not None:
            column.addWidget(self.toolbar)
        column.addWidget(self.widget, 1)
        self.setFocusProxy(self.widget._control)
        self.widget.exit_requested.connect(self.exit_requested)
        self._live = LiveView(self)
        when_deleted(self, kernel.on("closed", self.deleteLater))

    def run(self, code: str) -> None:
        """Execute `code` as if the user had typed it: it is shown, and is in the history."""
        self.widget.run(code)

    def show_input(self, code: str) -> None:
        """Put `code` at the prompt, instead of what is there, without running it."""
        self.widget.show_input(code)

    def clear(self) -> None:
        """Take away all but the prompt."""
        self.widget.clear()

    # While a cell blocks the event loop

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Qt's: there is somebody to look at a cell that blocks."""
        super().showEvent(event)
        if not self.kernel.closed:
            self.widget._port.viewer = self._live

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Qt's: there is nobody any more."""
        super().hideEvent(event)
        self.widget._port.viewer = None
        self._live.hidden()
