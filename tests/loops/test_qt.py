"""What only Qt does: quit(), windows, dialogs of the host's, and QObjects."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from qtkernel.loops.base import EventLoop
from qtkernel.loops.errors import WrongThread
from qtkernel.loops.qt import QtLoop

Run = Callable[[EventLoop], None]


@pytest.fixture
def loop(app: Any, errors: list[BaseException]) -> Iterator[QtLoop]:
    """An embedded kernel's loop."""
    created = QtLoop(app, errors.append)
    yield created
    created.close()


@pytest.fixture
def owner(app: Any, errors: list[BaseException]) -> Iterator[QtLoop]:
    """A standalone kernel's loop."""
    created = QtLoop(app, errors.append, owns_app=True)
    yield created
    created.close()


def test_the_hosts_own_exec_drives_the_loop(app: Any, loop: QtLoop) -> None:
    seen: list[int] = []
    read, write = os.pipe()
    loop.add_reader(read, lambda: (seen.append(len(os.read(read, 1))), app.quit()))
    loop.call_later(0.01, lambda: os.write(write, b"x"))
    app.exec()
    loop.remove_reader(read)
    os.close(read)
    os.close(write)
    assert seen == [1]


def test_a_cells_quit_does_not_end_a_standalone_kernel(app: Any, owner: QtLoop, run: Run) -> None:
    seen: list[str] = []

    def second() -> None:
        seen.append("after quit")
        app.quit()
        owner.call_later(0.01, third)

    def third() -> None:
        seen.append("after the second quit")
        owner.stop()

    owner.call_soon_threadsafe(lambda: (app.quit(), owner.call_later(0.01, second)))
    run(owner)
    assert seen == ["after quit", "after the second quit"]


def test_a_standalone_kernel_still_nests_after_quit(app: Any, owner: QtLoop, run: Run) -> None:
    """A cell that calls quit() and then input(): a new QEventLoop would return at once."""
    seen: list[str] = []

    def cell() -> None:
        app.quit()
        owner.call_later(0.03, owner.stop)
        owner.call_later(0.02, lambda: seen.append("served in the nested run"))
        owner.run()
        seen.append("cell ended")
        owner.call_later(0.01, owner.stop)

    owner.call_soon_threadsafe(cell)
    run(owner)
    assert seen == ["served in the nested run", "cell ended"]


def test_quit_during_a_nested_run_of_a_standalone_kernel(app: Any, owner: QtLoop, run: Run) -> None:
    seen: list[str] = []

    def cell() -> None:
        owner.call_later(0.01, app.quit)
        owner.call_later(0.03, lambda: (seen.append("stopped"), owner.stop()))
        owner.run()
        seen.append("cell ended")
        owner.call_later(0.01, owner.stop)

    owner.call_soon_threadsafe(cell)
    run(owner)
    assert seen == ["stopped", "cell ended"]


def test_the_hosts_quit_ends_the_runs_of_an_embedded_kernel(app: Any, loop: QtLoop) -> None:
    seen: list[str] = []

    def cell() -> None:
        loop.run()
        seen.append("nested run returned")

    loop.call_soon_threadsafe(cell)
    loop.call_later(0.02, app.quit)
    app.exec()
    assert seen == ["nested run returned"]


def test_an_embedded_run_does_not_emit_about_to_quit(app: Any, loop: QtLoop, run: Run) -> None:
    """The host's clean-up hangs there: it must not run because a cell of ours has ended."""
    seen: list[str] = []
    note = lambda: seen.append("about to quit")  # noqa: E731
    app.aboutToQuit.connect(note)
    loop.call_soon_threadsafe(loop.stop)
    run(loop)
    app.aboutToQuit.disconnect(note)
    assert seen == []


