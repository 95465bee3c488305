"""The row of buttons above a console."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.help import show_help
from qtkernel.console.icons import IconButton
from qtkernel.console.kernel import ConsoleKernel
from qtkernel.console.weak import weak, when_deleted

TICK: Final = 100
"""Milliseconds between two changes of the elapsed time."""

_WORTH_KEEPING = 0.5  # seconds: how long a cell took is said afterwards, if it was that long
_clock = time.monotonic


class Toolbar(qt.QtWidgets.QWidget):  # type: ignore[misc]
    """Clear, restart, interrupt and the elapsed time; host output, clients, attaching, help.

    Args:
        kernel: an open one.
        screen: the `ConsoleWidget` that the buttons are for.
    """

    def __init__(self, kernel: ConsoleKernel, screen: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self.setObjectName("consoleToolbar")
        self._kernel = kernel
        self._screen = screen
        self._begun: float | None = None
        # in the order of the Tab key, which is that of making them
        self.clear = self._button("clear", "Clear", screen.clear, "Ctrl+L")
        self.restart = self._button("restart", "Restart…", self._ask_restart)
        self.interrupt = self._button("interrupt", "Interrupt", kernel.interrupt, "Ctrl+C")
        self.elapsed = qt.QtWidgets.QLabel(self)
        self.elapsed.setObjectName("elapsed")
        self.host_output = self._button(
            "host-output", "Show what the application itself prints", self._host_output_toggled
        )
        self.clients = self._button("clients", "", self._show_clients)
        self.copy_attach = self._button(
            "copy-attach", "Copy the command that attaches a console from a terminal", self._copy
        )
        self.help = self._button("help", "Help", self._help)
        self._arrange()
        self._timer = qt.QtCore.QTimer(self)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self.show_elapsed)
        when_deleted(
            self,
            kernel.on("busy", weak(self._busy)),
            kernel.on("idle", weak(self._idle)),
            kernel.on("attached", weak(self._clients_changed)),
            kernel.on("detached", weak(self._clients_changed)),
        )
        self._clients_changed()
        self._idle()
        if kernel.busy:
            self._busy()

    def _button(
        self, name: str, text: str, pressed: Callable[[], object], shortcut: str = ""
    ) -> IconButton:
        button = IconButton(name, self)
        button.setFocusPolicy(qt.QtCore.Qt.FocusPolicy.TabFocus)  # a click leaves the typing alone
        button.setToolTip(f"{text} ({shortcut})" if shortcut else text)
        button.setAccessibleName(text)
        call = weak(pressed)
        button.clicked.connect(lambda *_checked: call())
        return button

    def _arrange(self) -> None:
        row = qt.QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(4, 2, 4, 2)
        row.setSpacing(2)
        for each in (self.clear, self.restart, self.interrupt):
            row.addWidget(each)
        row.addWidget(self.elapsed, 1)
        for each in (self.host_output, self.clients, self.copy_attach, self.help):
            row.addWidget(each)
        self.host_output.setCheckable(True)
        self.host_output.setChecked(self._screen.host_output)
        for each in (self.clients, self.copy_attach):
            each.setVisible(self._kernel.transport is not None)

    # The cell

    def _busy(self) -> None:
        self._begun = _clock()
        self.interrupt.setEnabled(True)
        self.elapsed.setEnabled(True)
        self.elapsed.setText("")
        self._tick()

    def _idle(self) -> None:
        begun, self._begun = self._begun, None
        took = 0.0 if begun is None else _clock() - begun
        self._tick()
        self.interrupt.setEnabled(False)
        self.elapsed.setEnabled(False)
        self.elapsed.setText(duration(took) if took >= _WORTH_KEEPING else "")

    def _tick(self) -> None:
        """Let the timer run while there is something to be seen of it."""
        if self._begun is None or not self.isVisible():
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Qt's: the time can be seen."""
        super().showEvent(event)
        self.show_elapsed()
        self._tick()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Qt's: it cannot any more."""
        super().hideEvent(event)
        self._tick()

    def show_elapsed(self) -> None:
        """Say how long the cell has been running."""
        if self._begun is not None:
            self.elapsed.setText(duration(_clock() - self._begun))

    def _ask_restart(self) -> None:
        menu = self._menu()
        _say(menu, "What cells have made goes; the application's own objects stay.")
        restart = menu.addAction("Restart")
        call = weak(self._kernel.restart)
        restart.triggered.connect(lambda *_checked: call())
        menu.setActiveAction(restart)
        self._pop_up(menu, self.restart)

    # Others

    def _host_output_toggled(self) -> None:
        self._screen.host_output = self.host_output.isChecked()

    def _clients_changed(self, *_: object) -> None:
        clients = self._kernel.clients
        self.clients.setText(str(len(clients)))
        said = "Attached from outside: " + (", ".join(map(str, clients)) or "nobody")
        self.clients.setToolTip(said)
        self.clients.setAccessibleName(said)

    def _show_clients(self) -> None:
        menu = self._menu()
        for client in self._kernel.clients:
            since = client.attached_at.astimezone().strftime("%H:%M")
            _say(menu, f"{client}, since {since}")
        if not self._kernel.clients:
            _say(menu, "Nobody is attached from outside.")
        menu.addSeparator()
        copy = menu.addAction("Copy the command to attach")
        call = weak(self._copy)
        copy.triggered.connect(lambda *_checked: call())
        menu.setActiveAction(copy)
        self._pop_up(menu, self.clients)

    def _menu(self) -> Any:
        menu = qt.QtWidgets.QMenu(self)
        menu.setAttribute(qt.QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        palette, groups = menu.palette(), qt.QtGui.QPalette.ColorGroup
        roles = qt.QtGui.QPalette.ColorRole
        for role in (roles.WindowText, roles.Text, roles.ButtonText):
            # what is only said is there to be read, too
            palette.setColor(groups.Disabled, role, palette.color(groups.Active, role))
        palette.setColor(groups.Disabled, roles.Light, qt.QtGui.QColor(0, 0, 0, 0))  # its shadow
        menu.setPalette(palette)
        return menu

    def _pop_up(self, menu: Any, button: IconButton) -> None:
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _copy(self) -> None:
        command = self._kernel.attach_command
        qt.QtWidgets.QApplication.clipboard().setText(command)
        at = self.copy_attach.mapToGlobal(self.copy_attach.rect().bottomLeft())
        qt.QtWidgets.QToolTip.showText(at, f"Copied: {command}", self.copy_attach)

    def _help(self) -> None:
        show_help(self._kernel, self.window())


def _say(menu: Any, text: str) -> None:
    menu.addAction(text).setEnabled(False)


def duration(seconds: float) -> str:
    """``0.4 s``, ``12.3 s``, ``2:05 min``, ``1:02:05 h``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"
