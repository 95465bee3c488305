"""Names that the host adds while the kernel is there, and those of another IPython."""

from __future__ import annotations

import atexit
import builtins
import gettext
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.support.real_shell import RealShell

Make = Callable[..., RealShell]
RESETS = ["%reset -f", "%reset -sf", "%reset_selective -f .", "restart"]


def reset(bench: RealShell, how: str) -> None:
    """Drop the user's names, in one of the ways."""
    if how == "restart":
        bench.interpreter.reset()
    else:
        bench.fine(how)


@pytest.mark.parametrize("how", RESETS)
def test_what_the_host_adds_later_survives_a_reset(make_shell: Make, how: str) -> None:
    bench = make_shell({"model": 1})
    bench.fine("made = 1; also = 2")
    bench.namespace["late"] = [1]
    bench.namespace["later"] = [2]
    bench.fine("made_then = 3")
    bench.namespace["latest"] = [3]
    reset(bench, how)
    assert not {"made", "also", "made_then"} & bench.namespace.keys()
    kept = [bench.namespace[name] for name in ("model", "late", "later", "latest")]
    assert kept == [1, [1], [2], [3]]
    reset(bench, how)
    assert "latest" in bench.namespace
    bench.fine("made = 1; In; Out; exit; _")
    reset(bench, how)
    assert "made" not in bench.namespace
    bench.shell.close()
    assert set(bench.namespace) == {"model", "late", "later", "latest"}


def test_a_host_that_deletes_what_cells_made(make_shell: Make) -> None:
    bench = make_shell({"model": 1})
    bench.fine("a = b = c = 1")
    del bench.namespace["c"], bench.namespace["b"]
    bench.namespace["late"] = 1
    bench.fine("%reset -f")
    assert {"model", "late"} <= bench.namespace.keys()
    assert "a" not in bench.namespace


def test_a_host_that_begins_anew(make_shell: Make) -> None:
    bench = make_shell({"model": 1})
    bench.fine("made = 1")
    bench.namespace.clear()
    bench.namespace["fresh"] = 1
    bench.fine("made = 2")
    bench.fine("x = 1")
    bench.interpreter.reset()
    assert bench.namespace["fresh"] == 1
    assert not {"made", "x"} & bench.namespace.keys()


def test_a_task_of_a_cell_binds_the_user_s_names(make_shell: Make) -> None:
    bench = make_shell()
    bench.fine(
        "import asyncio\n"
        "async def work():\n    global made\n    await asyncio.sleep(0.001)\n    made = 1\n"
        "task = asyncio.ensure_future(work())"
    )
    bench.fine("await task")
    assert bench.namespace["made"] == 1
    bench.fine("%reset -f")
    assert "made" not in bench.namespace


@pytest.mark.parametrize("name", ["_", "In", "Out", "exit", "get_ipython", "display", "_i"])
def test_a_name_of_ours_that_the_host_takes_later(make_shell: Make, name: str) -> None:
    bench = make_shell()
    bench.fine("6 * 7")
    value = gettext.NullTranslations().gettext if name == "_" else print
    bench.namespace[name] = value
    bench.fine("7 * 7")
    bench.fine("x = 5\nx")
    assert bench.namespace[name] is value
    bench.fine("import sys")
    bench.interpreter.reset()
    assert bench.namespace[name] is value
    bench.shell.close()
    assert bench.namespace == {name: value}


def test_after_a_hundred_cells_nothing_of_ipython_s_is_left(make_shell: Make) -> None:
    namespace: dict[str, Any] = {"host": 1}
    bench = make_shell(namespace)
    for number in range(100):
        bench.fine(f"{number}")
    assert namespace["_"] == 99
    assert namespace["_100"] == 99
    bench.shell.close()
    assert namespace == {"host": 1}


