"""Whose output it is, in applications that print and log all the time: both sides are looked at.

Each test ends its host, and then all that this has said on its own stdout is there: exactly the
host's own lines, none lost, none twice, in their order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HOSTS, Program

TALK = ("tick ", "log ", "thread ")
"""How the lines begin that the host says by itself."""

SPINS = {
    "dialog": "d = QtWidgets.QDialog()\nhost.after({seconds}, d.reject)\nd.exec()",
    "QEventLoop": "e = QtCore.QEventLoop()\nhost.after({seconds}, e.quit)\ne.exec()",
    "processEvents": (
        "import time\nend = time.monotonic() + {seconds}\n"
        "while time.monotonic() < end: app.processEvents()"
    ),
    "message box": (
        "host.after({seconds}, lambda: app.activeModalWidget().close())\n"
        "QtWidgets.QMessageBox.information(None, 'title', 'text')"
    ),
}
"""Ways in which a cell can have the host's slots run on top of it, for some seconds."""


class Talkative:
    """A host of talkative.py and a frontend of it."""

    def __init__(self, start: Starter, backend: str = "qt", capture: str = "cells") -> None:
        file = start.home.runtime / f"kernel-{backend}.json"
        script = str(HOSTS / "talkative.py")
        self.host: Program = start.program([sys.executable, script, str(file), backend, capture])
        self.host.connection_file = file  # type: ignore[attr-defined]
        self.host.wait_for_line("ready")
        self.captures = capture == "all"
        self.frontend: Frontend = start.frontend(self.host)
        self.run = self.frontend.run
        self.start = self.frontend.start

    def fine(self, code: str) -> str:
        """Run a cell that must not fail; its msg_id."""
        msg_id = self.start(code)
        outcome = self.frontend.outcome(msg_id)
        assert outcome.status == "ok", outcome.content
        self.text = outcome.text()
        return msg_id

    def tell(self, command: str) -> None:
        """Have the host do something of its own."""
        self.host.write_line(command)
        self.host.wait_for_line(f"{command}: done")

    def own(self) -> list[str]:
        """End the host: what it has said on its stdout besides its steady talk, which is checked.

        Whatever frontends got is not among it, and nothing of it came to a frontend.
        """
        self.host.write_line("quit")
        assert self.host.wait() == 0
        lines = self.host.stdout
        lines.remove("ended")
        if not self.captures:
            assert [line for line in self.frontend.everything() if line.startswith(TALK)] == []
        for kind in TALK:
            numbers = [line for line in lines if line.startswith(kind)]
            assert numbers == [f"{kind}{n}" for n in range(len(numbers))]
            assert numbers
        return [line for line in lines if not line.startswith(TALK)]


@pytest.fixture
def talk(start: Starter) -> Iterator[Talkative]:
    """A Qt host that talks."""
    talkative = Talkative(start)
    yield talkative
    # the kernel's own "starting" may still have been under way when the frontend came
    stray = talkative.frontend.published("")
    assert [message for message in stray if message["msg_type"] != "status"] == []


# Slots


def test_a_slot_prints_under_the_cell_that_has_defined_it(talk: Talkative) -> None:
    one = talk.fine("def slot():\n    print('slot 1')\n    host.log('called')\nprint('cell 1')")
    assert talk.text == "cell 1\n"
    two = talk.fine("host.after(0.1, slot)\nhost.after(0.2, lambda: print('slot 2'))")
    assert talk.text == ""
    assert talk.frontend.wait_for_text(one, "host: called\n") == "slot 1\nhost: called\n"
    assert talk.frontend.wait_for_text(two, "2\n") == "slot 2\n"
    assert talk.own() == []


