"""What a kernel tells of itself, and of its request, to frontends and to a cell's own code."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.support.binding import BINDING

VERSION = "str(__import__('{}.QtCore').QtCore.qVersion())"


def told(frontend: Frontend) -> dict[str, Any]:
    """kernel_info of both channels, which must be the same."""
    shell = frontend.outcome(frontend.client.kernel_info()).content
    control = frontend.control("kernel_info_request")["content"]
    assert shell == control
    assert shell["protocol_version"] == "5.5"
    assert shell["supported_features"] == ["debugger"]
    return shell["qtkernel"]  # type: ignore[no-any-return]


def test_an_application_says_which_it_is(start: Starter) -> None:
    host = start.host()
    frontend = start.frontend(host)
    version = frontend.run(VERSION.format(BINDING)).result.strip("'")
    assert told(frontend) == {
        "application": "host",
        "pid": host.pid,
        "embedded": True,
        "loop": "qt",
        "qt_binding": BINDING,
        "qt_version": version,
        "transport": "ipc" if os.name == "posix" else "tcp",
    }


def test_it_is_right_after_each_switch(start: Starter) -> None:
    kernel = start.kernel("headless", "--transport=tcp")
    frontend = start.frontend(kernel)
    first = told(frontend)
    assert first == {
        "application": "qtkernel",
        "pid": kernel.pid,
        "embedded": False,
        "loop": "headless",
        "qt_binding": None,
        "qt_version": None,
        "transport": "tcp",
    }
    # asking has imported no binding
    assert frontend.run(f"import sys; '{BINDING}' in sys.modules").result == "False"
    assert frontend.run("%gui qt").status == "ok"
    moved = told(frontend)
    version = frontend.run(VERSION.format(BINDING)).result.strip("'")
    assert moved == first | {"loop": "qt", "qt_binding": BINDING, "qt_version": version}
    assert frontend.run("%gui tk").status == "ok"
    assert told(frontend) == first | {"loop": "tk"}


def test_usage_is_told_while_a_cell_spins(start: Starter) -> None:
    frontend = start.frontend(start.host())
    cell = frontend.start("while True: pass")
    frontend.wait_for(cell, "execute_input")
    for _ in range(3):
        content = frontend.control("usage_request")["content"]
    assert content["kernel_cpu"] > 10
    assert content["kernel_memory"] > 1_000_000
    frontend.interrupt()
    assert frontend.outcome(cell).ename == "KeyboardInterrupt"


@pytest.mark.parametrize("cell_id", ["abc-1", None])
def test_the_cell_id_is_where_packages_look_for_it(start: Starter, cell_id: str | None) -> None:
    frontend = start.frontend(start.host())
    frontend.run(
        "def note(info): noted.append(info.cell_id)\n"
        "noted = []; get_ipython().events.register('pre_run_cell', note)"
    )
    message = frontend.client.session.msg(
        "execute_request",
        {"code": "noted[-1], get_ipython().get_parent()['metadata']['cellId']"},
        metadata={"cellId": cell_id},
    )
    frontend.client.shell_channel.send(message)
    outcome = frontend.outcome(message["header"]["msg_id"])
    assert outcome.result == repr((cell_id, cell_id))
    assert {"started", "dependencies_met", "status"} == set(outcome.reply["metadata"])
    frontend.run("get_ipython().events.unregister('pre_run_cell', note)")
