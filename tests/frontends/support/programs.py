"""Processes for tests: a kernel or a host of one, in a home of its own, with all that it says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

PATIENCE = 30.0
"""Seconds that something which takes milliseconds may take on a loaded machine."""

HOST_SCRIPT = Path(__file__).with_name("host.py")

HOSTS = Path(__file__).parents[1] / "hosts"
"""Small applications, each for an edge that a host can have."""

ROOT = Path(__file__).parents[3]


class Home:
    """Directories for one test, and the environment that makes programs use them."""

    def __init__(self, directory: Path, display: str | None) -> None:
        self.directory = directory
        self.runtime = directory / "run"
        self.ipython = directory / "ipython"
        self.prefix = directory / "prefix"
        for path in (self.runtime, self.ipython, directory / "xdg", directory / "home"):
            path.mkdir(mode=0o700)
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JUPYTER_", "JPY_", "IPYTHON", "QT_", "XDG_", "DISPLAY"))
        }
        self.environment |= {
            "HOME": str(directory / "home"),
            "IPYTHONDIR": str(self.ipython),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_PATH": str(self.prefix / "share" / "jupyter"),
            "XDG_RUNTIME_DIR": str(directory / "xdg"),
            "PYTHONPATH": str(ROOT),
            # kernels end with the test run, even one that a timeout ends hard
            "JPY_PARENT_PID": str(os.getpid()),
            # a warning inside a kernel is output that nobody expects
            "PYTHONWARNINGS": "always::ResourceWarning",
        }
        if display is not None:
            self.environment["DISPLAY"] = display


class Program:
    """A child process whose lines are read as they come.

    Args:
        home: where it lives.
        arguments: its command line.
        expected: says of a line on stderr whether it may be there; any other fails the test.
    """

    def __init__(
        self,
        home: Home,
        arguments: Sequence[str],
        *,
        expected: Callable[[str], bool] = lambda _line: False,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.home = home
        self.arguments = list(arguments)
        self.expected = expected
        self.connection_file = Path()  # where it has a kernel
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            self.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            bufsize=1,
            env=home.environment | (environment or {}),
            cwd=home.directory,
        )
        self._readers = [self._read(self.process.stdout, self.stdout)]
        self._readers.append(self._read(self.process.stderr, self.stderr))

    def _read(self, pipe: IO[str] | None, lines: list[str]) -> threading.Thread:
        assert pipe is not None

        def read() -> None:
            with pipe:
                for line in pipe:
                    with self._changed:
                        lines.append(line.rstrip("\n"))
                        self._changed.notify_all()
            with self._changed:
                self._changed.notify_all()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def __str__(self) -> str:
        state = self.process.poll()
        return "\n".join(
            [
                f"{' '.join(self.arguments)} ({'runs' if state is None else f'ended: {state}'})",
                *(f"  out: {line}" for line in self.stdout[-40:]),
                *(f"  err: {line}" for line in self.stderr[-40:]),
            ]
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def wait_for_line(self, start: str, timeout: float = PATIENCE) -> str:
        """The first line on stdout that begins with `start`; it is taken out."""
        return self._wait_for_line(self.stdout, start, timeout)

    def wait_for_error_line(self, start: str, timeout: float = PATIENCE) -> str:
        """The first line on stderr that begins with `start`; it is taken out."""
        return self._wait_for_line(self.stderr, start, timeout)

    def _wait_for_line(self, lines: list[str], start: str, timeout: float) -> str:
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for line in lines:
                    if line.startswith(start):
                        lines.remove(line)
                        return line
                ended = not any(reader.is_alive() for reader in self._readers)
                assert not ended, f"it ended without saying {start!r}:\n{self}"
                rest = deadline - time.monotonic()
                assert rest > 0, f"it has not said {start!r}:\n{self}"
                self._changed.wait(rest)

    def write_line(self, line: str) -> None:
        """Write to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait until it has ended by itself; its exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended:\n{self}") from None
        self._close()
        return code

    def wait_for_file(self, path: Path, timeout: float = PATIENCE) -> Path:
        """Wait until the program has written `path` (atomically, as connection files are)."""
        wait_until(lambda: path.exists() or self.process.poll() is not None, timeout, str(path))
        assert path.exists(), f"it ended without writing {path}:\n{self}"
        return path

    def stop(self) -> None:
        """End it, hard if need be."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._close()

    def _close(self) -> None:
        for reader in self._readers:
            reader.join(5)
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()

    def unexpected(self) -> list[str]:
        """What it said on stderr that nobody expected."""
        return [line for line in self.stderr if not self.expected(line)]


class KernelProgram(Program):
    """``python -m qtkernel``, with a connection file of the test's choice."""

    def __init__(
        self,
        home: Home,
        gui: str,
        arguments: Sequence[str] = (),
        *,
        file: Path | None = None,
        expected: Callable[[str], bool] = lambda _line: False,
        environment: dict[str, str] | None = None,
    ) -> None:
        path = file or home.runtime / f"kernel-{gui}-{next_number()}.json"
        command = [sys.executable, "-m", "qtkernel", f"--gui={gui}"]
        command += ["-f", str(path), *arguments]
        super().__init__(home, command, expected=expected, environment=environment)
        self.connection_file = path
        if file is None:
            self.wait_for_file(self.connection_file)


class HostProgram(Program):
    """A desktop application with a kernel inside; see host.py."""

    def __init__(
        self,
        home: Home,
        *,
        when: str = "before",
        expected: Callable[[str], bool] = lambda _line: False,
    ) -> None:
        file = home.runtime / f"kernel-host-{next_number()}.json"
        command = [sys.executable, str(HOST_SCRIPT), when, str(file)]
        super().__init__(home, command, expected=expected)
        self.connection_file = file
        self.wait_for_line("ready")

    def ask(self, command: str) -> str:
        """Do something in the application as a person at its windows would; its answer."""
        self.write_line(command)
        return self.wait_for_line(f"{command}: ").removeprefix(f"{command}: ")


_numbers = iter(range(1_000_000))


def next_number() -> int:
    """A number that nobody else has."""
    return next(_numbers)


def wait_until(condition: Callable[[], object], timeout: float, what: str) -> None:
    """Wait for something that cannot tell us itself, such as a file."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"it has not happened: {what}"
        time.sleep(0.01)
