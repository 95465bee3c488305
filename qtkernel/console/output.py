"""Where output goes: the part of the document that ends before the prompt.

The document is: what has been said, and then the *tail*, which is the prompt with what is being
typed, and above it the cells that still wait for their turn. Output is written where the tail
begins, so it never disturbs the typing, whoever it comes from and whenever.

A line feed is kept back until something follows it. So the output ends with its last line, and two
line feeds always part it from the prompt, however it ends.

Text is written once per turn of the event loop (`flush`): a cell's ten thousand prints cost one
change of the document (measured: 5,000 lines in one are 50 ms, in 5,000 they are 3 s).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.escapes import Control, Parser

MAX_LINES: Final = 10_000
"""Lines that stay: the oldest go. Measured: 10,000 short ones are 9 MB, and 130 ms to lay out."""

MAX_CHARACTERS: Final = 1_000_000
"""What is written at once at most; of more text the end is shown."""

MAX_LINE: Final = 20_000
"""Characters in a line; longer ones are broken (Qt lays a line out anew with each addition)."""

_SLACK = 500  # lines that may be over MAX_LINES, so that not every line removes one
_HOST_PREFIX = "host │ "


class OutputArea:
    """The output of one console. Text waits in it until `flush`.

    Args:
        control: the QTextEdit.
        ansi: keeps the colours that have been set (qtconsole's QtAnsiCodeProcessor).
        waits: called when there is something to flush.
    """

    def __init__(self, control: Any, ansi: Any, waits: Callable[[], object]) -> None:
        self._control = control
        self.document = control.document()
        self._ansi = ansi
        self._waits = waits
        self._parser = Parser()
        self._end = qt.QtGui.QTextCursor(self.document)  # after the last character of the output
        self._at = qt.QtGui.QTextCursor(self.document)  # where the next one goes
        self._line_feed = False  # printed, and not yet in the document
        self._source: str | None = None  # of what has been written last: segments do not mix
        self._start = qt.QtGui.QTextCursor(self.document)  # of what that source has written
        self._start.setKeepPositionOnInsert(True)
        self._start_line_feed = False
        self._clear_later = False
        self._gap: int | None = None
        self._pending: list[tuple[str, str, bool]] = []
        self._pending_size = 0
        self.writing = False
        """Whether the document is being changed by what is not the user's typing."""
        self.host_format = qt.QtGui.QTextCharFormat()
        """How the host's own output looks."""

    # What the prompt has to know

    @property
    def end(self) -> int:
        """The position at which output ends, and the tail begins."""
        return int(self._end.position())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing above the prompt."""
        return self.end == 0

    @property
    def line_is_open(self) -> bool:
        """Whether the last line has no line feed: a question may follow in it."""
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
        self._gap = gap

    def begin(self, source: str) -> None:
        """Go on at the end of the document, in a new line: the output of `source` begins."""
        self.resume()
        self._begin_segment(source)

    def resume(self) -> None:
        """Go on at the end of the document, in a new line: the tail belongs to the output now."""
        self.flush()
        self._end.movePosition(qt.QtGui.QTextCursor.MoveOperation.End)
        self._at.setPosition(self.end)
        self._line_feed = self.end > 0
        self._gap = None

    def give_up_line(self) -> None:
        """Leave the last line, which is open, to the tail: a question goes on in it."""
        self._end.setPosition(max(int(self._end.block().position()) - 1, 0))
        self._at.setPosition(self.end)
        self._line_feed = self.end > 0

    # Writing

    def text(self, text: str, source: str, host: bool = False) -> None:
        """Write text, with whatever control sequences, soon.

        Args:
            source: whose it is; what others have written ends with a line.
            host: whether it is the application's own.
        """
        self._pending.append((text, source, host))
        self._pending_size += len(text)
        if self._pending_size > 2 * MAX_CHARACTERS:
            self._forget_oldest()
        self._waits()

    def _forget_oldest(self) -> None:
        while self._pending_size > MAX_CHARACTERS:
            text, source, host = self._pending.pop(0)
            surplus = self._pending_size - MAX_CHARACTERS
            self._pending_size -= len(text)
            if surplus < len(text):
                rest = text[surplus:]
                self._pending.insert(0, (rest, source, host))
                self._pending_size += len(rest)

    def flush(self) -> None:
        """Write what waits."""
        pending, self._pending, self._pending_size = self._pending, [], 0
        if pending:
            with self.editing():
                for text, source, host in pending:
                    self._write(_last_lines(text), source, host)

    def note(self, text: str, text_format: Any, source: str = "") -> None:
        """Write a line of the console's own."""
        self.flush()
        with self.editing():
            self._enter(source or self._source or "")
            self._finish_line()
            self._put(text + "\n", text_format)

    def insert(self, insert: Callable[[Any], object], source: str) -> None:
        """Let `insert` write with a cursor, on a line of its own."""
        self.flush()
        with self.editing():
            self._enter(source)
            if self._clear_later:
                self._clear()
            self._finish_line()
            self._make_room()
            if self._line_feed:
                self._at.insertText("\n")
                self._line_feed = False
            insert(self._at)
            self._at.setPosition(self.end)

    def insert_text(self, cursor: Any, text: str) -> None:
        """Insert text at a cursor; of control sequences only the colours count."""
        self._ansi.reset_sgr()
        for part in Parser().parse(text[:MAX_CHARACTERS]):
            if isinstance(part, Control):
                self._control_character(part, only="m")
            else:
                cursor.insertText(_broken(part, 0), self._ansi.get_format())
        self._ansi.reset_sgr()

    def width(self) -> int:
        """The room for a line, in pixels."""
        return int(self._control.viewport().width())

    def end_line(self) -> None:
        """End the last line, if it is not."""
        self.flush()
        self._finish_line()

    def _write(self, text: str, source: str, host: bool) -> None:
        self._enter(source)
        if self._clear_later:
            self._clear()
        if host:
            self._write_host(text)
            return
        for part in self._parser.parse(text):
            if isinstance(part, Control):
                self._control_character(part)
            else:
                self._put(part, self._ansi.get_format())

    def _write_host(self, text: str) -> None:
        for part in self._parser.parse(text):
            if isinstance(part, Control):
                continue  # its colours and bars are for its own terminal
            for line in part.splitlines(keepends=True):
                begins = self._line_feed or self._end.positionInBlock() == 0
                self._put(_HOST_PREFIX * begins + line, self.host_format)

    def _enter(self, source: str) -> None:
        if source != self._source:
            self._finish_line()
            self._ansi.reset_sgr()
            self._begin_segment(source)

    def _begin_segment(self, source: str) -> None:
        self._source = source
        self._clear_later = False
        self._start.setPosition(self.end)
        self._start_line_feed = self._line_feed

    def _finish_line(self) -> None:
        self._at.setPosition(self.end)
        self._line_feed = self._line_feed or self._end.positionInBlock() > 0

    def _put(self, text: str, text_format: Any) -> None:
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
            self._at.insertText(_broken(text, self._at.positionInBlock()), text_format)

    def _make_room(self) -> None:
        if self._gap and self.is_empty:
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

    def _control_character(self, control: Control, only: str = "") -> None:
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
            self._remove(position, self._line_end())
        else:
            start = max(self._line_start(), self._first())
            self._remove(start, position if mode == 1 else self._line_end())
            self._at.insertText(" " * (position - start))

    def _erase_screen(self, control: Control) -> None:
        mode = control.numbers[0] if control.numbers else 0
        if mode == 0:
            self._remove(self._at.position(), self.end)
        else:
            self.clear_all()

    def _column(self, control: Control) -> None:
        if not self._line_feed:
            start = max(self._line_start(), self._first())
            self._at.setPosition(min(start + control.count() - 1, self._line_end()))

    def _remove(self, first: int, last: int) -> None:
        cursor = qt.QtGui.QTextCursor(self.document)
        cursor.setPosition(first)
        cursor.setPosition(last, qt.QtGui.QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()

    # Clearing

    def clear(self, source: str, wait: bool) -> None:
        """Take back what `source` has written (clear_output), with `wait` when it writes again."""
        self.flush()
        with self.editing():
            self._enter(source)
            if wait:
                self._clear_later = True
            else:
                self._clear()

    def _clear(self) -> None:
        self._clear_later = False
        self._remove(self._start.position(), self.end)
        self._at.setPosition(self.end)
        self._line_feed = self._start_line_feed

    def clear_all(self) -> None:
        """Take away everything above the tail."""
        self.flush()
        with self.editing():
            gap = 0 if self.is_empty else self._gap or 0
            self._remove(0, self.end + gap)
            self._at.setPosition(0)
            self._line_feed = self._start_line_feed = False

    # Around every change

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Around changes that are not the user's: none is undone, and the end stays in sight."""
        if self.writing:
            yield
            return
        self.writing = True
        at_end = self._at_end()
        self._control.setUndoRedoEnabled(False)
        self._at.beginEditBlock()
        try:
            yield
        finally:
            self._at.endEditBlock()
            self._trim()
            self._control.setUndoRedoEnabled(True)
            self.writing = False
            if at_end:
                self.scroll_to_end()

    def _at_end(self) -> bool:
        bar = self._control.verticalScrollBar()
        line = self._control.fontMetrics().lineSpacing()
        return bool(bar.value() + bar.pageStep() + 2 * line >= bar.maximum())

    def scroll_to_end(self) -> None:
        """Show the end of the document."""
        self.document.size()  # lays out what is not yet: the bar's range depends on it
        bar = self._control.verticalScrollBar()
        bar.setValue(max(bar.value(), bar.maximum() - bar.pageStep()))

    def _trim(self) -> None:
        surplus = self.document.blockCount() - MAX_LINES
        if surplus <= _SLACK:
            return
        first_kept = self.document.findBlockByNumber(surplus).position()
        bar = self._control.verticalScrollBar()
        height = self.document.size().height()
        self._remove(0, min(first_kept, max(self.end - 1, 0)))
        bar.setValue(round(bar.value() - height + self.document.size().height()))


_ACTS: dict[str, Callable[[OutputArea, Control], None]] = {
    "\r": OutputArea._return,
    "\b": OutputArea._back,
    "A": OutputArea._up,
    "F": OutputArea._up,
    "B": OutputArea._down,
    "G": OutputArea._column,
    "J": OutputArea._erase_screen,
    "K": OutputArea._erase_line,
}


def _last_lines(text: str) -> str:
    text = text[-MAX_CHARACTERS:]
    position = len(text)
    for _ in range(MAX_LINES):
        position = text.rfind("\n", 0, position)
        if position < 0:
            return text
    return text[position + 1 :]


def _broken(text: str, column: int) -> str:
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
