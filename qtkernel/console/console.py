"""A console with its toolbar: what `EmbeddedKernel.console` returns."""

from __future__ import annotations

from typing import Any

from qtkernel import qt
from qtkernel.console.kernel import ConsoleKernel
from qtkernel.console.live import LiveView
from qtkernel.console.looks import Looks
from qtkernel.console.toolbar import Toolbar
from qtkernel.console.weak import weak, when_deleted
from qtkernel.console.widget import ConsoleWidget

_CHANGES = ("PaletteChange", "FontChange", "StyleChange", "ApplicationPaletteChange")


class Console(qt.QtWidgets.QWidget):  # type: ignore[misc]
    """A live console: a widget for any place in the application's windows.

    Several may be on one kernel, each with its own input and output. Deleting one detaches it, and
    nothing else; it is deleted when the kernel closes.

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
        super().__init__(parent)
        self.setObjectName("console")
        self.setWindowTitle("Console")
        self.kernel = kernel
        self.widget = ConsoleWidget(kernel, self, banner=banner)
        """The text of it, a qtconsole widget."""
        self.widget.host_output = kernel.capture == "all"
        self.looks = Looks(self.widget)
        self.toolbar = Toolbar(kernel, self.widget, self) if toolbar else None
        column = qt.QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if self.toolbar is not None:
            column.addWidget(self.toolbar)
        column.addWidget(self.widget, 1)
        self.setFocusProxy(self.widget._control)
        self.widget.exit_requested.connect(self.exit_requested)
        self._refresh = qt.QtCore.QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.timeout.connect(self._refresh_looks)
        self._live = LiveView(self)
        when_deleted(self, kernel.on("closed", weak(self._kernel_closed)))

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

    def _kernel_closed(self) -> None:
        self.deleteLater()

    def changeEvent(self, event: Any) -> None:  # noqa: N802
        """Qt's: the application has another palette, font or style."""
        super().changeEvent(event)
        kinds = qt.QtCore.QEvent.Type
        if event.type() in {getattr(kinds, name) for name in _CHANGES}:
            # several come at once, and to the parts of this later than to this
            self._refresh.start(0)

    def _refresh_looks(self) -> None:
        self.looks.refresh()
        if self.toolbar is not None:
            self.toolbar.refresh_icons()
