"""Cells that an unlucky or hostile user runs: the kernel and the host survive every one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.programs import HostProgram, Program
from tests.support.binding import BINDING

FAILING = {
    "exits": "import sys; sys.exit('bye')",
    "raises SystemExit from a function": "def f(): raise SystemExit(3)\nf()",
    "recurses": "def f(): f()\nf()",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "raises GeneratorExit": "raise GeneratorExit",
    "raises CancelledError": "import asyncio; raise asyncio.CancelledError",
    "awaits what is cancelled": (
        "import asyncio\nt = asyncio.ensure_future(asyncio.sleep(60)); t.cancel(); await t"
    ),
    "has a bad repr": "class Bad:\n    def __repr__(self): raise ValueError('no')\nBad()",
    "has a bad str": (
        "class E(Exception):\n    def __str__(self): raise ValueError('no')\nraise E"
    ),
    "prints surrogates": "print('\\ud800 \\U0001F40D')\n'\\udfff'",
    "prints NULs": "print('\\0' * 1000)",
    "is not Python": "\0\x01",
    "is deep": "(" * 2000,
    "starts a thread that fails": (
        "import threading\ndef f(): raise ValueError\n"
        "t = threading.Thread(target=f); t.start(); t.join()"
    ),
    "displays a liar": (
        "from IPython.display import display\ndisplay({'text/plain': object()}, raw=True)"
    ),
    "sends NaN": "from IPython.display import display\n"
    "display({'application/json': float('nan')}, raw=True)",
}

# each of these leaves a process behind in which nothing can be relied on
BREAKING = {
    "closes stdout": "import sys; sys.stdout.close(); sys.stderr.close()",
    "deletes IPython's names": "del _oh, In, Out, get_ipython, exit",
    "breaks json": "import json; json.dumps = json.loads = None",
    "stops the clocks": (
        "import time; time.time = time.monotonic = time.perf_counter = lambda: 0.0"
    ),
    "breaks hmac": "import hmac; hmac.new = hmac.compare_digest = None",
    "breaks os": "import os; os.getpid = lambda: 0",
    "removes the streams": "import sys; sys.stdout = sys.stderr = None",
    "ignores SIGINT": "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "breaks builtins": "import builtins; builtins.input = builtins.print = None",
    "breaks the excepthook": "import sys; sys.excepthook = None; 1 / 0",
    "breaks the displayhook": "import sys; sys.displayhook = None; 1",
}

EXPECTING: dict[str, Any] = {"expected": lambda _line: True}
"""The stderr of a process may show what the cell broke."""


@pytest.fixture
def host(start: Starter) -> HostProgram:
    """An application of the test's own."""
    return start.host(**EXPECTING)


# a kernel that owns its process has less to lose; a new one for each cell takes minutes
@pytest.fixture(params=["host", pytest.param("standalone", marks=pytest.mark.slow)])
def program(request: pytest.FixtureRequest, start: Starter) -> Program:
    """A kernel of the test's own, embedded or not."""
    return start.host(**EXPECTING) if request.param == "host" else start.kernel("qt", **EXPECTING)


@pytest.fixture(scope="module")
def enduring(start_shared: Starter) -> Program:
    """One application for all the cells that break nothing but themselves."""
    return start_shared.host(**EXPECTING)


@pytest.mark.parametrize("code", FAILING.values(), ids=FAILING)
def test_it_survives_a_cell_that_fails(enduring: Program, start: Starter, code: str) -> None:
    assert_survived(enduring, start, code)


@pytest.mark.parametrize("code", BREAKING.values(), ids=BREAKING)
def test_it_survives_a_cell_that_breaks_things(program: Program, start: Starter, code: str) -> None:
    assert_survived(program, start, code)


def assert_survived(program: Program, start: Starter, code: str) -> None:
    """After a cell the kernel serves whoever ran it, and others."""
    frontend = start.frontend(program)
    assert frontend.run(code).status in ("ok", "error")
    assert frontend.run("6 * 7").content["status"] == "ok"
    # others are served, too, and what was sent still fits
    other = start.frontend(program)
    assert other.run("value = 6 * 7").status == "ok"
    assert other.run("assert value == 42").status == "ok"
    found = other.reply(other.client.inspect("value"))["content"]
    assert found["found"], found


def test_a_request_that_fails_is_answered_even_where_it_cannot_be_logged(start: Starter) -> None:
    # logging asks for the time
    kernel = start.kernel("headless", expected=lambda _line: True)
    frontend = start.frontend(kernel)
    frontend.run("import time; time.time = None; get_ipython().Completer.completions = None")
    assert frontend.reply(frontend.client.complete("tim"))["content"]["ename"] == "TypeError"
    assert frontend.run("6 * 7").result == "42"


