"""Where output goes: the part of the document that ends before the prompt.

The document is: what has been said, and then the *tail*, which is the prompt with what is being
typed, and above it the cells that still wait for their turn. Output is written where the tail
begins, so it never disturbs the typing, whoever it comes from and whenever.

Text is written once per turn of the event loop (`flush`): a cell's ten thousand prints cost one
change of the document (measured: 5,000 lines in one are 50 ms, in 5,000 they are 3 s).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.escapes import Control, Parser
from qtkernel.console.pen import Pen, broken

MAX_LINES: Final = 5_000
"""Lines that stay: the oldest go. Measured: 5,000 short ones are 5 MB, and 80 ms to write."""

MAX_DOCUMENT: Final = 2_000_000
"""Characters that stay, likewise."""

MAX_CHARACTERS: Final = 1_000_000
"""What is written at once at most; of more text the end is shown."""

_SLACK = 500  # lines that may be over MAX_LINES, so that not every line removes one
_HOST_PREFIX = "host │ "


class OutputArea:
    """The output of one console. Text waits in it until `flush`.

    Args:
        control: the QTextEdit.
        ansi: keeps the colours that have been set (qtconsole's QtAnsiCodeProcessor).
        waits: called when there is something to flush.
        moved: called with the number of characters by which what follows the output has moved.
    """

    def __init__(
        self,
        control: Any,
        ansi: Any,
        waits: Callable[[], object],
        moved: Callable[[int], object],
    ) -> None:
        self._control = control
        self.document = control.document()
        self.pen = Pen(self.document, ansi)
        self._ansi = ansi
        self._waits = waits
        self._moved = moved
        self._parser = Parser()
        self._source: str | None = None  # of what has been written last: they do not mix
        self._clear_later = False
        self._pending: list[tuple[str, str, bool]] = []
        self._pending_size = 0
        self.writing = False
        """Whether the document is being changed by what is not the user's typing."""
        self.host_format = qt.QtGui.QTextCharFormat()
        """How the host's own output looks."""

    @property
    def end(self) -> int:
        """The position at which output ends, and the tail begins."""
        return self.pen.end

    @property
    def width(self) -> int:
        """The room for a line, in pixels."""
        return int(self._control.viewport().width())

    # Text

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
                for text, source, host in _last_lines(pending):
                    self._write(text, source, host)

    def _write(self, text: str, source: str, host: bool) -> None:
        self._enter(source)
        for part in self._parser.parse(text):
            if host:
                self._write_host(part)
            elif isinstance(part, Control):
                self.pen.obey(part)
            else:
                self.pen.put(part, self._ansi.get_format())

    def _write_host(self, part: str | Control) -> None:
        if isinstance(part, Control):
            return  # its colours and bars are for its own terminal
        for line in part.splitlines(keepends=True):
            prefix = "" if self.pen.line_is_open else _HOST_PREFIX
            self.pen.put(prefix + line, self.host_format)

    def _enter(self, source: str) -> None:
        if source != self._source:
            self._source = source
            self._clear_later = False
            self.pen.begin_segment()
        if self._clear_later:
            self._clear_later = False
            self.pen.take_back()

    # Other things

    def note(self, text: str, text_format: Any, source: str) -> None:
        """Write a line of the console's own."""
        self.flush()
        with self.editing():
            self._enter(source)
            self.pen.finish_line()
            self.pen.put(text + "\n", text_format)

    def insert(self, insert: Callable[[Any], object], source: str) -> None:
        """Let `insert` write with a cursor, on a line of its own."""
        self.flush()
        with self.editing():
            self._enter(source)
            with self.pen.in_new_line() as cursor:
                insert(cursor)
            self.pen.finish_line()

    def insert_text(self, cursor: Any, text: str) -> None:
        """Insert text at a cursor; of control sequences only the colours count."""
        self._ansi.reset_sgr()
        for part in Parser().parse(text[:MAX_CHARACTERS]):
            if isinstance(part, Control):
                self.pen.obey(part, only="m")
            else:
                cursor.insertText(broken(part, 0), self._ansi.get_format())
        self._ansi.reset_sgr()

    def end_line(self) -> None:
        """End the last line, if it is not."""
        self.flush()
        self.pen.finish_line()

    def begin(self, source: str) -> None:
        """Go on at the end of the document, in a new line: the output of `source` begins."""
        self.take_tail()
        self._source = None
        self._enter(source)

    def take_tail(self) -> None:
        """Go on at the end of the document, in a new line: the tail is output now."""
        self.flush()
        self.pen.take_tail()

    def clear(self, source: str, wait: bool) -> None:
        """Take back what `source` has written (clear_output), with `wait` when it writes again."""
        self.flush()
        with self.editing():
            self._clear_later = False
            self._enter(source)
            self._clear_later = wait
            if not wait:
                self.pen.take_back()

    def clear_all(self) -> None:
        """Take away everything above the tail."""
        self.flush()
        with self.editing():
            self.pen.take_back_all()

    # Around every change

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Around changes that are not the user's: none is undone, and the end stays in sight."""
        if self.writing:
            yield
            return
        self.writing = True
        at_end = self._at_end()
        length = self.document.characterCount()
        self._control.setUndoRedoEnabled(False)
        # the user's cursor moves with the text, but has not been moved: nobody need be told
        blocked = self._control.blockSignals(True)
        cursor = qt.QtGui.QTextCursor(self.document)
        cursor.beginEditBlock()
        try:
            yield
        finally:
            cursor.endEditBlock()
            self._trim()
            self._control.blockSignals(blocked)
            self._control.setUndoRedoEnabled(True)
            self.writing = False
            self._moved(self.document.characterCount() - length)
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
        lines = self.document.blockCount() - MAX_LINES
        characters = self.document.characterCount() - MAX_DOCUMENT
        if lines <= _SLACK and characters <= 0:
            return
        first_kept = self.document.findBlockByNumber(max(lines, 0)).position()
        if characters > first_kept:
            first_kept = self.document.findBlock(characters).next().position()
        bar = self._control.verticalScrollBar()
        height = self.document.size().height()
        self.pen.remove(0, min(first_kept, max(self.end - 1, 0)))
        bar.setValue(round(bar.value() - height + self.document.size().height()))


def _last_lines(pending: list[tuple[str, str, bool]]) -> list[tuple[str, str, bool]]:
    """What is going to stay of these texts: writing more is for nothing, and takes long."""
    kept = []
    room = MAX_LINES
    for text, source, host in reversed(pending):
        position = len(text)
        while room > 0 and position >= 0:
            position = text.rfind("\n", 0, position)
            room -= 1
        kept.append((text[position + 1 :], source, host))
        if room <= 0:
            break
    return kept[::-1]
