"""What is typed when getpass asks: it never gets into the document, only a dot for each character.

So it is in no selection, clipboard, undo step or exported page.
"""

from __future__ import annotations

from typing import Any, Final

from qtkernel import qt

_DOT: Final = "•"


class Secret:
    """The answer to a question for a password, typed at the end of a QTextEdit."""

    def __init__(self, control: Any) -> None:
        self._control = control
        self.text = ""
        """What has been typed."""

    def key(self, event: Any) -> bool:
        """Take a key press; always True, so that it goes no further."""
        keys = qt.QtCore.Qt.Key
        control = qt.QtCore.Qt.KeyboardModifier.ControlModifier
        if event.key() == keys.Key_Backspace:
            self._shorten(len(self.text[:-1]))
        elif event.modifiers() & control:
            if event.key() == keys.Key_U:
                self._shorten(0)
            elif event.matches(qt.QtGui.QKeySequence.StandardKey.Paste):
                self.add(qt.QtWidgets.QApplication.clipboard().text().partition("\n")[0])
        elif event.text().isprintable():
            self.add(event.text())
        return True

    def add(self, text: str) -> None:
        """Take characters."""
        self.text += text
        self._end().insertText(_DOT * len(text), qt.QtGui.QTextCharFormat())

    def _shorten(self, length: int) -> None:
        cursor = self._end()
        keep = qt.QtGui.QTextCursor.MoveMode.KeepAnchor
        cursor.setPosition(cursor.position() - (len(self.text) - length), keep)
        cursor.removeSelectedText()
        self.text = self.text[:length]

    def _end(self) -> Any:
        cursor = self._control.textCursor()
        cursor.movePosition(qt.QtGui.QTextCursor.MoveOperation.End)
        return cursor
