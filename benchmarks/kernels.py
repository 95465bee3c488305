"""Kernels as processes of their own, each in a home directory of its own.

With a home of its own a kernel shares no history database, whose lock the others would feel, and
reads no user's configuration. Whoever is not being measured is suspended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.client import Client, NoAnswer
from qtkernel.protocol import BadConnectionFile, read_connection_file

START_PATIENCE = 60.0
"""Seconds that a kernel may take from its start to its first answer."""

END_PATIENCE = 5.0
"""Seconds that it may take to end when it is asked to."""

_LOOK = 0.02  # seconds between two looks for the connection file

CONNECTION_FILE = "{connection_file}"
"""What stands for the path of the connection file in a kernel's command."""

_QTKERNEL = (sys.executable, "-m", "qtkernel", "--transport=tcp", "-f", CONNECTION_FILE)

_IPYKERNEL = (sys.executable, "-m", "ipykernel_launcher", "-f", CONNECTION_FILE)

COMMANDS: dict[str, tuple[str, ...]] = {
    **{loop: (*_QTKERNEL, f"--gui={loop}") for loop in ("qt", "headless", "tk", "asyncio")},
    "ipykernel": _IPYKERNEL,
    "ipykernel-no-history": (*_IPYKERNEL, "--HistoryManager.enabled=False"),
}
"""The kernels that can be named: ours by its event loop, and the peer.

The peer's time has the disk in it: it writes each line of history to its database at once, and
the next cell waits. Without history it is the same on every disk.
"""


class NotStarted(RuntimeError):
    """A kernel ended, or said nothing, before it could be measured; ends with what it printed."""


@dataclass(frozen=True)
class Spec:
    """A kernel to start: what to call it, and its command with `CONNECTION_FILE` in it."""

    name: str
    command: tuple[str, ...]


class KernelProcess:
    """A kernel that runs, with a client connected to it; a context manager ends both.

    Args:
        spec: what to run.
        home: an existing directory that is its own.

    Raises:
        NotStarted: it does not come up.
    """

    def __init__(self, spec: Spec, home: Path) -> None:
        self.name = spec.name
        self._log = home / "output.txt"
        path = home / "connection.json"
        command = [word.replace(CONNECTION_FILE, str(path)) for word in spec.command]
        self._process = self._start(command, home)
        try:
            self.client = self._connect(path)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> KernelProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.client.__exit__(kind, error, traceback)
        self._end()

    def suspend(self) -> None:
        """Take it off the processor, where the system can do that."""
        if hasattr(signal, "SIGSTOP"):
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `suspend`."""
        if hasattr(signal, "SIGCONT"):
            self._process.send_signal(signal.SIGCONT)

    def _start(self, command: list[str], home: Path) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            try:
                return subprocess.Popen(
                    command,
                    cwd=home,
                    env=_environment(home),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                raise NotStarted(f"{self.name}: {command[0]}: {error.strerror}") from None

    def _connect(self, path: Path) -> Client:
        deadline = time.monotonic() + START_PATIENCE
        while True:
            if self._process.poll() is not None:
                raise NotStarted(f"{self.name} ended with {self._process.returncode}{self._said()}")
            if time.monotonic() > deadline:
                raise NotStarted(f"{self.name} wrote no connection file{self._said()}")
            try:
                info = read_connection_file(path)
                break
            except BadConnectionFile:
                # not there yet, or half written: only the kernels themselves know when it is done
                time.sleep(_LOOK)
        client = Client(info)
        try:
            client.wait_until_ready(START_PATIENCE)
        except NoAnswer as error:
            client.__exit__(None, None, None)
            raise NotStarted(f"{self.name}: {error}{self._said()}") from None
        return client

    def _said(self) -> str:
        text = self._log.read_text(errors="replace").strip()
        return f"; it said:\n{text[-2000:]}" if text else " and said nothing"

    def _end(self) -> None:
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(END_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment(home: Path) -> dict[str, str]:
    environment = dict(os.environ)
    for name in ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        directory = home / name.lower()
        directory.mkdir(mode=0o700)
        environment[name] = str(directory)
    if "DISPLAY" not in environment:
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    return environment
