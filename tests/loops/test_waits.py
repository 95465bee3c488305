"""What a cell waits in is ended, and nothing else of the application's; the signal comes after."""

from __future__ import annotations

import gc
import signal
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.qt import QtLoop
from qtkernel.loops.waits import waits_of
from tests.support.binding import QtCore, QtTest, QtWidgets

PATIENCE = 10_000  # milliseconds

# what the offscreen platform says of dialogs and menus
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def loop(app: Any, errors: list[BaseException]) -> Iterator[QtLoop]:
    created = QtLoop(app, errors.append)
    yield created
    created.close()


@pytest.fixture
def window(loop: QtLoop) -> Iterator[Any]:
    """A window of the host's."""
    assert loop.name == "qt"
    created = QtWidgets.QWidget()
    created.show()
    yield created
    created.close()


class Application:
    """Runs cells in the application's own loop."""

    def __init__(self, loop: QtLoop) -> None:
        self.loop = loop

    def run(self, cell: Callable[[], object]) -> None:
        """Run `cell` as the kernel does; a wait that is not ended fails the test."""

        def called() -> None:
            try:
                self.loop.waits.begin()
                cell()
            finally:
                QtCore.QCoreApplication.exit()  # not quit(), which closes all windows in Qt 6

        expired: list[bool] = []
        guard = QtCore.QTimer()
        guard.setSingleShot(True)
        guard.timeout.connect(lambda: (expired.append(True), QtCore.QCoreApplication.exit()))
        guard.start(PATIENCE)
        self.loop.call_soon_threadsafe(called)
        QtCore.QCoreApplication.instance().exec()
        guard.stop()
        assert not expired, "the wait was not ended"

    def end_soon(self) -> None:
        """End the wait that is about to begin."""
        self.loop.call_later(0.01, self.loop.waits.end)


@pytest.fixture
def application(loop: QtLoop) -> Application:
    return Application(loop)


def question(window: Any) -> None:
    QtWidgets.QMessageBox.question(window, "title", "text")


def file_name(window: Any) -> None:
    own = QtWidgets.QFileDialog.Option.DontUseNativeDialog
    QtWidgets.QFileDialog.getOpenFileName(window, "title", options=own)


def text(window: Any) -> None:
    QtWidgets.QInputDialog.getText(window, "title", "label")


def dialog(window: Any) -> None:
    QtWidgets.QDialog(window).exec()


def wizard(window: Any) -> None:
    created = QtWidgets.QWizard(window)
    created.addPage(QtWidgets.QWizardPage())
    created.exec()


def progress(window: Any) -> None:
    QtWidgets.QProgressDialog("label", "cancel", 0, 10, window).exec()


def menu(window: Any) -> None:
    created = QtWidgets.QMenu(window)
    created.addAction("action")
    created.exec(QtCore.QPoint(10, 10))


def event_loop(_window: Any) -> None:
    QtCore.QEventLoop().exec()


WAYS = [question, file_name, text, dialog, wizard, progress, menu, event_loop]


@pytest.mark.parametrize("wait", WAYS, ids=lambda wait: wait.__name__)
def test_what_the_cell_waits_in_is_ended(
    application: Application, window: Any, wait: Callable[[Any], None]
) -> None:
    ended = []

    def cell() -> None:
        for _ in range(2):  # at the same place in the code
            application.end_soon()
            wait(window)
            ended.append(True)

    application.run(cell)
    assert ended == [True, True]
    assert QtWidgets.QApplication.activeModalWidget() is None
    assert window.isVisible()


def test_a_subclass_of_an_event_loop_that_an_attribute_holds(application: Application) -> None:
    class Mine(QtCore.QEventLoop):  # type: ignore[misc]
        pass

    class Holder:
        mine = Mine()

    def cell() -> None:
        application.end_soon()
        Holder.mine.exec()

    application.run(cell)
    assert not Holder.mine.isRunning()


def test_the_loops_that_ran_before_the_cell_go_on(application: Application, loop: QtLoop) -> None:
    """The host sits in two nested loops of its own, of which one is older than the cell's."""
    seen = []

    def cell() -> None:
        loop.waits.begin()
        application.end_soon()
        QtCore.QEventLoop().exec()
        seen.append((outer.isRunning(), inner.isRunning()))
        application.end_soon()
        dialog(None)
        seen.append((outer.isRunning(), inner.isRunning()))
        inner.exit()
        outer.exit()

    outer, inner = QtCore.QEventLoop(), QtCore.QEventLoop()

    def host() -> None:
        loop.call_soon_threadsafe(lambda: (loop.call_soon_threadsafe(cell), inner.exec()))
        outer.exec()

    application.run(host)
    assert seen == [(True, True)] * 2


def test_a_nested_run_of_ours_that_an_older_cell_waits_in_goes_on(
    application: Application, loop: QtLoop
) -> None:
    seen = []

    def other_cell() -> None:
        loop.waits.begin()
        application.end_soon()
        dialog(None)
        seen.append("the dialog")
        loop.stop()

    def cell() -> None:
        loop.call_soon_threadsafe(other_cell)
        loop.run()
        seen.append("our run")

    application.run(cell)
    assert seen == ["the dialog", "our run"]


