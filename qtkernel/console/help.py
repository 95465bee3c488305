"""What the help button shows."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.kernel import ConsoleKernel
from qtkernel.console.looks import fixed_font

_WHAT: Final = "Python, live in this application: cells run in its GUI thread and see its objects."
_KEYS: Final = (
    ("Tab", "complete"),
    ("Up, Down", "history"),
    ("Ctrl+C", "interrupt; copy, if something is selected"),
    ("Ctrl+Shift+C, Ctrl+Shift+V", "copy, paste"),
    ("Ctrl+L", "clear"),
    ("Ctrl+Tab, Ctrl+Shift+Tab", "leave the console for what is next to it"),
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
    widgets, flags = qt.QtWidgets, qt.QtCore.Qt
    dialog = widgets.QDialog(window)
    dialog.setAttribute(flags.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("The console")
    text = widgets.QLabel(_text(kernel, fixed_font(dialog.font()).family()), dialog)
    text.setTextFormat(flags.TextFormat.RichText)
    text.setTextInteractionFlags(flags.TextInteractionFlag.TextSelectableByMouse)
    buttons = widgets.QDialogButtonBox(widgets.QDialogButtonBox.StandardButton.Close, dialog)
    buttons.rejected.connect(dialog.close)
    column = widgets.QVBoxLayout(dialog)
    column.setContentsMargins(16, 12, 16, 12)
    column.setSpacing(12)
    column.addWidget(text)
    column.addWidget(buttons)
    dialog.show()


def _text(kernel: ConsoleKernel, fixed: str) -> str:
    code = f"<span style='font-family: \"{escape(fixed)}\"'>{{}}</span>"
    names = ", ".join(kernel.injected)
    rows = [(f"<b>{escape(keys)}</b>", text) for keys, text in _KEYS]
    rows.append(("&nbsp;", ""))
    rows += [(code.format(escape(word)), text) for word, text in _WORDS]
    rows.append(("&nbsp;", ""))
    if names:
        rows.append(("From the application", code.format(escape(names))))
    if kernel.transport is not None:
        rows.append(("From a terminal", code.format(escape(kernel.attach_command))))
    cells = "".join(
        f"<tr><td style='padding-right: 20px; white-space: nowrap'>{name}</td>"
        f"<td style='white-space: nowrap'>{text}</td></tr>"
        for name, text in rows
    )
    return f"<p>{_WHAT}</p><table cellpadding='2'>{cells}</table>"
