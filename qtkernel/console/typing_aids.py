"""What helps while one types: completion, calltips, history, and whether a cell is complete.

All of it is asked of the kernel in messages, which it answers also while a cell is under way; the
answers come here. Methods with qtconsole's names take the place of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any

from qtkernel import qt
from qtkernel.console.client import Client
from qtkernel.console.keyboard import Keyboard
from qtkernel.console.prompt import LivePrompt
from qtkernel.console.tips import tip_of

Message = dict[str, Any]

_DULL = ("<unknown>", "instance", "")  # kinds of completions that say nothing


class TypingAids(LivePrompt):
    """The live prompt with all that the kernel knows about what is being typed."""

    _history: list[str]
    _kernel_client: Client
    _keyboard: Keyboard
    _tip_asked = ("", "", 0)

    def flush_pending(self) -> None:
        """Show now what the kernel has sent so far."""
        raise NotImplementedError

    # History

    def _remember(self, code: str) -> None:
        code = code.rstrip()
        if code and (not self._history or self._history[-1] != code):
            self._history.append(code)
        self._history_edits: dict[int, str] = {}
        self._history_index = len(self._history)

    def _handle_history_reply(self, msg: Message) -> None:
        since = self._history
        self._history = []
        for *_, code in msg["content"].get("history", ()):
            self._remember(code)
        for code in since:
            self._remember(code)

    # Completion, calltips, completeness

    def _handle_complete_reply(self, rep: Message) -> None:
        kinds = rep["content"].get("metadata", {}).get("_jupyter_types_experimental", ())
        self._keyboard.completions.kinds = {
            kind["text"]: kind.get("type", "") for kind in kinds if kind.get("type") not in _DULL
        }
        if rep["content"].get("status") == "ok":
            super()._handle_complete_reply(rep)

    def _call_tip(self) -> bool:
        # qtconsole remembers the position in the document, which output changes
        code, position = self.input_buffer, self._get_input_buffer_cursor_pos()
        msg_id = self._kernel_client.inspect(code, position)
        self._tip_asked = (msg_id, code, position)
        return True

    def _handle_inspect_reply(self, rep: Message) -> None:
        now = (self.input_buffer, self._get_input_buffer_cursor_pos())
        content = rep["content"]
        asked = (rep["parent_header"].get("msg_id"), *now) == self._tip_asked
        if asked and self._prompt_shown and content.get("found"):
            text = tip_of(content["data"].get("text/plain", ""))
            self._call_tip_widget.show_inspect_data({"data": {"text/plain": text}})

    def _register_is_complete_callback(self, source: str, callback: Callable[..., object]) -> None:
        self._is_complete_callback = callback
        self._is_complete_msg_id = self._kernel_client.is_complete(source)
        self._keyboard.held.asking = True

    def _handle_is_complete_reply(self, msg: Message) -> None:
        if msg["parent_header"].get("msg_id") != self._is_complete_msg_id:
            return
        content = msg["content"]
        self._keyboard.held.asking = False
        self._is_complete_msg_id = ""
        self._is_complete_callback(content.get("status") != "incomplete", content.get("indent", ""))
        self._keyboard.held.settle_soon()

    def _trigger_is_complete_callback(self, complete: bool = False, indent: str = "") -> None:
        """Nothing: qtconsole's way to give up waiting for the answer. It always comes here."""

    # Typing

    def make_ready(self) -> None:
        """Something is going to be typed: have a place for it."""
        if not self._prompt_shown and not self._reading:
            self.flush_pending()
            self.offer_prompt()

    def paste(self, mode: Any = None) -> None:
        """Insert what is in the clipboard at the prompt."""
        mode = qt.QtGui.QClipboard.Mode.Clipboard if mode is None else mode
        text = qt.QtWidgets.QApplication.clipboard().text(mode)
        held = self._keyboard.held
        if held.holding:
            held.add_action(lambda: self.insert_typed(text))
        else:
            self.insert_typed(text)

    def insert_typed(self, text: str) -> None:
        """Insert text that is not typed key by key where the user types."""
        if self._keyboard.add_to_secret(text) or not self._editable:
            return
        self.make_ready()
        self._keep_cursor_in_buffer()
        cursor = self._control.textCursor()
        column = cursor.position() - self._get_line_start_pos()
        text = text.rstrip("\n").partition("\n")[0] if self._reading else text.rstrip("\n")
        if "\n" in text:
            # the first line is pasted into its indentation
            text = dedent(text[column:] if text.startswith(" " * column) else text)
        self._insert_plain_text_into_buffer(cursor, text)
        self._control.ensureCursorVisible()

    def _document_contents_change(self, position: int, removed: int, added: int) -> None:
        # for calltips: of what is typed, not of what is printed
        if self._prompt_shown and position >= self._prompt_pos and not self.area.writing:
            super()._document_contents_change(position, removed, added)


REPLIES: dict[str, Callable[[TypingAids, Message], None]] = {
    "complete_reply": TypingAids._handle_complete_reply,
    "history_reply": TypingAids._handle_history_reply,
    "inspect_reply": TypingAids._handle_inspect_reply,
    "is_complete_reply": TypingAids._handle_is_complete_reply,
}
"""What is done with the replies, by their types."""
