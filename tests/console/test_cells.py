"""Cells at the live prompt: what is typed, what comes back, and in which order."""

from __future__ import annotations

import pytest

from tests.console.conftest import CONTROL, Key, Script, Sit, play

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_the_first_prompt_is_there_at_once_below_one_line(sit: Sit) -> None:
    user = sit()
    assert user.text == "Live Python in this application: model, QtCore\n\nIn [1]: "


def test_a_cell_its_output_its_value_and_the_next_prompt(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("print('out'); 6*7\n")
        yield user.at_prompt(2)
        user.type("x = 1\n")
        yield user.at_prompt(3)

    play(user, script())
    assert user.text.endswith(
        "In [1]: print('out'); 6*7\nout\nOut[1]: 42\n\nIn [2]: x = 1\n\nIn [3]: "
    )


def test_an_incomplete_cell_goes_on_in_a_line_with_its_indentation(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("for i in range(2):\n")
        yield lambda: user.typed == "for i in range(2):\n    "
        user.type("print(i)\n")
        yield lambda: user.typed.endswith("print(i)\n    ")
        user.type("\n")
        yield user.at_prompt(2)

    play(user, script())
    assert user.output(1) == "0\n1"


def test_typing_ahead_loses_no_key_and_runs_cell_by_cell(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("def f(a):\nreturn a + 1\n\nf(1)\nf(2)\nprint('last')\n")
        yield user.at_prompt(5)

    play(user, script())
    assert [user.output(number) for number in (2, 3, 4)] == ["Out[2]: 2", "Out[3]: 3", "last"]


def test_a_cell_typed_while_another_awaits_runs_after_it_and_has_its_own_output(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("import asyncio; gate = asyncio.Event()\n")
        yield user.at_prompt(2)
        user.type("await gate.wait(); print('first')\n")
        yield lambda: user.text.endswith("In [3]: ")  # a prompt, though the cell is under way
        user.type("print('second')\n")
        yield lambda: user.text.endswith("In [4]: ")
        user.type("'typing")
        assert user.output(2) == user.output(3) == ""
        user.kernel.user_ns["gate"].set()
        yield lambda: not user.console.has_cells()

    play(user, script())
    assert user.text.endswith(
        "In [2]: await gate.wait(); print('first')\nfirst\n\n"
        "In [3]: print('second')\nsecond\n\n"
        "In [4]: 'typing"
    )


def test_output_of_an_awaiting_cell_leaves_what_is_being_typed_alone(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("import asyncio; gate = asyncio.Event()\n")
        yield user.at_prompt(2)
        user.console.run("for i in range(5):\n    print(i)\n    if i == 1: await gate.wait()")
        yield user.sees("\n1\n")
        user.type("half")
        user.press(Key.Key_Left)
        user.kernel.user_ns["gate"].set()
        yield user.sees("\n4\n")
        user.type("_")
        yield lambda: not user.console.has_cells()

    play(user, script())
    assert user.output(2) == "0\n1\n2\n3\n4"
    assert user.typed == "hal_f"


def test_after_an_error_the_cells_that_wait_are_not_run_and_say_so(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("import asyncio; gate = asyncio.Event()\n")
        yield user.at_prompt(2)
        user.type("await gate.wait(); 1/0\n")
        yield lambda: user.text.endswith("In [3]: ")
        user.type("print('never')\n")
        yield lambda: user.text.endswith("In [4]: ")
        user.kernel.user_ns["gate"].set()
        yield user.at_prompt(3)

    play(user, script())
    assert user.text.endswith(
        "ZeroDivisionError: division by zero\n\n"
        "In [3]: print('never')\n"
        "Not run: an error, an interrupt or a restart came first.\n\nIn [3]: "
    )


def test_control_c_interrupts_a_cell_that_awaits_and_leaves_what_is_typed(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("await __import__('asyncio').sleep(1000)\n")
        yield lambda: user.text.endswith("In [2]: ")
        user.type("kept")
        user.press(Key.Key_C, CONTROL)
        yield user.sees("KeyboardInterrupt")
        yield lambda: not user.console.has_cells()

    play(user, script())
    assert user.typed == "kept"


def test_run_types_a_cell_and_leaves_what_is_being_typed(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("half of a")
        user.console.run("6*7")
        yield user.sees("Out[1]: 42")
        yield lambda: user.typed == "half of a"
        user.console.show_input("shown")
        yield lambda: user.typed == "shown"
        user.press(Key.Key_Escape)
        user.press(Key.Key_Up)
        yield lambda: user.typed == "6*7"

    play(user, script())
    assert user.text.endswith("In [1]: 6*7\nOut[1]: 42\n\nIn [2]: 6*7")


def test_hidden_code_leaves_no_trace(sit: Sit) -> None:
    user = sit()
    before = user.text

    def script() -> Script:
        user.console.run("print('never seen'); seen = 1", hidden=True)
        yield lambda: "seen" in user.kernel.user_ns
        user.type("seen\n")
        yield user.at_prompt(2)

    play(user, script())
    assert user.text == before + "seen\nOut[1]: 1\n\nIn [2]: "
