"""input(), getpass and the debugger in the console; typing, interrupting and ending there."""

from __future__ import annotations

import pytest

from tests.console.conftest import CONTROL, Key, Script, Sit, User, play
from tests.support.binding import QtGui, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_input_is_answered_in_the_line_of_its_question(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("name = input('who? ')\n")
        yield user.is_asked("\nwho? ")
        user.type("Bob\n")
        yield user.at_prompt(2)
        user.type("name\n")
        yield user.at_prompt(3)

    play(user, script())
    assert (user.output(1), user.output(2)) == ("who? Bob", "Out[2]: 'Bob'")


def test_a_question_goes_on_in_a_line_that_has_been_printed(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("print('Name: ', end=''); name = input()\n")
        yield user.is_asked("\nName: ")
        user.type("Bob")
        user.press(Key.Key_Home)
        user.type("J")
        user.press(Key.Key_Backspace)
        user.press(Key.Key_Backspace)  # not into what is printed
        user.type("\n")
        yield user.at_prompt(2)

    play(user, script())
    assert user.output(1) == "Name: Bob"
    assert user.kernel.user_ns["name"] == "Bob"


def test_an_answer_typed_ahead_is_the_answer(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("a, b = input('a? '), input('b? ')\n1\n2\na + b\n")
        yield user.at_prompt(3)

    play(user, script())
    assert user.output(2) == "Out[2]: '12'"


def test_what_was_being_typed_comes_back_after_a_question(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("import asyncio; gate = asyncio.Event()\n")
        yield user.at_prompt(2)
        user.type("await gate.wait(); answer = input('? ')\n")
        yield lambda: user.text.endswith("In [3]: ")
        user.type("print('queued')\n")
        yield lambda: user.text.endswith("In [4]: ")
        user.type("being typed")
        user.kernel.user_ns["gate"].set()
        yield user.is_asked("\n? ")
        assert "queued" not in user.text
        user.type("yes\n")
        yield lambda: not user.console.has_cells()

    play(user, script())
    assert user.kernel.user_ns["answer"] == "yes"
    assert user.text.endswith("? yes\n\nIn [3]: print('queued')\nqueued\n\nIn [4]: being typed")


def test_output_of_a_thread_goes_above_a_question(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("import threading; told = threading.Event()\n")
        yield user.at_prompt(2)
        user.console.run(
            "def tell():\n    told.wait()\n    print('a', 'thread')\n"
            "threading.Thread(target=tell).start()\n"
            "print('begun', end=''); answer = input(' ? ')"
        )
        yield user.is_asked("\nbegun ? ")
        user.type("al")
        user.kernel.user_ns["told"].set()
        yield user.sees("a thread")
        user.type("l\n")
        yield user.at_prompt(3)

    play(user, script())
    assert user.kernel.user_ns["answer"] == "all"
    assert user.output(2) == "a thread\nbegun ? all"


def test_what_is_put_at_the_prompt_meanwhile_is_no_answer(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("answer = input('? ')\n")
        yield user.is_asked("\n? ")
        user.console.show_input("shown")
        user.console.run("6*7")
        user.type("yes\n")
        yield user.sees("Out[2]: 42")
        yield lambda: user.typed == "shown"

    play(user, script())
    assert user.kernel.user_ns["answer"] == "yes"


def commit(user: User, text: str) -> None:
    """What an input method, or a dead key, does."""
    event = QtGui.QInputMethodEvent()
    event.setCommitString(text)
    QtWidgets.QApplication.sendEvent(user.control, event)


def test_text_from_an_input_method(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        cursor = user.control.textCursor()
        cursor.setPosition(0)
        user.control.setTextCursor(cursor)
        commit(user, "é = 'あ\U0001f40d'")
        assert user.typed == "é = 'あ\U0001f40d'"
        user.type("\n")
        commit(user, "é")
        user.type("\n")
        yield user.at_prompt(3)
        user.type("import getpass; p = getpass.getpass('? ')\n")
        yield user.is_asked("\n? ")
        commit(user, "é")
        yield user.sees("\n? •")
        user.type("\n")
        yield user.at_prompt(4)

    play(user, script())
    assert user.output(2) == "Out[2]: 'あ\U0001f40d'"
    assert user.kernel.user_ns["p"] == "é"


def test_a_password_is_nowhere_in_the_console(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("import getpass; p = getpass.getpass('PIN: ')\n")
        yield user.is_asked("\nPIN: ")
        user.type("12x")
        user.press(Key.Key_Backspace)
        clipboard = QtWidgets.QApplication.clipboard()
        clipboard.setText("34\nrest")
        user.console.paste()
        yield user.sees("PIN: ••••")
        user.control.selectAll()
        user.control.copy()
        assert "12" not in clipboard.text()
        user.control.undo()
        assert "12" not in user.text
        user.type("\n")
        yield user.at_prompt(2)

    play(user, script())
    assert user.kernel.user_ns["p"] == "1234"
    assert "12" not in user.text.replace("IPython", "")
    user.press(Key.Key_Up)
    assert "1234" not in user.typed


@pytest.mark.parametrize(
    ("key", "error"), [(Key.Key_C, "KeyboardInterrupt"), (Key.Key_D, "EOFError")]
)
def test_a_question_is_ended_by(sit: Sit, key: int, error: str) -> None:
    user = sit()

    def script() -> Script:
        user.type("input('? ')\n")
        yield user.is_asked("\n? ")
        user.press(key, CONTROL)
        yield user.sees(error)
        yield user.at_prompt(2)
        user.type("'alive'\n")
        yield user.at_prompt(3)

    play(user, script())
    assert user.output(2) == "Out[2]: 'alive'"


def test_pdb_in_the_console_with_recall_and_completion(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run(
            "def f(a):\n    from IPython.core.debugger import set_trace; set_trace()\n    return a"
        )
        yield user.at_prompt(2)
        user.type("f(17)\n")
        yield user.is_asked("ipdb> ")
        user.type("p a + 1\n")
        yield user.sees("\n18\nipdb> ")
        user.press(Key.Key_Up)
        yield lambda: user.typed == "p a + 1"
        user.console.input_buffer = ""
        user.type("mod")
        user.press(Key.Key_Tab)
        yield lambda: user.typed == "model"
        user.console.input_buffer = ""
        user.type("c\n")
        yield user.at_prompt(3)

    play(user, script())
    assert user.output(2).endswith("ipdb> c\nOut[2]: 17")


def test_a_question_of_a_cell_that_another_frontend_interrupts_goes(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("input('? ')\n")
        yield user.is_asked("\n? ")
        user.kernel.interrupt()
        yield user.at_prompt(2)

    play(user, script())
    assert "KeyboardInterrupt" in user.output(1)


def test_an_input_keeps_its_colours_when_its_cell_asks(sit: Sit) -> None:
    user = sit()

    def colours() -> int:
        block = user.control.document().findBlock(user.text.index("In [1]"))
        return len(block.layout().formats())

    def script() -> Script:
        user.type("if True: name = input('who? ')")
        yield lambda: user.typed.endswith(")")
        before = colours()
        assert before > 3
        user.type("\n")
        yield user.is_asked("\nwho? ")
        assert colours() == before
        user.type("B\n")
        yield user.at_prompt(2)
        assert colours() == before

    play(user, script())
