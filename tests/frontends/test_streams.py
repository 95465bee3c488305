"""What libraries and processes do with stdout and stderr, in real kernels."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import Program

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")


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


@needs_fork
@pytest.mark.skipif(
    sys.platform == "darwin", reason="what Qt has started there does not survive it"
)
def test_a_forked_process_prints_where_the_process_does(
    frontend: Frontend, program: Program
) -> None:
    outcome = frontend.run(
        "import multiprocessing, os, sys, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "def work():\n"
        "    print('printed by', 'a fork', flush=True)\n"
        "    sys.stdout.buffer.write(b'bytes of a fork\\n')\n"
        "print('before')\n"
        "process = multiprocessing.get_context('fork').Process(target=work)\n"
        "process.start(); process.join()\n"
        "print('after', process.exitcode)"
    )
    assert outcome.text() == "before\nafter 0\n"
    program.wait_for_line("printed by a fork")
    program.wait_for_line("bytes of a fork")
    assert program.stdout == []
    assert frontend.run("1 + 1").result == "2"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_functions_of_modules_in_other_processes(start: Starter, method: str) -> None:
    frontend = start.frontend(start.kernel("headless"))
    outcome = frontend.run(
        "import math, multiprocessing\n"
        f"with multiprocessing.get_context('{method}').Pool(1) as pool:\n"
        "    print(pool.map(math.factorial, [3, 4]))"
    )
    assert outcome.text() == "[6, 24]\n"
