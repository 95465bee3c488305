"""Results, displays and what frontends are asked to do: the messages, and their order."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.error import StdinNotImplementedError

from tests.support.real_shell import RealShell
from tests.support.said import ANYTHING


def result(n: int, text: str) -> tuple[str, Any]:
    return (
        "execute_result",
        {"execution_count": n, "data": {"text/plain": text}, "metadata": {}},
    )


def out(text: str, name: str = "stdout") -> tuple[str, Any]:
    return ("stream", {"name": name, "text": text})


def display(text: str, msg_type: str = "display_data", **transient: str) -> tuple[str, Any]:
    content = {"data": {"text/plain": text}, "metadata": {}, "transient": transient}
    return (msg_type, content)


def test_a_result(bench: RealShell) -> None:
    bench.fine("1 + 1")
    assert bench.iopub.take() == [result(1, "2")]
    bench.fine("None")
    bench.fine("x = 5")
    bench.fine("5;")
    assert bench.iopub.take() == []
    bench.fine("'text'")
    assert bench.iopub.take() == [result(5, "'text'")]
    assert set(bench.iopub.parents) == {"cell"}


def test_results_are_kept(bench: RealShell) -> None:
    bench.fine("6 * 7")
    bench.fine("_ + 1")
    bench.fine("_1 + Out[2] + __")
    assert bench.iopub.take() == [result(1, "42"), result(2, "43"), result(3, "127")]


def test_silent_gives_no_result_and_no_count(bench: RealShell) -> None:
    answer = bench.run("1 + 1", silent=True)
    assert (answer.execution_count, bench.interpreter.execution_count) == (1, 1)
    assert bench.iopub.take() == []


def test_not_stored_gives_a_result_and_no_count(bench: RealShell) -> None:
    answer = bench.run("1 + 1", store_history=False)
    assert (answer.execution_count, bench.interpreter.execution_count) == (1, 1)
    assert bench.iopub.take() == [result(1, "2")]


def test_streams_displays_and_results_keep_their_order(bench: RealShell) -> None:
    bench.fine(
        "import sys\n"
        "from IPython.display import display, clear_output\n"
        "print('a')\nprint('b')\nprint('c', file=sys.stderr)\nprint('d')\n"
        "display('shown')\nprint('e')\nclear_output(wait=True)\nprint('f')\n7"
    )
    assert bench.iopub.take() == [
        out("a\nb\n"),
        out("c\n", "stderr"),
        out("d\n"),
        display("'shown'"),
        out("e\n"),
        ("clear_output", {"wait": True}),
        out("f\n"),
        result(1, "7"),
    ]


def test_a_display_may_be_changed_later(bench: RealShell) -> None:
    bench.fine("h = display('one', display_id='id')")
    bench.fine("h.update('two')")
    bench.fine("from IPython.display import update_display; update_display(3, display_id='other')")
    assert bench.iopub.take() == [
        display("'one'", display_id="id"),
        display("'two'", "update_display_data", display_id="id"),
        display("3", "update_display_data", display_id="other"),
    ]


def test_rich_displays(bench: RealShell) -> None:
    bench.fine(
        "class Rich:\n"
        "    def _repr_html_(self): return '<b>'\n"
        "    def _repr_png_(self): return b'png', {'width': 2}\n"
        "    def __repr__(self): return 'rich'\n"
        "Rich()"
    )
    ((_, content),) = bench.iopub.take()
    assert content["data"]["text/html"] == "<b>"
    assert content["data"]["text/plain"] == "rich"
    assert content["metadata"] == {"image/png": {"width": 2}}


def test_a_repr_that_raises_is_shown_as_an_error_and_the_cell_goes_on(bench: RealShell) -> None:
    bad = "class Bad:\n    def __repr__(self): raise ValueError('no repr')\n"
    answer = bench.run(f"{bad}Bad()\nx = 5")
    assert answer.error is None  # it was no result
    answer = bench.run(f"{bad}x = 6\nBad()")
    ((kind, content),) = bench.iopub.take()
    assert (kind, content["ename"], content["evalue"]) == ("error", "ValueError", "no repr")
    assert answer.error is not None
    assert (answer.error.ename, answer.error.evalue) == ("ValueError", "no repr")
    bench.fine("assert x == 6; display(Bad())")
    assert "no repr" in str(bench.iopub.take())


# Expressions of the frontend's, and payloads


def test_user_expressions(bench: RealShell) -> None:
    answer = bench.fine("x = 5", user_expressions={"good": "x + 1", "bad": "1/0"})
    assert answer.user_expressions["good"] == {
        "status": "ok",
        "data": {"text/plain": "6"},
        "metadata": {},
    }
    bad = answer.user_expressions["bad"]
    assert (bad["status"], bad["ename"], bad["evalue"]) == (
        "error",
        "ZeroDivisionError",
        "division by zero",
    )
    assert all(isinstance(line, str) for line in bad["traceback"])
    assert bench.iopub.take() == []


def test_after_a_failed_cell_there_are_none(bench: RealShell) -> None:
    answer = bench.run("1/0", user_expressions={"a": "1"})
    assert answer.user_expressions == {}


def test_the_pager_is_a_payload(bench: RealShell) -> None:
    answer = bench.fine("print?")
    (payload,) = answer.payload
    assert payload["source"] == "page"
    assert "Prints the values" in payload["data"]["text/plain"]
    assert bench.fine("1").payload == []


def test_the_last_next_input_counts(bench: RealShell) -> None:
    code = "ip = get_ipython(); ip.set_next_input('a'); ip.set_next_input('b', replace=True)"
    assert bench.fine(code).payload == [{"source": "set_next_input", "text": "b", "replace": True}]


def test_payloads_are_cleared_even_by_an_error(bench: RealShell) -> None:
    bench.run("get_ipython().set_next_input('a')\n1/0")
    assert bench.fine("1").payload == []


@pytest.mark.parametrize("code", ["exit", "quit", "exit()", "get_ipython().ask_exit()"])
def test_exit_in_a_guest_keeps_the_kernel(bench: RealShell, code: str) -> None:
    ended: list[bool] = []
    bench.shell.on_exit = lambda: ended.append(True)
    assert bench.fine(code).payload == [{"source": "ask_exit", "keepkernel": True}]
    assert ended == []


@pytest.mark.parametrize(("code", "keep"), [("exit", False), ("exit(True)", True)])
def test_exit_ends_a_kernel_that_is_its_own(make_shell: Any, code: str, keep: bool) -> None:
    bench = make_shell(exit_ends=True)
    ended: list[bool] = []
    bench.shell.on_exit = lambda: ended.append(True)
    assert bench.fine(code).payload == [{"source": "ask_exit", "keepkernel": keep}]
    assert ended == ([] if keep else [True])


# Input


def test_input_and_getpass_ask_the_frontend(bench: RealShell) -> None:
    bench.answers = ["line", "secret"]
    bench.fine("import getpass\nprint('first')\na = input('name? ')\nb = getpass.getpass()")
    assert bench.questions == [("name? ", False), ("Password: ", True)]
    assert (bench.namespace["a"], bench.namespace["b"]) == ("line", "secret")
    assert bench.iopub.take() == [out("first\n")]


def test_output_is_sent_before_the_question(bench: RealShell) -> None:
    seen: list[Any] = []
    bench.interpreter.connect_input(lambda *_: seen.append(bench.iopub.take()) or "x")
    bench.fine("print('first')\ninput()")
    assert seen == [[out("first\n")]]


def test_a_frontend_that_cannot_answer(bench: RealShell) -> None:
    answer = bench.run("input()")
    assert answer.error is not None
    assert answer.error.ename == StdinNotImplementedError.__name__


def test_outside_of_cells_input_is_python_s(bench: RealShell) -> None:
    import builtins
    import getpass

    before = (builtins.input, getpass.getpass)
    bench.fine("import builtins; inside = builtins.input")
    assert bench.namespace["inside"] is not before[0]
    assert (builtins.input, getpass.getpass) == before


# %gui and %matplotlib


@pytest.mark.parametrize(
    ("line", "name"),
    [("qt", "qt"), ("qt5", "qt"), ("tk", "tk"), ("asyncio", "asyncio"), ("", "headless")],
)
def test_gui(bench: RealShell, line: str, name: str) -> None:
    bench.fine(f"%gui {line}")
    assert bench.switched == [name]


def test_gui_that_is_not_there_fails_in_a_line(bench: RealShell) -> None:
    answer = bench.run("%gui nonsense")
    assert answer.error is not None
    assert answer.error.ename == "UsageError"
    assert answer.error.traceback == ["UsageError: no event loop 'nonsense'"]
    assert bench.switched == []
    content = {"ename": "UsageError", "evalue": "no event loop 'nonsense'", "traceback": ANYTHING}
    assert bench.iopub.take() == [("error", content)]


def test_no_gui_is_asked_for_by_inline_plots(bench: RealShell) -> None:
    bench.fine("get_ipython().enable_gui(None)")
    assert bench.switched == []
