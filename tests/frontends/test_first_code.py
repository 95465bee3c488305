"""What the command line runs first, and the calls of old."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import PATIENCE, Program, wait_until


def started(start: Starter, *arguments: str) -> Frontend:
    """A frontend at a kernel that has been started with `arguments`."""
    return start.frontend(start.kernel("headless", *arguments))


def test_code(start: Starter) -> None:
    frontend = started(start, "-c", "import sys; a = sys.argv", "one", "--two")
    assert frontend.run("a").result == "['-c', 'one', '--two']"


def test_a_script_and_what_lies_beside_it(start: Starter) -> None:
    script = start.home.directory / "script.py"
    script.write_text("import sys, beside\na = sys.argv[1:]\nn = __name__\n")
    (start.home.directory / "beside.py").write_text("b = 2\n")
    frontend = started(start, str(script), "one", "--two")
    assert frontend.run("a, n, beside.b").result == "(['one', '--two'], '__main__', 2)"


def test_a_module(start: Starter) -> None:
    (start.home.directory / "some_module.py").write_text("import sys\na = sys.argv[1:]\n")
    frontend = started(start, "-m", "some_module", "one")
    assert frontend.run("a").result == "['one']"


def test_an_extension(start: Starter) -> None:
    (start.home.directory / "some_extension.py").write_text(
        "def load_ipython_extension(shell): shell.user_ns['loaded'] = True\n"
    )
    assert started(start, "--ext", "some_extension").run("loaded").result == "True"


def test_matplotlib(start: Starter) -> None:
    pytest.importorskip("matplotlib")
    frontend = started(start, "--matplotlib", "inline")
    outcome = frontend.run("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()")
    assert "image/png" in outcome.contents("display_data")[0]["data"]


def test_a_profile_only_when_it_is_asked_for(start: Starter) -> None:
    profile = start.home.ipython / "profile_mine"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "first.py").write_text("from_profile = 1\n")
    (profile / "ipython_config.py").write_text("c.InteractiveShell.ast_node_interactivity='all'\n")
    frontend = started(start, "--profile", "mine")
    outcome = frontend.run("from_profile\n2")
    results = [c["data"]["text/plain"] for c in outcome.contents("execute_result")]
    assert results == ["1", "2"]
    assert started(start).run("from_profile").ename == "NameError"


def test_code_that_fails_is_shown_and_the_kernel_serves(start: Starter) -> None:
    kernel = start.kernel("headless", "-c", "1 / 0", expected=lambda _line: True)
    assert start.frontend(kernel).run("1").result == "1"
    shown = "ZeroDivisionError"
    wait_until(lambda: any(shown in line for line in kernel.stderr), PATIENCE, "its traceback")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--gui=gtk"],
        ["-c", "1", "-m", "this"],
        ["no_such_script.py"],
        ["-m", "no_such_module"],
        ["--profile=none-such"],
        ["--transport=ipc", "--ip=127.0.0.1"],
        ["--transport=tcp", "--ip=192.0.2.1"],
        ["-f", "empty.json"],
        ["-f", "open.json"],
        ["--no-such-option"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_what_is_wrong_is_said_in_one_line(start: Starter, arguments: Sequence[str]) -> None:
    (start.home.directory / "empty.json").write_text("")
    (start.home.directory / "empty.json").chmod(0o600)
    (start.home.directory / "open.json").write_text('{"key": "abc"}')
    (start.home.directory / "open.json").chmod(0o644)
    program = start.program(
        [sys.executable, "-m", "qtkernel", "--gui=headless", *arguments],
        expected=lambda line: line.startswith("qtkernel: error: "),
    )
    assert program.wait() == 2
    assert len(program.stderr) == 1


def test_without_a_file_it_says_how_to_attach(start: Starter) -> None:
    program = start.program([sys.executable, "-m", "qtkernel", "--gui=headless"])
    line = program.wait_for_error_line("To attach: jupyter console --existing ")
    file = start.home.runtime / line.rpartition(" ")[2]
    assert Frontend_at(start, file).run("1").result == "1"
    program.process.terminate()
    assert program.wait() == 0
    assert not file.exists()


def Frontend_at(start: Starter, file: Path) -> Frontend:  # noqa: N802
    """A frontend at a connection file."""

    class Place:
        connection_file = file

    return start.frontend(Place)


LAUNCH = """
import sys, qtkernel
kernel = qtkernel.launch_kernel(gui="headless")
print("file", kernel.connection_file, flush=True)
print("ports", *kernel[1:], flush=True)
sys.stdin.readline()
kernel.process.terminate()
print("code", kernel.process.wait(), flush=True)
"""

EMBED = """
import qtkernel
def function():
    local = 'seen'
    qtkernel.embed_kernel()
    print('returned', flush=True)
function()
"""


def test_launch_kernel(start: Starter) -> None:
    program = start.program([sys.executable, "-c", LAUNCH])
    file = Path(program.wait_for_line("file").removeprefix("file "))
    ports = program.wait_for_line("ports").split()[1:]
    assert len(set(ports)) == 4
    assert Frontend_at(start, file).run("1 + 1").result == "2"
    program.write_line("end")
    assert program.wait_for_line("code") == "code 0"
    assert program.wait() == 0


def test_embed_kernel(start: Starter) -> None:
    program: Program = start.program([sys.executable, "-c", EMBED])
    name = re.sub(r".* ", "", program.wait_for_error_line("To attach: "))
    frontend = Frontend_at(start, start.home.runtime / name)
    assert frontend.run("local").result == "'seen'"
    frontend.run("exit")
    program.wait_for_line("returned")
    assert program.wait() == 0


def test_modules_are_found_in_the_current_directory_after_the_standard_library(
    start: Starter,
) -> None:
    here = start.home.directory
    (here / "random.py").write_text("raise SystemExit('not the standard one')\n")
    (here / "local_one.py").write_text("n = 1\n")
    (here / "below").mkdir()
    (here / "below" / "local_two.py").write_text("n = 2\n")
    frontend = started(start)
    assert frontend.run("import random, local_one; local_one.n").result == "1"
    assert frontend.run("import os; os.chdir('below'); import local_two; local_two.n").result == "2"


def test_the_root_logger_is_the_cells(start: Starter) -> None:
    frontend = started(start)
    assert frontend.run("import logging; logging.warning('seen')").text("stderr") == (
        "WARNING:root:seen\n"
    )
    frontend.run("logging.basicConfig(level='INFO', format='%(message)s', force=True)")
    assert frontend.run("logging.info('also seen')").text("stderr") == "also seen\n"