@pytest.mark.parametrize("spin", SPINS)
def test_slots_while_a_cell_is_in_a_loop_of_its_own(talk: Talkative, spin: str) -> None:
    one = talk.fine("def slot(): print('slot 1')")
    two = talk.start(
        "import functools\nprint('before')\nhost.after(0.02, slot)\n"
        "host.after(0.03, lambda: host.log('late'))\n"
        "host.after(0.04, functools.partial(host.log, 'own'))\n"
        f"{SPINS[spin].format(seconds=0.3)}\nprint('after')"
    )
    outcome = talk.frontend.outcome(two)
    assert outcome.status == "ok", outcome.content
    assert outcome.text() == "before\nhost: late\nafter\n", "a lambda of this cell's is its own"
    assert talk.frontend.wait_for_text(one, "slot 1\n") == "slot 1\n"
    assert talk.own() == ["host: own"]


def test_a_signal_that_a_cell_emits_is_its_doing(talk: Talkative) -> None:
    talk.fine("model.changed.emit('at once')")
    assert talk.text == "host: at once\n"
    assert talk.own() == []


def test_everything_that_a_slot_says(talk: Talkative) -> None:
    """stderr, logging, and isatty() of what it prints to."""
    one = talk.fine(
        "import logging, sys, warnings\n"
        "handler = logging.StreamHandler(); handler.setLevel(logging.WARNING)\n"
        "logger.addHandler(handler)\n"
        "def slot():\n"
        "    print('error', file=sys.stderr)\n"
        "    logger.warning('warning')\n"
        "    print(sys.stdout.isatty(), flush=True)\n"
        "host.after(0.05, slot)"
    )
    talk.frontend.wait_for_text(one, "False\n")
    said = [
        (message["content"]["name"], message["content"]["text"])
        for message in talk.frontend.published(one)
        if message["msg_type"] == "stream"
    ]
    # the cell's handler writes to the proxy; the host's own handler to what it was given long ago
    assert said == [("stderr", "error\nwarning\n"), ("stdout", "False\n")]
    talk.fine("logger.removeHandler(handler)")
    assert talk.own() == ["warning"]


DISPLAYS = """
from IPython.display import display, update_display, clear_output, HTML
from IPython import get_ipython as found
def show():
    print('text')
    display(HTML('<b>1</b>'), display_id='d')
    update_display(HTML('<b>2</b>'), display_id='d')
    clear_output()
    print(found() is get_ipython())
"""


@pytest.mark.parametrize(
    "how", ["host.after(0.05, show)", "import threading; threading.Timer(0.05, show).start()"]
)
def test_displays_of_slots_and_threads(talk: Talkative, how: str) -> None:
    """No cell is running any more: IPython's own functions find the kernel's shell all the same."""
    one = talk.fine(f"{DISPLAYS}\n{how}")
    talk.frontend.wait_for_text(one, "True\n")
    said = [message["msg_type"] for message in talk.frontend.published(one)]
    rich = ["display_data", "update_display_data", "clear_output"]
    assert [msg_type for msg_type in said if msg_type != "status"] == ["stream", *rich, "stream"]
    for message in talk.frontend.published(one):
        if message["msg_type"].endswith("display_data"):
            assert "text/html" in message["content"]["data"]
    # the host's own code finds none
    talk.fine("import functools; host.after(0.05, functools.partial(host.find, found))")
    talk.tell("log")
    assert talk.host.wait_for_line("found: ") == "found: None"
    assert talk.own() == ["host's word"]


def test_the_host_logs_through_a_handler_that_a_cell_has_made(talk: Talkative) -> None:
    talk.fine(
        "import logging, sys\n"
        "handler = logging.StreamHandler(sys.stdout)\n"
        'handler.addFilter(lambda record: record.msg == "host\'s word")\n'
        "logger.addHandler(handler)"
    )
    talk.tell("log")
    talk.fine("logger.removeHandler(handler)")
    # by its own handler and by the cell's
    assert talk.own() == ["host's word"] * 2


# Threads

IMPORTS = (
    "import threading, _thread, asyncio, time\n"
    "from concurrent.futures import ThreadPoolExecutor\n"
    "from multiprocessing.pool import ThreadPool\n"
)

