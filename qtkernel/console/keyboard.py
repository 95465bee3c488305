"""What keys do in a console, as far as it differs from qtconsole.

Ctrl+C interrupts, unless something is selected: then it copies; Ctrl+Shift+C copies, Ctrl+Shift+V
pastes, Ctrl+L clears; Ctrl+D ends a question (EOFError), and asks for the console to be hidden;
Ctrl+Tab and Ctrl+Shift+Tab go to the widget after it and before it, as Tab does elsewhere.
While the console has the focus these keys, and those of readline, are its own, and not shortcuts of
the application's menus; all others stay the application's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtkernel import qt
from qtkernel.console.completion import Completions
from qtkernel.console.keys import HeldKeys
from qtkernel.console.secret import Secret

_READLINE = "ABDEFGHKNPUY"  # with Ctrl; the letters that qtconsole has a meaning for


class Keyboard:
    """Looks at each key press for a `ConsoleWidget` before qtconsole does."""

    def __init__(self, console: Any) -> None:
        self._console = console
        self._control = console._control
        self.held = HeldKeys(self._control, self._settle)
        self.completions = Completions(console)
        console._completion_widget = self.completions
        self._secret: Secret | None = None
        self._debugger = False
        self._zoomed = 0
        self._answers: list[str] = []  # of debugger prompts: n, p x, ...
        self._answer_index = 0
        control, shift = (
            qt.QtCore.Qt.KeyboardModifier.ControlModifier,
            qt.QtCore.Qt.KeyboardModifier.ShiftModifier,
        )
        self._control_modifier = control
        keys = qt.QtCore.Qt.Key
        self._commands: dict[tuple[Any, Any], Callable[[], bool]] = {
            (control, keys.Key_C): self._copy_or_interrupt,
            (control | shift, keys.Key_C): self._copy,
            (control | shift, keys.Key_V): self._paste,
            (control, keys.Key_L): self._clear,
            (control, keys.Key_Plus): lambda: self._zoom(1),
            (control | shift, keys.Key_Plus): lambda: self._zoom(1),
            (control, keys.Key_Minus): lambda: self._zoom(-1),
            (control, keys.Key_0): lambda: self._zoom(0),
            (control, keys.Key_Tab): lambda: self._leave(True),
            (control | shift, keys.Key_Backtab): lambda: self._leave(False),
        }
        readline = [getattr(keys, f"Key_{letter}") for letter in _READLINE]
        self._own = self._commands.keys() | {(control, key) for key in readline}

    def stop(self) -> None:
        """There is no kernel any more."""
        self.held.stop()
        self.completions.cancel_completion()
        self._secret = None

    def question(self, prompt: str, password: bool) -> None:
        """A question has been asked: keys are for that from now on."""
        self._secret = Secret(self._control) if password else None
        self._debugger = any(name in prompt.lower() for name in ("ipdb", "(pdb)"))
        self._answer_index = len(self._answers)
        self.held.settle_soon()

    def _settle(self) -> None:
        self._console.flush_pending()
        self._console.offer_prompt()

    # Key presses

    def press(self, event: Any) -> bool:
        """Deal with a key press; False leaves it to qtconsole."""
        if event.key() in _modifier_keys() or self._console.kernel.closed:
            return self._console.kernel.closed and not _is_copy(event)
        command = self._commands.get((_modifiers(event), event.key()))
        if command is not None:
            return command()
        if self.held.holding:
            self.held.add(event)
            return True
        self._console.make_ready()
        if _modifiers(event) == self._control_modifier and event.key() == qt.QtCore.Qt.Key.Key_D:
            return self._end_of_file()
        if self.completions.key(event):
            return True
        return bool(self._console._reading) and self._press_at_question(event)

    def _press_at_question(self, event: Any) -> bool:
        keys = qt.QtCore.Qt.Key
        if event.key() in (keys.Key_Return, keys.Key_Enter):
            self._answer()
            return True
        if self._secret is not None:
            return self._secret.key(event)
        if self._debugger and event.key() == keys.Key_Tab:
            self._console._tab_pressed()
            return True
        if self._debugger and event.key() in (keys.Key_Up, keys.Key_Down):
            self._recall(-1 if event.key() == keys.Key_Up else 1)
            return True
        return False

    def filter(self, event: Any) -> bool:
        """Look at any event for the control; whether it has been dealt with."""
        kind = event.type()
        if kind == qt.QtCore.QEvent.Type.InputMethod:
            return self._input_method(event)
        if kind == qt.QtCore.QEvent.Type.ShortcutOverride:
            at_list = self.completions.visible and event.key() == qt.QtCore.Qt.Key.Key_Escape
            if at_list or (_modifiers(event), event.key()) in self._own:
                event.accept()
                return True
        elif kind in (qt.QtCore.QEvent.Type.FocusOut, qt.QtCore.QEvent.Type.Hide):
            self.completions.cancel_completion()
        return False

    def window_changes(self, event: Any) -> None:
        """Look at an event of the window, while the completions are shown."""
        kinds = qt.QtCore.QEvent.Type
        if event.type() in (kinds.Move, kinds.Resize, kinds.WindowStateChange, kinds.Hide):
            self.completions.cancel_completion()

    def _input_method(self, event: Any) -> bool:
        """Text from an input method, or a dead key; False leaves it to Qt."""
        text = event.commitString()
        if not text:
            return self._secret is not None
        if self.held.holding:
            self.held.add_action(lambda: self._console.insert_typed(text))
            return True
        self._console.make_ready()
        if self._secret is None:
            self._console._keep_cursor_in_buffer()
            return False
        self._secret.add(text)
        return True

    # Questions

    def _answer(self) -> None:
        value = self._console.input_buffer if self._secret is None else self._secret.text
        if self._debugger and value.strip():
            self._answers.append(value)
        self._finish(value)

    def _finish(self, value: str) -> None:
        self._secret = None
        self._console.answer(value)
        self.held.wait()

    def _recall(self, step: int) -> None:
        self._answer_index = min(max(self._answer_index + step, 0), len(self._answers))
        found = self._answers[self._answer_index : self._answer_index + 1]
        self._console.input_buffer = found[0] if found else ""

    # Commands

    def _copy_or_interrupt(self) -> bool:
        return self._copy() if self._console.can_copy() else self._interrupt()

    def _copy(self) -> bool:
        self._console.copy()
        return True

    def _paste(self) -> bool:
        self._console.paste()
        return True

    def add_to_secret(self, text: str) -> bool:
        """Take text that is not typed key by key, if a password is asked for; whether it is."""
        if self._secret is not None:
            self._secret.add(text.partition("\n")[0])
        return self._secret is not None

    def _interrupt(self) -> bool:
        console = self._console
        self.held.clear()
        self.completions.cancel_completion()
        console.interrupt_kernel()
        if console._reading:
            self._secret = None
            console.end_question()
            self.held.wait()
        elif not console.has_cells():
            console.input_buffer = ""
        return True

    def _zoom(self, step: int) -> bool:
        step = step or -self._zoomed
        self._zoomed += step
        self._console.change_font_size(step)
        return True

    def _clear(self) -> bool:
        self.completions.cancel_completion()
        self._console.area.clear_all()
        return True

    def _leave(self, forward: bool) -> bool:
        # Tab alone is for completion; the widget that the keys come to keeps its focus
        self._console.focusNextPrevChild(forward)
        return True

    def _end_of_file(self) -> bool:
        if self._console._reading and not (self._console.input_buffer or self._secret_text()):
            self._finish("\x04")
            return True
        return False

    def _secret_text(self) -> str:
        return "" if self._secret is None else self._secret.text


def _modifiers(event: Any) -> Any:
    flags = qt.QtCore.Qt.KeyboardModifier
    return event.modifiers() & (flags.ControlModifier | flags.ShiftModifier | flags.AltModifier)


def _modifier_keys() -> tuple[Any, ...]:
    keys = qt.QtCore.Qt.Key
    return (keys.Key_Control, keys.Key_Shift, keys.Key_Alt, keys.Key_AltGr, keys.Key_Meta)


def _is_copy(event: Any) -> bool:
    return bool(event.matches(qt.QtGui.QKeySequence.StandardKey.Copy))
