"""Interrupts, by message and by signal, of everything that a cell can be doing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HostProgram, KernelProgram

Attach = Callable[[KernelProgram | HostProgram], Frontend]

CELLS = {
    "loop": "print('begun', flush=True)\nwhile True: pass",
    "sleep": "import time\nprint('begun', flush=True)\ntime.sleep(60)",
    "await": "import asyncio\nprint('begun', flush=True)\nawait asyncio.sleep(60)",
    "input": "input('begun')",
}


def begin(frontend: Frontend, kind: str) -> str:
    """Start a cell and wait until it is where it shall be interrupted."""
    msg_id = frontend.start(CELLS[kind])
    if kind == "input":
        assert frontend.prompt() == "begun"
    else:
        frontend.wait_for(msg_id, "stream")
    return msg_id


def assert_interrupted(frontend: Frontend, msg_id: str) -> None:
    """The cell ended by a KeyboardInterrupt of its own, and nothing is left of it."""
    assert frontend.outcome(msg_id, timeout=10).ename == "KeyboardInterrupt"
    assert frontend.run("6 * 7").result == "42"
    assert frontend.run("import time; time.sleep(0.06); 'unhurt'").result == "'unhurt'"


@pytest.mark.parametrize("kind", CELLS)
def test_interrupt_request(kernel: KernelProgram, attach: Attach, kind: str) -> None:
    frontend = attach(kernel)
    msg_id = begin(frontend, kind)
    frontend.interrupt()
    assert_interrupted(frontend, msg_id)


@pytest.mark.parametrize("kind", CELLS)
def test_sigint(kernel: KernelProgram, attach: Attach, kind: str) -> None:
    frontend = attach(kernel)
    msg_id = begin(frontend, kind)
    os.kill(kernel.pid, signal.SIGINT)
    assert_interrupted(frontend, msg_id)


def test_sigint_while_idle_is_for_nobody(kernel: KernelProgram, attach: Attach) -> None:
    frontend = attach(kernel)
    for _ in range(3):
        os.kill(kernel.pid, signal.SIGINT)
        frontend.interrupt()
    assert frontend.run("1 + 1").result == "2"


def test_fifty_interrupts_into_short_cells(kernel: KernelProgram, attach: Attach) -> None:
    frontend = attach(kernel)
    for number in range(50):
        msg_id = frontend.start(f"n = sum(range(20_000)), {number}")
        frontend.interrupt()
        outcome = frontend.outcome(msg_id)
        assert outcome.status == "ok" or outcome.ename == "KeyboardInterrupt"
        assert frontend.run(f"{number}").result == str(number)


@pytest.fixture(scope="module")
def host(start_shared: Starter) -> HostProgram:
    """An application that every test here leaves as it was."""
    return start_shared.host()


@pytest.mark.parametrize("kind", CELLS)
def test_in_a_host(host: HostProgram, attach: Attach, kind: str) -> None:
    frontend = attach(host)
    msg_id = begin(frontend, kind)
    frontend.interrupt()
    assert_interrupted(frontend, msg_id)
    assert host.ask("sigint") == "own"
    os.kill(host.pid, signal.SIGINT)
    host.wait_for_line("the host got SIGINT")