THREADS = {
    "Thread(target=print)": "threading.Thread(target=print, args=('x',)).start()",
    "Timer": "threading.Timer(0.1, print, ['x']).start()",
    "Thread of a Thread": (
        "threading.Thread(\n"
        "    target=lambda: threading.Thread(target=print, args=('x',)).start()).start()"
    ),
    "start_new_thread": "_thread.start_new_thread(lambda: print('x'), ())",
    "submit": "p = ThreadPoolExecutor(1); p.submit(print, 'x'); p.shutdown()",
    "map": "with ThreadPoolExecutor(1) as p: list(p.map(print, 'x'))",
    "initializer": (
        "def f(): print('x')\n"
        "with ThreadPoolExecutor(1, initializer=f) as p: p.submit(int).result()"
    ),
    "ThreadPool": "with ThreadPool(1) as p: p.map(print, 'x')",
    "to_thread": "await asyncio.to_thread(print, 'x')",
    "run_in_executor": "await asyncio.get_running_loop().run_in_executor(None, print, 'x')",
    "task": (
        "async def f():\n    await asyncio.sleep(0.1)\n    print('x')\n"
        "await asyncio.sleep(0)\nt = asyncio.get_running_loop().create_task(f())"
    ),
    "callback": ("await asyncio.sleep(0)\nasyncio.get_running_loop().call_later(0.1, print, 'x')"),
    "asyncio.run": "async def f(): print('x')\nasyncio.run(f())",
}

QT_THREADS = {
    "QThread": (
        "class T(QtCore.QThread):\n    def run(self): time.sleep(0.1); print('x')\n"
        "t = T(); t.start(); host.namespace['stop'] = t.wait"
    ),
    "QRunnable": (
        "class R(QtCore.QRunnable):\n    def run(self): print('x')\n"
        "r = R(); r.setAutoDelete(False); QtCore.QThreadPool.globalInstance().start(r)"
    ),
}


@pytest.mark.parametrize("what", [*THREADS, *QT_THREADS])
def test_a_thread_s_output_is_its_cell_s(start: Starter, what: str) -> None:
    talk = Talkative(start)
    talk.fine(IMPORTS)
    msg_id = talk.start((THREADS | QT_THREADS)[what])
    assert talk.frontend.wait_for_text(msg_id, "x\n") == "x\n"
    outcome = talk.frontend.outcome(msg_id)
    assert outcome.status == "ok", outcome.content
    assert talk.own() == []


def test_a_thread_that_outlives_its_cell(talk: Talkative) -> None:
    one = talk.fine(
        "import threading\nstop = threading.Event()\ncell = ['one']\n"
        "def work():\n"
        "    for n in range(3): stop.wait(); print('work', n); stop.clear()\n"
        "t = threading.Thread(target=work); t.start()"
    )
    for number in range(3):
        two = talk.fine("print('cell')\nstop.set()\nprint('cell')")
        assert talk.text == "cell\ncell\n"
        assert talk.frontend.wait_for_text(one, f"{number}\n").endswith(f"work {number}\n")
        assert talk.frontend.published(two) == []
    assert talk.own() == []


def test_of_two_threads_with_one_function(talk: Talkative) -> None:
    one = talk.fine(
        "import threading\nstop = threading.Event()\n"
        "def work(): stop.wait(); print('x')\n"
        "t = threading.Thread(target=work); t.start()"
    )
    two = talk.fine("u = threading.Thread(target=work); u.start()")
    talk.fine("stop.set(); t.join(); u.join()")
    assert talk.frontend.wait_for_text(one, "\n") == "x\n"
    assert talk.frontend.wait_for_text(two, "\n") == "x\n"
    assert talk.own() == []


def test_the_host_s_pool_works_for_both(talk: Talkative) -> None:
    """Its thread is started by a cell's call, and is the host's all the same."""
    talk.fine("pool.submit(print, 'work of a cell').result()")
    assert talk.text == "work of a cell\n"
    talk.tell("pool")
    two = talk.fine("def f(): print('of the next cell')\npool.submit(f).result()")
    assert talk.text == "of the next cell\n"
    assert talk.frontend.published(two) == []
    talk.tell("pool")
    assert talk.own() == ["host's work"] * 2


