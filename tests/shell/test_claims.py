"""What the shell says is a cell's: its code, its threads, its calls in thread pools."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import CodeType
from typing import Any

import pytest

from tests.support.real_shell import RealShell


def claimed(bench: RealShell, kind: type) -> list[tuple[Any, str]]:
    """What was claimed, by whom: code by its functions, the rest by its name."""

    def name(thing: Any) -> str:
        if isinstance(thing, CodeType):
            return " ".join(c.co_name for c in thing.co_consts if isinstance(c, CodeType))
        return str(getattr(thing, "name", None) or thing.__name__)

    return [(by, name(thing)) for by, thing in bench.iopub.claimed if isinstance(thing, kind)]


@pytest.mark.parametrize(
    "code",
    [
        "def f(): pass",
        "%%time\ndef f(): pass",
        "%%capture\ndef f(): pass",
        "import asyncio\nawait asyncio.sleep(0)\ndef f(): pass",
    ],
)
def test_the_code_of_a_cell(bench: RealShell, code: str) -> None:
    bench.fine(code, parent="one")
    assert ("one", "f") in claimed(bench, CodeType)


def test_the_code_is_the_very_code_of_the_function(bench: RealShell) -> None:
    bench.fine("def f(): pass")
    codes = [constant for _, code in bench.iopub.claimed for constant in code.co_consts]
    assert any(constant is bench.namespace["f"].__code__ for constant in codes)


def test_a_thread_is_claimed_when_it_starts(bench: RealShell) -> None:
    bench.fine(
        "import threading\n"
        "t = threading.Thread(target=print, name='plain'); t.start(); t.join()\n"
        "t = threading.Timer(0, print); t.name = 'timer'; t.start(); t.join()\n"
        "class Mine(threading.Thread):\n    def run(self): pass\n"
        "t = Mine(name='mine'); t.start(); t.join()",
        parent="one",
    )
    assert claimed(bench, threading.Thread) == [("one", n) for n in ("plain", "timer", "mine")]


def test_a_pool_of_multiprocessing_is_made_of_such_threads(bench: RealShell) -> None:
    bench.fine(
        "from multiprocessing.pool import ThreadPool\n"
        "with ThreadPool(2) as pool: pool.map(str, range(4))"
    )
    assert len(claimed(bench, threading.Thread)) >= 2


def test_of_an_executor_the_calls_and_not_the_threads(bench: RealShell) -> None:
    bench.fine(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(1) as pool:\n"
        "    assert pool.submit(len, 'abc').result() == 3\n"
        "    assert list(pool.map(abs, [-1, 2])) == [1, 2]",
        parent="one",
    )
    calls = [(by, f.__name__) for by, f in bench.iopub.claimed if f in (len, abs)]
    assert calls == [("one", "len"), ("one", "abs"), ("one", "abs")]
    assert claimed(bench, threading.Thread) == []


def test_the_doors_are_taken_only_while_a_cell_runs(bench: RealShell) -> None:
    before = (threading.Thread.start, ThreadPoolExecutor.submit)
    bench.namespace["doors"] = doors = []
    look = "doors.append((threading.Thread.start, ThreadPoolExecutor.submit))\n"
    imports = (
        "import asyncio, threading\nfrom concurrent.futures import ThreadPoolExecutor\n" + look
    )
    bench.fine(imports)
    bench.fine(f"await asyncio.sleep(0)\n{look}")
    bench.run(f"{look}1 / 0")
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before
    assert len(doors) == 3
    assert all(start is not before[0] and submit is not before[1] for start, submit in doors)


def test_what_a_cell_puts_there_for_good_stays(bench: RealShell) -> None:
    before = threading.Thread.start
    try:
        bench.fine(
            "import threading\nours = threading.Thread.start\nstarted = []\n"
            "def start(self):\n    started.append(self.name)\n    ours(self)\n"
            "threading.Thread.start = start"
        )
        assert threading.Thread.start is bench.namespace["start"]
        bench.fine("t = threading.Thread(target=print, name='later'); t.start(); t.join()")
        assert bench.namespace["started"] == ["later"]
        assert threading.Thread.start is bench.namespace["start"]
    finally:
        threading.Thread.start = before  # type: ignore[method-assign]


def test_what_a_submitted_call_raises_comes_back(bench: RealShell) -> None:
    bench.fine(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(1) as pool: error = pool.submit(int, 'x').exception()\n"
        "assert type(error) is ValueError"
    )
