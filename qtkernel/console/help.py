"""What the help button shows."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.kernel import ConsoleKernel

_KEYS: Final = (
    ("Tab", "complete"),
    ("Up, Down", "history"),
    ("Ctrl+C", "interrupt; copy, if something is selected"),
    ("Ctrl+Shift+C, Ctrl+Shift+V", "copy, paste"),
    ("Ctrl+L", "clear"),
    ("Shift+Enter, Ctrl+Enter", "run as it is, a new line"),
)
_WORDS: Final = (
    ("name?", "what it is; name?? with its source"),
    ("%quickref", "what the console can do besides Python"),
    ("await ...", "waits without holding up the application"),
    ("exit", "hides the console; the application stays"),
)


def show_help(kernel: ConsoleKernel, window: Any) -> None:
    """Open the help beside `window`, without waiting for it."""
    box = qt.QtWidgets.QMessageBox(window)
    box.setAttribute(qt.QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("The console")
    box.setTextFormat(qt.QtCore.Qt.TextFormat.RichText)
    box.setText(_text(kernel))
    box.setTextInteractionFlags(qt.QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setModal(False)
    box.show()


def _text(kernel: ConsoleKernel) -> str:
    names = ", ".join(kernel.injected)
    parts = [
        "<p>Python, live in this application: cells run in its GUI thread and see its objects.</p>",
        f"<p>From the application: <tt>{escape(names)}</tt></p>" if names else "",
        _table(_KEYS),
        _table(_WORDS, "tt"),
    ]
    if kernel.transport is not None:
        parts.append(f"<p>From a terminal: <tt>{escape(kernel.attach_command)}</tt></p>")
    return "".join(parts)


def _table(rows: tuple[tuple[str, str], ...], tag: str = "b") -> str:
    cells = (
        f"<tr><td style='padding-right: 16px'><{tag}>{escape(name)}</{tag}></td>"
        f"<td>{escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<table cellpadding='2'>{''.join(cells)}</table>"
