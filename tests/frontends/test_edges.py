"""Applications that are unkind, unusual or unlucky: each a process of its own, with a frontend."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest
import zmq

from qtkernel.protocol import Channel, read_connection_file
from tests.frontends.conftest import Starter
from tests.frontends.support.programs import HOSTS, Program, next_number


def edge(start: Starter, name: str, **options: Any) -> Program:
    """Run the application `name` of edge.py."""
    file = start.home.runtime / f"kernel-{name}-{next_number()}.json"
    host = start.program([sys.executable, str(HOSTS / "edge.py"), name, str(file)], **options)
    host.connection_file = file
    return host


def ready(start: Starter, name: str, **options: Any) -> Program:
    """Run it, and wait until frontends can attach."""
    host = edge(start, name, **options)
    host.wait_for_line("ready")
    return host


# Streams


def test_without_a_console(start: Starter) -> None:
    host = ready(start, "no_streams")
    frontend = start.frontend(host)
    outcome = frontend.run("import sys; print('out'); print('err', file=sys.stderr)")
    assert (outcome.text(), outcome.text("stderr")) == ("out\n", "err\n")
    assert frontend.run("QtCore.QTimer.singleShot(0, lambda: sys.stdout.flush())").status == "ok"
    assert frontend.run("sys.stdout.isatty(), sys.stdout.encoding").result == "(False, 'utf-8')"
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert host.stdout[-1] == "streams: None None"


def test_a_stdout_of_the_application_s_own(start: Starter) -> None:
    host = ready(start, "redirected_before")
    frontend = start.frontend(host)
    assert frontend.run("print('from the cell')").text() == "from the cell\n"
    frontend.run("QtCore.QTimer.singleShot(0, host_print); QtCore.QTimer.singleShot(50, app.quit)")
    assert host.wait() == 0
    assert host.stdout[-1].startswith("same: True")
    assert "from the cell" not in host.stdout[-1]


def test_a_stdout_that_the_application_puts_over_ours(start: Starter) -> None:
    host = ready(start, "redirected_after")
    frontend = start.frontend(host)
    assert frontend.run("1").result == "1"
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert host.stdout[-2:] == ["same: True", "later"]


# Event loops


def test_a_loop_that_is_run_twice(start: Starter) -> None:
    host = ready(start, "twice")
    frontend = start.frontend(host)
    frontend.run("n = 1; app.exit(4)")
    assert host.wait_for_line("first: ") == "first: 4"
    assert frontend.run("import asyncio; await asyncio.sleep(0.01); n").result == "1"
    msg_id = frontend.start("input('?')")
    assert frontend.prompt() == "?"
    frontend.answer("yes")
    assert frontend.outcome(msg_id).result == "'yes'"
    frontend.run("app.exit(5)")
    assert host.wait_for_line("second: ") == "second: 5"
    assert host.wait() == 0


def test_a_loop_within_the_loop(start: Starter) -> None:
    host = ready(start, "nested")
    frontend = start.frontend(host)
    assert frontend.run("QtCore.QThread.currentThread().loopLevel()").result == "2"
    assert frontend.run("import asyncio; await asyncio.sleep(0.01); 1").result == "1"
    frontend.run("inner.quit()")
    host.wait_for_line("inner ended")
    assert frontend.run("QtCore.QThread.currentThread().loopLevel()").result == "1"
    frontend.start("app.quit()")
    assert host.wait() == 0


@pytest.mark.parametrize("code", ["1", "await asyncio.sleep(60)", "input('?')"])
def test_quit_while_cells_wait_and_nobody_closes_the_kernel(start: Starter, code: str) -> None:
    host = ready(start, "plain")
    frontend = start.frontend(host)
    frontend.run("import asyncio")
    quit_soon = "QtCore.QTimer.singleShot(300, lambda: app.exit(6)); "
    running = frontend.start(quit_soon + code)
    frontend.wait_for(running, "execute_input")
    waiting = [frontend.start("1 + 1") for _ in range(3)]
    status = frontend.reply(running)["content"]["status"]
    assert status == ("ok" if code == "1" else "error")
    answers = {frontend.reply(msg_id)["content"]["status"] for msg_id in waiting}
    assert answers == {"ok"} if code == "1" else {"aborted"}
    assert host.wait() == 6
    assert list(start.home.runtime.iterdir()) == []


@pytest.mark.parametrize("code", ["1", "import asyncio; await asyncio.sleep(60)"])
def test_a_kernel_that_is_closed_when_the_application_quits(start: Starter, code: str) -> None:
    host = ready(start, "closes_when_it_quits")
    frontend = start.frontend(host)
    running = frontend.start(f"QtCore.QTimer.singleShot(100, lambda: app.exit(3)); {code}")
    assert frontend.reply(running)["content"]["status"] == ("ok" if code == "1" else "error")
    assert host.wait() == 3
    assert host.stdout == ["closed: True"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import asyncio; await asyncio.sleep(60)", "error"),
        ("input('?')", "error"),
        ("dialog = QtWidgets.QDialog(); dialog.exec()", "ok"),
        ("loop = QtCore.QEventLoop(); QtCore.QTimer.singleShot(500, loop.quit); loop.exec()", "ok"),
    ],
)
def test_the_application_closes_the_kernel_while_a_cell_waits(
    start: Starter, code: str, status: str
) -> None:
    host = ready(start, "closes_in_a_slot")
    frontend = start.frontend(host)
    running = frontend.start(f"soon(100); {code}")
    assert frontend.reply(running)["content"]["status"] == status
    assert host.wait() == 0
    assert host.stdout == ["has called close", "closed, trace: {}"]
    assert list(start.home.runtime.iterdir()) == []


def test_a_second_application_object(start: Starter) -> None:
    host = ready(start, "another_application")
    frontend = start.frontend(host)
    assert frontend.run("import asyncio; await asyncio.sleep(0.01); 1").result == "1"
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert host.stdout == ["trace: {}"]


def test_an_application_object_that_goes_first(start: Starter) -> None:
    host = ready(start, "deleted")
    frontend = start.frontend(host)
    frontend.run("import asyncio; t = asyncio.ensure_future(asyncio.sleep(60))")
    frontend.start("app.quit()")
    host.wait_for_line("deleted")
    assert host.wait() == 0
    assert host.stdout[-1] == "trace: {}"


# Threads


def test_embedding_in_another_thread_is_refused(start: Starter) -> None:
    host = edge(start, "refused")
    assert host.wait() == 0
    assert [line.split(":")[0] for line in host.stdout] == ["WrongThread", "WrongThread", "file"]
    assert "GUI thread" in host.stdout[0]
    assert host.stdout[2] == "file: False"


def test_threads_of_qt_s(start: Starter) -> None:
    host = ready(start, "busy_thread")
    frontend = start.frontend(host)
    before = int(frontend.run("worker.count").result)
    frontend.run(
        "class Mine(QtCore.QThread):\n"
        "    def run(self): self.value = QtCore.QThread.currentThread() is not app.thread()\n"
        "class Task(QtCore.QRunnable):\n"
        "    done = 0\n"
        "    def run(self): Task.done += 1\n"
        "mine = Mine(); mine.start(); mine.wait()\n"
        "tasks = [Task() for _ in range(5)]\n"
        "for task in tasks: task.setAutoDelete(False)\n"
        "pool = QtCore.QThreadPool()\n"
        "for task in tasks: pool.start(task)\n"
        "pool.waitForDone()"
    )
    assert frontend.run("mine.value, Task.done").result == "(True, 5)"
    assert int(frontend.run("worker.count").result) > before
    frontend.start("app.quit()")
    assert host.wait() == 0


def test_an_application_that_hangs(start: Starter) -> None:
    host = ready(start, "blocked")
    frontend = start.frontend(host)
    frontend.start("hang()")
    host.wait_for_line("hangs")
    queued = frontend.start("'later'")
    assert frontend.control("kernel_info_request")["content"]["status"] == "ok"
    frontend.interrupt()  # there is no cell: nothing may happen to the application
    threads = frontend.control("stack_request")["content"]["threads"]
    assert threads[0]["kernel"]
    assert threads[0]["name"] == "MainThread"
    assert any("in hang_here" in line for line in threads[0]["stack"])
    assert {"qtkernel-control", "qtkernel-iopub", "qtkernel-heartbeat"} <= {
        thread["name"] for thread in threads
    }
    assert beats(host)
    host.write_line("go on")
    host.wait_for_line("goes on")
    assert frontend.outcome(queued).result == "'later'"
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert "the host was interrupted" not in host.stdout


def beats(host: Program) -> bool:
    """Whether the heartbeat channel answers."""
    endpoint = read_connection_file(host.connection_file).endpoint(Channel.HB)
    with zmq.Context() as context, context.socket(zmq.REQ) as heart:
        heart.linger = 0
        heart.connect(endpoint)
        heart.send(b"ping")
        return bool(heart.poll(20_000)) and heart.recv() == b"ping"


# Signals


def test_a_host_s_own_signal_handler_and_wakeup_descriptor(start: Starter) -> None:
    host = ready(start, "signals")
    frontend = start.frontend(host)
    frontend.run("look_later()")
    assert host.wait_for_line("between: ") == "between: True True"
    os.kill(host.pid, signal.SIGINT)
    assert host.wait_for_line("woken: ") == "woken: True True"
    host.wait_for_line("the host got SIGINT")
    msg_id = frontend.start("import time; time.sleep(60)")
    frontend.wait_for(msg_id, "execute_input")
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    frontend.run("look_later()")
    assert host.wait_for_line("between: ") == "between: True True"
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert "the host got SIGINT" not in host.stdout
    assert host.stdout[-1] == "after: True True"


# Several kernels


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_two_kernels(start: Starter, order: tuple[str, str]) -> None:
    host = ready(start, "two")
    frontends = {"one": start.frontend(host)}
    host.connection_file = host.connection_file.with_name(
        host.connection_file.name.replace(".json", "-two.json")
    )
    frontends["two"] = start.frontend(host)
    for name, frontend in frontends.items():
        assert frontend.run("print(name); get_ipython().user_ns['name']").result == repr(name)
        assert frontend.run("print(name)").text() == f"{name}\n"
    first, second = order
    frontends[first].run(f"close({first!r})")
    host.wait_for_line(f"closed: {first}")
    assert frontends[second].run("print(name)").text() == f"{second}\n"
    frontends[second].start("app.quit()")
    assert host.wait() == 0
    assert host.stdout[-1] == "same: True, trace: {}"
    assert list(start.home.runtime.iterdir()) == []


def test_embedding_again_after_a_close(start: Starter) -> None:
    host = ready(start, "again")
    frontend = start.frontend(host)
    assert frontend.run("1").result == "1"
    frontend.start("app.quit()")
    assert host.wait() == 0
