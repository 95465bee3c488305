"""The list of completions that pops up under what is being typed.

It is a window that takes neither focus nor keys: they go on to the console, which asks it first
(`Completions.key`). So typing narrows the list, and nothing is grabbed from the application.
"""

from __future__ import annotations

from typing import Any, Final

from qtkernel import qt

_ROWS: Final = 10
_GAP: Final = 3  # columns between a name and what it is


class Completions:
    """What qtconsole calls a completion widget.

    Args:
        console: the console widget.
    """

    def __init__(self, console: Any) -> None:
        self._console = console
        self._control = console._control
        self._items: list[str] = []
        self._shown: list[str] = []
        self._start: Any = None
        self.kinds: dict[str, str] = {}
        """What each item is ("function", ...), as far as the kernel has said so."""
        widgets, flags = qt.QtWidgets, qt.QtCore.Qt
        self.view = widgets.QListWidget(console)
        """The window with the list."""
        self.view.setObjectName("completions")
        self.view.setWindowFlags(flags.WindowType.ToolTip | flags.WindowType.FramelessWindowHint)
        self.view.setAttribute(flags.WidgetAttribute.WA_ShowWithoutActivating)
        self.view.setFocusPolicy(flags.FocusPolicy.NoFocus)
        self.view.setHorizontalScrollBarPolicy(flags.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setFont(console.font)
        self.view.itemClicked.connect(lambda _item: self._accept())
        self._control.cursorPositionChanged.connect(self._typed)

    @property
    def visible(self) -> bool:
        """Whether the list is shown."""
        return bool(self.view.isVisible())

    # qtconsole's names

    def setFont(self, font: Any) -> None:  # noqa: N802
        """Use the console's font."""
        self.view.setFont(font)

    def show_items(self, cursor: Any, items: list[str], prefix_length: int = 0) -> None:
        """Show `items` for the word of which `prefix_length` characters are before `cursor`."""
        self._items = list(dict.fromkeys(items))
        start = qt.QtGui.QTextCursor(self._control.textCursor())
        start.setPosition(max(start.position() - prefix_length, 0))
        start.setKeepPositionOnInsert(True)
        del cursor
        self._start = start
        self._console.window().installEventFilter(self._console)
        self._narrow()

    def cancel_completion(self) -> None:
        """Hide the list."""
        if self._start is not None:
            self._start = None
            self._console.window().removeEventFilter(self._console)
            self.view.hide()

    # Keys

    def key(self, event: Any) -> bool:
        """Take a key press, if it is for the list; whether it was."""
        if not self.visible:
            return False
        keys = qt.QtCore.Qt.Key
        key = event.key()
        if key in (keys.Key_Return, keys.Key_Enter, keys.Key_Tab):
            self._accept()
        elif key == keys.Key_Escape:
            self.cancel_completion()
        elif key in _steps():
            self._move(_steps()[key])
        else:
            return False
        return True

    def _move(self, rows: int) -> None:
        row = self.view.currentRow() + rows
        count = self.view.count()
        self.view.setCurrentRow(row % count if abs(rows) == 1 else min(max(row, 0), count - 1))

    def _accept(self) -> None:
        item = self._shown[self.view.currentRow()]
        cursor = self._word()
        self.cancel_completion()
        cursor.insertText(item)
        self._control.setTextCursor(cursor)
        self._control.setFocus()

    # What is shown

    def _word(self) -> Any:
        """A cursor that selects what has been typed of the word."""
        cursor = qt.QtGui.QTextCursor(self._control.textCursor())
        position = cursor.position()
        cursor.setPosition(self._start.position())
        cursor.setPosition(position, qt.QtGui.QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _typed(self) -> None:
        if self._start is not None:
            self._narrow()

    def _narrow(self) -> None:
        cursor = self._word()
        if cursor.position() < cursor.anchor():
            self.cancel_completion()
            return
        word = cursor.selectedText()
        shown = [item for item in self._items if item.startswith(word)]
        if not shown or shown == [word]:
            self.cancel_completion()
        elif shown != self._shown or not self.visible:
            self._shown = shown
            self._show()

    def _show(self) -> None:
        names = [item.rpartition(".")[2] or item for item in self._shown]
        width = max(map(len, names))
        rows = [
            f"{name:{width + _GAP}}{self.kinds.get(item, '')}".rstrip()
            for name, item in zip(names, self._shown, strict=True)
        ]
        self.view.clear()
        self.view.addItems(rows)
        self.view.setCurrentRow(0)
        self._place()
        self.view.show()

    def _place(self) -> None:
        view = self.view
        frame = 2 * view.frameWidth()
        bar = view.verticalScrollBar().sizeHint().width() if view.count() > _ROWS else 0
        width = view.sizeHintForColumn(0) + frame + bar + 8
        height = view.sizeHintForRow(0) * min(view.count(), _ROWS) + frame
        rect = self._control.cursorRect(self._start)
        point = self._control.viewport().mapToGlobal(rect.bottomLeft())
        screen = self._control.window().windowHandle().screen().availableGeometry()
        if point.y() + height > screen.bottom():
            point = self._control.viewport().mapToGlobal(rect.topLeft())
            point.setY(point.y() - height)
        point.setX(max(min(point.x(), screen.right() - width), screen.left()))
        view.setGeometry(point.x(), point.y(), width, height)


def _steps() -> dict[Any, int]:
    keys = qt.QtCore.Qt.Key
    return {
        keys.Key_Up: -1,
        keys.Key_Down: 1,
        keys.Key_Backtab: -1,
        keys.Key_PageUp: -_ROWS,
        keys.Key_PageDown: _ROWS,
    }
