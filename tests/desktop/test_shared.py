"""The dock and a console in a terminal on one kernel."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.desktop.bench import Bench
from tests.frontends.support.console import Console


@pytest.fixture
def terminal(bench: Bench) -> Iterator[Console]:
    """``jupyter console --existing``, attached."""
    console = Console.attached(bench, asks=False)
    yield console
    console.close()


def test_each_sees_its_own(bench: Bench, terminal: Console) -> None:
    clients = bench.part("clientsButton")
    terminal.wait_for_prompt(1)
    bench.wait_for(f"{clients}.text() == '1'")
    terminal.type("shared = 'of the' + ' terminal'; print(shared)")
    terminal.expect("of the terminal")
    terminal.wait_for_prompt(2)
    bench.run("print(shared.upper()); shared = 'of the' + ' dock'")
    assert "OF THE TERMINAL" in bench.text()
    assert "of the terminal" not in bench.text()
    terminal.type("shared[::-1]")
    terminal.expect("kcod eht fo")
    assert "OF THE TERMINAL" not in terminal.log.getvalue()
    # a question in one is none in the other
    terminal.type("answer = input('who is ' + 'there? ')")
    terminal.expect("who is there\\? ")
    assert not bench.ask("dock.console.widget._reading")
    terminal.type("the terminal")
    bench.wait_for("ns.get('answer') == 'the terminal'")


def test_a_terminal_that_is_killed_is_missed(bench: Bench, terminal: Console) -> None:
    clients = bench.part("clientsButton")
    terminal.wait_for_prompt(1)
    bench.wait_for(f"{clients}.text() == '1'")
    other = Console.attached(bench, asks=False)
    try:
        other.wait_for_prompt(1)
        bench.wait_for(f"{clients}.text() == '2'")
        os.kill(other.child.pid, signal.SIGKILL)
        killed = time.monotonic()
        bench.wait_for(f"{clients}.text() == '1'")
        print(f"noticed within {time.monotonic() - killed:.2f} s")
        assert time.monotonic() - killed < 8
    finally:
        other.close()
    terminal.type("'still' + ' here'")
    terminal.expect("still here")


def test_a_terminal_killed_at_its_question_leaves_the_dock_alive(
    bench: Bench, terminal: Console
) -> None:
    terminal.wait_for_prompt(1)
    terminal.type("answer = input('who is ' + 'there? ')")
    terminal.expect("who is there\\? ")
    os.kill(terminal.child.pid, signal.SIGKILL)
    bench.screen.type("after = 'alive'\n")
    bench.wait_for("ns.get('after') == 'alive'")
