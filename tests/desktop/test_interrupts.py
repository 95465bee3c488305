"""Interrupting with the mouse and with the keyboard, also when the application is frozen."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.desktop.application import middle
from tests.desktop.bench import Bench
from tests.support.desktop import RIGHT

CELLS = {
    "sleep": "import time; say('frozen'); time.sleep(60)",
    "loop": "say('frozen')\nwhile True: pass",
    "await": "import asyncio; say('frozen'); await asyncio.sleep(60)",
    "input": "say('frozen'); input('? ')",
}


def begin(bench: Bench, cell: str) -> None:
    """Run a cell that takes long, and wait until it does."""
    code = "\n    ".join(["try:", *CELLS[cell].splitlines()]) + "\nfinally: say('out')"
    bench.ask(f"dock.show_input({code!r})")
    bench.screen.key("Return")
    bench.wait_for_line("frozen")


def check_interrupted(bench: Bench, press: Callable[[], None]) -> None:
    """`press` ends the cell, and the next one is unhurt."""
    # a press in the first 0.15 s of a cell that blocks is heard when it is over; so, as a person
    # does, once again if nothing happens
    for _ in range(10):
        pressed = time.monotonic()
        press()
        with suppress(AssertionError):
            bench.wait_for_line("out", 1)
            break
    took = time.monotonic() - pressed
    print(f"interrupted within {took * 1000:.0f} ms")
    assert took < 2
    assert bench.wait_for_end(1) == "error"
    assert "KeyboardInterrupt" in bench.text()
    bench.wait_for("pending_input(dock) == ''")
    bench.enter()
    assert bench.run("unhurt = sum(range(100_000))") == "ok"
    assert bench.ask("ns['unhurt']") == sum(range(100_000))


@pytest.mark.parametrize("cell", list(CELLS))
def test_the_button(bench: Bench, cell: str) -> None:
    place = middle(bench.rect(bench.part("interruptButton")))
    begin(bench, cell)
    check_interrupted(bench, lambda: bench.screen.click(*place))


@pytest.mark.parametrize("cell", list(CELLS))
def test_ctrl_c(bench: Bench, cell: str) -> None:
    begin(bench, cell)
    check_interrupted(bench, lambda: bench.screen.key("ctrl+c"))


CELL = "import time; say('frozen'); time.sleep(1.5); say('slept')"


def test_a_click_beside_the_button_does_not_interrupt(bench: Bench) -> None:
    x, y, width, height = bench.rect(bench.part("interruptButton"))
    bench.screen.type(f"{CELL}\n")
    bench.wait_for_line("frozen")
    for _ in range(3):
        bench.screen.click(x + width // 2, y - height)
        bench.screen.click(x + width // 2, y + height // 2, RIGHT)
    bench.wait_for_line("slept")
    assert bench.wait_for_end(1) == "ok"


def test_another_windows_click_and_key_do_not_interrupt(bench: Bench) -> None:
    x, y = middle(bench.rect(bench.part("interruptButton")))
    bench.ask("vars(self).__setitem__('other', QtWidgets.QPlainTextEdit())")
    bench.ask("[other.setWindowTitle('on top'), other.show()]")
    window = bench.screen.window(bench.pid, "on top")
    bench.screen.place(window, x - 60, y - 60)
    bench.wait_for(f"rect(other)[0] < {x} and rect(other)[1] < {y}")
    bench.screen.activate(window)
    bench.ask(f"dock.run({CELL!r})")
    bench.wait_for_line("frozen")
    for _ in range(3):
        bench.screen.click(x, y)
        bench.screen.key("ctrl+c")
    bench.wait_for_line("slept")
    assert bench.wait_for_end(1) == "ok"


def test_ctrl_c_in_the_editor_beside_the_console_does_not_interrupt(bench: Bench) -> None:
    bench.click("edit")
    bench.wait_for("edit.hasFocus()")
    bench.ask(f"dock.run({CELL!r})")
    bench.wait_for_line("frozen")
    for _ in range(3):
        bench.screen.key("ctrl+c")
    bench.wait_for_line("slept")
    assert bench.wait_for_end(1) == "ok"


def test_the_button_is_enabled_while_a_cell_runs(bench: Bench) -> None:
    button = bench.part("interruptButton")
    assert not bench.ask(f"{button}.isEnabled()")
    bench.screen.type("import asyncio; await asyncio.sleep(60)\n")
    bench.wait_for(f"{button}.isEnabled()")
    elapsed = bench.part("elapsed")
    first = bench.wait_for(f"{elapsed}.text()")
    bench.wait_for(f"{elapsed}.text() != {first!r}")
    bench.click(button)
    bench.wait_for_end(1)
    bench.wait_for(f"not {button}.isEnabled()")
