"""tcp, ipc and CurveZMQ, with jupyter_client's own reading of the connection file."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from tests.frontends.conftest import Starter


def described(kernel: Any) -> dict[str, Any]:
    """The connection file."""
    content: dict[str, Any] = json.loads(kernel.connection_file.read_text())
    return content


@pytest.mark.parametrize("curve", [False, True], ids=["plain", "curve"])
@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_transport(start: Starter, transport: str, curve: bool) -> None:
    options = ["--curve"] if curve else []
    kernel = start.kernel("headless", f"--transport={transport}", *options)
    info = described(kernel)
    assert info["transport"] == transport
    assert ("curve_publickey" in info) == curve
    assert stat.S_IMODE(kernel.connection_file.stat().st_mode) == 0o600
    frontend = start.frontend(kernel)
    assert frontend.run("6 * 7").result == "42"
    msg_id = frontend.start("input('?')")
    frontend.prompt()
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"


def test_the_default_is_ipc_in_a_directory_of_its_own(start: Starter) -> None:
    from pathlib import Path

    info = described(start.kernel("headless"))
    assert info["transport"] == "ipc"
    assert stat.S_IMODE(Path(info["ip"]).parent.stat().st_mode) == 0o700


def test_a_wrong_key_gets_no_answer(start: Starter) -> None:
    kernel = start.kernel("headless", expected=lambda line: "refused a message" in line)
    outsider, wire = start.wire(kernel, key=b"not the key"), start.wire(kernel)
    for msg_type in ("kernel_info_request", "execute_request", "shutdown_request"):
        outsider.send(msg_type, {"code": "hacked = 1"})
    # what the outsider sent has been read when a later request is answered
    assert wire.request("kernel_info_request")["status"] == "ok"
    assert not outsider.has_reply(200)
    assert wire.execute("hacked")["ename"] == "NameError"
    kernel.wait_for_error_line("[qtkernel] WARNING")


def test_without_the_curve_key_there_is_no_connection(start: Starter) -> None:
    # Wire does not speak CurveZMQ: it knows the key of the messages, and that is not enough
    kernel = start.kernel("headless", "--transport=tcp", "--curve")
    wire = start.wire(kernel)
    wire.send("kernel_info_request")
    assert start.frontend(kernel).run("1").result == "1"
    assert not wire.has_reply(200)


def test_a_file_from_a_manager_is_obeyed(start: Starter) -> None:
    first = start.kernel("headless", "--transport=tcp")
    # a manager's file has no more than this; with the pid of a kernel that has died it would count
    # as left behind, and be written anew
    known = ("transport", "ip", "key", "signature_scheme", "kernel_name")
    content = json.dumps(
        {k: v for k, v in described(first).items() if k in known or k.endswith("_port")}
    )
    start.frontend(first).shutdown()
    assert first.wait() == 0
    handed_over = start.home.runtime / "kernel-handed-over.json"
    handed_over.write_text(content)
    handed_over.chmod(0o600)
    second = start.kernel("headless", file=handed_over)
    assert start.frontend(second).run("1").result == "1"
    assert described(second)["shell_port"] == json.loads(content)["shell_port"]
    # it is its writer's, who removes it
    start.frontend(second).shutdown()
    assert second.wait() == 0
    assert handed_over.exists()


def test_a_port_in_use_is_said_in_one_line(start: Starter) -> None:
    first = start.kernel("headless", "--transport=tcp")
    taken = start.home.runtime / "kernel-taken.json"
    taken.write_text(first.connection_file.read_text())
    taken.chmod(0o600)
    second = start.kernel(
        "headless", file=taken, expected=lambda line: line.startswith("qtkernel: error: cannot")
    )
    assert second.wait() == 2
    assert len(second.stderr) == 1
    assert start.frontend(first).run("1").result == "1"
