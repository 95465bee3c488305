"""An application that prints and logs all the time, for tests of whose output is whose.

    python talkative.py CONNECTION_FILE BACKEND CAPTURE

BACKEND is qt, tk or asyncio. It says ``tick N`` and, through a logging handler that was made before
the kernel came, ``log N`` on its loop, and ``thread N`` in a thread of its own, each without a gap.
Its stdin takes lines: what comes is called from the loop (``call NAME``), or ends it (``quit``).
"""

from __future__ import annotations

import asyncio
import io
import itertools
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import qtkernel

TICK = 0.005

_, connection_file, backend, capture = sys.argv


class Unbuffered(io.TextIOBase):
    """A stream of the host's own, which writes at once and all of it.

    Python's own loses a line now and then when two threads write to it (python/cpython#119506).
    """

    def write(self, text: str) -> int:
        os.write(1, text.encode())
        return len(text)


sys.stdout = own_stdout = Unbuffered()  # type: ignore[assignment]
logger = logging.getLogger("host")
logger.setLevel(logging.INFO)
logger.propagate = False
logger.addHandler(logging.StreamHandler(sys.stdout))


def say(text: str) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


class Host:
    """What is the same on all event loops. The rest are `after`, `run` and `quit`."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.namespace: dict[str, Any] = {
            "host": self,
            "say": say,
            "logger": logger,
            "log": self.log,
            "pool": self.pool,
        }
        self._ended = threading.Event()
        self._ticks = itertools.count()
        self._thread = threading.Thread(target=self._print_in_thread)

    after: Callable[[float, Callable[[], object]], object]
    quit: Callable[[], object]

    def begin(self) -> None:
        """What an application does when it starts."""
        self.kernel = qtkernel.embed(
            self.namespace,
            connection_file=connection_file,
            capture=capture,  # type: ignore[arg-type]
        )
        self.namespace["kernel"] = self.kernel
        self._thread.start()
        self._tick()
        say("ready")

    def end(self) -> None:
        """What it does when it ends."""
        self._ended.set()
        self._thread.join()
        self.pool.shutdown()
        self.kernel.close()
        assert sys.stdout is own_stdout
        say("ended")

    def _tick(self) -> None:
        number = next(self._ticks)
        print(f"tick {number}\n", end="")  # one write: threads do not get in between
        logger.info("log %d", number)
        self.after(TICK, self._tick)

    def _print_in_thread(self) -> None:
        for number in itertools.count():
            print(f"thread {number}\n", end="")
            if self._ended.wait(TICK):
                return

    def log(self, text: str) -> None:
        """A function of the host's, which a cell may call."""
        print(f"host: {text}\n", end="")

    def find(self, get_ipython: Callable[[], object]) -> None:
        """Say which shell it finds."""
        print(f"found: {get_ipython()}\n", end="")

    def command(self, line: str) -> None:
        """Do what the test says, as if a user had clicked somewhere."""
        if line == "quit":
            self.quit()
        elif line == "pool":
            self.pool.submit(print, "host's work").result()
            say("pool: done")
        elif line == "log":
            logger.info("host's word")
            say("log: done")
        elif line == "stop":
            self.namespace["stop"]()
            say("stop: done")


def run_qt() -> None:
    """An application of Qt's, with a signal."""
    from tests.support.binding import QtCore, QtWidgets, Signal

    app = QtWidgets.QApplication(sys.argv[:1])

    class Model(QtCore.QObject):
        changed = Signal(str)

    host = Host()
    host.after = lambda delay, callback: QtCore.QTimer.singleShot(round(delay * 1000), callback)
    host.quit = app.quit
    model = Model()
    model.changed.connect(host.log)
    host.namespace |= {"QtCore": QtCore, "QtWidgets": QtWidgets, "app": app, "model": model}
    notifier = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: read_commands(host))
    host.begin()
    app.exec()
    host.end()


def run_tk() -> None:
    """An application of Tk's."""
    import tkinter

    root = tkinter.Tk()
    host = Host()
    host.after = lambda delay, callback: root.after(round(delay * 1000), callback)
    host.quit = root.destroy
    host.namespace |= {"root": root, "tkinter": tkinter}
    root.createfilehandler(0, tkinter.READABLE, lambda *_: read_commands(host))
    host.begin()
    root.mainloop()
    host.end()


def run_asyncio() -> None:
    """A program of asyncio's: its callbacks have a context of their own."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        context = copy_context()
        host = Host()
        host.after = lambda delay, callback: loop.call_later(delay, callback, context=context)
        host.quit = ended.set
        loop.add_reader(0, read_commands, host)
        host.begin()
        await ended.wait()
        host.end()

    asyncio.run(main())


def read_commands(host: Host) -> None:
    """Read what there is; the end of it means that the test run is gone, perhaps hard."""
    for line in os.read(0, 65536).decode().splitlines() or ["quit"]:
        host.command(line)


if __name__ == "__main__":
    {"qt": run_qt, "tk": run_tk, "asyncio": run_asyncio}[backend]()