def test_many_threads_lose_nothing(talk: Talkative) -> None:
    talk.fine(
        "import threading\n"
        "def work(n):\n    for i in range(500): print(f'{n}.{i}\\n', end='')\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n"
        "for t in threads: t.start()\n"
        f"{SPINS['processEvents'].format(seconds=0.1)}\n"
        "for t in threads: t.join()"
    )
    lines = [line.split(".") for line in talk.text.splitlines()]
    for n in range(4):
        assert [i for who, i in lines if who == str(n)] == [str(i) for i in range(500)]
    assert len(lines) == 4 * 500
    assert talk.own() == []


# Other loops


@pytest.mark.parametrize("backend", ["tk", "asyncio"])
def test_other_backends(start: Starter, backend: str) -> None:
    talk = Talkative(start, backend)
    talk.fine(IMPORTS)
    one = talk.fine("def slot(): print('slot')\nprint('cell')\nhost.after(0.1, slot)")
    assert talk.text == "cell\n"
    assert talk.frontend.wait_for_text(one, "\n") == "slot\n"
    for what in THREADS:
        if what == "asyncio.run" and backend == "asyncio":
            continue  # it refuses where a loop is running
        msg_id = talk.start(THREADS[what])
        assert talk.frontend.wait_for_text(msg_id, "x\n") == "x\n"
        assert talk.frontend.outcome(msg_id).status == "ok"
    assert talk.own() == []


def test_a_cell_in_a_loop_of_tk(start: Starter) -> None:
    talk = Talkative(start, "tk")
    one = talk.fine("def slot(): print('slot')")
    talk.fine(
        "import functools\nv = tkinter.IntVar()\nprint('before')\nhost.after(0.05, slot)\n"
        "host.after(0.1, functools.partial(host.log, 'x'))\nhost.after(0.2, lambda: v.set(1))\n"
        "root.wait_variable(v)\nprint('between')\nroot.update()\nprint('after')"
    )
    assert talk.text == "before\nbetween\nafter\n"
    assert talk.frontend.wait_for_text(one, "\n") == "slot\n"
    assert talk.own() == ["host: x"]


def test_input_in_a_cell(talk: Talkative) -> None:
    """The kernel's own nested run."""
    one = talk.fine("def slot(): print('slot')")
    msg_id = talk.start("host.after(0.05, slot)\nname = input('? ')\nprint(name)")
    talk.frontend.prompt()
    assert talk.frontend.wait_for_text(one, "\n") == "slot\n"
    talk.frontend.answer("Ada")
    assert talk.frontend.outcome(msg_id).text() == "Ada\n"
    assert talk.own() == []


# The host's own output for frontends, too


def test_capture_all(start: Starter) -> None:
    talk = Talkative(start, capture="all")
    talk.fine("print('cell')")
    assert talk.text == "cell\n"
    while talk.frontend.wait_for_text("", "\n").count("tick ") < 2:
        talk.fine("0")  # the host goes on meanwhile
    talk.fine("before = kernel.capture; kernel.capture = 'cells'")
    assert talk.run("before, kernel.capture").result == "('all', 'cells')"
    messages = talk.frontend.published("")
    assert {m["msg_type"] for m in messages} <= {"stream"}
    assert all(m["parent_header"] == {} for m in messages)
    assert all(m["metadata"] == {"qtkernel": {"origin": "host"}} for m in messages)
    lines = "".join(m["content"]["text"] for m in messages).splitlines()
    ticks = [int(line.split()[1]) for line in lines if line.startswith("tick ")]
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
    assert len(ticks) > 1
    # the handler has written to the stream itself since before the kernel came
    assert not any(line.startswith("log ") for line in lines)
    assert "cell" not in lines
    assert talk.own() == []


def test_capture_is_switched_on_later(start: Starter) -> None:
    talk = Talkative(start)
    assert talk.frontend.published("") == []
    talk.captures = True
    talk.fine("kernel.capture = 'all'")
    assert "tick" in talk.frontend.wait_for_text("", "\n")
    assert talk.run("kernel.capture = 'some'").ename == "ValueError"
    assert talk.own() == []
