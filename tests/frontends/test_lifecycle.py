"""How kernels start and end, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.frontends.conftest import LOOPS, Starter
from tests.frontends.support.programs import Home, wait_until
from tests.support.binding import BINDING

# Starts a kernel and ends, hard, when it is told to.
PARENT = """
import os, subprocess, sys
os.environ["JPY_PARENT_PID"] = str(os.getpid())
child = subprocess.Popen([sys.executable, "-m", "qtkernel", *sys.argv[1:]])
print("child", child.pid, flush=True)
sys.stdin.readline()
os._exit(0)
"""


@pytest.mark.parametrize("gui", LOOPS)
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("how", ["SIGTERM", "shutdown_request", "exit"])
def test_it_ends_and_leaves_nothing(start: Starter, gui: str, busy: bool, how: str) -> None:
    kernel = start.kernel(gui)
    frontend = start.frontend(kernel)
    if busy and how != "exit":
        msg_id = frontend.start("print('begun', flush=True)\nwhile True: pass")
        frontend.wait_for(msg_id, "stream")
    if how == "SIGTERM":
        os.kill(kernel.pid, signal.SIGTERM)
    elif how == "exit":
        outcome = frontend.run("import asyncio; await asyncio.sleep(0)\nexit()" if busy else "exit")
        assert outcome.content["payload"] == [{"source": "ask_exit", "keepkernel": False}]
    else:
        assert frontend.shutdown()["content"] == {"status": "ok", "restart": False}
    assert kernel.wait() == 0
    assert not kernel.connection_file.exists()
    assert list(kernel.home.runtime.iterdir()) == []


def test_exit_does_not_interrupt_its_own_cell(start: Starter) -> None:
    kernel = start.kernel("headless")
    outcome = start.frontend(kernel).run("exit(); sum(range(5_000_000))")
    assert outcome.result == "12499997500000"
    assert outcome.content["payload"] == [{"source": "ask_exit", "keepkernel": False}]
    assert kernel.wait() == 0


@pytest.mark.parametrize("gui", LOOPS)
def test_it_ends_with_its_parent(start: Starter, gui: str) -> None:
    file = start.home.runtime / "kernel-child.json"
    arguments = [f"--gui={gui}", "-f", str(file)]
    parent = start.program([sys.executable, "-c", PARENT, *arguments])
    child = int(parent.wait_for_line("child").split()[1])
    parent.wait_for_file(file)
    parent.write_line("end")
    assert parent.process.wait(20) == 0
    wait_until(lambda: not _runs(child), 20, f"the end of kernel {child}")
    assert not file.exists()


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_outlives_its_last_window(start: Starter) -> None:
    frontend = start.frontend(start.kernel("qt"))
    frontend.run(
        f"from {BINDING} import QtWidgets; w = QtWidgets.QWidget(); w.show(); w.isVisible()"
    )
    assert frontend.run("w.close()").result == "True"
    assert frontend.run("'alive'").result == "'alive'"


@pytest.mark.parametrize("code", ["quit()", "exit()", "closeAllWindows()"])
def test_a_cell_ends_the_application_and_not_the_kernel(start: Starter, code: str) -> None:
    frontend = start.frontend(start.kernel("qt"))
    frontend.run(
        f"from {BINDING} import QtCore, QtWidgets; app = QtWidgets.QApplication.instance()"
    )
    assert frontend.run(f"app.{code}").status == "ok"
    assert frontend.run("QtCore.QThread.currentThread().loopLevel()").result == "1"


def test_a_cell_ends_the_application_during_input(start: Starter) -> None:
    frontend = start.frontend(start.kernel("qt"))
    frontend.run(
        f"from {BINDING} import QtCore, QtWidgets; app = QtWidgets.QApplication.instance()"
    )
    msg_id = frontend.start("QtCore.QTimer.singleShot(0, app.quit); input('still?')")
    assert frontend.prompt() == "still?"
    frontend.answer("yes")
    assert frontend.outcome(msg_id).result == "'yes'"
    assert frontend.run("'alive'").result == "'alive'"


@pytest.fixture(scope="module")
def installed(start_shared: Starter) -> Iterator[Home]:
    """A kernelspec, where this process finds it."""
    home = start_shared.home
    command = ["install", "--prefix", str(home.prefix), "--name", "managed", "--gui", "qt"]
    subprocess.run(
        [sys.executable, "-m", "qtkernel", *command],
        env=home.environment,
        check=True,
        capture_output=True,
        timeout=30,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in home.environment.items():
            patch.setenv(name, value)
        yield home


def reply(client: BlockingKernelClient, msg_id: str) -> dict[str, Any]:
    """The content of the reply to a request; `wait_for_ready` may have left others over."""
    while True:
        message = client.get_shell_msg(timeout=20)
        if message["parent_header"]["msg_id"] == msg_id:
            content: dict[str, Any] = message["content"]
            return content


def test_a_manager_starts_interrupts_restarts_and_ends_it(installed: Home) -> None:
    manager = KernelManager(kernel_name="managed")
    with (installed.directory / "stderr").open("w+") as stderr:
        manager.start_kernel(stderr=stderr)
        client = manager.client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=30)
            assert reply(client, client.execute("x = 1"))["status"] == "ok"
            begun = client.execute("print('begun', flush=True)\nwhile True: pass")
            while client.get_iopub_msg(timeout=20)["content"].get("name") != "stdout":
                pass
            manager.interrupt_kernel()
            assert reply(client, begun)["ename"] == "KeyboardInterrupt"
            manager.restart_kernel()
            client.wait_for_ready(timeout=30)
            assert reply(client, client.execute("x"))["ename"] == "NameError"
            assert manager.is_alive()
        finally:
            client.stop_channels()
            manager.shutdown_kernel()
        assert not manager.is_alive()
        stderr.seek(0)
        assert stderr.read() == ""
    assert list(installed.runtime.glob("*.json")) == []


def test_uninstall(start: Starter) -> None:
    spec = start.home.prefix / "share" / "jupyter" / "kernels" / "gone"
    options = ["--prefix", str(start.home.prefix), "--name", "gone"]
    for command, there in (("install", True), ("uninstall", False)):
        program = start.program([sys.executable, "-m", "qtkernel", command, *options])
        assert program.wait() == 0
        assert spec.exists() == there
