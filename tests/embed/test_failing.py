"""An embed() that fails half-way has taken nothing."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtkernel.embed.trace import Snapshot
from tests.embed.conftest import Embed, Refusing
from tests.embed.test_embed import write

TIMES = 20


def no_file(_patch: pytest.MonkeyPatch, directory: Path) -> dict[str, Any]:
    """The connection file cannot be written."""
    (directory / "file").touch()
    return {"connection_file": directory / "file" / "kernel.json"}


def no_port(_patch: pytest.MonkeyPatch, directory: Path) -> dict[str, Any]:
    """A port is taken; two channels have been bound by then."""
    server = socket.create_server(("127.0.0.1", 0))
    write(directory / "given.json", stdin_port=server.getsockname()[1])
    return {"connection_file": directory / "given.json", "user_ns": {"server": server}}


def no_shell(_patch: pytest.MonkeyPatch, _directory: Path) -> dict[str, Any]:
    """IPython cannot make its shell."""
    return {"user_ns": Refusing(mine=1)}


def no_thread(patch: pytest.MonkeyPatch, _directory: Path) -> dict[str, Any]:
    """The system has no thread left when the last one is started."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "qtkernel-heartbeat":
            raise RuntimeError("can't start new thread")
        start(thread)

    patch.setattr(threading.Thread, "start", refuse)
    return {}


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("way", [no_file, no_port, no_shell, no_thread])
def test_nothing_is_left(
    way: Callable[..., dict[str, Any]],
    embed: Embed,
    runtime_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embed().close()
    options = way(monkeypatch, tmp_path)
    namespace = options.setdefault("user_ns", {"mine": 1})
    names = dict(namespace)
    snapshot, threads = Snapshot(), threading.enumerate()
    before = descriptors()
    for _ in range(TIMES):
        with pytest.raises((OSError, AttributeError, RuntimeError)):
            embed(**options)
    assert descriptors() <= before
    assert snapshot.differences() == {}
    assert threading.enumerate() == threads
    assert namespace == names
    assert list(runtime_dir.iterdir()) == []
    if "server" in names:
        names["server"].close()
