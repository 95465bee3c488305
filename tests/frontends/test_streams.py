"""What libraries and processes do with stdout and stderr, in real kernels."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import Program

forks = pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin",
    reason="nothing forks here, or does not survive it with what Qt has started",
)


@pytest.fixture(scope="module", params=["standalone", "embedded"])
def program(request: pytest.FixtureRequest, start_shared: Starter) -> Program:
    if request.param == "embedded":
        return start_shared.host()
    return start_shared.kernel("headless")


@pytest.fixture
def frontend(program: Program, attach: Callable[[Program], Frontend]) -> Frontend:
    return attach(program)


def test_a_child_process_writes_where_the_process_does(
    frontend: Frontend, program: Program
) -> None:
    outcome = frontend.run(
        "import subprocess, sys\n"
        "subprocess.run(['echo', 'a child'], stdout=sys.stdout, stderr=sys.stderr).returncode"
    )
    assert outcome.result == "0"
    program.wait_for_line("a child")


def test_libraries_that_want_a_descriptor(frontend: Frontend) -> None:
    outcome = frontend.run(
        "import faulthandler, os, sys\n"
        "before = faulthandler.is_enabled()\n"
        "faulthandler.enable(); faulthandler.is_enabled() or 1 / 0\n"
        "before or faulthandler.disable()\n"
        "os.close(os.dup(sys.stdout.fileno()))\n"
        "sys.stdout.isatty(), sys.stderr.fileno()"
    )
    assert outcome.result == "(False, 2)"


def test_bytes_logging_and_progress(frontend: Frontend) -> None:
    outcome = frontend.run(
        "import logging, sys\n"
        "print('text', end='', flush=True)\n"
        "sys.stdout.buffer.write(b' bytes\\n')\n"
        "logging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
        "logging.getLogger('a cell').warning('logged')\n"
        "from tqdm import tqdm\n"
        "for _ in tqdm(range(3), file=sys.stderr, ascii=None): pass\n"
        "import rich; rich.print('[b]bold[/b]', file=sys.stdout)"
    )
    assert outcome.status == "ok", outcome.content
    assert outcome.text().startswith("text bytes\nlogged\n")
    assert "100%|" in outcome.text("stderr")
    assert "█" in outcome.text("stderr"), "the encoding is UTF-8, whatever the terminal's is"


FORKS = """
import multiprocessing, os, sys, warnings
warnings.simplefilter('ignore', DeprecationWarning)
def child(work):
    process = multiprocessing.get_context('fork').Process(target=work)
    process.start()
    process.join()
    return process.exitcode
"""


@forks
def test_what_a_forked_process_prints_is_in_its_place(frontend: Frontend, program: Program) -> None:
    outcome = frontend.run(
        FORKS + "def work():\n"
        "    print('printed by', 'a fork')\n"
        "    sys.stdout.buffer.write('bytes of a förk\\n'.encode())\n"
        "    print('an error', file=sys.stderr)\n"
        "    print('\\ud800 at the', end=' end')\n"
        "print('before')\n"
        "print('after', child(work))"
    )
    texts = [(each["name"], each["text"]) for each in outcome.contents("stream")]
    assert texts == [
        ("stdout", "before\n"),
        ("stdout", "printed by a fork\nbytes of a förk\n"),
        ("stderr", "an error\n"),
        ("stdout", "\ud800 at the end"),
        ("stdout", "after 0\n"),
    ]
    assert program.stdout == []
    assert frontend.run("1 + 1").result == "2"


@forks
def test_nothing_of_much_that_a_forked_process_prints_is_lost(frontend: Frontend) -> None:
    """The cell waits for it, and so does the kernel's own thread: another one must read."""
    outcome = frontend.run(
        FORKS + "def work():\n"
        "    for n in range(5000): print(n)\n"
        "    print('é' * 1_000_000)\n"
        "print(child(work))"
    )
    lines = outcome.text().splitlines()
    assert lines == [*map(str, range(5000)), "é" * 1_000_000, "0"]


@forks
def test_a_forked_process_that_ends_as_a_cell(frontend: Frontend) -> None:
    outcome = frontend.run(
        FORKS + "if pid := os.fork():\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "else:\n"
        "    print('child', end='')\n"
        "    raise LookupError('of the child')"
    )
    assert outcome.text() == "child1\n"
    assert "LookupError" in outcome.text("stderr")
    assert "of the child" in outcome.text("stderr")


@forks
def test_workers_that_later_cells_give_work(frontend: Frontend) -> None:
    """All that a process prints belongs to the cell that has forked it; as with ipykernel."""
    code = (
        "pool = multiprocessing.get_context('fork').Pool(1, initializer=print, initargs=('1st',))"
    )
    made = frontend.start(FORKS + code + "\npool.apply(print, ('2nd',))")
    assert frontend.outcome(made).text() == "1st\n2nd\n"
    used = frontend.run("pool.apply(print, ('3rd',))")
    assert used.text() == ""
    assert frontend.wait_for_text(made, "3rd\n") == "3rd\n"
    frontend.run("pool.terminate(); pool.join()")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_functions_of_modules_in_other_processes(start: Starter, method: str) -> None:
    frontend = start.frontend(start.kernel("headless"))
    outcome = frontend.run(
        "import math, multiprocessing\n"
        f"with multiprocessing.get_context('{method}').Pool(1) as pool:\n"
        "    print(pool.map(math.factorial, [3, 4]))"
    )
    assert outcome.text() == "[6, 24]\n"
