"""Debugging a kernel inside of an application, and the application's own code with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.debugging import DebugClient
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HOST_SCRIPT, HOSTS, HostProgram

Attach = Callable[[Any], Frontend]


def line_of(text: str) -> int:
    """The line of the application's source in which `text` is."""
    lines = HOST_SCRIPT.read_text().splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if text in line)
    return number


IN_A_SLOT = line_of("windows = (self.first, self.second)")
IN_A_CALL = line_of("Forget the gaps so far") + 1  # made by a slot


@pytest.fixture(scope="module")
def host(start_shared: Starter) -> HostProgram:
    return start_shared.host()


@pytest.fixture
def debugged(host: HostProgram) -> HostProgram:
    return host


def test_a_slot_of_the_application(client: DebugClient, host: HostProgram) -> None:
    """Where the application stops no cell runs; the control channel lets it go on."""
    client.break_at(str(HOST_SCRIPT), IN_A_SLOT)
    host.write_line("report")
    frame = client.stop()
    assert (frame["name"], frame["thread"]) == ("report", 1)
    names = [each["name"] for each in client.frames(1)]
    assert names == ["report", "_read_commands", "main", "<module>"]
    assert (
        client.do("evaluate", expression="self.first.windowTitle()", frameId=frame["id"])["result"]
        == "'first'"
    )
    control = client.frontend.control
    assert control("kernel_info_request")["content"]["status"] == "ok"
    client.do("next", threadId=1)
    stepped = client.stop("step")
    assert stepped["line"] == IN_A_SLOT + 1
    assert "windows" in client.locals(stepped)
    client.go_on(frame)
    assert "nothing yet" in host.wait_for_line("report: ")


def test_an_interrupt_lets_a_slot_go_on(client: DebugClient, host: HostProgram) -> None:
    """It raises nothing in the application's code; the breakpoint stays."""
    client.break_at(str(HOST_SCRIPT), IN_A_SLOT)
    for _ in range(2):
        host.write_line("report")
        client.stop()
        client.frontend.interrupt()
        host.wait_for_line("report: ")


def test_a_cell_in_the_application(client: DebugClient, host: HostProgram) -> None:
    """Its stack ends with the cell, and the application's own frames below."""
    cell = "def show(text):\n    first.label.setText(text)\n    return text\nshow('debugged')"
    client.break_in(cell, 3)
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    names = [each["name"] for each in client.frames(1)]
    assert names == ["show", "<module>", "main", "<module>"]
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).result == "'debugged'"
    assert "debugged" in host.ask("report")


def test_a_slot_of_a_cell(client: DebugClient) -> None:
    cell = "def tick():\n    said = 'tick'\n    print(said)\nQtCore.QTimer.singleShot(0, tick)"
    client.break_in(cell, 3)
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    assert client.locals(frame) == {"said": "'tick'"}
    assert [each["name"] for each in client.frames(1)] == ["tick", "main", "<module>"]
    client.go_on(frame)
    client.frontend.wait_for_text(msg_id, "tick\n")


def test_an_exception_in_a_slot(client: DebugClient) -> None:
    client.do("setExceptionBreakpoints", filters=["raised"])
    cell = "def fail():\n    raise KeyError('here')\nQtCore.QTimer.singleShot(0, fail)"
    msg_id = client.frontend.start(cell)
    frame = client.stop("exception")
    assert frame["name"].startswith("fail")
    client.do("setExceptionBreakpoints", filters=[])
    client.go_on(frame)
    assert client.frontend.wait_for(msg_id, "error")["content"]["ename"] == "KeyError"


def test_one_debugger_a_process(client: DebugClient, tmp_path: Path) -> None:
    """A second kernel in the process is told so, and so is one in an application that an IDE
    debugs."""
    file = tmp_path / "second.json"
    client.frontend.run(
        "import qtkernel\n"
        f"second = qtkernel.embed({{}}, name='second', connection_file={str(file)!r})"
    )
    frontend = Frontend(file)
    other = DebugClient(frontend)
    response = other.ask("initialize", adapterID="")
    assert response["success"] is False
    assert "is being debugged already" in response["message"]
    assert other.do("debugInfo")["isStarted"] is False
    client.do("disconnect")
    other.attach()
    cell = "a = 1\nb = 2"
    other.break_in(cell, 2)
    msg_id = frontend.start(cell)
    other.go_on(other.stop())
    frontend.outcome(msg_id)
    # closed with a session under way: the other one can have it
    frontend.close()
    client.frontend.run("second.close()")
    client.attach()
    client.break_in(cell, 2)
    msg_id = client.frontend.start(cell)
    client.go_on(client.stop())
    client.frontend.outcome(msg_id)


