"""All the places where a cell can be when it is interrupted, on every kind of event loop."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HostProgram, KernelProgram

# Each prints "begun" and is then where it says. Those of ENDLESS end by the interrupt alone.
ENDLESS = {
    "lock": "import threading\nlock = threading.Lock()\nlock.acquire()\nBEGUN\nlock.acquire()",
    "Event.wait": "import threading\nevent = threading.Event()\nBEGUN\nevent.wait()",
    "Condition": "import threading\nc = threading.Condition()\nBEGUN\nwith c:\n    c.wait()",
    "queue": "import queue\nitems = queue.Queue()\nBEGUN\nitems.get()",
    "join": (
        "import threading\nheld = threading.Event()\n"
        "thread = threading.Thread(target=held.wait, daemon=True)\nthread.start()\n"
        "BEGUN\ntry:\n    thread.join()\nfinally:\n    held.set()"
    ),
    "recv": (
        "import socket\none, other = socket.socketpair()\nBEGUN\nwith one, other:\n    one.recv(1)"
    ),
    "subprocess": (
        "import subprocess\nsleeping = subprocess.Popen(['sleep', '60'])\nBEGUN\n"
        "try:\n    sleeping.wait()\nfinally:\n    sleeping.kill()\n    sleeping.wait()"
    ),
    "except": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    BEGUN\n    while True: pass",
    "finally": "try:\n    pass\nfinally:\n    BEGUN\n    while True: pass",
    "with": (
        "import contextlib\n@contextlib.contextmanager\ndef context():\n    yield\n    BEGUN\n"
        "    while True: pass\nwith context():\n    pass"
    ),
    "generator": "def numbers():\n    BEGUN\n    while True: yield 1\nfor _ in numbers(): pass",
    "comprehension": "BEGUN\n[1 for _ in iter(int, 1)]",
    "prints": "BEGUN\nwhile True: print('x' * 40)",
    "displays": "BEGUN\nwhile True: display(1)",
    "getpass": "import getpass\nBEGUN\ngetpass.getpass()",
    "await Event": "import asyncio\nBEGUN\nawait asyncio.Event().wait()",
    "await gather": (
        "import asyncio\nBEGUN\nawait asyncio.gather(asyncio.sleep(60), asyncio.sleep(60))"
    ),
    "await to_thread": (
        "import asyncio, threading\nheld = threading.Event()\nBEGUN\n"
        "try:\n    await asyncio.to_thread(held.wait, 60)\nfinally:\n    held.set()"
    ),
    "TaskGroup": (
        "import asyncio\nasync with asyncio.TaskGroup() as group:\n"
        "    group.create_task(asyncio.sleep(60))\n    BEGUN"
    ),
    "async for": (
        "import asyncio\nasync def numbers():\n    BEGUN\n    while True:\n"
        "        yield 1\n        await asyncio.sleep(0)\nasync for _ in numbers(): pass"
    ),
    "awaiting nothing": "import asyncio\nawait asyncio.sleep(0)\nBEGUN\nwhile True: pass",
    "yielding": "import asyncio\nBEGUN\nwhile True: await asyncio.sleep(0)",
    "a task spins": (
        "import asyncio\nasync def spin():\n    BEGUN\n    while True: pass\n"
        "task = asyncio.create_task(spin())\nawait task"
    ),
    "another task spins": (
        "import asyncio\nasync def spin():\n    BEGUN\n    while True: pass\n"
        "task = asyncio.create_task(spin())\nawait asyncio.sleep(60)"
    ),
    "a task of a task spins": (
        "import asyncio\nasync def spin():\n    BEGUN\n    while True: pass\n"
        "async def start():\n    await asyncio.create_task(spin())\n"
        "await asyncio.gather(start(), asyncio.sleep(60))"
    ),
}

WITHOUT_A_RUNNING_LOOP = {
    # "begun" by the coroutine: a loop that is interrupted while it is made fails in its __del__
    "asyncio.run": (
        "import asyncio\nasync def sleep():\n    BEGUN\n    await asyncio.sleep(60)\n"
        "asyncio.run(sleep())"
    ),
    "asyncio.run spins": (
        "import asyncio\nasync def spin():\n    BEGUN\n    while True: pass\nasyncio.run(spin())"
    ),
}


def begin(frontend: Frontend, code: str) -> str:
    """Start a cell and wait until it is where it shall be interrupted."""
    msg_id = frontend.start(code.replace("BEGUN", "print('begun', flush=True)"))
    frontend.wait_for(msg_id, "stream")
    return msg_id


def assert_interrupted(frontend: Frontend, msg_id: str) -> None:
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    assert_unhurt(frontend)


def assert_unhurt(frontend: Frontend) -> None:
    assert frontend.run("import time; time.sleep(0.06); 'unhurt'").result == "'unhurt'"
    assert frontend.run("import asyncio\nawait asyncio.sleep(0.01)\n'too'").result == "'too'"


@pytest.fixture
def frontend(kernel: KernelProgram) -> Iterator[Frontend]:
    connected = Frontend(kernel.connection_file)
    yield connected
    connected.close()


@pytest.fixture(scope="module")
def host(start_shared: Starter) -> HostProgram:
    return start_shared.host()


@pytest.fixture
def guest_of_host(host: HostProgram) -> Iterator[Frontend]:
    connected = Frontend(host.connection_file)
    yield connected
    connected.close()


@pytest.mark.parametrize("place", ENDLESS)
def test_endless(frontend: Frontend, place: str) -> None:
    msg_id = begin(frontend, ENDLESS[place])
    frontend.interrupt()
    assert_interrupted(frontend, msg_id)


@pytest.mark.parametrize("place", ENDLESS | WITHOUT_A_RUNNING_LOOP)
def test_endless_in_a_host(guest_of_host: Frontend, place: str) -> None:
    msg_id = begin(guest_of_host, (ENDLESS | WITHOUT_A_RUNNING_LOOP)[place])
    guest_of_host.interrupt()
    assert_interrupted(guest_of_host, msg_id)


def test_a_c_call_that_holds_the_gil(guest_of_host: Frontend) -> None:
    """Not even the control thread runs meanwhile: the interrupt comes after it, or one later."""
    msg_id = begin(guest_of_host, "BEGUN\nwhile True: sum(range(10_000_000))")
    guest_of_host.interrupt()
    assert_interrupted(guest_of_host, msg_id)


def test_an_import_can_be_tried_again(guest_of_host: Frontend) -> None:
    guest_of_host.run(
        "import pathlib, sys, tempfile\n"
        "place = tempfile.TemporaryDirectory()\n"
        'text = \'import time\\nprint("begun", flush=True)\\nwhile not hasattr(time, "go"):\\n'
        "    time.sleep(0.01)\\nvalue = 7\\n'\n"
        "_ = pathlib.Path(place.name, 'slow_module.py').write_text(text)\n"
        "sys.path.insert(0, place.name)"
    )
    msg_id = guest_of_host.start("import slow_module")
    guest_of_host.wait_for(msg_id, "stream")
    guest_of_host.interrupt()
    assert_interrupted(guest_of_host, msg_id)
    code = "import time\ntime.go = True\nimport slow_module\ndel time.go\nslow_module.value"
    assert guest_of_host.run(code).result == "7"
    guest_of_host.run("sys.path.remove(place.name)\nplace.cleanup()")


def test_in_a_finalizer_python_swallows_it(guest_of_host: Frontend) -> None:
    code = (
        "class Endless:\n    def __del__(self):\n        BEGUN\n        while True: pass\n"
        "thing = Endless()\ndel thing\n'went on'"
    )
    msg_id = begin(guest_of_host, code)
    guest_of_host.interrupt()
    outcome = guest_of_host.outcome(msg_id)
    assert outcome.result == "'went on'"
    assert_unhurt(guest_of_host)


def test_completion_is_not_interrupted(guest_of_host: Frontend) -> None:
    """It runs a slow property of the user's; there is no cell, so the interrupt is dropped."""
    guest_of_host.run(
        "import time\nclass Slow:\n    def __dir__(self):\n        time.sleep(0.3)\n"
        "        return ['attribute']\nslow = Slow()"
    )
    msg_id = guest_of_host.client.complete("slow.", 5)
    deadline = time.monotonic() + 0.2
    while time.monotonic() < deadline:
        guest_of_host.interrupt()
    assert guest_of_host.outcome(msg_id).status == "ok"
    assert_unhurt(guest_of_host)


def test_a_handler_that_the_cell_installs_is_its_own_business(
    guest_of_host: Frontend, host: HostProgram
) -> None:
    code = (
        "import signal, time\n"
        "seen = []\n"
        "before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))\n"
        "BEGUN\n"
        "while not seen: time.sleep(0.01)\n"
        "_ = signal.signal(signal.SIGINT, before)\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('interrupted')"
    )
    msg_id = begin(guest_of_host, code)
    guest_of_host.interrupt()
    assert "interrupted" in guest_of_host.outcome(msg_id).text()
    assert host.ask("sigint") == "own"
    assert_unhurt(guest_of_host)
