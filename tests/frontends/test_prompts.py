"""Cells that ask: input(), getpass and the debuggers, in a nested run of the application's loop."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend, Outcome
from tests.frontends.support.programs import HostProgram

Connect = Callable[[], Frontend]

INTERRUPT = object()
"""Interrupts instead of answering."""

LARGEST_GAP = 0.15  # seconds; the timer is set to 5 ms
ATTEMPTS = 3  # a machine that is busy with something else is not our fault each time


@pytest.fixture(scope="module")
def host(start_shared: Starter) -> HostProgram:
    return start_shared.host()


@pytest.fixture
def connect(host: HostProgram) -> Iterator[Connect]:
    connected: list[Frontend] = []

    def one_more() -> Frontend:
        connected.append(Frontend(host.connection_file))
        return connected[-1]

    yield one_more
    for frontend in connected:
        frontend.close()


@pytest.fixture
def frontend(connect: Connect) -> Frontend:
    return connect()


def talk(frontend: Frontend, code: str, *answers: object) -> Outcome:
    """Run a cell that asks as often as there are answers."""
    msg_id = frontend.start(code)
    for answer in answers:
        frontend.prompt()
        if answer is INTERRUPT:
            frontend.interrupt()
        else:
            frontend.answer(str(answer))
    return frontend.outcome(msg_id)


STATE = (
    "import builtins, pdb, signal, sys\n"
    "(sys.gettrace(), sys.displayhook, builtins.input, pdb.set_trace, sys.breakpointhook,\n"
    " getattr(pdb.Pdb, '_previous_sigint_handler', None), signal.getsignal(signal.SIGINT),\n"
    " sys.stdin, sys.stdout)"
)

FUNCTION = "def add(x):\n    y = x + 1\n    return y"
FAILING = "def fail():\n    local = 'here'\n    1 / 0"

DEBUGGERS = {
    "breakpoint": ("", "breakpoint()\n1"),
    "pdb": ("", "import pdb; pdb.set_trace()\n1"),
    "ipdb": ("", "from IPython.core.debugger import set_trace; set_trace()\n1"),
    "%debug of a statement": (FUNCTION, "%debug add(1)"),
}


@pytest.mark.parametrize("debugger", DEBUGGERS)
@pytest.mark.parametrize("end", ["c", "q", "\x04", INTERRUPT], ids=["c", "q", "EOF", "interrupt"])
def test_debuggers(frontend: Frontend, host: HostProgram, debugger: str, end: object) -> None:
    before, code = DEBUGGERS[debugger]
    frontend.run(before)
    state = frontend.run(STATE).result
    outcome = talk(frontend, code, "p 6 * 7", end)
    assert "42" in outcome.text()
    # bdb's run() takes BdbQuit for its end, and so does %debug with it
    ends_well = end == "c" or debugger.startswith("%debug")
    assert outcome.content.get("ename") == (None if ends_well else "BdbQuit")
    assert frontend.run(STATE).result == state
    assert host.ask("sigint") == "own"


@pytest.mark.parametrize(
    ("end", "status"),
    [("q", "ok"), ("\x04", "ok"), (INTERRUPT, "error")],
    ids=["q", "EOF", "interrupt"],
)
def test_post_mortem(frontend: Frontend, end: object, status: str) -> None:
    frontend.run(FAILING)
    assert frontend.run("fail()").ename == "ZeroDivisionError"
    outcome = talk(frontend, "%debug", "p local", "up", end)
    assert "'here'" in outcome.text()
    assert outcome.status == status
    assert frontend.run("1").result == "1"


def test_what_runs_on_after_c_is_interrupted_as_any_cell(
    frontend: Frontend, host: HostProgram
) -> None:
    """pdb's own SIGINT handler would stop in whatever slot of the host is hit."""
    msg_id = frontend.start("breakpoint()\nsay('runs')\nwhile True: pass")
    frontend.prompt()
    frontend.answer("c")
    host.wait_for_line("runs")
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"


