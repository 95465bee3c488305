"""Hosts whose loop is asyncio's: cells await on it, and it never meets a cell's own doings."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HOSTS, ROOT, Program
from tests.support.binding import IS_PYSIDE


def _packages(kind: str) -> str:
    """Where the host finds what drives its loop; skips without it."""
    if kind == "asyncio":
        return str(ROOT)
    if kind == "QtAsyncio" and not IS_PYSIDE:
        pytest.skip("PySide6.QtAsyncio needs PySide6 (QTKERNEL_TEST_BINDING=PySide6)")
    package = "qasync" if kind == "qasync" else "PySide6"
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    directory = Path(spec.origin).parent
    if kind == "QtAsyncio" and not (directory / "QtAsyncio").is_dir():
        pytest.skip("PySide6.QtAsyncio is in PySide6_Addons, which is not installed")
    return os.pathsep.join([str(ROOT), str(directory.parent)])


@pytest.fixture(params=["qasync", "QtAsyncio", "asyncio"])
def kind(request: pytest.FixtureRequest) -> str:
    """What drives the host's loop."""
    return str(request.param)


@pytest.fixture
def host(kind: str, start: Starter) -> Program:
    """An application on it."""
    path = _packages(kind)
    file = start.home.runtime / f"kernel-{kind}.json"
    program = start.program(
        [sys.executable, str(HOSTS / "on_asyncio.py"), kind, str(file)],
        environment={"PYTHONPATH": path},
    )
    program.connection_file = file
    program.wait_for_line("ready")
    return program


@pytest.fixture
def frontend(host: Program, start: Starter) -> Frontend:
    """A frontend attached to it."""
    return start.frontend(host)


def end(host: Program) -> None:
    """The host has ended in good order, and nothing of it was harmed."""
    assert host.wait_for_line("ticks: ") == "ticks: fine"
    assert host.wait_for_line("state: ") == "state: same"
    assert host.wait() == 0
    assert host.stdout[-1] == "ended"


TRUE = [
    "await asyncio.sleep(0.01); asyncio.get_running_loop() is host_loop",
    "asyncio.get_event_loop() is host_loop",
    "asyncio.run(asyncio.sleep(0.01, True))",
    "loop = asyncio.new_event_loop(); value = loop.run_until_complete(asyncio.sleep(0, True)); "
    "loop.close(); value and asyncio.get_event_loop() is host_loop",
    "asyncio.run(asyncio.sleep(0.01, True)) and asyncio.run(asyncio.sleep(0.01, True))",
    "n = len(ticks); await asyncio.to_thread(__import__('time').sleep, 0.2); len(ticks) > n + 3",
    "await asyncio.wait_for(asyncio.sleep(0.01, True), 60)",
]


def test_cells(host: Program, frontend: Frontend) -> None:
    for code in TRUE:
        assert (code, frontend.run(f"import asyncio; {code}").result) == (code, "True")
    frontend.run("made = []\nasync def work():\n    await asyncio.sleep(0.01); made.append(1)")
    for code in ("asyncio.get_event_loop().create_task(work())", "asyncio.ensure_future(work())"):
        assert frontend.run(f"made.clear(); task = {code}; made").result == "[]"
        assert frontend.run("await task; made").result == "[1]"
    outcome = frontend.run("await asyncio.sleep(0.01)\n1 / 0")
    assert outcome.ename == "ZeroDivisionError"
    outcome = frontend.run("asyncio.get_event_loop().run_until_complete(host_loop.create_future())")
    assert "already running" in outcome.content["evalue"]
    assert frontend.run("import gc; gc.collect(); 'alive'").result == "'alive'"
    frontend.start("stop.set()")
    end(host)


def test_a_cell_that_awaits_is_interrupted(host: Program, frontend: Frontend) -> None:
    msg_id = frontend.start("import asyncio; say('begun'); await asyncio.sleep(60)")
    host.wait_for_line("begun")
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    frontend.start("stop.set()")
    end(host)


def test_close_answers_a_cell_that_awaits(host: Program, frontend: Frontend) -> None:
    code = (
        "import asyncio\n"
        "host_loop.call_later(0.2, stop.set)\n"
        "try:\n    await asyncio.sleep(60)\n"
        "finally:\n    say('finally')"
    )
    assert frontend.run(code).ename == "CancelledError"
    host.wait_for_line("finally")
    end(host)


def test_the_host_s_tasks_go_on_in_a_dialog_of_a_cell(
    kind: str, host: Program, frontend: Frontend
) -> None:
    if kind == "asyncio":
        pytest.skip("there are no dialogs")
    code = (
        "import asyncio\n"
        "dialog = QtWidgets.QDialog()\n"
        "n = len(ticks); timer = QtCore.QTimer()\n"
        "timer.timeout.connect(lambda: len(ticks) > n + 3 and dialog.accept())\n"
        "timer.start(5); dialog.exec(); timer.stop()\n"
        "asyncio.run(asyncio.sleep(0)); 'went on'"
    )
    assert frontend.run(code).result == "'went on'"
    # in the nested loop of input() a task of the host's says when it has ticked
    msg_id = frontend.start(
        "async def say_after(n):\n"
        "    n += len(ticks)\n"
        "    while len(ticks) < n: await asyncio.sleep(0.001)\n"
        "    say('ticked')\n"
        "asyncio.get_event_loop().create_task(say_after(5)); input('how? ')"
    )
    assert frontend.prompt() == "how? "
    host.wait_for_line("ticked")
    frontend.answer("well")
    assert frontend.outcome(msg_id).result == "'well'"
    frontend.start("stop.set()")
    end(host)
