"""An application that embeds and closes a kernel many times, and says what has grown.

    python again.py qt|tk|headless TIMES

Each kernel runs a cell for a frontend on real sockets. What a first kernel costs once (imports,
caches) is not counted.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import qtkernel
from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.protocol import read_connection_file
from tests.support.bare_client import BareClient, converse

WARM_UP = 30


def qt_application() -> Any:
    """A QApplication; kernels find it."""
    from tests.support.binding import QtWidgets

    return QtWidgets.QApplication(sys.argv[:1])


def tk_root() -> Any:
    """A Tk root; kernels find it."""
    import tkinter

    return tkinter.Tk()


def measure() -> dict[str, float]:
    """What could grow."""
    gc.collect()
    found: dict[str, float] = {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "native threads": len(os.listdir("/proc/self/task")),
        "objects": len(gc.get_objects()),
        "MB": int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6,
    }
    core: Any = next((m for n, m in sys.modules.items() if n.endswith(".QtCore")), None)
    if core is not None:
        found["QObjects"] = sum(issubclass(type(o), core.QObject) for o in gc.get_objects())
        found["children"] = len(core.QCoreApplication.instance().findChildren(core.QObject))
    return found


def once(options: dict[str, Any]) -> None:
    """A kernel's life."""
    kernel = qtkernel.embed({"n": 6}, **options)
    info = read_connection_file(kernel.connection_file)

    def script() -> dict[str, Any]:
        with BareClient(info) as client:
            return client.ask("execute_request", {"code": "print(n); 1/0"})

    loop: EventLoop = kernel._assembly.loop
    assert converse(loop, script)["ename"] == "ZeroDivisionError"
    kernel.close()
    assert kernel.trace() == {}


def main() -> None:
    """Do it and report."""
    backend, times = sys.argv[1], int(sys.argv[2])
    toolkit = {"qt": qt_application, "tk": tk_root, "headless": lambda: None}[backend]()
    loop = HeadlessLoop() if toolkit is None else None
    options = {} if loop is None else {"loop": loop}
    for _ in range(WARM_UP):
        once(options)
    measure()  # looking costs something the first time, too (PySide6: 11,000 objects)
    before = measure()
    for _ in range(times):
        once(options)
    after = measure()
    print(json.dumps({name: after[name] - before[name] for name in before}))
    if loop is not None:
        loop.close()


if __name__ == "__main__":
    main()