def test_output_of_a_cell_after_it_replaced_stdout(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    frontend.run("import io, sys; kept = sys.stdout; sys.stdout = io.StringIO(); print('lost')")
    assert frontend.run("print('lost, too')").text() == ""
    assert frontend.run("sys.stdout = kept; print('back')").text() == "back\n"


def test_a_fork_that_runs_to_the_end_of_the_cell(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    outcome = frontend.run(
        "import os\npid = os.fork()\n"
        "if pid: status = os.waitpid(pid, 0)[1]\n"
        "'child' if pid == 0 else ('parent', status)"
    )
    assert outcome.result == "('parent', 0)"
    assert frontend.run("1").result == "1"


def test_a_fork_that_raises(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    outcome = frontend.run("import os\npid = os.fork()\nif not pid: 1 / 0\nos.waitpid(pid, 0)[1]")
    assert outcome.status == "ok"
    assert len(outcome.contents("status")) == 2
    assert frontend.run("1").result == "1"


def test_multiprocessing(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    code = (
        "import multiprocessing\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: r = pool.map(abs, [-1, -2])\n"
        "r"
    )
    assert frontend.run(code).result == "[1, 2]"


def test_huge_output(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    assert len(frontend.run("print('x' * 20_000_000)").text()) == 20_000_001
    outcome = frontend.run("for i in range(100_000): print(i)")
    assert outcome.text().splitlines() == [str(n) for n in range(100_000)]


def test_stdout_stderr_and_displays_keep_their_order(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    outcome = frontend.run(
        "import sys\nfrom IPython.display import display\n"
        "for i in range(50):\n"
        "    print('o', i); print('e', i, file=sys.stderr)\n"
        "    display({'text/plain': f'd {i}'}, raw=True)"
    )
    seen = [
        m["content"].get("text") or m["content"]["data"]["text/plain"] + "\n"
        for m in outcome.messages
        if m["msg_type"] in ("stream", "display_data")
    ]
    assert "".join(seen) == "".join(f"o {i}\ne {i}\nd {i}\n" for i in range(50))


def test_unicode_everywhere(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    assert frontend.run("größe = '🐍' * 2; größe").result == "'🐍🐍'"
    msg_id = frontend.start("input('¿qué? ')")
    assert frontend.prompt() == "¿qué? "
    frontend.answer("日本語")
    assert frontend.outcome(msg_id).result == "'日本語'"
    content = frontend.reply(frontend.client.complete("x = '🐍'; größ"))["content"]
    assert (content["matches"], content["cursor_start"]) == (["größe"], 9)


def test_input_in_threads(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    msg_id = frontend.start(
        "import contextvars, threading\n"
        "answers = []\n"
        "def ask(): answers.append(input('thread? '))\n"
        "t = threading.Thread(target=ask); t.start()\n"
        "t.join(0.01)\n"
        "answers.append(input('cell? '))\n"
        "import asyncio\n"
        "while t.is_alive(): await asyncio.sleep(0.01)\n"
        "len(answers)"
    )
    for _ in range(2):
        assert frontend.prompt() in ("thread? ", "cell? ")
        frontend.answer("yes")
    assert frontend.outcome(msg_id).result == "2"


def test_an_interrupt_of_nested_input(program: Program, start: Starter) -> None:
    frontend = start.frontend(program)
    msg_id = frontend.start("try:\n    input('a')\nfinally:\n    input('b')")
    assert frontend.prompt() == "a"
    frontend.interrupt()
    assert frontend.prompt() == "b"
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    assert frontend.run("1").result == "1"


def test_two_clients_race(program: Program, start: Starter) -> None:
    one, two = start.wire(program), start.wire(program)
    one.execute("n = 0")
    for wire in (one, two) * 200:
        wire.send("execute_request", {"code": "n += 1"})
    for wire in (one, two) * 200:
        wire.receive()
    assert one.execute("assert n == 400")["status"] == "ok"


def test_an_exception_in_a_slot_of_a_cell(host: Program, start: Starter) -> None:
    frontend = start.frontend(host)
    frontend.run(
        f"from {BINDING} import QtCore\n"
        "done = []\n"
        "QtCore.QTimer.singleShot(0, lambda: 1 / 0)\n"
        "QtCore.QTimer.singleShot(1, lambda: done.append(1))",
        timeout=5,
    )
    waited = "import asyncio\nwhile not done: await asyncio.sleep(0.01)"
    assert frontend.run(waited, timeout=5).status == "ok"


def test_a_frontend_that_dies_while_it_is_asked(host: Program, start: Starter) -> None:
    other, dying = start.frontend(host), start.frontend(host)
    dying.start("input('anybody there?')")
    assert dying.prompt() == "anybody there?"
    dying.close()
    # DESIGN.md section 2: EOFError within 5 s
    assert other.run("'mine'", timeout=8).result == "'mine'"


def test_the_host_is_itself_afterwards(host: HostProgram, start: Starter) -> None:
    frontend = start.frontend(host)
    for name in ("exits", "recurses", "raises KeyboardInterrupt"):
        frontend.run(FAILING[name])
    frontend.run(BREAKING["deletes IPython's names"])
    assert len(json.loads(host.ask("report"))) == 2
    assert host.ask("sigint") == "own"
    assert host.ask("quit") == "done"
    assert host.wait() == 0
