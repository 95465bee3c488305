"""asyncio in cells: what works in a plain script or at ``python -m asyncio`` works here."""

from __future__ import annotations

import asyncio
import contextvars
from asyncio import events
from typing import Any

import pytest

from qtkernel.interpreter import Pending
from tests.support.real_shell import RealShell


def state() -> tuple[Any, ...]:
    """asyncio's global state on this thread."""
    policy = events._event_loop_policy  # type: ignore[attr-defined]
    return policy, asyncio._get_running_loop()


@pytest.fixture(autouse=True)
def _nothing_of_it_changes() -> Any:
    before = state()
    yield
    assert state() == before


def settle(bench: RealShell, name: str = "made") -> None:
    """Let the loop run until the namespace has `name`: there is no cell that waits for it."""

    def look() -> None:
        if bench.namespace.get(name):
            bench.loop.stop()
        else:
            bench.loop.call_later(0.001, look)

    bench.loop.call_later(0, look)
    bench.loop.run()


START = [
    "asyncio.get_event_loop().create_task(work())",
    "asyncio.ensure_future(work())",
    "asyncio.get_event_loop().call_later(0.001, made.append, 1)",
    "asyncio.get_event_loop().call_soon(made.append, 1)",
    "asyncio.gather(work(), work())",
    "asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), asyncio.get_event_loop()))",
]


@pytest.mark.parametrize("code", START)
def test_what_a_synchronous_cell_starts_runs_after_it(bench: RealShell, code: str) -> None:
    bench.fine(
        "import asyncio\nmade = []\n"
        "async def work():\n    await asyncio.sleep(0.001)\n    made.append(1)"
    )
    bench.fine(f"started = {code}\nearly = list(made)")
    assert bench.namespace["early"] == []
    settle(bench)
    bench.fine("await asyncio.sleep(0.01)")


def test_it_is_the_loop_of_cells_that_await(bench: RealShell) -> None:
    bench.fine("import asyncio\nfirst = asyncio.get_event_loop()")
    bench.fine("await asyncio.sleep(0)\nsecond = asyncio.get_running_loop()")
    assert bench.namespace["first"] is bench.namespace["second"]


def test_it_can_be_run_in_a_cell(bench: RealShell) -> None:
    bench.fine(
        "import asyncio\n"
        "value = asyncio.get_event_loop().run_until_complete(asyncio.sleep(0.001, 5))"
    )
    assert bench.namespace["value"] == 5


def test_asyncio_run_leaves_the_default_loop(bench: RealShell) -> None:
    bench.fine(
        "import asyncio\n"
        "before = asyncio.get_event_loop()\n"
        "async def same():\n    return asyncio.get_event_loop() is asyncio.get_running_loop()\n"
        "own = asyncio.run(same())\n"
        "same = asyncio.get_event_loop() is before"
    )
    assert (bench.namespace["own"], bench.namespace["same"]) == (True, True)


def test_a_loop_that_a_cell_sets_is_the_default_in_later_cells(bench: RealShell) -> None:
    bench.fine("import asyncio\nmine = asyncio.new_event_loop()\nasyncio.set_event_loop(mine)")
    bench.fine("kept = asyncio.get_event_loop() is mine\nmine.close()")
    bench.fine("after = asyncio.get_event_loop()")
    assert bench.namespace["kept"] is True
    assert bench.namespace["after"] is bench.guest.asyncio_loop


def test_threads_have_no_loop_and_can_make_one(bench: RealShell) -> None:
    bench.fine(
        "import asyncio, threading\nmade = []\n"
        "def work():\n"
        "    try:\n        asyncio.get_event_loop()\n"
        "    except RuntimeError as error:\n        made.append('none')\n"
        "    made.append(asyncio.run(asyncio.sleep(0, 'ran')))\n"
        "thread = threading.Thread(target=work)\nthread.start(); thread.join()"
    )
    assert bench.namespace["made"] == ["none", "ran"]


