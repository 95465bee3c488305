"""Exceptions that nothing catches: slots, threads, destructors, tasks. The application lives on."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import Program, next_number
from tests.support.binding import BINDING, IS_PYSIDE

HOST = Path(__file__).parent / "hosts" / "slots.py"


class Host:
    """The running host and how to reach it."""

    def __init__(self, start: Starter, hook: str) -> None:
        self.connection_file = start.home.runtime / f"kernel-slots-{next_number()}.json"
        command = [sys.executable, str(HOST), hook, str(self.connection_file)]
        self.program: Program = start.program(command, expected=lambda _line: True)
        self.program.wait_for_line("ready")

    def tell(self, command: str) -> None:
        """Let the host do something by itself."""
        self.program.write_line(command)

    @property
    def stderr(self) -> str:
        """What it has said there."""
        return "\n".join(self.program.stderr)


@pytest.fixture
def host(start: Starter) -> Host:
    """A host with Python's own excepthook, over which PyQt aborts the process."""
    return Host(start, "default")


def shown(frontend: Frontend, msg_id: str) -> tuple[str, str, str]:
    """ename, evalue and heading of the error that came under `msg_id`; it is taken out."""
    content = frontend.wait_for(msg_id, "error")["content"]
    del frontend._published[msg_id]
    return content["ename"], content["evalue"], content["traceback"][0]


def later(statement: str) -> str:
    """A cell whose slot does something when the cell is over."""
    return f"def slot(*_):\n    {statement}\nQtCore.QTimer.singleShot(0, slot)"


def test_a_slot_of_a_cell_fails_under_that_cell(host: Host, start: Starter) -> None:
    frontend, other = start.frontend(host), start.frontend(host)
    outcome = frontend.run(later("1 / 0"))
    msg_id = outcome.reply["parent_header"]["msg_id"]
    ename, evalue, heading = shown(frontend, msg_id)
    assert (ename, evalue) == ("ZeroDivisionError", "division by zero")
    assert heading.startswith("Unhandled exception in slot")
    # the host is itself, and every frontend has been told
    assert shown(other, msg_id)[0] == "ZeroDivisionError"
    assert frontend.run("ticks = scope.ticks").status == "ok"
    waited = "import asyncio\nwhile scope.ticks < ticks + 3: await asyncio.sleep(0.01)"
    assert frontend.run(waited).status == "ok"
    # the user sees it in the frontend: it is not noise in the application's own log
    assert "ZeroDivisionError" not in host.stderr


def test_a_slot_of_the_hosts_fails(host: Host, start: Starter) -> None:
    one, two = start.frontend(host), start.frontend(host)
    host.tell("fail")
    host.program.wait_for_line("failed")
    for frontend in (one, two):
        ename, evalue, heading = shown(frontend, "")
        assert (ename, evalue) == ("LookupError", "the host's method failed")
        assert "in Scope.fail" in heading
    # nothing is taken away from the host's own log
    host.program.wait_for_error_line("LookupError: the host's method failed")