def test_windows_may_all_be_closed_while_a_standalone_kernel_runs(
    app: Any, errors: list[BaseException], run: Run
) -> None:
    from tests.support.binding import QtWidgets

    assert app.quitOnLastWindowClosed()
    owner = QtLoop(app, errors.append, owns_app=True)
    window = QtWidgets.QWidget()
    seen: list[str] = []
    note = lambda: seen.append("about to quit")  # noqa: E731
    app.aboutToQuit.connect(note)
    owner.call_soon_threadsafe(window.show)
    owner.call_later(0.02, window.close)
    owner.call_later(0.06, lambda: (seen.append("still running"), owner.stop()))
    run(owner)
    app.aboutToQuit.disconnect(note)
    owner.close()
    assert seen[0] == "still running"
    assert app.quitOnLastWindowClosed()


def test_a_dialog_of_the_hosts_is_served_what_was_posted_before_it(loop: QtLoop, run: Run) -> None:
    """From a reader, a timer and the middle of a batch: nothing waits for the dialog to end."""
    from tests.support.binding import QtCore

    seen: list[str] = []
    read, write = os.pipe()

    def dialog(name: str) -> None:
        nested = QtCore.QEventLoop()
        loop.call_soon_threadsafe(lambda: (seen.append(f"within {name}"), nested.quit()))
        QtCore.QTimer.singleShot(2000, nested.quit)
        nested.exec()
        seen.append(f"{name} closed")

    def reader() -> None:
        os.read(read, 1)
        dialog("reader")
        loop.call_soon_threadsafe(lambda: dialog("batch"))
        loop.call_soon_threadsafe(lambda: seen.append("rest of the batch"))
        loop.call_later(0.02, timer)

    def timer() -> None:
        loop.call_later(0, loop.stop)
        dialog("timer")

    loop.add_reader(read, reader)
    os.write(write, b"x")
    run(loop)
    loop.remove_reader(read)
    os.close(read)
    os.close(write)
    assert seen[:2] == ["within reader", "reader closed"]
    assert sorted(seen[2:5]) == ["batch closed", "rest of the batch", "within batch"]
    assert seen.index("rest of the batch") < seen.index("batch closed")
    assert seen[5:] == ["within timer", "timer closed"]


def test_no_qobject_is_left_behind(app: Any, errors: list[BaseException]) -> None:
    import gc

    from tests.support.binding import QtCore

    def alive() -> int:
        kinds = (QtCore.QSocketNotifier, QtCore.QTimer)
        return sum(isinstance(obj, kinds) for obj in gc.get_objects())

    gc.collect()
    before = alive()
    read, write = os.pipe()
    destroyed: list[int] = []
    for number in range(20):
        loop = QtLoop(app, errors.append)
        loop.add_reader(read, lambda: None)
        loop.call_later(5, loop.stop)
        note = partial(lambda number, *_: destroyed.append(number), number)
        loop._readers[read].notifier.destroyed.connect(note)
        loop.close()
    os.close(read)
    os.close(write)
    gc.collect()
    assert destroyed == list(range(20))
    del loop
    gc.collect()
    assert alive() == before


def test_another_thread_is_refused(app: Any) -> None:
    caught: list[BaseException] = []

    def create() -> None:
        try:
            QtLoop(app)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=create)
    thread.start()
    thread.join()
    assert isinstance(caught[0], WrongThread)


def test_what_is_no_application_is_refused() -> None:
    with pytest.raises(TypeError, match="not a QCoreApplication"):
        QtLoop(object())


OWNING = """
import gc
import os
os.environ.pop("DISPLAY", None)
os.environ["QT_QPA_PLATFORM"] = {platform!r}
from qtkernel import qt
from qtkernel.loops.errors import NoDisplay
from qtkernel.loops.qt import QtLoop
try:
    loop = QtLoop.owning()
except NoDisplay as error:
    print(error)
else:
    loop.call_later(0.01, loop.stop)
    loop.run()
    loop.close()
    del loop
    gc.collect()
    # %gui comes back to the same application, with its windows
    print("ran, and the application", "lives" if qt.application() is not None else "is gone")
"""


@pytest.mark.parametrize(
    ("platform", "said"), [("offscreen", "ran, and the application lives"), ("", "needs a display")]
)
def test_owning_creates_the_application(platform: str, said: str) -> None:
    program = OWNING.format(platform=platform)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    if sys.platform.startswith("linux") or platform:
        assert said in done.stdout
