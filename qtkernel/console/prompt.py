"""The live prompt: what the user types, and the cells that wait for their turn.

qtconsole locks its prompt while a cell runs. Here there is one as soon as the event loop turns
while a cell is under way, that is, while it awaits, sits in a dialog or runs nested loops; further
cells queue up above it and leave it as they begin. All of this is the *tail* of the document
(`output`), and never much text, so whenever something about it changes, it is written anew.

A question (input(), pdb) takes the place of the tail; what was being typed comes back afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtkernel import qt
from qtkernel.console.output import OutputArea
from qtkernel.console.upstream import RichJupyterWidget


@dataclass(eq=False, slots=True)
class Cell:
    """A cell of this console's that has not begun."""

    msg_id: str
    code: str


class LivePrompt(RichJupyterWidget):  # type: ignore[misc]
    """qtconsole's widget with a prompt that is always there.

    Its methods belong to the GUI thread. `_executing` stays False: nothing is ever locked.
    """

    _prompt_shown = False  # qtconsole asks while it is being made
    _reading_callback: Callable[[str], object] | None

    def __init__(self, parent: Any = None, **traits: Any) -> None:
        super().__init__(parent=parent, **traits)
        self._waiting: list[Cell] = []
        self._typed = ""
        self._typed_position = 0
        self._editable = True
        wrap = qt.QtGui.QTextOption.WrapMode.WrapAnywhere
        # as terminals do; Qt's search for a place to break is quadratic: measured, a line of a
        # million characters takes 49 s to lay out, 0.1 s with this
        self._control.setWordWrapMode(wrap)
        self._control.setReadOnly(False)
        self._control.setAttribute(qt.QtCore.Qt.WidgetAttribute.WA_InputMethodEnabled, True)
        self.area = OutputArea(
            self._control, self._ansi_processor, self._output_waits, self._prompt_moved
        )

    # What the console adds

    def next_number(self) -> int:
        """The number of the next cell that begins."""
        raise NotImplementedError

    def _output_waits(self) -> None:
        raise NotImplementedError

    def _prompt_moved(self, characters: int) -> None:
        # qtconsole's calltip hides when the parenthesis is not where it was
        if self._call_tip_widget.isVisible():
            self._call_tip_widget._start_position += characters

    # The tail

    def add_cell(self, msg_id: str, code: str) -> None:
        """A cell has been sent: show it, above the prompt and after the cells before it."""
        self._waiting.append(Cell(msg_id, code))
        self._rewrite(prompt=False)

    def begin_cell(self, msg_id: str, number: int | None) -> None:
        """A cell begins: it leaves the tail, and output goes under it. `number`: if it has one."""
        cell = next((each for each in self._waiting if each.msg_id == msg_id), None)
        if cell is not None:
            self.end_question()  # of a cell that has ended otherwise
            self._waiting.remove(cell)
            self._rewrite(prompt=self._prompt_shown, begun=cell, number=number)

    def take_typed(self) -> str:
        """What has been typed, and is not any more."""
        with self.area.editing():
            self._lift()
        typed, self._typed, self._typed_position = self._typed, "", 0
        return typed

    def put_back(self, text: str) -> None:
        """Have `text` at the prompt when it comes back."""
        self._typed, self._typed_position = text, len(text)

    def offer_prompt(self) -> None:
        """Show the prompt, unless it is there, or a question is asked."""
        if not self._prompt_shown and not self._reading and self._editable:
            self._rewrite(prompt=True)

    def renumber(self) -> None:
        """Let the numbers be those that the cells are going to have."""
        if self._prompt_shown:
            self._rewrite(prompt=True)

    def close_prompt(self) -> None:
        """Take the prompt away for good."""
        self.end_question()
        self._waiting.clear()
        self._editable = False
        with self.area.editing():
            self._lift()
        self._control.setReadOnly(True)

    def _rewrite(self, prompt: bool, begun: Cell | None = None, number: int | None = None) -> None:
        self.area.flush()
        with self.area.editing():
            self._lift()
            following = self.next_number() if number is None else number
            if begun is not None:
                self._write_input(begun.code, following)
                self.area.begin(begun.msg_id)
                following += 1
            if not self._reading:
                for number_there, cell in enumerate(self._waiting, following):
                    self._write_input(cell.code, number_there)
                if prompt:
                    self._write_prompt(following + len(self._waiting))

    def _lift(self) -> None:
        """Take the tail out of the document, and keep what has been typed."""
        if self._reading:
            return
        cursor = self._control.textCursor()
        if self._prompt_shown:
            self._typed = self._get_input_buffer()
            inside = cursor.position() >= self._prompt_pos and not cursor.hasSelection()
            self._typed_position = self._get_input_buffer_cursor_pos() if inside else -1
        self._prompt_shown = False
        self._cancel_completion()
        self._call_tip_widget.hide()
        cursor.setPosition(self.area.end)
        end, keep = _end(), qt.QtGui.QTextCursor.MoveMode.KeepAnchor
        cursor.movePosition(end, keep)
        cursor.removeSelectedText()
        self.area.pen.tail_follows(None)

    def _write_input(self, code: str, number: int) -> Any:
        """Write an input at the end; a cursor after it."""
        self._highlighter.highlighting_on = True
        with self.area.pen.tail_changes():
            cursor = self._get_end_cursor()
            if cursor.position() > 0:
                cursor.insertText("\n\n", qt.QtGui.QTextCharFormat())
            html = self._make_in_prompt(number)
            self._prompt = self._insert_html_fetching_plain_text(cursor, html)
            self._prompt_html = html
            self._set_continuation_prompt(self._make_continuation_prompt(self._prompt), html=True)
            prompt_end = cursor.position() - 1
            self._insert_plain_text_into_buffer(cursor, code)
            self._prompt_cursor.setPosition(prompt_end)
        self.area.pen.tail_follows(2)
        return cursor

    def _write_prompt(self, number: int) -> None:
        cursor = self._write_input(self._typed, number)
        self._prompt_shown = True
        if self._typed_position < 0:
            return  # the user is somewhere else, or has selected something
        cursor.setPosition(self._position_of(self._typed_position))
        self._control.setTextCursor(cursor)

    def _position_of(self, index: int) -> int:
        """The position in the document of a character of the input buffer."""
        before = self._typed[:index]
        return int(
            self._prompt_pos + _utf16(before) + before.count("\n") * len(self._continuation_prompt)
        )

    # What is being typed; qtconsole's names

    def _get_input_buffer(self, force: bool = False) -> str:
        del force
        if self._prompt_shown or self._reading:
            return str(super()._get_input_buffer(force=True))
        return self._typed

    def _set_input_buffer(self, string: str) -> None:
        if self._prompt_shown or self._reading:
            super()._set_input_buffer(string)
        else:
            self.put_back(string)

    input_buffer = property(_get_input_buffer, _set_input_buffer)

    # Questions

    def ask(self, question: str, answer: Callable[[str], object]) -> None:
        """Read a line: `answer` will be called with it."""
        self.end_question()
        self.area.flush()
        with self.area.editing():
            self._lift()
            self._reading = True
            self._reading_callback = answer
            if self.area.pen.line_is_open:
                self.area.pen.give_up_line()
            with self.area.pen.tail_changes():
                cursor = self._get_end_cursor()
                if self.area.end == cursor.position() and not (cursor.atStart() and question):
                    cursor.insertText("\n", qt.QtGui.QTextCharFormat())
                self._insert_question(cursor, question)
            self.area.pen.tail_follows(1)
        self._control.setTextCursor(cursor)

    def _insert_question(self, cursor: Any, question: str) -> None:
        cursor.insertText(question, qt.QtGui.QTextCharFormat())
        self._prompt_cursor.setPosition(cursor.position() - 1)
        self._prompt = cursor.block().text()
        self._prompt_html = None

    def answer(self, value: str) -> None:
        """Give the answer."""
        callback = self._reading_callback
        self.end_question()
        if callback is not None:
            callback(value)

    def end_question(self) -> None:
        """Leave the question, and what has been typed there, as they stand."""
        if self._reading:
            self._reading = False
            self._reading_callback = None
            self.area.take_tail()
            self._typed_position = len(self._typed)


def _end() -> Any:
    return qt.QtGui.QTextCursor.MoveOperation.End


def _utf16(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
