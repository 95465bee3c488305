"""How applications end, fork and die, with a kernel inside: nothing hangs, nothing is said."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.programs import wait_until
from tests.frontends.test_edges import edge, ready

# The end of the interpreter, with the kernel open


@pytest.mark.parametrize(("name", "code"), [("exits", 0), ("exits_3", 3)])
def test_the_interpreter_ends(start: Starter, name: str, code: int) -> None:
    host = edge(start, name)
    assert host.wait() == code
    assert list(start.home.runtime.iterdir()) == []


def test_the_interpreter_ends_by_an_exception(start: Starter) -> None:
    host = edge(start, "fails", expected=lambda _line: True)
    assert host.wait() == 1
    # Python's own traceback, once, and nothing of ours
    assert host.stderr[0] == "Traceback (most recent call last):"
    assert host.stderr[-1] == "LookupError: the application's own"
    assert not [line for line in host.stderr if "qtkernel/embed" in line]
    assert list(start.home.runtime.iterdir()) == []


# A hard end


def test_what_a_killed_application_has_left(start: Starter) -> None:
    dead = ready(start, "sleeps")
    os.kill(dead.pid, signal.SIGKILL)
    assert dead.wait() == -signal.SIGKILL
    assert dead.connection_file.exists()
    sockets = [path for path in start.home.runtime.iterdir() if path.is_dir()]
    assert len(sockets) == 1
    host = ready(start, "plain")
    assert not dead.connection_file.exists()
    assert not sockets[0].exists()
    assert list(start.home.runtime.glob("kernel-*.json")) == [host.connection_file]
    frontend = start.frontend(host)
    assert frontend.run("1").result == "1"
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert list(start.home.runtime.iterdir()) == []


def test_the_same_file_again_after_a_hard_end(start: Starter) -> None:
    dead = ready(start, "sleeps")
    os.kill(dead.pid, signal.SIGKILL)
    dead.wait()
    host = start.program([*dead.arguments[:2], "plain", str(dead.connection_file)])
    host.connection_file = dead.connection_file
    host.wait_for_line("ready")
    assert start.frontend(host).run("1").result == "1"


# A frontend that does not read


def test_a_frontend_that_does_not_read_holds_the_end_up_for_a_moment_only(start: Starter) -> None:
    host = ready(start, "plain")
    reader, sleeper = start.frontend(host), start.frontend(host)
    # beyond what Unix sockets and pipes hold; the other one reads all of it
    msg_id = reader.start("for _ in range(40): print('x' * 1_000_000)\napp.exit(3)")
    outcome = reader.outcome(msg_id)
    assert len(outcome.text()) == 40 * 1_000_001
    assert host.wait(20) == 3
    sleeper.close()
    assert list(start.home.runtime.iterdir()) == []


# Children

# from Python 3.12 on each fork of a process with threads is warned of
FORKS = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}


def test_a_child_that_goes_on_in_the_event_loop(start: Starter) -> None:
    host = ready(start, "fork_slot", environment=FORKS)
    frontend = start.frontend(host)
    frontend.run("fork()")
    # both processes have these sockets now; every request must be answered, by the parent
    for n in range(50):
        assert frontend.run(f"import os; os.getpid(), {n}").result == f"({host.pid}, {n})"
    assert host.wait_for_line("child: ") == "child: 5"
    assert frontend.run("'alive'").result == "'alive'"
    assert host.connection_file.exists()
    frontend.start("app.quit()")
    assert host.wait() == 0


def test_a_child_that_returns_from_main(start: Starter) -> None:
    # with X11, Qt itself hangs in such a child: it waits for its own thread, which is not there
    host = ready(start, "fork_main", environment=FORKS | {"QT_QPA_PLATFORM": "offscreen"})
    frontend = start.frontend(host)
    frontend.start("app.quit()")
    assert host.wait_for_line("child: ") == "child: 7, file: True"
    assert host.wait() == 0
    assert list(start.home.runtime.iterdir()) == []


FORK = """
import os, sys, time
pid = os.fork()
if pid == 0:
    {child}
else:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize(
    ("child", "code", "said"),
    [
        ("os._exit(4)", 4, ""),
        ("sys.exit(5)", 5, ""),
        ("sys.exit()", 0, ""),
        ("print('from the child')", 0, "from the child"),
        ("raise LookupError('in the child')", 1, "in the child"),
        ("print('x' * 100_000); time.sleep(0.1)", 0, "xxx"),
    ],
)
def test_a_cell_forks(start: Starter, child: str, code: int, said: str) -> None:
    host = ready(start, "plain", expected=lambda _line: True)
    frontend = start.frontend(host)
    outcome = frontend.run(FORK.format(child=child))
    assert outcome.status == "ok"
    assert frontend.run("code").result == str(code)
    assert frontend.run("os.getpid()").result == str(host.pid)
    assert said in outcome.text() + outcome.text("stderr")
    assert host.connection_file.exists()
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert list(start.home.runtime.iterdir()) == []


def test_a_cell_forks_and_the_child_lives_on(start: Starter) -> None:
    """It belongs to nobody: the kernel must not wait for it, nor it use the kernel."""
    host = ready(start, "plain", environment=FORKS)
    frontend = start.frontend(host)
    mark = start.home.directory / "child-has-ended"
    code = f"time.sleep(0.5); print('alone', flush=True); open({str(mark)!r}, 'w').close()"
    fork = f"import os, time\nif os.fork() == 0:\n    print('with'); {code}; os._exit(0)"
    msg_id = frontend.start(fork)
    assert frontend.wait_for_text(msg_id, "with\n")
    assert frontend.outcome(msg_id).status == "ok"
    assert frontend.run("'parent'").result == "'parent'"
    frontend.start("app.quit()")
    assert host.process.wait(30) == 0
    wait_until(mark.exists, 30, "the end of the child")
    host.wait_for_line("alone")
    assert list(start.home.runtime.iterdir()) == []


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_and_subprocess(start: Starter, method: str) -> None:
    host = ready(start, "plain", environment=FORKS)
    frontend = start.frontend(host)
    frontend.run(
        "import math, multiprocessing, subprocess, sys\n"
        f"context = multiprocessing.get_context({method!r})\n"
        "with context.Pool(2) as pool: roots = pool.map(math.sqrt, [1, 4, 9])"
    )
    assert frontend.run("roots").result == "[1.0, 2.0, 3.0]"
    run = "subprocess.run([sys.executable, '-c', 'print(7)'], capture_output=True).stdout"
    assert frontend.run(run).result == repr(b"7\n")
    assert host.connection_file.exists()
    frontend.start("app.quit()")
    assert host.wait() == 0
    assert list(start.home.runtime.iterdir()) == []


def test_children_do_not_inherit_the_kernel_s_descriptors(start: Starter) -> None:
    host = ready(start, "plain")
    frontend = start.frontend(host)
    code = "import subprocess; p = subprocess.Popen(['sleep', '30'], close_fds=False); p.pid"
    pid = int(frontend.run(code).result)
    links = [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    assert not [link for link in links if link.startswith(("socket:", "anon_inode:"))]
    frontend.run("p.kill(); p.wait()")
    frontend.start("app.quit()")
    assert host.wait() == 0