def test_a_dialog_that_was_open_before_the_cell_stays(
    application: Application, window: Any
) -> None:
    opened = QtWidgets.QDialog(window)
    opened.open()
    seen = []

    def cell() -> None:
        application.end_soon()
        QtCore.QEventLoop().exec()
        seen.append(opened.isVisible())
        application.end_soon()
        dialog(window)
        seen.append(opened.isVisible())

    application.run(cell)
    assert seen == [True, True]
    opened.close()


def test_what_cannot_be_ended_leaves_the_dialogs_from_before_alone(
    application: Application, window: Any
) -> None:
    """QSignalSpy.wait() has an event loop of C++'s, and no window."""
    if not hasattr(QtTest, "QSignalSpy"):
        pytest.skip("this binding has no QSignalSpy")
    opened = QtWidgets.QDialog(window)
    opened.open()
    seen = []

    def cell() -> None:
        application.end_soon()
        QtTest.QSignalSpy(window.windowTitleChanged).wait(100)
        seen.append(opened.isVisible())

    application.run(cell)
    assert seen == [True]
    opened.close()


@pytest.mark.parametrize("wait", [dialog, event_loop], ids=lambda wait: wait.__name__)
def test_a_dialog_that_the_host_opens_on_top_stays(
    application: Application, loop: QtLoop, window: Any, wait: Callable[[Any], None]
) -> None:
    hosts = QtWidgets.QDialog(window)
    seen = []

    def cell() -> None:
        loop.call_soon_threadsafe(hosts.open)
        loop.call_later(0.03, lambda: seen.append(hosts.isVisible()))
        loop.call_later(0.06, loop.waits.end)
        wait(window)
        seen.append(hosts.isVisible())

    application.run(cell)
    assert seen == [True, True]
    hosts.close()


def test_where_nothing_was_entered_nothing_is_ended(
    application: Application, loop: QtLoop, window: Any
) -> None:
    """The cell calls processEvents(), in which a slot of the host opens a dialog."""
    hosts = QtWidgets.QDialog(window)
    seen: list[bool] = []

    def cell() -> None:
        loop.call_soon_threadsafe(hosts.open)
        application.end_soon()
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            QtCore.QCoreApplication.processEvents()
        seen.append(hosts.isVisible())

    application.run(cell)
    assert seen == [True]
    hosts.close()


def test_nothing_of_the_cell_is_kept_alive(application: Application, window: Any) -> None:
    alive = []

    def cell() -> None:
        created = QtWidgets.QDialog(window)
        created.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        ref = weakref.ref(created)
        application.end_soon()
        created.exec()
        del created
        gc.collect()
        alive.append(ref())

    application.run(cell)
    assert alive == [None]


# The signal


class Interrupted(Exception):
    pass


@pytest.fixture
def signals() -> Iterator[list[str]]:
    """Raise `Interrupted` where the signal hits a function of this name, and note each place."""
    places: list[str] = []

    def on_signal(_number: int, frame: Any) -> None:
        places.append(frame.f_code.co_name)
        if frame.f_code.co_name == "cell":
            raise Interrupted

    before = signal.signal(signal.SIGINT, on_signal)
    yield places
    signal.signal(signal.SIGINT, before)


def test_the_signal_comes_before_the_cell_runs_on(
    application: Application, loop: QtLoop, window: Any, signals: list[str]
) -> None:
    seen = []

    def end() -> None:
        loop.waits.end()
        loop.waits.strike_on_return()
        for _ in range(1000):  # not here
            seen.append(len(signals))

    def strike_again() -> None:
        # as the interrupter does when a slot has been hit: ours that says when a turn begins, say
        if signals and "cell" not in signals:
            loop.waits.strike_on_return()

    def cell() -> None:
        created = QtWidgets.QDialog(window)
        loop.call_later(0.01, lambda: loop.call_soon_threadsafe(end))
        began = loop.turns.began
        loop.turns.began = lambda caller: (began(caller), strike_again())[0]  # type: ignore[method-assign]
        try:
            created.exec()
            seen.append(-1)
            seen.append(-2)
        except Interrupted:
            pass

    application.run(cell)
    assert "cell" in signals
    assert set(seen) == {0}


def test_a_strike_that_is_called_off_does_not_happen(
    application: Application, loop: QtLoop, signals: list[str]
) -> None:
    def strike_and_not() -> None:
        loop.waits.strike_on_return()
        loop.waits.strike_on_return()  # one that is there already
        loop.waits.call_off_strike()

    def cell() -> None:
        loop.call_soon_threadsafe(strike_and_not)
        QtCore.QTimer.singleShot(20, nested.quit)
        nested.exec()

    nested = QtCore.QEventLoop()
    application.run(cell)
    assert signals == []


def test_a_backend_that_can_end_nothing() -> None:
    loop = HeadlessLoop()
    waits = waits_of(loop)
    waits.begin()
    waits.end()
    assert waits.strike_on_return() is False
    waits.call_off_strike()
    loop.close()
