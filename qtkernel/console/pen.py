"""The writing in a console: a cursor in the lines that have been put out last, as in a terminal.

A line feed is kept back until something follows it. So the output ends with its last line, and two
line feeds always part it from the prompt, however it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.escapes import Control

MAX_LINE: Final = 20_000
"""Characters in a line; longer ones are broken (Qt lays a line out anew with each addition)."""

_BLOCK_END = "\u2029"  # how a QTextDocument calls it


class Pen:
    """Writes into a QTextDocument, above its tail.

    What is written belongs to a segment; the cursor moves about in that only.

    Args:
        document: the QTextDocument.
        ansi: keeps the colours that have been set (qtconsole's QtAnsiCodeProcessor).
    """

    def __init__(self, document: Any, ansi: Any) -> None:
        self._document = document
        self._ansi = ansi
        self._end = qt.QtGui.QTextCursor(document)  # after the last character of the output
        self._at = qt.QtGui.QTextCursor(document)  # where the next one goes
        self._line_feed = False  # written, and not yet in the document
        self._start = qt.QtGui.QTextCursor(document)  # of the segment
        self._start.setKeepPositionOnInsert(True)
        self._start_line_feed = False
        self._gap: int | None = None  # line feeds between the last line and the tail, if any
        self._parted = False  # whether they are there: above a tail at the very top they are not

    @property
    def end(self) -> int:
        """The position at which output ends, and the tail begins."""
        return int(self._end.position())

    @property
    def line_is_open(self) -> bool:
        """Whether something is in the last line, and no line feed."""
        return not self._line_feed and self._end.positionInBlock() > 0

    @contextmanager
    def tail_changes(self) -> Iterator[None]:
        """For inserting right after the end of the output: it stays where it is."""
        for cursor in (self._end, self._at):
            cursor.setKeepPositionOnInsert(True)
        try:
            yield
        finally:
            for cursor in (self._end, self._at):
                cursor.setKeepPositionOnInsert(False)
                cursor.setPosition(cursor.position())  # its anchor has gone along

    def tail_follows(self, gap: int | None) -> None:
        """Say what follows: a tail, `gap` line feeds from the last line; None for none."""
        if gap is not None and self._gap is None:
            self._parted = self._document.characterAt(self.end) == _BLOCK_END
        self._gap = gap

    def take_tail(self) -> None:
        """Go on at the end of the document, in a new line: the tail is output now."""
        self._end.movePosition(qt.QtGui.QTextCursor.MoveOperation.End)
        self._at.setPosition(self.end)
        self._line_feed = self.end > 0
        self._gap = None

    def give_up_line(self) -> None:
        """Leave the last line, which is open, to the tail."""
        self._end.setPosition(max(int(self._end.block().position()) - 1, 0))
        self._at.setPosition(self.end)
        self._line_feed = self.end > 0

    def begin_segment(self) -> None:
        """A new segment, of somebody else's: in a line of its own, in no colour."""
        self.finish_line()
        self._ansi.reset_sgr()
        self._start.setPosition(self.end)
        self._start_line_feed = self._line_feed

    def take_back(self) -> None:
        """Remove the segment, and begin it anew."""
        self.remove(self._start.position(), self.end)
        self._at.setPosition(self.end)
        self._line_feed = self._start_line_feed

    def take_back_all(self) -> None:
        """Remove everything above the tail."""
        self.remove(0, self.end + (self._gap or 0) * self._parted)
        self._parted = False
        self._at.setPosition(0)
        self._line_feed = self._start_line_feed = False

    # Writing

    def finish_line(self) -> None:
        """End the last line, if it is open."""
        self._at.setPosition(self.end)
        self._line_feed = self._line_feed or self._end.positionInBlock() > 0

    @contextmanager
    def in_new_line(self) -> Iterator[Any]:
        """A QTextCursor at the beginning of a line; it goes on after what that has inserted."""
        self.finish_line()
        self._make_room()
        if self._line_feed:
            self._at.insertText("\n", qt.QtGui.QTextCharFormat())
            self._line_feed = False
        yield self._at
        self._at.setPosition(self.end)

    def put(self, text: str, text_format: Any) -> None:
        """Write characters and line feeds where the cursor is; they replace what is there."""
        while text and self._at.position() < self.end:
            text = self._overwrite(text, text_format)
        if not text:
            return
        text = "\n" * self._line_feed + text
        self._line_feed = text.endswith("\n")
        text = text[: len(text) - self._line_feed]
        if text:
            self._make_room()
            self._at.insertText(broken(text, self._at.positionInBlock()), text_format)

    def _make_room(self) -> None:
        if self._gap and not self._parted:
            self._parted = True
            with self.tail_changes():
                qt.QtGui.QTextCursor(self._end).insertText("\n" * self._gap)

    def _overwrite(self, text: str, text_format: Any) -> str:
        line, line_feed, rest = text.partition("\n")
        room = self._line_end() - self._at.position()
        keep = qt.QtGui.QTextCursor.MoveMode.KeepAnchor
        self._at.setPosition(self._at.position() + min(room, len(line)), keep)
        self._at.insertText(line, text_format)
        if not line_feed:
            return ""
        if self._at.block() == self._end.block():
            self._at.setPosition(self.end)
            return "\n" + rest
        self._at.setPosition(self._at.block().next().position())
        return rest

    # What is not a character

    def obey(self, control: Control, only: str = "") -> None:
        """Do what a control says; if `only` is given, that one."""
        act = None if only else _ACTS.get(control.name)
        if control.name == "m":
            self._ansi.set_sgr_code(list(control.numbers) or [0])
        elif act is not None:
            act(self, control)

    def _line_start(self) -> int:
        return int(self._at.block().position())

    def _line_end(self) -> int:
        block = self._at.block()
        return min(self.end, int(block.position() + block.length() - 1))

    def _return(self, _control: Control) -> None:
        if not self._line_feed:
            self._at.setPosition(max(self._line_start(), self._first()))

    def _back(self, _control: Control) -> None:
        if not self._line_feed and self._at.position() > max(self._line_start(), self._first()):
            self._at.setPosition(self._at.position() - 1)

    def _first(self) -> int:
        """Where what the source has written begins: it moves about in that only."""
        start = int(self._start.position())
        return start + self._start_line_feed if start < self.end else start

    def _up(self, control: Control) -> None:
        lines = control.count()
        column = self._at.position() - self._line_start()
        if self._line_feed and self.end > self._start.position():
            self._line_feed, lines, column = False, lines - 1, 0
        block = self._at.block()
        while lines > 0 and block.position() > self._first():
            block, lines = block.previous(), lines - 1
        self._at.setPosition(min(block.position() + column, block.position() + block.length() - 1))
        if control.name == "F":
            self._return(control)

    def _down(self, control: Control) -> None:
        for _ in range(min(control.count(), 100)):
            following = self._at.block().next()
            if self._at.block() == self._end.block() or not following.isValid():
                return
            self._at.setPosition(following.position())

    def _erase_line(self, control: Control) -> None:
        if self._line_feed:
            return
        mode = control.numbers[0] if control.numbers else 0
        position = self._at.position()
        if mode == 0:
            self.remove(position, self._line_end())
        else:
            start = max(self._line_start(), self._first())
            self.remove(start, position if mode == 1 else self._line_end())
            self._at.insertText(" " * (position - start))

    def _erase_screen(self, control: Control) -> None:
        mode = control.numbers[0] if control.numbers else 0
        if mode == 0:
            self.remove(self._at.position(), self.end)
        else:
            self.take_back_all()

    def _column(self, control: Control) -> None:
        if not self._line_feed:
            start = max(self._line_start(), self._first())
            self._at.setPosition(min(start + control.count() - 1, self._line_end()))

    def remove(self, first: int, last: int) -> None:
        """Remove what is between two positions."""
        cursor = qt.QtGui.QTextCursor(self._document)
        cursor.setPosition(first)
        cursor.setPosition(last, qt.QtGui.QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()


_ACTS: dict[str, Callable[[Pen, Control], None]] = {
    "\r": Pen._return,
    "\b": Pen._back,
    "A": Pen._up,
    "F": Pen._up,
    "B": Pen._down,
    "G": Pen._column,
    "J": Pen._erase_screen,
    "K": Pen._erase_line,
}


def broken(text: str, column: int) -> str:
    """The text with its long lines broken, if it begins in `column`."""
    if column + len(text) <= MAX_LINE:
        return text
    lines = text.split("\n")
    for index, line in enumerate(lines):
        room = MAX_LINE - (0 if index else min(column, MAX_LINE - 1))
        if len(line) > room:
            pieces = [line[:room]]
            pieces += [line[at : at + MAX_LINE] for at in range(room, len(line), MAX_LINE)]
            lines[index] = "\n".join(pieces)
    return "\n".join(lines)
