"""An application that listens to its kernel: the status bar that shows whether it is busy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.programs import Program, next_number

HOST = Path(__file__).parent / "hosts" / "listener.py"


class Host:
    """The running host and how to reach it."""

    def __init__(self, start: Starter) -> None:
        self.connection_file = start.home.runtime / f"kernel-listener-{next_number()}.json"
        self.program: Program = start.program(
            [sys.executable, str(HOST), str(self.connection_file)]
        )
        self.program.wait_for_line("ready")


@pytest.fixture
def host(start: Starter) -> Host:
    """A host that listens."""
    return Host(start)


def test_signals_of_a_cell(host: Host, start: Starter) -> None:
    outcome = start.frontend(host).run("1 / 0")
    assert outcome.ename == "ZeroDivisionError"
    assert outcome.text() == "", "what a slot of the host prints is the host's"
    assert host.program.wait_for_line("signal") == "signal busy"
    assert host.program.wait_for_line("the host prints")
    assert host.program.wait_for_line("signal") == (
        "signal executed '1 / 0' error ZeroDivisionError"
    )
    assert host.program.wait_for_line("signal") == "signal idle"


def test_a_cell_that_awaits_keeps_it_busy(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    msg_id = frontend.start(
        "import asyncio; future = asyncio.get_running_loop().create_future()\nawait future"
    )
    assert host.program.wait_for_line("signal") == "signal busy"
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    assert host.program.wait_for_line("signal").startswith("signal executed")
    assert host.program.wait_for_line("signal") == "signal idle"


def test_closing_from_a_callback(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    assert frontend.run("'the last one'").result == "'the last one'"
    assert host.program.wait_for_line("callback") == "callback closed False"


def test_without_qt_there_are_callbacks_only() -> None:
    script = (
        "import qtkernel\n"
        "from qtkernel.loops.headless import HeadlessLoop\n"
        "kernel = qtkernel.embed({}, loop=HeadlessLoop())\n"
        "try:\n    kernel.signals\n"
        "except RuntimeError as error:\n    print(error)\n"
        "kernel.on('closed', lambda: print('closed'))\n"
        "kernel.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == [
        "there is no Qt application to have signals in; use kernel.on(event, callback)",
        "closed",
    ]
