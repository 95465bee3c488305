"""Completion, calltips, history, the clipboard and the other keys."""

from __future__ import annotations

import pytest

from qtkernel.console.completion import Completions
from tests.console.conftest import (
    CONTROL,
    SHIFT,
    Condition,
    Key,
    Script,
    Sit,
    User,
    delete,
    play,
    shown,
)
from tests.support.binding import QtCore, QtGui, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

THING = (
    "class Thing:\n    alpha = 1\n    alpine = 2\n"
    "    def beta(self, size, *, fast=False): 'Betas.'\nthing = Thing()"
)


def popup(user: User) -> Completions:
    return user.console._keyboard.completions


def offers(user: User, *names: str) -> Condition:
    """The popup is there with these."""
    return lambda: (
        popup(user).visible
        and [
            popup(user).view.item(row).text().split()[0] for row in range(popup(user).view.count())
        ]
        == list(names)
    )


def test_tab_completes_and_typing_narrows(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run(THING)
        yield user.at_prompt(2)
        user.type("x = thing.")
        user.press(Key.Key_Tab)
        yield offers(user, "alpha", "alpine", "beta")
        user.type("al")
        yield offers(user, "alpha", "alpine")
        user.press(Key.Key_Down)
        user.press(Key.Key_Tab)
        assert user.typed == "x = thing.alpine"
        assert not popup(user).visible
        user.type("; y = thing.be")
        user.press(Key.Key_Tab)  # the only one there is
        yield lambda: user.typed.endswith("thing.beta")
        assert not popup(user).visible
        user.press(Key.Key_Escape)
        user.type("thing.al")
        user.press(Key.Key_Tab)
        yield offers(user, "alpha", "alpine")
        assert user.typed == "thing.alp"  # what they have in common
        user.press(Key.Key_Escape)
        assert not popup(user).visible
        assert user.typed == "thing.alp"
        user.press(Key.Key_Tab)
        yield offers(user, "alpha", "alpine")
        user.press(Key.Key_Return)
        user.type(" + 1\n")
        yield user.at_prompt(3)

    play(user, script())
    assert user.output(2) == "Out[2]: 2"


def test_completion_calltips_and_history_while_a_cell_awaits(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run(THING + "\nimport asyncio; gate = asyncio.Event()")
        yield user.at_prompt(2)
        user.type("await gate.wait()\n")
        yield lambda: user.text.endswith("In [3]: ")
        user.type("thing.")
        user.press(Key.Key_Tab)
        yield offers(user, "alpha", "alpine", "beta")
        user.type("be\t")
        yield lambda: user.typed == "thing.beta"
        user.type("(")
        yield user.console._call_tip_widget.isVisible
        assert "size" in user.console._call_tip_widget.text()
        user.press(Key.Key_Escape)
        user.press(Key.Key_Escape)
        user.type("if True:\n")
        yield lambda: user.typed == "if True:\n    "
        user.press(Key.Key_Escape)
        user.press(Key.Key_Up)
        assert user.typed == "await gate.wait()"
        assert user.console.has_cells()
        user.kernel.user_ns["gate"].set()
        yield lambda: not user.console.has_cells()

    play(user, script())


def test_the_completions_go_when_the_window_is_moved_and_the_console_hidden(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run(THING)
        yield user.at_prompt(2)
        for go in (lambda: user.console.move(50, 60), user.console.hide):
            user.type("thing.al")
            user.press(Key.Key_Tab)
            yield offers(user, "alpha", "alpine")
            go()
            yield lambda: not popup(user).visible
            user.press(Key.Key_Escape)

    play(user, script())


def test_tab_at_the_beginning_of_a_line_indents(sit: Sit) -> None:
    user = sit()
    user.press(Key.Key_Tab)
    assert user.typed == "    "
    user.press(Key.Key_Backspace)
    assert user.typed == ""


def test_the_history_is_the_kernel_s_and_includes_other_consoles(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("first = 1\n")
        yield user.at_prompt(2)

    play(user, script())
    second = User(user.kernel, shown(user.kernel))

    def another() -> Script:
        yield lambda: second.console._history
        assert second.text.endswith("In [2]: ")
        second.press(Key.Key_Up)
        assert second.typed == "first = 1"
        second.press(Key.Key_Escape)
        second.type("of_the_second = 2\n")
        yield second.at_prompt(3)
        # the first knows of it, and of its number, but shows nothing of it
        assert user.text.endswith("In [1]: first = 1\n\nIn [3]: ")
        user.press(Key.Key_Up)
        assert user.typed == "of_the_second = 2"
        user.press(Key.Key_Up)
        assert user.typed == "first = 1"
        user.press(Key.Key_Down)
        assert user.typed == "of_the_second = 2"

    play(second, another())
    delete(second.console)


def test_the_history_finds_what_begins_alike(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("alpha = 1\nbeta = 2\nalso = 3\n")
        yield user.at_prompt(4)
        user.type("al")
        user.press(Key.Key_Up)
        assert user.typed == "also = 3"
        user.press(Key.Key_Up)
        assert user.typed == "alpha = 1"

    play(user, script())


def test_control_c_copies_what_is_selected_without_prompts(sit: Sit) -> None:
    user = sit()
    user.console.activateWindow()
    user.control.setFocus()
    clipboard = QtWidgets.QApplication.clipboard()

    def script() -> Script:
        user.console.run("import asyncio; await asyncio.sleep(1000)")
        yield lambda: user.text.endswith("In [2]: ")
        yield user.control.hasFocus
        cursor = user.control.textCursor()
        cursor.setPosition(user.text.index("In [1]"))
        cursor.setPosition(user.text.index("\n\nIn [2]"), QtGui.QTextCursor.MoveMode.KeepAnchor)
        user.control.setTextCursor(cursor)
        for modifiers in (CONTROL, CONTROL | SHIFT):
            clipboard.clear()
            user.press(Key.Key_C, modifiers)
            assert clipboard.text() == "import asyncio; await asyncio.sleep(1000)"
        assert user.console.has_cells()
        user.type("x")  # goes to the prompt, wherever the cursor was
        assert user.typed == "x"
        user.press(Key.Key_C, CONTROL)
        yield lambda: not user.console.has_cells()

    play(user, script())


def test_what_is_pasted_keeps_its_lines(sit: Sit) -> None:
    user = sit()
    QtWidgets.QApplication.clipboard().setText("    if model:\n        print('pasted')\n\n")
    user.press(Key.Key_V, CONTROL | SHIFT)
    assert user.typed == "if model:\n    print('pasted')"

    def script() -> Script:
        user.press(Key.Key_Return, SHIFT)
        yield user.at_prompt(2)

    play(user, script())
    assert user.output(1) == "pasted"


def test_control_c_with_nothing_under_way_discards_what_is_typed(sit: Sit) -> None:
    user = sit()
    user.type("never mind")
    user.press(Key.Key_C, CONTROL)
    assert user.typed == ""


@pytest.mark.parametrize("how", ["exit\n", "quit()\n", "\x04"])
def test_exit_and_control_d_ask_for_the_console_to_be_hidden(sit: Sit, how: str) -> None:
    user = sit()
    asked: list[object] = []
    user.console.exit_requested.connect(asked.append)

    def script() -> Script:
        if how == "\x04":
            user.press(Key.Key_D, CONTROL)
        else:
            user.type(how)
        yield lambda: asked
        yield lambda: not user.console.has_cells()
        user.type("'still here'\n")
        yield user.sees("Out[")

    play(user, script())
    assert not user.kernel.closed


def test_editing_can_be_undone_but_not_what_has_been_printed(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run("print('printed')")
        yield user.at_prompt(2)
        user.type("abc")
        for _ in range(5):
            user.control.undo()

    play(user, script())
    assert user.text.endswith("printed\n\nIn [2]: ")


def test_keys_of_the_console_are_not_the_window_s_shortcuts(sit: Sit) -> None:
    user = sit()
    window = QtWidgets.QMainWindow()
    window.setCentralWidget(user.console)
    saved: list[str] = []
    menu = window.menuBar().addMenu("File")
    actions = []
    for key in ("Ctrl+S", "Ctrl+L", "Ctrl+C", "Ctrl+D", "Ctrl+P"):
        action = menu.addAction(key, lambda key=key: saved.append(key))
        action.setShortcut(key)
        actions.append(action)
    window.show()
    window.activateWindow()
    user.control.setFocus()

    def script() -> Script:
        yield user.control.hasFocus
        for key in (Key.Key_S, Key.Key_L, Key.Key_C, Key.Key_D, Key.Key_P):
            user.press(key, CONTROL)
        yield lambda: saved

    play(user, script())
    assert saved == ["Ctrl+S"]  # the application's own; the others are the console's
    user.console.setParent(None)
    window.deleteLater()
    QtCore.QCoreApplication.sendPostedEvents(window, QtCore.QEvent.Type.DeferredDelete)


def test_a_calltip_stays_while_a_cell_prints(sit: Sit) -> None:
    user = sit()
    tip = user.console._call_tip_widget

    def script() -> Script:
        user.console.run(
            THING + "\nimport asyncio\nticks = 0\nasync def tick():\n    global ticks\n"
            "    while True:\n        print(ticks); ticks += 1; await asyncio.sleep(0.01)"
        )
        yield user.at_prompt(2)
        user.type("await tick()\n")
        yield user.sees("\n0\n")
        user.type("thing.beta(")
        yield tip.isVisible
        assert tip.text() == "thing.beta(size, *, fast=False)\nBetas."
        seen = user.kernel.user_ns["ticks"]
        yield lambda: user.kernel.user_ns["ticks"] > seen + 10
        assert tip.isVisible()
        user.type("1")
        assert tip.isVisible()
        user.type(")")
        assert not tip.isVisible()
        user.press(Key.Key_C, CONTROL)
        yield lambda: not user.console.has_cells()

    play(user, script())
    assert user.typed == "thing.beta(1)"


def test_in_an_event_loop_of_a_cell_s_own_the_prompt_lives_and_cells_wait(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run(THING)
        yield user.at_prompt(2)
        user.console.run("loop = QtCore.QEventLoop()\nprint(loop.exec())")
        yield lambda: user.text.endswith("In [3]: ")
        user.type("thing.")
        user.press(Key.Key_Tab)
        yield offers(user, "alpha", "alpine", "beta")
        user.type("alpine\t")
        assert user.typed == "thing.alpine"
        user.type("\n")
        yield lambda: user.text.endswith("In [4]: ")
        assert user.output(3) == ""
        user.kernel.user_ns["loop"].exit(5)
        yield user.at_prompt(4)

    play(user, script())
    assert (user.output(2), user.output(3)) == ("5", "Out[3]: 2")


def test_a_cell_that_processes_events_does_not_get_in_the_way_of_typing(sit: Sit) -> None:
    user = sit()
    user.kernel.push({"QtWidgets": QtWidgets})

    def script() -> Script:
        user.console.run(
            "stop = False; n = 0\nwhile not stop:\n"
            "    n += 1\n    if n == 5: print('five')\n    QtWidgets.QApplication.processEvents()"
        )
        yield user.sees("\nfive\n")
        user.type("n > 4\n")
        yield lambda: user.text.endswith("In [3]: ")
        user.kernel.user_ns["stop"] = True
        yield user.at_prompt(3)

    play(user, script())
    assert (user.output(1), user.output(2)) == ("five", "Out[2]: True")


@pytest.mark.parametrize("in_pixels", [False, True])
def test_the_text_is_made_bigger_and_smaller(sit: Sit, in_pixels: bool) -> None:
    user = sit()
    font = user.console.font
    if in_pixels:
        font.setPixelSize(17)
        user.console.font = font
    normal = QtGui.QFontInfo(user.console.font).pixelSize()
    for _ in range(3):
        user.press(Key.Key_Plus, CONTROL)
    assert QtGui.QFontInfo(user.console.font).pixelSize() > normal
    user.press(Key.Key_Minus, CONTROL)
    user.press(Key.Key_0, CONTROL)
    assert QtGui.QFontInfo(user.console.font).pixelSize() == normal
