"""Steps of cells on several threads at once: what they find, and what is left afterwards."""

from __future__ import annotations

import builtins
import getpass
import sys
import threading
from collections.abc import Callable
from concurrent.futures.thread import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.real_shell import RealShell


def found() -> tuple[Any, ...]:
    """What of the process a cell has its own of."""
    return (
        builtins.input,
        getpass.getpass,
        sys.displayhook,
        threading.Thread.start,
        ThreadPoolExecutor.submit,
        builtins.__dict__.get("display"),
        builtins.__dict__.get("get_ipython"),
    )


class Elsewhere:
    """A step on another thread, which begins and ends when it is told to."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._begin, self._end = threading.Event(), threading.Event()
        self._begun = threading.Event()
        self.entered = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self._begin.wait(20)
        self._shell.states.add()
        try:
            with self._shell.environment:
                self.entered = self._shell.environment.entered
                self._begun.set()
                self._end.wait(20)
        except BaseException as error:
            self.error = error
        finally:
            self._shell.states.remove()

    def begin(self) -> None:
        self._begin.set()
        assert self._begun.wait(20)

    def end(self) -> None:
        self._end.set()
        self._thread.join(20)
        assert self.error is None


@pytest.fixture
def elsewhere(bench: RealShell) -> Elsewhere:
    """Another thread."""
    return Elsewhere(bench.shell)


Steps = Callable[[RealShell, Elsewhere], None]


def first_here_then_there(bench: RealShell, elsewhere: Elsewhere) -> None:
    with bench.shell.environment:
        elsewhere.begin()
        assert builtins.input.__name__ == "_input"
    # the step here has ended, and the other goes on
    assert builtins.input.__name__ == "_input"
    assert sys.displayhook is bench.shell.displayhook
    elsewhere.end()


def first_there_then_here(bench: RealShell, elsewhere: Elsewhere) -> None:
    elsewhere.begin()
    with bench.shell.environment:
        elsewhere.end()
        assert builtins.input.__name__ == "_input"
        assert sys.displayhook is bench.shell.displayhook


def there_within_two_here(bench: RealShell, elsewhere: Elsewhere) -> None:
    with bench.shell.environment:
        with bench.shell.environment:
            elsewhere.begin()
        assert builtins.input.__name__ == "_input"
        elsewhere.end()
        assert builtins.input.__name__ == "_input"


def here_within_there(bench: RealShell, elsewhere: Elsewhere) -> None:
    elsewhere.begin()
    with bench.shell.environment:
        pass
    assert builtins.input.__name__ == "_input"
    elsewhere.end()


@pytest.mark.parametrize(
    "steps",
    [first_here_then_there, first_there_then_here, there_within_two_here, here_within_there],
)
def test_the_last_that_ends_puts_all_back(
    bench: RealShell, elsewhere: Elsewhere, steps: Steps
) -> None:
    before = found()
    steps(bench, elsewhere)
    assert found() == before
    assert elsewhere.entered
    assert not bench.shell.environment.entered


def test_code_of_the_hosts_own_finds_what_was_there(
    bench: RealShell, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell of a subshell runs, and the application itself asks, on its own thread."""
    asked: list[str] = []
    shown: list[object] = []

    def ask(prompt: str = "") -> str:
        asked.append(prompt)
        return "typed"

    monkeypatch.setattr(builtins, "input", ask)
    monkeypatch.setattr(sys, "displayhook", shown.append)
    monkeypatch.setattr(getpass, "getpass", lambda prompt, stream: f"secret {prompt} {stream}")
    elsewhere.begin()
    assert builtins.input("who? ") == "typed"
    assert getpass.getpass("pass? ") == "secret pass?  None"
    sys.displayhook(42)
    elsewhere.end()
    assert (asked, shown) == (["who? "], [42])
    assert bench.iopub.said == []


# Compiling


def test_flags_for_awaits_are_of_one_thread(bench: RealShell) -> None:
    compiler = bench.shell.compile
    plain = compiler.flags
    seen: list[int] = []
    with compiler.extra_flags(0x2000):
        assert compiler.flags == plain | 0x2000
        thread = threading.Thread(target=lambda: seen.append(compiler.flags))
        thread.start()
        thread.join()
        compiler.flags |= 0x1000000  # what a __future__ import does
    assert seen == [plain]
    assert compiler.flags == plain | 0x1000000


# Names


def test_what_a_cell_elsewhere_binds_is_not_the_hosts(bench: RealShell) -> None:
    shell, namespace = bench.shell, bench.namespace

    def run() -> None:
        shell.states.add()
        try:
            with shell.environment:
                exec(shell.compile("fresh = 1", "a cell", "exec"), namespace)
        finally:
            shell.states.remove()

    bench.run("pass")
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    namespace["added"] = 2  # by the host
    bench.run("own = 3")
    assert {"added"} == {"added", "fresh", "own"} & shell.host_names
    bench.run("%reset -f")
    assert {"added"} == {"added", "fresh", "own"} & set(namespace)


# Counting


def test_numbers_are_taken_when_cells_begin(bench: RealShell) -> None:
    states = bench.shell.states
    numbers: list[int] = []

    def run() -> None:
        states.add()
        numbers.append(bench.interpreter.begin_cell(True))
        bench.shell.execution_count += 1  # as IPython does
        numbers.append(bench.shell.execution_count)
        states.end(failed=False)
        states.remove()

    assert bench.interpreter.begin_cell(True) == 1
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert numbers == [2, 3]
    assert bench.shell.execution_count == 1  # its own, until IPython counts it
    bench.shell.execution_count += 1
    states.end(failed=False)
    assert bench.shell.execution_count == 3


def test_an_empty_cell_gives_its_number_back(bench: RealShell) -> None:
    assert bench.run("").execution_count == 1
    assert bench.run("  \n").execution_count == 1
    assert bench.run("1").execution_count == 1
    assert bench.run("1", silent=True).execution_count == 2
    assert bench.run("1").execution_count == 2
    assert bench.shell.execution_count == 3
