"""A soft restart: everything of cells goes, the application does not notice."""

from __future__ import annotations

import json

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HostProgram


@pytest.fixture
def host(start: Starter) -> HostProgram:
    """An application."""
    return start.host()


@pytest.fixture
def frontend(host: HostProgram, start: Starter) -> Frontend:
    """A frontend attached to it."""
    return start.frontend(host)


def restart(frontend: Frontend) -> None:
    """Restart; it is complete when the next cell has run."""
    assert frontend.shutdown(restart=True)["content"] == {"status": "ok", "restart": True}
    outcome = frontend.run("sorted(globals())")
    assert outcome.content["execution_count"] == 1
    assert "made" not in outcome.result
    assert "'first'" in outcome.result


def test_names_tasks_and_timers_go(host: HostProgram, frontend: Frontend) -> None:
    frontend.run(
        "import asyncio\n"
        "made = asyncio.get_event_loop()\n"
        "async def work():\n"
        "    try:\n        await asyncio.sleep(60)\n"
        "    finally:\n        say('task ended')\n"
        "task = made.create_task(work())\n"
        "timer = made.call_later(0.5, say, 'timer')\n"
        "made.call_soon(say, 'begun')"
    )
    host.wait_for_line("begun")
    restart(frontend)
    host.wait_for_line("task ended")
    frontend.run("import asyncio; await asyncio.sleep(0.7)")
    assert "timer" not in host.stdout
    assert {"app", "first", "ticker"} <= set(json.loads(host.ask("names")))


CELLS = {
    "awaits": "import asyncio; say('begun'); await asyncio.sleep(60)",
    "computes": "say('begun')\nwhile True: pass",
    "dialog": "d = QtWidgets.QDialog(first); QtCore.QTimer.singleShot(0, lambda: say('begun')); "
    "d.exec()",
    "awaits in a dialog": "import asyncio; await asyncio.sleep(0); d = QtWidgets.QDialog(first); "
    "QtCore.QTimer.singleShot(0, lambda: say('begun')); d.exec()",
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_under_way_is_ended_and_answered(
    host: HostProgram, frontend: Frontend, name: str
) -> None:
    running = frontend.start(f"made = 1\n{CELLS[name]}")
    host.wait_for_line("begun")
    waiting = frontend.start("made = 2")
    restart(frontend)
    assert frontend.outcome(running).ename in ("KeyboardInterrupt", "CancelledError")
    assert frontend.outcome(waiting).status == "aborted"
    assert json.loads(host.ask("report"))


def test_input(host: HostProgram, frontend: Frontend) -> None:
    running = frontend.start("made = input('? ')")
    assert frontend.prompt() == "? "
    restart(frontend)
    assert frontend.outcome(running).ename == "KeyboardInterrupt"
    assert json.loads(host.ask("report"))