LEFT = """\
import os, sys, threading
def left():
    return [
        sys.gettrace(), threading.gettrace(), sys.settrace, sys.breakpointhook,
        sorted(thread.name for thread in threading.enumerate() if 'pydev' in thread.name),
        {name for name in os.environ if 'PYDEVD' in name},
        [name for name in os.listdir('/tmp') if name.startswith(f'ipykernel_{os.getpid()}')],
    ]
first.label.left = left
"""


def test_closing_ends_the_session(start: Starter) -> None:
    """The application goes on untraced, and can end."""
    host = start.host()
    client = DebugClient(start.frontend(host))
    client.frontend.run(LEFT + "before = left()")
    client.attach()
    client.break_at(str(HOST_SCRIPT), IN_A_SLOT)
    client.break_in("a = 1", 1)
    client.frontend.run("QtCore.QTimer.singleShot(300, lambda: say(f'left: {left() == before}'))")
    host.ask("close")
    assert host.wait_for_line("left: ") == "left: True"
    host.ask("report")  # nothing stops it
    host.ask("quit")
    assert host.wait() == 0


def test_a_session_leaves_no_trace_in_the_application(start: Starter) -> None:
    """But for modules, which cannot be unloaded."""
    file = start.home.runtime / "kernel-traceless.json"
    host = start.program([sys.executable, str(HOSTS / "traceless.py"), "qt", "cold", str(file)])
    host.wait_for_line("ready")
    host.connection_file = file
    client = DebugClient(start.frontend(host))
    client.attach()
    cell = "assert True\nassert 1"
    client.break_in(cell, 2)
    msg_id = client.frontend.start(cell)
    client.go_on(client.stop())
    client.frontend.outcome(msg_id)
    client.do("disconnect")
    client.frontend.start("end()")
    host.wait_for_line("looked")
    assert host.wait() == 0
    assert [line for line in host.stdout if line.startswith("differs")] == []


def test_ending_the_application_with_a_session_under_way(start: Starter) -> None:
    host = start.host()
    client = DebugClient(start.frontend(host))
    client.attach()
    client.break_at(str(HOST_SCRIPT), IN_A_SLOT)
    host.write_line("report")
    client.stop()
    client.do("disconnect")
    host.wait_for_line("report: ")
    client.attach()
    host.ask("quit")
    assert host.wait() == 0


def test_the_frontend_that_stopped_the_application_has_died(start: Starter) -> None:
    """Nobody is left who could let it go on."""
    host = start.host()
    frontend = start.frontend(host)
    client = DebugClient(frontend)
    client.attach()
    client.break_at(str(HOST_SCRIPT), IN_A_CALL)
    host.write_line("start over")
    client.stop()
    frontend.close()
    host.wait_for_line("start over: ")
    # and nothing traces it any more, which would make it ten times as slow
    outcome = start.frontend(host).run("import sys; sys.gettrace() is None")
    assert outcome.result == "True"


def test_one_that_has_only_looked_is_no_reason_to_stand_still(start: Starter) -> None:
    """JupyterLab asks for debugInfo wherever it opens a notebook."""
    host = start.host()
    frontend, looks = start.frontend(host), DebugClient(start.frontend(host))
    assert looks.do("debugInfo")["isStarted"] is False
    client = DebugClient(frontend)
    client.attach()
    client.break_at(str(HOST_SCRIPT), IN_A_SLOT)
    assert looks.do("debugInfo")["isStarted"] is True
    host.write_line("report")
    client.stop()
    frontend.close()
    host.wait_for_line("report: ")
    assert looks.do("debugInfo")["isStarted"] is False