def test_a_policy_that_a_cell_sets_on_purpose_stays(bench: RealShell) -> None:
    before = events._event_loop_policy  # type: ignore[attr-defined]
    bench.fine(
        "import asyncio, warnings\n"
        "class Own(asyncio.DefaultEventLoopPolicy): pass\n"
        "asyncio.set_event_loop_policy(Own())"
    )
    try:
        assert type(events._event_loop_policy).__name__ == "Own"  # type: ignore[attr-defined]
        bench.fine("asyncio.run(asyncio.sleep(0))")
        assert type(events._event_loop_policy).__name__ == "Own"  # type: ignore[attr-defined]
    finally:
        events._event_loop_policy = before  # type: ignore[attr-defined]


def test_two_shells_inside_each_other(make_shell: Any) -> None:
    one, two = make_shell(), make_shell()
    code = "import asyncio\nasyncio.run(asyncio.sleep(0))\nloop = asyncio.get_event_loop()"
    two.namespace["back"] = lambda: one.fine("again = asyncio.get_event_loop()")
    one.namespace["other"] = lambda: two.fine(f"{code}\nback()\nasyncio.new_event_loop().close()")
    one.fine(f"{code}\nother()\nasyncio.new_event_loop().close()")
    loops = [one.namespace["loop"], one.namespace["again"], two.namespace["loop"]]
    assert loops == [one.guest.asyncio_loop, one.guest.asyncio_loop, two.guest.asyncio_loop]


