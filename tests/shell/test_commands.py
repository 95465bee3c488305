"""Commands of the system: real ones, in a shell without a kernel."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from qtkernel.shell.commands import _Command
from tests.support.real_shell import RealShell

pytestmark = pytest.mark.skipif(os.name != "posix", reason="left to IPython there")


def printed(bench: RealShell, code: str, **more: Any) -> str:
    """What a cell that must not fail writes to stdout."""
    bench.iopub.take()
    bench.fine(code, **more)
    return bench.iopub.text()


def test_output_and_exit_code(bench: RealShell) -> None:
    assert printed(bench, "!echo one; echo two; exit 3") == "one\ntwo\n"
    assert bench.namespace["_exit_code"] == 3
    assert printed(bench, "!kill -9 $$") == ""
    assert bench.namespace["_exit_code"] == -9
    bench.fine("!sh -c 'kill -9 $$'; exit $?")
    assert bench.namespace["_exit_code"] == -9


def test_an_exit_code_of_the_hosts_is_its_own(make_shell: Callable[..., RealShell]) -> None:
    bench = make_shell({"_exit_code": "the host's"})
    bench.fine("!exit 1")
    assert bench.namespace["_exit_code"] == "the host's"


def test_stdout_and_stderr_come_in_their_order(bench: RealShell) -> None:
    code = "!echo 1; echo 2 >&2; echo 3"
    assert printed(bench, code) == "1\n2\n3\n"


def test_it_writes_to_a_terminal_that_nobody_types_at(bench: RealShell) -> None:
    script = "import os, sys; print(os.isatty(1), sys.stdin.read() == '', os.environ['PAGER'])"
    bench.namespace["argv"] = f'{sys.executable} -c "{script}"'
    assert printed(bench, "!{argv}") == "True True cat\n"
    assert os.environ.get("PAGER") != "cat"


def test_lines_end_as_they_were_written(bench: RealShell) -> None:
    assert printed(bench, r"!printf 'a\nb\r\nc\rd'") == "a\nb\r\nc\rd"


def test_text_is_decoded_across_the_bounds_of_reads(bench: RealShell, tmp_path: Path) -> None:
    bench.fine(r"!printf '\303'; sleep 0.2; printf '\244\377'")
    assert bench.iopub.text() == "ä�"
    text = "äöü€😀" * 50_000
    bench.namespace["path"] = tmp_path / "text"
    bench.namespace["path"].write_text(text, "utf-8")
    assert printed(bench, "!cat {path}") == text


def test_output_comes_while_the_command_runs(bench: RealShell, tmp_path: Path) -> None:
    seen: list[str] = []
    bench.output.on_written = lambda text: (seen.append(text), gate.set())  # type: ignore[func-returns-value]
    gate = threading.Event()
    go = bench.namespace["go"] = tmp_path / "go"
    # the second line is written only when the first has been seen
    opener = threading.Thread(target=lambda: (gate.wait(20), go.touch()))
    opener.start()
    bench.fine("!echo first; while [ ! -e {go} ]; do sleep 0.01; done; echo second")
    opener.join()
    assert "".join(seen) == "first\nsecond\n"


def test_names_are_expanded(bench: RealShell) -> None:
    bench.fine("v = 'there'")
    assert printed(bench, "!echo {v} $v") == "there there\n"
    assert printed(bench, "def f(w):\n    !echo {w}\nf(5)") == "5\n"
    assert printed(bench, "def f(w):\n    x = !echo {w}\n    print(x)\nf(5)") == "['5']\n"


def test_captured(bench: RealShell) -> None:
    code = (
        "from IPython.utils.capture import capture_output\nwith capture_output() as c:\n    !echo x"
    )
    assert printed(bench, code) == ""
    assert bench.namespace["c"].stdout == "x\n"


def test_a_stdout_that_fails_fails_the_cell_and_not_the_command(
    bench: RealShell, tmp_path: Path
) -> None:
    code = (
        "import contextlib, io\nclosed = io.StringIO(); closed.close()\n"
        "with contextlib.redirect_stdout(closed):\n    !seq 100000; touch {ended}"
    )
    ended = bench.namespace["ended"] = tmp_path / "ended"
    error = bench.run(code).error
    assert error is not None
    assert error.ename == "ValueError"
    assert ended.exists()


def test_a_process_left_behind_does_not_hold_the_cell(bench: RealShell) -> None:
    began = time.monotonic()
    assert printed(bench, "!sleep 5 & echo left") == "left\n"
    assert time.monotonic() - began < 4


def test_one_that_goes_on_writing_does_not_hold_it_either(bench: RealShell) -> None:
    """It is cut off; and ends, nobody being there to read."""
    began = time.monotonic()
    text = printed(bench, "!(for i in $(seq 500); do echo x; sleep 0.01; done) & echo left")
    assert "left\n" in text
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("code", ["!sleep 1 &", "x = !sleep 1 &"])
def test_a_command_in_the_background_is_refused(bench: RealShell, code: str) -> None:
    error = bench.run(code).error
    assert error is not None
    assert "--bg" in error.evalue


def test_getoutput(bench: RealShell) -> None:
    bench.fine("x = !echo a; echo b >&2; printf c")
    assert list(bench.namespace["x"]) == ["a", "b", "c"]
    assert bench.namespace["x"].n == "a\nb\nc"
    bench.fine("y = %sx echo 1; exit 2")
    assert (list(bench.namespace["y"]), bench.namespace["_exit_code"]) == (["1"], 2)
    bench.fine("z = get_ipython().getoutput('echo 1', split=False)")
    assert bench.namespace["z"] == "1\n"


def test_failing_commands_raise_if_asked_to(bench: RealShell) -> None:
    bench.fine("get_ipython().system_raise_on_error = True")
    for code in ("!exit 2", "x = !exit 2"):
        error = bench.run(code).error
        assert error is not None
        assert (error.ename, "2" in error.evalue) == ("CalledProcessError", True)


def test_a_command_of_a_thread(bench: RealShell) -> None:
    code = (
        "import threading\nip = get_ipython()\n"
        "thread = threading.Thread(target=lambda: ip.system('echo from a thread'))\n"
        "thread.start(); thread.join()"
    )
    bench.fine(code)
    assert bench.iopub.claimed  # the thread's output is the cell's; see Attribution


def test_a_program_that_is_not_there_in_a_thread(
    bench: RealShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to end, and nothing to wait for."""
    monkeypatch.setattr("qtkernel.shell.commands._PATIENCE", 1e6)
    failed: list[OSError] = []

    def work() -> None:
        try:
            bench.shell.commands.run(["nonsense"], write=failed.append)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert [error.filename for error in failed] == ["nonsense"]


