"""Errors of cells: always a message, always a reply, never in the way of the next cell."""

from __future__ import annotations

import re

import pytest

from qtkernel.interpreter import ErrorInfo
from tests.support.real_shell import RealShell

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def error_of(bench: RealShell, code: str) -> ErrorInfo:
    """Run a cell that fails; its error, which was published once, and the next cell runs."""
    answer = bench.run(code)
    assert answer.error is not None
    errors = [content for msg_type, content in bench.iopub.take() if msg_type == "error"]
    assert errors == [
        {
            "ename": answer.error.ename,
            "evalue": answer.error.evalue,
            "traceback": answer.error.traceback,
        }
    ]
    assert all(isinstance(line, str) for line in answer.error.traceback)
    bench.fine("1 + 1")
    assert bench.iopub.take()[-1][0] == "execute_result"
    return answer.error


def plain(error: ErrorInfo) -> str:
    return ANSI.sub("", "\n".join(error.traceback))


def test_an_exception(bench: RealShell) -> None:
    error = error_of(bench, "def f():\n    return 1 / 0\nf()")
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert "return 1 / 0" in plain(error)


def test_the_traceback_shows_nothing_of_the_kernel(bench: RealShell) -> None:
    for code in ("1/0", "import asyncio\nawait asyncio.sleep(0)\n1/0"):
        text = plain(error_of(bench, code))
        assert "qtkernel" not in text.replace("ipython-input", ""), text


def test_a_chain_of_exceptions_is_shown(bench: RealShell) -> None:
    error = error_of(bench, "try:\n    1/0\nexcept Exception as e:\n    raise KeyError('b') from e")
    assert error.ename == "KeyError"
    assert "ZeroDivisionError" in plain(error)


def test_a_group_shows_its_members(bench: RealShell) -> None:
    error = error_of(bench, "raise ExceptionGroup('both', [ValueError('one'), KeyError('two')])")
    assert error.ename == "ExceptionGroup"
    text = plain(error)
    assert "ValueError: one" in text
    assert "KeyError: 'two'" in text


def test_syntax_errors(bench: RealShell) -> None:
    error = error_of(bench, "x = = 1")
    assert error.ename == "SyntaxError"
    assert "x = = 1" in plain(error)
    assert error_of(bench, "if True:\nx").ename == "IndentationError"


def test_a_usage_error_is_one_line(bench: RealShell) -> None:
    error = error_of(bench, "%nonsense")
    assert error.ename == "UsageError"
    assert error.traceback == [f"UsageError: {error.evalue}"]


@pytest.mark.parametrize("base", ["Exception", "BaseException"])
def test_an_exception_that_cannot_be_told(bench: RealShell, base: str) -> None:
    error = error_of(
        bench,
        f"class Mute({base}):\n    def __str__(self): raise ValueError('no words')\nraise Mute",
    )
    assert error.ename == "Mute"
    assert "Mute" in error.evalue


@pytest.mark.parametrize("name", ["KeyboardInterrupt", "GeneratorExit", "BaseException"])
def test_exceptions_that_are_not_errors(bench: RealShell, name: str) -> None:
    assert error_of(bench, f"raise {name}('x')").ename == name


@pytest.mark.filterwarnings("ignore:To exit:UserWarning")
def test_sys_exit_ends_the_cell_and_nothing_else(bench: RealShell) -> None:
    error = error_of(bench, "import sys\nsys.exit(3)")
    assert (error.ename, error.evalue) == ("SystemExit", "3")


def test_an_exception_in_a_hook_of_the_cell_s_end(bench: RealShell) -> None:
    bench.fine(
        "def hook(result):\n    raise ValueError('hook')\n"
        "get_ipython().events.register('post_run_cell', hook)"
    )
    answer = bench.run("5")
    assert answer.error is None
    assert "hook" in str(bench.iopub.take())


def test_a_transformer_that_fails(bench: RealShell) -> None:
    bench.fine(
        "def spoil(lines):\n    raise SyntaxError('spoilt')\n"
        "get_ipython().input_transformers_post.append(spoil)"
    )
    answer = bench.run("1")
    assert answer.error is not None
    assert answer.error.ename == "SyntaxError"
    bench.shell.input_transformers_post.clear()
    bench.fine("1")


def test_a_failed_cell_counts(bench: RealShell) -> None:
    assert bench.run("1/0").execution_count == 1
    assert bench.run("x = = 1").execution_count == 2
    assert bench.interpreter.execution_count == 3


def test_a_cell_that_is_interrupted_before_it_has_begun_counts(bench: RealShell) -> None:
    def interrupted(_lines: list[str]) -> list[str]:
        raise KeyboardInterrupt

    bench.fine("1")
    transformers = bench.shell.input_transformers_post
    transformers.append(interrupted)
    answer = bench.run("2")
    transformers.remove(interrupted)
    assert answer.error is not None
    assert (answer.error.ename, answer.execution_count) == ("KeyboardInterrupt", 2)
    assert bench.run("3").execution_count == 3
    bench.iopub.take()


def test_a_cell_that_breaks_the_tools_of_the_kernel(bench: RealShell) -> None:
    """Private references are kept to what a cell may replace."""
    bench.fine("import json, time, os, hmac\nkept = (json.dumps, time.sleep, os.getpid)")
    bench.fine("json.dumps = json.loads = time.sleep = None")
    try:
        bench.fine("print('still here')")
        assert bench.iopub.take() == [("stream", {"name": "stdout", "text": "still here\n"})]
    finally:
        bench.fine("json.dumps, time.sleep, os.getpid = kept; import importlib")
        bench.fine("importlib.reload(json)")


@pytest.mark.parametrize("event", ["pre_execute", "pre_run_cell"])
def test_an_interrupt_that_hits_a_callback_is_the_cell_s(bench: RealShell, event: str) -> None:
    def strike(*_: object) -> None:
        bench.shell.events.unregister(event, strike)
        raise KeyboardInterrupt

    bench.shell.events.register(event, strike)
    answer = bench.run("ran = True")
    assert answer.error is not None
    assert answer.error.ename == "KeyboardInterrupt"
    assert "ran" not in bench.shell.user_ns


def test_a_callback_that_fails_is_shown_and_the_cell_runs(bench: RealShell) -> None:
    def fail(*_: object) -> None:
        bench.shell.events.unregister("pre_execute", fail)
        raise ZeroDivisionError

    bench.shell.events.register("pre_execute", fail)
    answer = bench.run("ran = True")
    assert answer.error is None or answer.error.ename == "ZeroDivisionError"
    assert bench.shell.user_ns["ran"]
