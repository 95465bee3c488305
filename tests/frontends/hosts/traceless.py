"""An application that looks at itself before it embeds a kernel and after it has closed it.

    python traceless.py qt|tk|asyncio|headless cold|warm CONNECTION_FILE

"warm" imports everything and embeds once before it looks, which also shows what a kernel changes
in modules that a "cold" look does not know yet. It says each difference in a line of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.process_state import State, differences, look, record_atexit

record_atexit()

import qtkernel  # noqa: E402  (what it registers has to be seen)

# what cells and the kernel may be tempted to patch
for each in (
    *("bdb", "cmd", "code", "codeop", "concurrent.futures", "ctypes", "dis", "doctest"),
    *("getpass", "inspect", "linecache", "multiprocessing", "pdb", "pydoc", "queue", "readline"),
    *("rlcompleter", "select", "selectors", "shutil", "sqlite3", "subprocess", "tempfile"),
    *("traceback", "webbrowser", "comm", "matplotlib.pyplot"),
):
    importlib.import_module(each)
assert concurrent.futures.ThreadPoolExecutor is not None  # imported when it is first looked at


def say(text: str) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


class Host:
    """What an application may have set up, and what it sees of itself."""

    def __init__(self, warm: bool, file: str) -> None:
        self.options: dict[str, Any] = {}
        self.settle: Callable[[], object] = lambda: None
        """Runs what has been posted to a loop that nobody has run yet."""
        self._warm, self._file = warm, file
        self._namespace: dict[str, Any] = {"mine": 1, "_": str, "__name__": "host", "Out": 2}
        self._before: State = {}
        self._kernel: qtkernel.EmbeddedKernel | None = None
        self._wakeup = socket.socketpair()
        for end in self._wakeup:
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup[0].fileno())
        signal.signal(signal.SIGINT, lambda *_: say("the host got SIGINT"))
        sys.excepthook = lambda *error: say(f"the host's excepthook: {error}")
        threading.excepthook = lambda error: say(f"the host's thread hook: {error}")
        sys.unraisablehook = lambda error: say(f"the host's unraisable hook: {error}")
        sys.displayhook = lambda value: say(f"the host's display hook: {value}")
        sys.last_value = ValueError("the host's own")
        warnings.showwarning = lambda *words, **_: say(f"the host's warning: {words}")
        logging.getLogger().addHandler(logging.StreamHandler())

    def begin(self, end: Callable[[], object]) -> None:
        """Embed, having looked; cells call end() to end the application's loop."""
        self._namespace["end"] = end
        if self._warm:
            qtkernel.embed(self._namespace, **self.options).close()
            self.settle()
        self._look()  # for what looking itself imports
        self._before = self._look()
        self._kernel = qtkernel.embed(self._namespace, connection_file=self._file, **self.options)
        say("ready")

    def finish(self) -> None:
        """Close, look again and say what differs."""
        assert self._kernel is not None
        self._kernel.close()
        self._kernel = None
        names = {"x", "out", "i", "g", "t", "h", "m", "th", "A", "pool", "forgotten", "a_cell"}
        for name in names:  # a cell's own names stay, as they should
            self._namespace.pop(name, None)
        for line in differences(self._before, self._look()):
            say(f"differs: {line}")
        say("looked")
        signal.set_wakeup_fd(-1)
        for end in self._wakeup:
            end.close()

    def _look(self) -> State:
        names = ("JUPYTER_RUNTIME_DIR", "HOME", "IPYTHONDIR", "XDG_RUNTIME_DIR")
        return look([Path(os.environ[name]) for name in names], self._namespace)


def run_qt(host: Host) -> None:
    """An application of Qt's that has run its loop before, and has slots in Python."""
    from tests.support.binding import QtCore, QtWidgets

    app = QtWidgets.QApplication(sys.argv[:1])
    # for the first one PySide6 gives the application a QObject that stays
    app.lastWindowClosed.connect(lambda: None)
    QtCore.QTimer.singleShot(0, app.quit)
    app.exec()
    host.begin(lambda: QtCore.QTimer.singleShot(0, app.quit))
    app.exec()
    host.finish()


def run_tk(host: Host) -> None:
    """An application of Tk's."""
    import tkinter

    root = tkinter.Tk()
    root.update()
    host.begin(lambda: root.after(10, root.quit))
    root.mainloop()
    host.finish()


def run_headless(host: Host) -> None:
    """A program that turns a loop of the kernel's own."""
    from qtkernel.loops.headless import HeadlessLoop

    loop = host.options["loop"] = HeadlessLoop()
    host.settle = lambda: (loop.call_later(0.01, loop.stop), loop.run())
    host.begin(lambda: loop.call_later(0.01, loop.stop))
    loop.run()
    host.finish()
    loop.close()


def run_asyncio(host: Host) -> None:
    """A program of coroutines."""

    async def main() -> None:
        ended = asyncio.Event()
        host.begin(ended.set)
        await ended.wait()
        host.finish()

    asyncio.run(main())


if __name__ == "__main__":
    runs = {"qt": run_qt, "tk": run_tk, "asyncio": run_asyncio, "headless": run_headless}
    _, backend, warmth, connection_file = sys.argv
    runs[backend](Host(warmth == "warm", connection_file))