def stack(thread: threading.Thread) -> list[CodeType]:
    """What a thread is doing."""
    frame = sys._current_frames().get(thread.ident or 0)
    codes = []
    while frame is not None:
        codes.append(frame.f_code)
        frame = frame.f_back
    return codes


@pytest.mark.parametrize("code", ["sleep 60", "trap '' INT; sleep 60"])
def test_an_interrupt_of_a_thread_ends_its_command(bench: RealShell, code: str) -> None:
    """As a subshell's is interrupted: by what Python raises in it, between two bytecodes."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            bench.shell.system(f"echo begins; {code}")
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    # not while it starts threads: Python could raise it in a new one
    while _Command.join.__code__ not in stack(thread):
        time.sleep(0.01)
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    raise_in(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt))
    thread.join(20)
    assert not thread.is_alive()
    assert [type(error) for error in raised] == [KeyboardInterrupt]
    while any("qtkernel-command" in each.name for each in threading.enumerate()):
        time.sleep(0.01)


# Scripts


def test_a_script(bench: RealShell) -> None:
    bench.run("%%bash\necho out\necho err >&2\nread line; echo got $line\nand this\nexit 3")
    assert bench.iopub.text() == "out\ngot and this\n"
    assert bench.iopub.text("stderr") == "err\n"
    error = bench.iopub.said[-1][1]
    assert error["ename"] == "CalledProcessError"
    assert "qtkernel" not in "".join(error["traceback"]), "our own code is not the user's business"
    assert printed(bench, "%%bash --no-raise-error\nexit 3") == ""


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('%%sh -c \'cat; echo "$0"\' "two words"\ngiven', "given\ntwo words\n"),
        ('%%script sh -c "cat; echo done"\ngiven', "given\ndone\n"),
        ("%%script cat\nhalf: \ud800", "half: ?\n"),
    ],
)
def test_what_a_script_is_given(bench: RealShell, cell: str, text: str) -> None:
    """Words and quotes as in a command line, and a text that UTF-8 may not have a code for."""
    assert printed(bench, cell) == text


def test_a_scripts_output_in_names(bench: RealShell) -> None:
    bench.fine("%%script sh --out o --err e\necho 1; echo 2 >&2")
    assert (bench.namespace["o"], bench.namespace["e"]) == ("1\n", "2\n")
    assert bench.iopub.text() == bench.iopub.text("stderr") == ""


def test_a_script_longer_than_a_pipe(bench: RealShell) -> None:
    lines = "\n".join(f"echo {n}" for n in range(30_000))
    assert printed(bench, "%%sh\n" + lines).split() == [str(n) for n in range(30_000)]


def test_a_script_that_is_not_read_to_its_end(bench: RealShell) -> None:
    assert printed(bench, "%%script head -c 3\n" + "x" * 1_000_000) == "xxx"


def test_a_program_that_is_not_there(bench: RealShell) -> None:
    assert printed(bench, "%%script nonsense\nx") == "Couldn't find program: 'nonsense'\n"


@pytest.mark.parametrize("line", ["%%script", "%%script --bg"])
def test_a_script_for_no_program(bench: RealShell, line: str) -> None:
    error = bench.run(f"{line}\nx").error
    assert error is not None
    assert (error.ename, "which program?" in error.evalue) == ("UsageError", True)


def test_a_script_in_the_background(bench: RealShell) -> None:
    bench.fine("%%bash --bg --proc p --out o\nread x; echo $x\nhere")
    assert printed(bench, "print((await o.read()).decode())") == "here\n\n"


def test_nothing_is_left(bench: RealShell) -> None:
    bench.fine("!true")
    fds, threads = set(os.listdir("/proc/self/fd")), threading.active_count()
    for code in ("!true", "x = !true", "%%bash\ntrue", "%%script nonsense\nx"):
        bench.fine(code)
    assert threading.active_count() == threads
    assert set(os.listdir("/proc/self/fd")) == fds