FORMS = {
    "subprocess": "import sys\n"
    "p = await asyncio.create_subprocess_exec(sys.executable, '-c', 'print(5)', stdout=-1)\n"
    "out, _ = await p.communicate()\nvalue = int(out)",
    "subprocess in a task": "import sys\n"
    "async def work():\n"
    "    p = await asyncio.create_subprocess_exec(sys.executable, '-c', 'print(5)', stdout=-1)\n"
    "    out, _ = await p.communicate()\n    return int(out)\n"
    "value = await asyncio.create_task(work())",
    "to_thread": "value = await asyncio.to_thread(lambda: 5)",
    "executor": "value = await asyncio.get_running_loop().run_in_executor(None, lambda: 5)",
    "group": "async with asyncio.TaskGroup() as group:\n"
    "    task = group.create_task(asyncio.sleep(0.001, 5))\nvalue = task.result()",
    "timeout": "try:\n    async with asyncio.timeout(0.001):\n        await asyncio.sleep(60)\n"
    "except TimeoutError:\n    value = 5",
    "wait_for": "value = await asyncio.wait_for(asyncio.sleep(0.001, 5), 60)",
    "streams": "async def serve(r, w):\n    w.write(await r.readline())\n    w.close()\n"
    "server = await asyncio.start_server(serve, '127.0.0.1', 0)\n"
    "port = server.sockets[0].getsockname()[1]\n"
    "reader, writer = await asyncio.open_connection('127.0.0.1', port)\n"
    "writer.write(b'5\\n')\nvalue = int(await reader.readline())\n"
    "writer.close()\nserver.close()\nawait server.wait_closed()",
    "queue": "queue = asyncio.Queue()\n"
    "asyncio.get_running_loop().call_soon(queue.put_nowait, 5)\nvalue = await queue.get()",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_waiting(bench: RealShell, form: str) -> None:
    bench.fine(f"import asyncio\n{FORMS[form]}")
    assert bench.namespace["value"] == 5


def test_an_asynchronous_generator_that_is_left_ends_with_the_kernel(make_shell: Any) -> None:
    bench = make_shell()
    bench.fine(
        "import asyncio\nmade = []\n"
        "async def numbers():\n"
        "    try:\n        yield 1\n        yield 2\n"
        "    finally:\n        await asyncio.sleep(0)\n        made.append('ended')\n"
        "left = numbers()\nfirst = await left.__anext__()"
    )
    assert bench.namespace["made"] == []
    bench.guest.close()
    assert bench.namespace["made"] == ["ended"]


def test_a_task_finds_the_shell_and_its_displays(bench: RealShell) -> None:
    bench.fine(
        "import asyncio\nfrom IPython import get_ipython as gi\n"
        "from IPython.display import display as show\n"
        "async def work():\n    await asyncio.sleep(0.001)\n    show(5)\n    made.append(gi())\n"
        "made = []\ntask = asyncio.ensure_future(work())"
    )
    settle(bench)
    assert bench.namespace["made"] == [bench.shell]
    assert ("display_data", "5") in [
        (msg_type, content.get("data", {}).get("text/plain"))
        for msg_type, content in bench.iopub.take()
    ]


# A cell on a loop of the host's, which the kernel can neither run nor close


class OnForeignLoop:
    """A cell that has been parked on a loop that somebody else runs."""

    def __init__(self, bench: RealShell, code: str, *, begin: bool = True) -> None:
        self.bench = bench
        self.loop = asyncio.SelectorEventLoop()  # new_event_loop() would set up a policy
        bench.interpreter._asyncio_loop = lambda: self.loop
        bench.take_streams()
        self.execute = bench.interpreter.execute(
            code, silent=False, store_history=True, user_expressions={}, cell_id=None
        )
        self.resolved: list[bool] = []
        # not in the test's own context, as in life
        self.pending: Pending = contextvars.copy_context().run(self.execute.send, None)
        self.pending.on_resolved(lambda: self.resolved.append(True))
        if begin:
            self.loop.run_until_complete(asyncio.sleep(0.001))

    def ename(self) -> str:
        """The end of the cell, which must be there."""
        assert self.resolved == [True]
        with pytest.raises(StopIteration) as stop:
            self.execute.send(None)
        error = stop.value.value.error
        return "" if error is None else str(error.ename)

    def go_on(self) -> None:
        """The host's loop has another turn, and is closed."""
        problems: list[Any] = []
        self.loop.set_exception_handler(lambda _loop, context: problems.append(context))
        self.loop.run_until_complete(asyncio.sleep(0.001))
        self.loop.close()
        assert problems == []


CELLS = {
    "plain": ("import asyncio\nawait asyncio.sleep(60)", "CancelledError"),
    "finally": (
        "import asyncio\ntry:\n    await asyncio.sleep(60)\nfinally:\n    made.append(1)",
        "CancelledError",
    ),
    "takes it": (
        "import asyncio\ntry:\n    await asyncio.sleep(60)\n"
        "except asyncio.CancelledError:\n    made.append(1)",
        "",
    ),
    "awaits again": (
        "import asyncio\nwhile True:\n    try:\n        await asyncio.sleep(60)\n"
        "    except BaseException:\n        made.append(1)\n        if len(made) > 2: raise",
        "RuntimeError",
    ),
    "group": (
        "import asyncio\nasync with asyncio.TaskGroup() as group:\n"
        "    task = group.create_task(asyncio.sleep(60))",
        "KeyboardInterrupt",
    ),
}


@pytest.mark.parametrize("begin", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_on_the_host_s_loop_ends_with_the_kernel(
    make_shell: Any, name: str, begin: bool
) -> None:
    code, ename = CELLS[name]
    bench = make_shell({"made": []})
    cell = OnForeignLoop(bench, code, begin=begin)
    bench.interpreter.end_awaiting()
    assert cell.ename() == (ename if begin else "CancelledError")
    assert begin is False or name in ("plain", "group") or bench.namespace["made"]
    cell.go_on()


def test_a_cell_on_a_loop_that_the_host_has_closed_ends(make_shell: Any) -> None:
    bench = make_shell()
    cell = OnForeignLoop(bench, "import asyncio\nawait asyncio.sleep(60)")
    cell.loop.close()
    bench.interpreter.end_awaiting()
    assert cell.ename() == "CancelledError"


def test_ended_from_within_the_host_s_loop(make_shell: Any) -> None:
    bench = make_shell()
    cell = OnForeignLoop(bench, "import asyncio\nawait asyncio.sleep(60)")
    cell.loop.call_soon(bench.interpreter.end_awaiting)
    cell.go_on()
    assert cell.ename() == "CancelledError"
