"""``%gui`` in a standalone kernel, which really moves to another toolkit's loop."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest

from tests.frontends.conftest import LOOPS, Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import KernelProgram
from tests.frontends.support.wire import Wire, content_of, parent_id
from tests.support.binding import BINDING

FULL = pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(600)])


class Load:
    """A client that has eight requests under way all the time, on a thread of its own.

    No completions: jedi takes 20 ms for one, and this is about the loops.
    """

    KINDS = (
        ("kernel_info_request", {}),
        ("execute_request", {"code": "loaded = True"}),
        ("is_complete_request", {"code": "loaded ="}),
        ("execute_request", {"code": "import asyncio; await asyncio.sleep(0.001)"}),
    )

    def __init__(self, connect: Callable[[], Wire]) -> None:
        self.answered = 0
        self.problem: BaseException | None = None
        self._connect = connect
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._guarded)
        self._thread.start()

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.problem = error

    def _run(self) -> None:
        wire = self._connect()
        kinds = itertools.cycle(self.KINDS)
        waiting = {wire.send(*next(kinds)) for _ in range(8)}
        try:
            while waiting:
                reply = wire.receive()
                waiting.remove(parent_id(reply))
                assert content_of(reply)["status"] in ("ok", "invalid"), content_of(reply)
                self.answered += 1
                if not self._stopping.is_set():
                    waiting.add(wire.send(*next(kinds)))
        finally:
            wire.close()

    def stop(self) -> None:
        """Wait until every request has been answered."""
        self._stopping.set()
        self._thread.join(40)
        assert not self._thread.is_alive()
        assert self.problem is None, self.problem


@pytest.mark.parametrize("switches", [40, FULL])
def test_every_request_is_answered_under_load(start: Starter, switches: int) -> None:
    kernel = start.kernel("headless")
    frontend = start.frontend(kernel)
    load = Load(lambda: Wire(kernel.connection_file))
    try:
        for gui, _ in zip(itertools.cycle(LOOPS), range(switches), strict=False):
            assert frontend.run(f"%gui {gui}").status == "ok"
            assert frontend.run("6 * 7").result == "42"
    finally:
        load.stop()
    assert load.answered > switches


def test_each_loop_serves_its_toolkit_while_idle(start: Starter) -> None:
    frontend = start.frontend(start.kernel("headless"))
    for _ in range(2):
        frontend.run("%gui qt")
        frontend.run(f"from {BINDING} import QtCore, QtWidgets; QtWidgets.QApplication.instance()")
        assert frontend.run("QtCore.QThread.currentThread().loopLevel()").result == "1"
        assert_published_while_idle(frontend, "QtCore.QTimer.singleShot(0, report)")
        frontend.run("%gui tk")
        assert frontend.run("QtCore.QThread.currentThread().loopLevel()").result == "0"
        frontend.run("import tkinter; root = tkinter.Tk()")
        assert_published_while_idle(frontend, "root.after(1, report)")
        frontend.run("root.destroy(); del root")
        frontend.run("%gui asyncio")
        frontend.run("import asyncio; loop = asyncio.get_event_loop()")
        assert_published_while_idle(frontend, "loop.call_later(0.001, report)")
        frontend.run("%gui")
        assert frontend.run("QtCore.QThread.currentThread().loopLevel()").result == "0"


def assert_published_while_idle(frontend: Frontend, schedule: str) -> None:
    """A callback of the toolkit's runs without any further request."""
    msg_id = frontend.start(
        "from IPython.display import display\n"
        "def report(): display({'text/plain': 'ran'}, raw=True)\n"
        f"{schedule};"
    )
    frontend.wait_for(msg_id, "display_data")
    assert frontend.outcome(msg_id).status == "ok"


def test_a_task_outlives_every_switch(start: Starter) -> None:
    frontend = start.frontend(start.kernel("asyncio"))
    frontend.run(
        "import asyncio\n"
        "beats = 0\n"
        "async def beat():\n"
        "    global beats\n"
        "    while True:\n"
        "        beats += 1\n"
        "        await asyncio.sleep(0.001)\n"
        "task = asyncio.get_event_loop().create_task(beat())"
    )
    for gui in (*LOOPS, "asyncio"):
        frontend.run(f"%gui {gui}")
        waited = "n = beats\nwhile beats < n + 5: await asyncio.sleep(0.001)"
        assert frontend.run(waited).status == "ok"
    assert frontend.run("task.done()").result == "False"
    assert frontend.run("task.cancel()").result == "True"


def test_an_unknown_loop_changes_nothing(kernel: KernelProgram, start: Starter) -> None:
    frontend = start.frontend(kernel)
    outcome = frontend.run("%gui gtk-of-the-future")
    assert outcome.ename == "UsageError"
    assert "headless" in outcome.content["evalue"]
    assert frontend.run("1").result == "1"


def test_a_slot_that_raises_is_shown_and_ends_nothing(start: Starter) -> None:
    frontend = start.frontend(start.kernel("qt"))
    msg_id = frontend.start(
        f"from {BINDING} import QtCore; QtCore.QTimer.singleShot(0, lambda: 1 / 0)"
    )
    error = frontend.wait_for(msg_id, "error")
    assert error["content"]["ename"] == "ZeroDivisionError"
    assert frontend.run("6 * 7").result == "42"
