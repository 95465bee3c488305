"""nest_asyncio, with which many notebooks begin: asyncio inside asyncio, in a guest of a loop."""

from __future__ import annotations

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend

DEFINITIONS = """
import asyncio, threading
import nest_asyncio2 as nest_asyncio

def waits(value):
    return asyncio.get_event_loop().run_until_complete(asyncio.sleep(0.01, value))

async def nested(depth):
    return waits("bottom") if depth == 0 else asyncio.run(nested(depth - 1))

async def all_at_once():
    return await asyncio.gather(*(nested(depth) for depth in range(3)))
"""


@pytest.fixture(params=["headless", "qt"])
def frontend(request: pytest.FixtureRequest, start: Starter) -> Frontend:
    # it changes asyncio in the whole process: one kernel for each test
    frontend = start.frontend(start.kernel(request.param))
    assert frontend.run(DEFINITIONS).status == "ok"
    return frontend


def test_asyncio_inside_asyncio(frontend: Frontend) -> None:
    assert frontend.run("await nested(0)").ename == "RuntimeError"
    assert frontend.run("nest_asyncio.apply()").status == "ok"
    for code, result in {
        "asyncio.run(asyncio.sleep(0.01, 'run'))": "'run'",
        "waits('waited')": "'waited'",
        "await nested(3)": "'bottom'",
        "asyncio.run(nested(3))": "'bottom'",
        "await all_at_once()": "['bottom', 'bottom', 'bottom']",
        "await asyncio.sleep(0.01, 'slept')": "'slept'",
    }.items():
        assert frontend.run(code).result == result, code


def test_the_default_loop_of_asyncio_stays(frontend: Frontend) -> None:
    assert frontend.run("before = asyncio.get_event_loop(); nest_asyncio.apply()").status == "ok"
    assert frontend.run("asyncio.get_event_loop() is before").result == "True"
    assert (
        frontend.run("await asyncio.sleep(0); asyncio.get_running_loop() is before").result
        == "True"
    )
    elsewhere = "made = []\n" + (
        "def work():\n    made.append(asyncio.get_event_loop())\n    made[0].close()\n"
        "thread = threading.Thread(target=work)\nthread.start(); thread.join()\n"
        "made[0] is not before"
    )
    assert frontend.run(elsewhere).result == "True"


def test_tasks_go_on_after_a_run_inside_a_step(frontend: Frontend) -> None:
    frontend.run("nest_asyncio.apply()")
    code = (
        "done = asyncio.Event()\n"
        "async def work():\n    await asyncio.sleep(0.05)\n    done.set()\n"
        "task = asyncio.create_task(work())\n"
    )
    for run in ("await nested(1)", "waits(1)"):
        assert frontend.run(code + run).status == "ok"
        # nothing but the guest's own steps brings it to its end
        assert frontend.run("await asyncio.wait_for(done.wait(), 20)").result == "True"
    # at the end of the process the tasks in Python that nest_asyncio brings would complain
    frontend.run("del task")
