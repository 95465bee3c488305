"""What the kernel uses of its machine: ``usage_request``, ipykernel's, on the control channel.

JupyterLab shows it in its sidebar (jupyter-resource-usage). psutil tells all of it; without it
(``pip install "qtkernel[usage]"``) the reply has what Python itself knows.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from qtkernel.kernel.queue import Request
from qtkernel.protocol import contents

Reply = Mapping[str, Any]

_clock = time.monotonic
_cpu = time.process_time


class UsageRequests:
    """The handler; it belongs to the control thread. psutil is imported at the first request.

    Fields: ``hostname``, ``pid``, ``cpu_count``; ``kernel_cpu``, of one core in percent since the
    request before (0 at first), ``kernel_memory``, in bytes, both with the child processes as far
    as psutil sees them; ``host_cpu_percent`` and ``host_virtual_memory`` (psutil only).
    """

    def __init__(self) -> None:
        self._measure: Callable[[], dict[str, Any]] | None = None

    async def usage_request(self, _request: Request, _content: contents.UsageRequest) -> Reply:
        """Answered while a cell runs."""
        if self._measure is None:
            self._measure = _best_there_is()
        return {
            "status": "ok",
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "cpu_count": os.cpu_count(),
            **self._measure(),
        }


def _best_there_is() -> Callable[[], dict[str, Any]]:
    try:
        import psutil
    except ImportError:
        return OwnUsage().measure
    return _PsutilUsage(psutil).measure


class OwnUsage:
    """This process, as Python's own library tells it."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None

    def measure(self) -> dict[str, Any]:
        """``kernel_cpu`` and, where the system has it in a file (Linux), ``kernel_memory``."""
        now = _clock(), _cpu()
        before, self._before = self._before or now, now
        elapsed = now[0] - before[0]
        found: dict[str, Any] = {"kernel_cpu": 0.0}
        if elapsed > 0:
            found["kernel_cpu"] = round(100 * (now[1] - before[1]) / elapsed, 1)
        resident = _resident_pages()
        if resident is not None:
            found["kernel_memory"] = resident * os.sysconf("SC_PAGE_SIZE")
        return found


def _resident_pages() -> int | None:
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1])  # proc(5)
    except (OSError, ValueError, IndexError):
        return None


class _PsutilUsage:
    """This process and its children, and the machine."""

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._own = psutil.Process()
        self._processes: dict[int, Any] = {}

    def measure(self) -> dict[str, Any]:
        psutil = self._psutil
        alive = [self._own, *self._own.children(recursive=True)]
        # the objects are kept: each measures its CPU time since it was asked last
        self._processes = {each.pid: self._known(each) for each in alive}
        processes = self._processes.values()
        found: dict[str, Any] = {
            "kernel_cpu": round(sum(self._ask(p.cpu_percent) for p in processes), 1),
            "kernel_memory": sum(self._ask(partial(_memory, p)) for p in processes),
            "host_virtual_memory": psutil.virtual_memory()._asdict(),
        }
        host = psutil.cpu_percent()
        if host:  # 0.0 is what it says the first time, and means nothing
            found["host_cpu_percent"] = host
        return found

    def _known(self, process: Any) -> Any:
        known = self._processes.get(process.pid)
        return known if known == process else process  # by start time: pids are used again

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except self._psutil.Error:
            return 0  # a child that has ended meanwhile, or is another user's


def _memory(process: Any) -> int:
    """Proportional: what processes share is counted once, where the system tells (Linux)."""
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))