def test_the_sender_and_the_signal_are_named(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    frontend.run(
        "scope.button.clicked.connect(scope.refresh)\n"
        "QtCore.QTimer.singleShot(0, scope.button.click)"
    )
    _, evalue, heading = shown(frontend, "")
    assert evalue == "the host's slot failed"
    assert heading == (
        "Unhandled exception in Scope.refresh, a slot of QPushButton 'go', signal clicked(bool):"
    )


@pytest.mark.skipif(IS_PYSIDE, reason="PySide tells the sender to methods of QObjects only")
def test_the_sender_of_any_function(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    outcome = frontend.run("scope.button.clicked.connect(lambda: 1 / 0)\nscope.button.click()")
    assert outcome.status == "ok", "what a slot raises does not go through Qt"
    (error,) = outcome.contents("error")
    assert error["traceback"][0] == "Unhandled exception in <lambda>, a slot of QPushButton 'go':"


def test_the_hosts_own_hook_is_called(start: Starter) -> None:
    host = Host(start, "own")
    frontend = start.frontend(host)
    host.tell("fail")
    host.program.wait_for_line("own hook: LookupError: the host's method failed")
    assert shown(frontend, "")[0] == "LookupError"
    # of cells' slots, too: it may be how the application reports its errors
    outcome = frontend.run(later("1 / 0"))
    host.program.wait_for_line("own hook: ZeroDivisionError: division by zero")
    assert shown(frontend, outcome.reply["parent_header"]["msg_id"])[0] == "ZeroDivisionError"
    host.tell("close")
    host.program.wait_for_line("closed: True")


def test_it_is_the_bindings_default_again_after_close(host: Host, start: Starter) -> None:
    start.frontend(host)
    host.tell("close")
    host.program.wait_for_line("closed: True")
    host.tell("fail")
    if IS_PYSIDE:
        host.program.wait_for_line("failed")  # it prints, and goes on
        host.tell("quit")
        assert host.program.wait() == 0
    else:
        assert host.program.wait() == -signal.SIGABRT
    assert "LookupError: the host's method failed" in host.stderr


def test_a_cell_that_is_under_way_gets_its_own_result(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    frontend.run("scope.button.clicked.connect(scope.refresh)")
    outcome = frontend.run("scope.button.click()\nscope.button.click()\n'fine'")
    assert outcome.result == "'fine'"
    (error,) = outcome.contents("error")
    assert error["ename"] == "ValueError"
    failing = frontend.run("scope.button.click()\nraise KeyError('mine')")
    assert failing.content["ename"] == "KeyError"


def test_debug_looks_at_it_afterwards(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    outcome = frontend.run(later("clue = 'in the slot'; 1 / 0"))
    shown(frontend, outcome.reply["parent_header"]["msg_id"])
    msg_id = frontend.start("%debug")
    assert frontend.prompt() == "ipdb> "
    frontend.answer("p clue")
    assert frontend.prompt() == "ipdb> "
    frontend.answer("q")
    assert "'in the slot'" in frontend.outcome(msg_id).text()


def test_a_thread_of_a_cell(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    outcome = frontend.run(
        "import threading\ndef work(): {}['key']\n"
        "thread = threading.Thread(target=work, name='worker'); thread.start(); thread.join()"
    )
    errors = outcome.contents("error")
    if not errors:  # it came after the cell
        msg_id = outcome.reply["parent_header"]["msg_id"]
        errors = [frontend.wait_for(msg_id, "error")["content"]]
    assert errors[0]["ename"] == "KeyError"
    assert errors[0]["traceback"][0] == "Unhandled exception in thread 'worker':"
    assert "_bootstrap" not in "".join(errors[0]["traceback"])
    assert "KeyError" not in host.stderr


def test_a_destructor(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    outcome = frontend.run("class D:\n    def __del__(self): 1 / 0\nd = D()\ndel d\n'fine'")
    assert outcome.result == "'fine'"
    (error,) = outcome.contents("error")
    assert error["ename"] == "ZeroDivisionError"
    assert "D.__del__" in error["traceback"][0]


def test_a_task_that_nobody_awaits(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    outcome = frontend.run(
        "import asyncio, gc\n"
        "async def work(): raise LookupError('nobody looks')\n"
        "task = asyncio.ensure_future(work())\n"
        "await asyncio.sleep(0)\nawait asyncio.sleep(0)\ndel task\ngc.collect()\n'fine'"
    )
    assert outcome.result
    (error,) = outcome.contents("error")
    assert error["evalue"] == "nobody looks"
    assert "Task exception was never retrieved" in error["traceback"][0]


def test_a_timer_that_fails_all_the_time(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    outcome = frontend.run(
        "fails = 0\n"
        "def fail():\n"
        "    global fails\n"
        "    fails += 1\n"
        "    raise RuntimeError('again')\n"
        "timer = QtCore.QTimer(); timer.timeout.connect(fail); timer.start(1)"
    )
    msg_id = outcome.reply["parent_header"]["msg_id"]
    shown(frontend, msg_id)
    enough = frontend.run(
        "import asyncio, time\nbegan = time.monotonic()\n"
        "while time.monotonic() < began + 1.2: await asyncio.sleep(0.01)\n"
        "timer.stop()\nfails"
    )
    heading = shown(frontend, msg_id)[2]
    assert "more since the last one shown" in heading
    # each is counted, few are shown, and the application is not kept busy with formatting them
    assert int(enough.result) > 100
    shown_more = [m for m in frontend._published[msg_id] if m["msg_type"] == "error"]
    assert len(shown_more) <= 2


def test_bad_exceptions(host: Host, start: Starter) -> None:
    frontend = start.frontend(host)
    bad = "class Bad(Exception):\n    def __str__(self): raise ValueError\n    __repr__ = __str__\n"
    outcome = frontend.run(bad + later("raise Bad"))
    ename, evalue, _ = shown(frontend, outcome.reply["parent_header"]["msg_id"])
    assert ename == "Bad"
    assert "str() raised ValueError" in evalue
    assert frontend.run("6 * 7").result == "42"


@pytest.mark.skipif(IS_PYSIDE, reason="PySide prints a KeyboardInterrupt and goes on")
def test_ctrl_c_in_the_applications_terminal_still_ends_it(host: Host, start: Starter) -> None:
    start.frontend(host)
    host.program.process.send_signal(signal.SIGINT)
    assert host.program.wait() == -signal.SIGINT
    assert "KeyboardInterrupt" in host.stderr
    assert not host.connection_file.exists()


def test_a_keyboard_interrupt_that_a_cell_raises_does_not_end_it(
    host: Host, start: Starter
) -> None:
    frontend = start.frontend(host)
    outcome = frontend.run(later("raise KeyboardInterrupt"))
    assert shown(frontend, outcome.reply["parent_header"]["msg_id"])[0] == "KeyboardInterrupt"
    task = frontend.run(
        "import asyncio\nasync def work(): raise KeyboardInterrupt\n"
        "task = asyncio.ensure_future(work())\nawait asyncio.wait([task])\n"
        "type(task.exception()).__name__"
    )
    assert task.result == "'KeyboardInterrupt'"
    assert frontend.run("6 * 7").result == "42"


def test_a_standalone_kernel(start: Starter) -> None:
    kernel = start.kernel("qt")
    frontend = start.frontend(kernel)
    outcome = frontend.run(f"from {BINDING} import QtCore\n" + later("1 / 0"))
    assert shown(frontend, outcome.reply["parent_header"]["msg_id"])[0] == "ZeroDivisionError"
    assert frontend.run("6 * 7").result == "42"


CHAINS: dict[str, Any] = {"first in, first out": (0, 1), "last in, first out": (1, 0)}


@pytest.mark.parametrize("order", CHAINS.values(), ids=CHAINS)
def test_two_kernels_give_the_hook_back_in_any_order(
    start: Starter, order: tuple[int, int]
) -> None:
    script = (
        "import sys, threading\n"
        "import qtkernel\n"
        "from tests.support.binding import QtWidgets\n"
        "app = QtWidgets.QApplication([])\n"
        "def hooks(): return sys.excepthook, threading.excepthook, sys.unraisablehook\n"
        "before = hooks()\n"
        "kernels = [qtkernel.embed({}, name=n) for n in 'ab']\n"
        "assert hooks() != before\n"
        f"for n in {order}: kernels[n].close()\n"
        "print(hooks() == before)\n"
    )
    program = start.program([sys.executable, "-c", script])
    program.wait_for_line("True")
    assert program.wait() == 0
