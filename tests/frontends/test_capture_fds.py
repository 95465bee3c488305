"""``qtkernel --capture-fds``: what C code and child processes print is the cell's output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

import qtkernel
from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import PATIENCE, KernelProgram, wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="refused there")


@pytest.fixture(scope="module")
def kernel(start_shared: Starter) -> KernelProgram:
    buffered = {"PYTHONUNBUFFERED": ""}  # else the C library holds nothing back
    kernel: KernelProgram = start_shared.kernel("headless", "--capture-fds", environment=buffered)
    return kernel


@pytest.fixture
def frontend(kernel: KernelProgram, attach: Callable[[KernelProgram], Frontend]) -> Frontend:
    frontend = attach(kernel)
    frontend.run("import asyncio, ctypes, os, subprocess, sys, threading, time")
    return frontend


def shown(frontend: Frontend, code: str) -> list[tuple[str, str]]:
    """What a cell that does not fail shows: the streams and the displays, in order."""
    outcome = frontend.run(code)
    assert outcome.status == "ok", outcome.content
    found: list[tuple[str, str]] = []
    for message in outcome.messages:
        content, kind = message["content"], message["msg_type"]
        if kind == "stream":
            name, text = content["name"], content["text"]
            if found and found[-1][0] == name:
                text = found.pop()[1] + text
            found.append((name, text))
        elif kind in ("display_data", "execute_result"):
            found.append((kind, content["data"]["text/plain"]))
    return found


def test_all_comes_in_its_order(frontend: Frontend) -> None:
    code = (
        "os.write(1, b'raw '); print('python'); os.system('echo child; echo error >&2')\n"
        "print('python'); os.write(1, b'raw\\n'); display(1); os.write(1, b'raw\\n'); 2"
    )
    assert shown(frontend, code) == [
        ("stdout", "raw python\nchild\n"),
        ("stderr", "error\n"),
        ("stdout", "python\nraw\n"),
        ("display_data", "1"),
        ("stdout", "raw\n"),
        ("execute_result", "2"),
    ]


def test_what_the_c_library_holds_back(frontend: Frontend) -> None:
    code = "libc = ctypes.CDLL(None); libc.printf(b'c '); print('python'); libc.printf(b'end');"
    assert shown(frontend, code) == [("stdout", "c python\nend")]


def test_python_s_own_stream_behind(frontend: Frontend) -> None:
    code = "print('behind', file=sys.__stdout__); subprocess.run('echo child', stdout=sys.stdout);"
    code = code.replace("'echo child'", "['echo', 'child']")
    assert sorted(shown(frontend, code)[0][1].split()) == ["behind", "child"]


def test_characters_in_pieces_and_what_is_none(frontend: Frontend) -> None:
    code = "for byte in b'\\xc3\\xa4\\xff\\xc3': os.write(1, bytes([byte])); time.sleep(0.01)"
    assert shown(frontend, code) == [("stdout", "ä��")]
    assert shown(frontend, "os.write(1, b'\\xa4');") == [("stdout", "�")]


def test_nothing_is_lost_at_the_end_of_a_cell(frontend: Frontend) -> None:
    for n in range(30):
        assert shown(frontend, f"os.write(1, b'{n} ' * 2000);") == [("stdout", f"{n} " * 2000)]


def test_much_output(frontend: Frontend) -> None:
    text = frontend.run("subprocess.run(['seq', '300000']);").text()
    assert text == "".join(f"{n}\n" for n in range(1, 300_001))


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a pipe is the system's there")
def test_c_code_that_holds_the_lock(frontend: Frontend) -> None:
    """As much as the pipe takes: nobody can read meanwhile. ipykernel hangs from 64 KiB on."""
    size = 900_000
    code = f"ctypes.PyDLL(None).write(1, b'z' * {size}, {size})"
    assert shown(frontend, code) == [("stdout", "z" * size), ("execute_result", str(size))]


def test_output_flows_while_a_cell_awaits(frontend: Frontend) -> None:
    msg_id = frontend.start(
        "go = asyncio.Event(); loop = asyncio.get_running_loop()\n"
        "def work():\n    os.write(1, b'of a thread\\n')\n"
        "threading.Timer(0.1, work).start()\nawait go.wait()"
    )
    frontend.wait_for_text(msg_id, "of a thread\n")
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"


def test_output_flows_while_a_cell_asks(frontend: Frontend) -> None:
    msg_id = frontend.start(
        "os.write(1, b'before '); child = subprocess.Popen('read x; echo child', shell=True,"
        " stdin=subprocess.PIPE)\n"
        "threading.Timer(0.1, child.communicate, [b'x']).start()\n"
        "answer = input('?'); child.wait(); print(answer)"
    )
    frontend.prompt()
    frontend.wait_for_text(msg_id, "child\n")
    frontend.answer("answered")
    assert frontend.outcome(msg_id).text() == "before child\nanswered\n"


def test_an_interrupt_loses_nothing(frontend: Frontend) -> None:
    msg_id = frontend.start(
        "n = 0\nwhile True:\n    n += os.write(1, b'tick\\n') // 5\n    print(end='x\\n'); n += 1"
    )
    frontend.wait_for_text(msg_id, "tick\n")
    frontend.interrupt()
    outcome = frontend.outcome(msg_id)
    assert outcome.ename == "KeyboardInterrupt"
    # what was under way when it came may have been written, and not been counted
    lines = outcome.text().split()
    assert 0 <= len(lines) - int(frontend.run("n").result) <= 1
    assert set(zip(lines[::2], lines[1::2], strict=False)) == {("tick", "x")}


@pytest.mark.skipif(sys.platform == "darwin", reason="what is started there may not survive it")
def test_a_forked_child(frontend: Frontend) -> None:
    code = (
        "pid = os.fork()\n"
        "if pid == 0:\n    print('child', flush=True); os.write(1, b'raw\\n'); os._exit(0)\n"
        "_ = os.waitpid(pid, 0); print('parent')"
    )
    code = f"import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n{code}"
    assert shown(frontend, code) == [("stdout", "child\nraw\nparent\n")]


def test_the_descriptors_are_back_when_the_cell_has_ended(
    frontend: Frontend, kernel: KernelProgram
) -> None:
    frontend.run(
        "def work(pipe=os.fstat(1).st_ino):\n"
        "    while os.fstat(1).st_ino == pipe:\n        time.sleep(0.01)\n"
        "    os.write(1, b'back at the terminal\\n')\n"
        "threading.Thread(target=work).start()"
    )
    kernel.wait_for_line("back at the terminal")
    assert kernel.stdout == []
    fds = "len(os.listdir('/dev/fd'))"
    assert frontend.run(fds).result == frontend.run(fds).result


def test_what_a_cell_puts_there_to_stay_stays(start: Starter) -> None:
    kernel = start.kernel("headless", "--capture-fds")
    frontend = start.frontend(kernel)
    frontend.run(
        "import os, threading, time\n"
        "place = os.open('place', os.O_CREAT | os.O_WRONLY)\nos.dup2(place, 1); os.close(place)"
    )
    outcome = frontend.run(
        "os.write(1, b'captured')\n"
        "def work(pipe=os.fstat(1).st_ino):\n"
        "    while os.fstat(1).st_ino == pipe:\n        time.sleep(0.01)\n"
        "    os.write(1, b'in its place')\n"
        "threading.Thread(target=work).start()"
    )
    assert outcome.text() == "captured"
    place = kernel.home.directory / "place"
    wait_until(lambda: place.read_text() == "in its place", PATIENCE, "written to the file")
    assert kernel.stdout == []


def test_in_an_event_loop_of_the_cell_s_own(start: Starter) -> None:
    frontend = start.frontend(start.kernel("qt", "--capture-fds"))
    msg_id = frontend.start(
        "import os\nfrom qtpy import QtCore\nloop = QtCore.QEventLoop()\n"
        "QtCore.QTimer.singleShot(20, lambda: os.write(1, b'from a slot\\n'))\nloop.exec_()"
    )
    frontend.wait_for_text(msg_id, "from a slot\n")
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"


def test_an_application_s_are_its_own() -> None:
    with pytest.raises(ValueError, match="qtkernel --capture-fds"):
        qtkernel.embed({}, capture="fds")  # type: ignore[arg-type]


def test_a_descriptor_that_was_closed_is_left_alone(start: Starter) -> None:
    """It is an event loop's or a socket's by then."""
    file = start.home.runtime / "kernel-closed.json"
    shell = f"exec {sys.executable} -m qtkernel --gui=headless --capture-fds -f {file} >&- 2>&-"
    program = start.program(["/bin/sh", "-c", shell])
    program.connection_file = program.wait_for_file(file)
    frontend = start.frontend(program)
    look = "import os, sys; [os.readlink(f'/dev/fd/{fd}') for fd in (1, 2)]"
    before = frontend.run(look).result
    assert frontend.run("print('printed')").text() == "printed\n"
    assert frontend.run(look).result == before
    assert "pipe" not in frontend.run("os.path.realpath('/dev/fd/1')").result
