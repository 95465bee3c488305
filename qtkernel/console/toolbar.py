"""The row of buttons above a console."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.help import show_help
from qtkernel.console.icons import SIZE, icon
from qtkernel.console.kernel import ConsoleKernel
from qtkernel.console.weak import weak, when_deleted

TICK: Final = 100
"""Milliseconds between two changes of the elapsed time."""

_WORTH_KEEPING = 0.5  # seconds: how long a cell took is said afterwards, if it was that long
_clock = time.monotonic


class Toolbar(qt.QtWidgets.QFrame):  # type: ignore[misc]
    """Interrupt and the elapsed time, restart, clear; host output, clients, attaching, help.

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
        self._icons: dict[Any, str] = {}
        self.interrupt = self._button("interrupt", "Interrupt", self._interrupt, "Ctrl+C")
        self.elapsed = qt.QtWidgets.QLabel(self)
        self.elapsed.setObjectName("elapsed")
        self.restart = self._button(
            "restart", "Restart: what cells have made goes, the application stays", kernel.restart
        )
        self.clear = self._button("clear", "Clear", screen.clear, "Ctrl+L")
        self.host_output = self._button(
            "host-output", "Show what the application itself prints", self._host_output_toggled
        )
        self.clients = self._button("clients", "", self._show_clients)
        self.copy_attach = self._button(
            "copy-attach", "Copy the command that attaches a console from a terminal", self._copy
        )
        self.help = self._button("help", "Help", self._help, "F1")
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

    def _button(
        self, name: str, text: str, pressed: Callable[[], object], shortcut: str = ""
    ) -> Any:
        button = qt.QtWidgets.QToolButton(self)
        button.setObjectName(f"{name}Button")
        button.setAutoRaise(True)
        button.setIconSize(qt.QtCore.QSize(SIZE, SIZE))
        button.setFocusPolicy(qt.QtCore.Qt.FocusPolicy.TabFocus)  # a click leaves the typing alone
        button.setToolTip(f"{text} ({shortcut})" if shortcut else text)
        button.setAccessibleName(text)
        call = weak(pressed)
        button.clicked.connect(lambda *_checked: call())
        self._icons[button] = name
        return button

    def _arrange(self) -> None:
        row = qt.QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(4, 2, 4, 2)
        row.setSpacing(2)
        for each in (self.interrupt, self.restart, self.clear):
            row.addWidget(each)
        row.addSpacing(4)
        row.addWidget(self.elapsed, 1)
        for each in (self.host_output, self.clients, self.copy_attach, self.help):
            row.addWidget(each)
        self.interrupt.setEnabled(False)
        self.host_output.setCheckable(True)
        self.host_output.setChecked(self._screen.host_output)
        self.clients.setToolButtonStyle(qt.QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for each in (self.clients, self.copy_attach):
            each.setVisible(self._kernel.transport is not None)
        self.refresh_icons()

    def refresh_icons(self) -> None:
        """Draw the icons in the colours that the palette has now."""
        for button, name in self._icons.items():
            button.setIcon(icon(name, self.palette()))

    # The cell

    def _busy(self) -> None:
        self._begun = _clock()
        self.interrupt.setEnabled(True)
        self.elapsed.setText("")
        self._timer.start()

    def _idle(self) -> None:
        self._timer.stop()
        self.interrupt.setEnabled(False)
        begun, self._begun = self._begun, None
        took = 0.0 if begun is None else _clock() - begun
        self.elapsed.setText(duration(took) if took >= _WORTH_KEEPING else "")

    def show_elapsed(self) -> None:
        """Say how long the cell has been running."""
        if self._begun is not None:
            self.elapsed.setText(duration(_clock() - self._begun))

    def _interrupt(self) -> None:
        self._kernel.interrupt()

    # Others

    def _host_output_toggled(self) -> None:
        self._screen.host_output = self.host_output.isChecked()

    def _clients_changed(self, *_: object) -> None:
        clients = self._kernel.clients
        self.clients.setText(str(len(clients)))
        lines = [str(client) for client in clients]
        said = "Attached from outside: " + (", ".join(lines) or "nobody")
        self.clients.setToolTip(said)
        self.clients.setAccessibleName(said)

    def _show_clients(self) -> None:
        menu = qt.QtWidgets.QMenu(self)
        menu.setAttribute(qt.QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        for client in self._kernel.clients:
            since = client.attached_at.astimezone().strftime("%H:%M")
            menu.addAction(f"{client}, since {since}").setEnabled(False)
        if not self._kernel.clients:
            menu.addAction("Nobody is attached from outside").setEnabled(False)
        menu.addSeparator()
        copy = menu.addAction(self.copy_attach.icon(), "Copy the command to attach")
        call = weak(self._copy)
        copy.triggered.connect(lambda *_checked: call())
        menu.popup(self.clients.mapToGlobal(self.clients.rect().bottomLeft()))

    def _copy(self) -> None:
        command = self._kernel.attach_command
        qt.QtWidgets.QApplication.clipboard().setText(command)
        at = self.copy_attach.mapToGlobal(self.copy_attach.rect().bottomLeft())
        qt.QtWidgets.QToolTip.showText(at, f"Copied: {command}", self.copy_attach)

    def _help(self) -> None:
        show_help(self._kernel, self.window())


def duration(seconds: float) -> str:
    """``0.4 s``, ``12.3 s``, ``2:05 min``, ``1:02:05 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"