def test_a_reset_never_takes_a_host_s_name_away_even_for_a_moment(make_shell: Make) -> None:
    namespace: dict[str, Any] = {"model": 1}
    bench = make_shell(namespace)
    bench.fine("made = list(range(10))")
    missed, ended = [], threading.Event()

    def look() -> None:
        while not ended.is_set():
            if "model" not in namespace:
                missed.append(1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(20):
            bench.interpreter.reset()
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert missed == []


class Counted(dict[str, Any]):
    """A namespace that counts how many of its names are looked through."""

    looked_at = 0

    def __reversed__(self) -> Iterator[str]:
        for name in super().__reversed__():
            self.looked_at += 1
            yield name


def test_a_step_does_not_go_through_a_big_namespace(make_shell: Make) -> None:
    namespace = Counted({f"name{number}": number for number in range(100_000)})
    bench = make_shell(namespace)
    bench.fine("x = 1")
    namespace["late"] = 1
    namespace.looked_at = 0
    for _ in range(10):
        bench.fine("x += 1", store_history=False)
    assert 0 < namespace.looked_at < 1000
    assert "late" in bench.shell.host_names


def test_who_lists_what_cells_made(make_shell: Make) -> None:
    bench = make_shell({"model": 1})
    bench.fine("made = 1; text = ''")
    bench.namespace["late"] = 1
    bench.fine("listed = get_ipython().run_line_magic('who_ls', '')")
    assert bench.namespace["listed"] == ["made", "text"]
    bench.fine("listed = %who_ls str")
    assert bench.namespace["listed"] == ["text"]
    bench.iopub.take()
    bench.fine("%who")
    assert bench.iopub.text().split() == ["listed", "made", "text"]


def test_xdel_leaves_the_host_s_names(make_shell: Make) -> None:
    model = object()
    bench = make_shell({"model": model})
    bench.fine("mine = model; other = again = [1]")
    bench.fine("%xdel mine")
    bench.fine("%xdel other")
    assert bench.namespace["model"] is model
    assert not {"mine", "other", "again"} & bench.namespace.keys()
    bench.iopub.take()
    bench.fine("%xdel model")
    assert "application's own name" in bench.iopub.text()
    bench.fine("del model")
    assert "model" not in bench.namespace


# The host is itself at work inside IPython


@pytest.fixture
def outer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Another IPython in this process, as it would be at a terminal."""
    # what it changes in the process and never gives back
    for owner, name in ((sys, "ps1"), (sys, "ps2"), (sys, "ps3")):
        monkeypatch.setattr(owner, name, "", raising=False)
    for name in ("__IPYTHON__", "display"):
        monkeypatch.setattr(builtins, name, None, raising=False)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    shell = InteractiveShell(user_ns={"__name__": "outer"})
    yield shell
    atexit.unregister(shell.atexit_operations)
    shell.atexit_operations()


def seen(shell: Any) -> dict[str, Any]:
    """What an outer shell relies on."""
    names = ("In", "Out", "_", "__", "_ih", "_oh", "_dh", "get_ipython", "exit", "quit", "open")
    return {name: shell.user_ns[name] for name in names}


def test_inside_another_ipython_each_has_its_own(make_shell: Make, outer: Any) -> None:
    outer.run_cell("21 + 21", store_history=True)
    before = seen(outer)
    bench = make_shell(outer.user_ns)
    assert seen(outer) == before
    bench.fine("mine = get_ipython(); left = exit, quit; before = list(In), Out")
    assert bench.namespace["mine"] is bench.shell
    assert bench.namespace["left"] == (bench.shell.exiter, bench.shell.exiter)
    assert bench.namespace["before"][1] is bench.shell.history_manager.output_hist
    bench.fine("5")
    bench.fine("found = Out[2]")
    assert bench.namespace["found"] == 5
    bench.fine("%time 1")  # a magic: its name is looked up in the namespace
    answer = bench.fine("exit")
    assert answer.payload == [{"source": "ask_exit", "keepkernel": True}]
    assert seen(outer) == before
    assert list(outer.user_ns["In"]) == ["", "21 + 21"]
    outer.run_cell("value = (get_ipython(), Out[1]); value", store_history=True)
    assert outer.user_ns["value"] == (outer, 42)
    bench.fine("%reset -f")
    bench.shell.close()
    assert outer.user_ns["_"] == (outer, 42)
    outer.run_cell("again = get_ipython(), _", store_history=True)
    assert outer.user_ns["again"] == (outer, (outer, 42))


def test_two_shells_in_one_namespace(make_shell: Make) -> None:
    namespace: dict[str, Any] = {}
    one, two = make_shell(namespace), make_shell(namespace)
    code = "mine = get_ipython(), exit, In"
    for bench in (one, two, one):
        bench.fine(code)
        shell = bench.shell
        expected = (shell, shell.exiter, shell.history_manager.input_hist_parsed)
        assert all(a is b for a, b in zip(namespace["mine"], expected, strict=True))
    namespace["back"] = lambda: two.fine(code)
    one.fine("back()\n" + code)
    assert namespace["mine"][0] is one.shell
    two.shell.close()
    one.fine(code)
    one.shell.close()
    assert set(namespace) == {"mine", "back"}
