"""Cells with a top-level await, on the guest loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.real_shell import RealShell


def test_a_cell_may_await(bench: RealShell) -> None:
    bench.fine("import asyncio\nvalue = await asyncio.sleep(0.001, 'slept')")
    assert bench.namespace["value"] == "slept"


def test_a_result_may_be_awaited(bench: RealShell) -> None:
    bench.fine("import asyncio\nawait asyncio.sleep(0.001, 5)")
    assert bench.iopub.take()[0][1]["data"] == {"text/plain": "5"}


@pytest.mark.parametrize(
    "code",
    [
        "async for n in numbers(): made.append(n)",
        "async with context() as n: made.append(n)",
        "made += [n async for n in numbers()]",
    ],
)
def test_the_other_forms(bench: RealShell, code: str) -> None:
    bench.fine(
        "import contextlib\nmade = []\n"
        "async def numbers():\n    yield 1\n"
        "@contextlib.asynccontextmanager\nasync def context():\n    yield 1"
    )
    bench.fine(code)
    assert bench.namespace["made"] == [1]


def test_an_error_behind_an_await(bench: RealShell) -> None:
    answer = bench.run("import asyncio\nawait asyncio.sleep(0)\n1/0")
    assert answer.error is not None
    assert answer.error.ename == "ZeroDivisionError"
    bench.fine("1")


def test_in_each_step_the_cell_s_environment_is_there_and_between_them_not(
    bench: RealShell,
) -> None:
    import builtins

    from IPython.core.getipython import get_ipython

    seen: list[Any] = []
    bench.answers = ["one", "two"]
    bench.namespace["host"] = lambda callback: bench.loop.call_later(0, callback)
    bench.namespace["between"] = lambda: seen.append((builtins.input, get_ipython()))
    before = builtins.input
    bench.fine(
        "import asyncio\nfrom IPython import get_ipython as gi\n"
        "host(between)\n"
        "a = input()\nawait asyncio.sleep(0.05)\nb = input()\nmine = gi()"
    )
    assert (bench.namespace["a"], bench.namespace["b"]) == ("one", "two")
    assert bench.namespace["mine"] is bench.shell
    assert seen == [(before, None)]


def test_tasks_of_a_cell_live_on_between_cells(bench: RealShell) -> None:
    bench.fine(
        "import asyncio\nmade = []\n"
        "async def work():\n    await asyncio.sleep(0.001)\n    made.append(1)\n"
        "await asyncio.sleep(0)\ntask = asyncio.create_task(work())"
    )
    bench.fine("await task")
    assert bench.namespace["made"] == [1]


def test_output_of_a_task_is_its_cell_s(bench: RealShell) -> None:
    bench.fine(
        "import asyncio\n"
        "async def work():\n    await asyncio.sleep(0.001)\n    print('from the task')\n"
        "await asyncio.sleep(0)\ntask = asyncio.create_task(work())",
        parent="first",
    )
    bench.fine("await task", parent="second")
    assert bench.iopub.take() == [("stream", {"name": "stdout", "text": "from the task\n"})]
    assert bench.iopub.parents == ["first"]


def test_a_synchronous_cell_may_run_a_loop_of_its_own(bench: RealShell) -> None:
    bench.fine("import asyncio\nvalue = asyncio.run(asyncio.sleep(0.001, 'run'))")
    assert bench.namespace["value"] == "run"


@pytest.mark.parametrize("module", ["asyncio", "asyncio.events"])
def test_a_synchronous_cell_finds_the_loop_of_its_tasks(bench: RealShell, module: str) -> None:
    before = asyncio.get_running_loop, asyncio.events.get_running_loop
    bench.fine(f"import asyncio, asyncio.events\nloop = {module}.get_running_loop()")
    assert bench.namespace["loop"] is bench.guest.asyncio_loop
    assert (asyncio.get_running_loop, asyncio.events.get_running_loop) == before
    assert asyncio._get_running_loop() is None


def test_a_task_of_a_synchronous_cell(bench: RealShell) -> None:
    bench.fine(
        "import asyncio\nasync def work(): return 5\n"
        "task = asyncio.create_task(work())\nvalue = asyncio.run(work())"
    )
    assert bench.namespace["value"] == 5
    bench.fine("later = await task")
    assert bench.namespace["later"] == 5


def test_only_the_cells_own_thread_finds_it(bench: RealShell) -> None:
    bench.fine(
        "import asyncio, threading\nerrors = []\n"
        "def ask():\n"
        "    try: asyncio.get_running_loop()\n"
        "    except RuntimeError as error: errors.append(str(error))\n"
        "thread = threading.Thread(target=ask); thread.start(); thread.join()"
    )
    assert bench.namespace["errors"] == ["no running event loop"]


def test_a_cell_that_is_cancelled_by_the_loop_s_end_is_answered(bench: RealShell) -> None:
    execute = bench.interpreter.execute(
        "import asyncio\nawait asyncio.sleep(60)",
        silent=False,
        store_history=True,
        user_expressions={},
        cell_id=None,
    )
    bench.take_streams()
    with bench.iopub.request("cell"):
        pending = execute.send(None)
    resolved: list[bool] = []
    pending.on_resolved(lambda: resolved.append(True))
    bench.loop.call_soon_threadsafe(lambda: bench.loop.call_soon_threadsafe(bench.loop.stop))
    bench.loop.run()
    bench.guest.close()
    assert resolved == [True]
    with bench.iopub.request("cell"), pytest.raises(StopIteration) as stop:
        execute.send(None)
    assert stop.value.value.error.ename == asyncio.CancelledError.__name__
    assert bench.iopub.take()[-1][0] == "error"


def test_user_expressions_after_an_await(bench: RealShell) -> None:
    answer = bench.fine(
        "import asyncio\nx = await asyncio.sleep(0, 5)", user_expressions={"x": "x"}
    )
    assert answer.user_expressions["x"]["data"] == {"text/plain": "5"}
