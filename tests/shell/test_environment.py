"""What is different while a cell's own code runs, and is not between its steps."""

from __future__ import annotations

import builtins
import getpass
import sys
from collections.abc import Callable
from typing import Any

import pytest

from qtkernel.shell.environment import Environment
from tests.support.real_shell import RealShell


def seen_of_the_process() -> tuple[Any, ...]:
    """What a cell finds different."""
    from IPython.core.getipython import get_ipython

    names = ("get_ipython", "display", "__IPYTHON__", "exit", "quit")
    return (
        builtins.input,
        getpass.getpass,
        sys.displayhook,
        get_ipython(),
        *(vars(builtins).get(name) for name in names),
    )


def test_takes_are_undone_last_first() -> None:
    said: list[str] = []
    environment = Environment()
    for name in ("a", "b"):

        def take(name: str = name) -> Callable[[], None]:
            said.append(f"take {name}")
            return lambda: said.append(f"undo {name}")

        environment.add(take)
    with environment:
        assert environment.entered
        with environment:
            pass
        assert environment.entered
    assert not environment.entered
    once = ["take a", "take b", "undo b", "undo a"]
    assert said == once[:2] + once + once[2:]


def test_a_take_that_fails_leaves_nothing_taken() -> None:
    said: list[str] = []
    environment = Environment()
    environment.add(lambda: lambda: said.append("undone"))
    environment.add(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(ZeroDivisionError), environment:
        pass
    assert said == ["undone"]
    assert not environment.entered


def test_while_a_cell_awaits_the_process_is_the_host_s(bench: RealShell) -> None:
    before = seen_of_the_process()
    between: list[tuple[Any, ...]] = []
    bench.namespace["look"] = seen_of_the_process
    bench.namespace["host"] = lambda callback: bench.loop.call_later(0, callback)
    bench.namespace["note"] = lambda: between.append(seen_of_the_process())
    bench.fine(
        "import asyncio\n"
        "one = look()\n"
        "host(note)\n"
        "await asyncio.sleep(0.05)\n"
        "two = look()\n"
        "await asyncio.sleep(0.001)\n"
        "6 * 7"
    )
    assert between == [before]
    assert seen_of_the_process() == before
    within = bench.namespace["one"]
    assert bench.namespace["two"] == within
    assert all(ours is not theirs for ours, theirs in zip(within[:7], before[:7], strict=True))
    assert within[7:] == (None, None)
    # the displayhook of the last step has shown the result
    assert ("execute_result", "42") in [
        (msg_type, content.get("data", {}).get("text/plain"))
        for msg_type, content in bench.iopub.take()
    ]


def test_a_cell_that_fails_at_an_await_leaves_nothing(bench: RealShell) -> None:
    before = seen_of_the_process()
    bench.run("import asyncio\nawait asyncio.sleep(0.001)\n1 / 0")
    assert seen_of_the_process() == before


def test_completion_while_a_cell_awaits(bench: RealShell) -> None:
    between: list[Any] = []

    def complete() -> None:
        before = seen_of_the_process()
        between.append(bench.interpreter.complete("get_ipyth", 9).matches)
        assert seen_of_the_process() == before
        between.append("same")

    bench.namespace["host"] = lambda: bench.loop.call_later(0, complete)
    bench.fine("import asyncio\nhost()\nawait asyncio.sleep(0.5)")
    assert between == [["get_ipython"], "same"]


def test_a_callback_between_cells_may_run_code_in_the_shell(bench: RealShell) -> None:
    before = seen_of_the_process()
    bench.fine("def callback():\n    get_ipython().run_cell('seen = get_ipython(); 5')")
    bench.iopub.take()
    with bench.iopub.request("cell"):
        bench.namespace["callback"]()
    assert seen_of_the_process() == before
    assert bench.namespace["seen"] is bench.shell
    assert [msg_type for msg_type, _ in bench.iopub.take()] == ["execute_result"]


def test_two_shells_inside_each_other(make_shell: Callable[..., RealShell]) -> None:
    one, two = make_shell(), make_shell()
    before = seen_of_the_process()
    code = (
        "from IPython import get_ipython as gi\nseen = (gi(), __import__('builtins').get_ipython())"
    )
    one.namespace["other"] = lambda: two.fine(code)
    one.fine(f"other()\n{code}")
    assert one.namespace["seen"] == (one.shell, one.shell)
    assert two.namespace["seen"] == (two.shell, two.shell)
    assert seen_of_the_process() == before
