"""Completion, inspection, completeness and history, in code points and rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qtkernel.interpreter import HistoryQuery
from tests.support.real_shell import RealShell

# Completion


def completed(bench: RealShell, code: str, cursor_pos: int | None = None) -> dict[str, str]:
    """Each match, with what the whole cell becomes by it."""
    position = len(code) if cursor_pos is None else cursor_pos
    answer = bench.interpreter.complete(code, position)
    start, end = answer.cursor_start, answer.cursor_end
    assert 0 <= start <= end <= len(code)
    types = answer.metadata["_jupyter_types_experimental"]
    assert [each["text"] for each in types] == list(answer.matches)
    assert {(each["start"], each["end"]) for each in types} <= {(start, end)}
    return {match: code[:start] + match + code[end:] for match in answer.matches}


@pytest.fixture(autouse=True)
def _names(bench: RealShell) -> None:
    bench.namespace["alpha_one"] = "text"
    bench.namespace["alpha_two"] = [1]


def test_names(bench: RealShell) -> None:
    assert completed(bench, "x = alpha_") == {
        "alpha_one": "x = alpha_one",
        "alpha_two": "x = alpha_two",
    }


@pytest.mark.parametrize("before", ["'\U0001f600' + ", "'\U0001f600é'\n", "'\U00010348' ; "])
def test_offsets_are_code_points_of_the_whole_cell(bench: RealShell, before: str) -> None:
    code = f"{before}alpha_one.upp"
    assert list(completed(bench, code).values()) == [before + "alpha_one.upper"]


@pytest.mark.skipif(not Path("/tmp").is_dir(), reason="there is no such directory here")
def test_matches_of_different_sources_get_one_range(bench: RealShell) -> None:
    """A path replaces two characters here, and a builtin such as `type` one."""
    cells = completed(bench, "%cd /t")
    assert any(cell.rstrip("/") == "%cd /tmp" for cell in cells.values())
    assert all(cell.startswith("%cd /t") for cell in cells.values())


def test_behind_the_cursor_nothing_changes(bench: RealShell) -> None:
    code = "alpha_on + \U0001f600"
    assert "alpha_one + \U0001f600" in completed(bench, code, 8).values()


def test_in_a_later_line(bench: RealShell) -> None:
    code = "y = 1\nfor _ in alpha_t"
    assert completed(bench, code) == {"alpha_two": "y = 1\nfor _ in alpha_two"}


def test_at_the_very_beginning_is_not_at_the_end(bench: RealShell) -> None:
    answer = bench.interpreter.complete("alpha_one", 0)
    assert (answer.cursor_start, answer.cursor_end) == (0, 0)


@pytest.mark.parametrize("code", ["nothing_like_this_", "\U0001f600 nothing_like_this_"])
def test_without_matches_the_range_is_empty_at_the_cursor(bench: RealShell, code: str) -> None:
    answer = bench.interpreter.complete(code, len(code))
    assert answer.matches == []
    assert (answer.cursor_start, answer.cursor_end) == (len(code), len(code))


def test_completing_says_nothing_and_counts_nothing(bench: RealShell) -> None:
    completed(bench, "alpha_one.")
    assert bench.iopub.take() == []
    assert bench.interpreter.execution_count == 1


# Inspection


def inspected(bench: RealShell, code: str, cursor_pos: int | None = None, detail: int = 0) -> Any:
    position = len(code) if cursor_pos is None else cursor_pos
    return bench.interpreter.inspect(code, position, detail, ())


def test_an_object(bench: RealShell) -> None:
    answer = inspected(bench, "alpha_one.upper", 15)
    assert answer.found
    assert "uppercase" in answer.data["text/plain"]


def test_the_function_of_the_call_that_the_cursor_is_in(bench: RealShell) -> None:
    answer = inspected(bench, "print(")
    assert "Prints the values" in answer.data["text/plain"]


def test_the_source_with_more_detail(bench: RealShell) -> None:
    bench.fine("def f():\n    '''Words.'''\n    return 'the body'")
    assert "the body" not in inspected(bench, "f").data["text/plain"]
    assert "the body" in inspected(bench, "f", detail=1).data["text/plain"]


@pytest.mark.parametrize("code", ["nothing_like_this", "", "1 +"])
def test_what_is_not_there_is_not_found(bench: RealShell, code: str) -> None:
    answer = inspected(bench, code)
    assert (answer.found, answer.data) == (False, {})


def test_an_old_client_s_object_info(bench: RealShell) -> None:
    info = bench.interpreter.object_info("alpha_one", 0)
    assert (info["oname"], info["found"], info["type_name"]) == ("alpha_one", True, "str")
    assert bench.interpreter.object_info("nothing_like_this", 0)["found"] is False


# Completeness


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("1 + 1", "complete", ""),
        ("", "complete", ""),
        ("def f():", "incomplete", "    "),
        ("def f():\n    if x:", "incomplete", "        "),
        ("def f():\n    return 1\n    ", "complete", ""),
        ("f(1,", "incomplete", ""),
        ("'''text", "incomplete", ""),
        ("x = = 1", "invalid", ""),
        ("%time 1", "complete", ""),
        ("await f()", "complete", ""),
        ("!ls", "complete", ""),
    ],
)
def test_completeness(bench: RealShell, code: str, status: str, indent: str) -> None:
    answer = bench.interpreter.is_complete(code)
    assert answer.status == status
    if status != "incomplete":
        assert answer.indent == ""
    elif indent:
        assert answer.indent == indent


# History


@pytest.fixture
def lived(bench: RealShell) -> RealShell:
    """A shell that has run some cells."""
    for code in ("a = 1", "a + 1", "print('x')"):
        bench.fine(code)
    return bench


def rows(bench: RealShell, access: str, **more: Any) -> list[Any]:
    return [tuple(row) for row in bench.interpreter.history(HistoryQuery(access, **more))]


def test_the_tail_includes_the_latest_oldest_first(lived: RealShell) -> None:
    session = lived.shell.history_manager.session_number
    assert rows(lived, "tail", n=2) == [(session, 2, "a + 1"), (session, 3, "print('x')")]
    assert len(rows(lived, "tail", n=1000)) == 3


def test_with_output_a_row_has_a_pair(lived: RealShell) -> None:
    (first, second, *_) = rows(lived, "range", output=True)
    assert tuple(first[2]) == ("a = 1", None)
    assert tuple(second[2]) == ("a + 1", "2")


def test_session_0_is_the_current_one(lived: RealShell) -> None:
    session = lived.shell.history_manager.session_number
    assert [row[1:] for row in rows(lived, "range", session=0, start=1, stop=3)] == [
        (1, "a = 1"),
        (2, "a + 1"),
    ]
    assert {row[0] for row in rows(lived, "range", session=0)} == {session}


def test_a_search_takes_a_pattern(lived: RealShell) -> None:
    lived.shell.history_manager.writeout_cache()
    assert [row[2] for row in rows(lived, "search", pattern="a*")] == ["a = 1", "a + 1"]
    assert rows(lived, "search", pattern="nothing*") == []


def test_what_is_not_stored_is_not_there(bench: RealShell) -> None:
    bench.run("1", store_history=False)
    bench.run("2", silent=True)
    assert rows(bench, "tail", n=10) == []


def test_a_lone_surrogate_does_not_end_the_history(bench: RealShell) -> None:
    bench.run("x = '\ud800'")
    bench.fine("'after it'")
    manager = bench.shell.history_manager
    manager.writeout_cache()
    query = HistoryQuery(access="search", pattern="*", raw=True)
    rows = bench.interpreter.history(query)
    assert [row[2] for row in rows] == ["x = '\\ud800'", "'after it'"]


def test_without_a_history_there_are_no_rows(bench: RealShell) -> None:
    manager, bench.shell.history_manager = bench.shell.history_manager, None
    assert rows(bench, "tail", n=10) == []
    bench.shell.history_manager = manager
