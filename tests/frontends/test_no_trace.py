"""After close() the process is as it was: looked at by code that knows nothing of the kernel."""

from __future__ import annotations

import sys

import pytest

from tests.frontends.conftest import LOOPS, Starter
from tests.frontends.support.nasty_cells import run_all
from tests.frontends.support.programs import HOSTS

COLD = [pytest.param(loop, "cold", id=loop) for loop in LOOPS]
WARM = [
    pytest.param(loop, "warm", id=f"{loop}-warm", marks=[] if loop == "qt" else pytest.mark.slow)
    for loop in LOOPS
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("loop", "warmth"), COLD + WARM)
def test_a_closed_kernel_leaves_no_trace(start: Starter, loop: str, warmth: str) -> None:
    file = start.home.runtime / "kernel-traceless.json"
    host = start.program([sys.executable, str(HOSTS / "traceless.py"), loop, warmth, str(file)])
    host.wait_for_line("ready")
    host.connection_file = file
    frontend = start.frontend(host)
    run_all(frontend, guest=loop != "asyncio")
    frontend.start("end()")
    host.wait_for_line("looked")
    assert host.wait() == 0
    assert [line for line in host.stdout if line.startswith("differs")] == []