def test_a_breakpoint_in_a_function_of_the_host(frontend: Frontend) -> None:
    """As a method of the host's that somebody has put one into."""
    frontend.run(
        "source = 'def of_the_host(x):\\n    breakpoint()\\n    return x + 1\\n'\n"
        "exec(compile(source, 'host_module.py', 'exec'))"
    )
    outcome = talk(frontend, "of_the_host(41)", "p x", "c")
    assert "41" in outcome.text()
    assert outcome.result == "42"


ASKING = {
    "input": ("input('?')", "x"),
    "getpass": ("import getpass\ngetpass.getpass()", "x"),
    "pdb": ("breakpoint()\n1", "c"),
}


@pytest.mark.parametrize("kind", ASKING)
def test_the_application_lives_while_a_cell_asks(
    frontend: Frontend, connect: Connect, host: HostProgram, kind: str
) -> None:
    """Its timer ticks, nobody computes anything, and other frontends are answered."""
    other = connect()
    code, answer = ASKING[kind]
    gaps, cpu_times = [], []
    for _ in range(ATTEMPTS):
        msg_id = frontend.start(code)
        frontend.prompt()
        host.ask("start over")
        time.sleep(1.0)  # the time that is measured
        gap, cpu_time = json.loads(host.ask("gap"))
        gaps.append(gap)
        cpu_times.append(cpu_time)
        assert other.outcome(other.client.complete("firs", 4)).content["matches"] == ["first"]
        assert other.outcome(other.client.inspect("first", 5)).content["found"]
        frontend.answer(answer)
        assert frontend.outcome(msg_id).status == "ok"
        if gap < LARGEST_GAP and cpu_time < 0.3:
            break
    # 200 ticks of the timer take 0.01 s
    assert min(gaps) < LARGEST_GAP
    assert min(cpu_times) < 0.3


@pytest.mark.parametrize("code", ["import asyncio\nawait asyncio.sleep(1)", "dialog"])
def test_the_application_lives_while_a_cell_waits(
    frontend: Frontend, host: HostProgram, code: str
) -> None:
    dialog = (
        "dialog = QtWidgets.QDialog(first)\n"
        "QtCore.QTimer.singleShot(1000, dialog.accept)\ndialog.exec()"
    )
    gaps = []
    for _ in range(ATTEMPTS):
        msg_id = frontend.start("say('waits')\n" + (dialog if code == "dialog" else code))
        host.wait_for_line("waits")
        host.ask("start over")
        assert frontend.outcome(msg_id).status == "ok"
        gaps.append(json.loads(host.ask("gap"))[0])
        if gaps[-1] < LARGEST_GAP:
            break
    assert min(gaps) < LARGEST_GAP


def test_a_question_inside_a_question(
    frontend: Frontend, connect: Connect, host: HostProgram
) -> None:
    """A slot of one frontend's cell asks while its input() waits; the inner ends first."""
    msg_id = frontend.start(
        "def ask():\n    say('inner: ' + input('inner'))\n"
        "QtCore.QTimer.singleShot(0, ask)\n"
        "input('outer')"
    )
    assert [frontend.prompt(), frontend.prompt()] == ["outer", "inner"]
    frontend.answer("first")
    host.wait_for_line("inner: first")
    frontend.answer("second")
    assert frontend.outcome(msg_id).result == "'second'"
    assert connect().run("1").result == "1"


def test_a_thread_that_asks_and_is_joined_can_be_interrupted(frontend: Frontend) -> None:
    msg_id = frontend.start(
        "import threading\nthread = threading.Thread(target=input, args=('thread',), daemon=True)\n"
        "thread.start()\nprint('joins', flush=True)\nthread.join()"
    )
    frontend.wait_for(msg_id, "stream")
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    assert frontend.run("1").result == "1"
