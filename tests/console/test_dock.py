"""The dock: where it goes, how it goes away, and what it leaves behind: nothing."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import qtkernel
from qtkernel.console.dock import ConsoleDock
from qtkernel.embed.embedded import EmbeddedKernel
from tests.console.conftest import Script, User, play
from tests.support.binding import BINDING, IS_PYSIDE, QtCore, QtGui, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

Area = QtCore.Qt.DockWidgetArea


class Host:
    """An application with a main window and a kernel."""

    def __init__(self) -> None:
        self.window = QtWidgets.QMainWindow()
        self.window.setCentralWidget(QtWidgets.QLineEdit())
        self.window.resize(900, 600)
        self.window.show()
        self.kernel: EmbeddedKernel = qtkernel.embed({"model": 3}, transport=None)

    def dock(self, *arguments: Any, **options: Any) -> ConsoleDock:
        """A dock of the kernel's."""
        return self.kernel.dock(*arguments, **options)

    def traces(self) -> dict[str, object]:
        """What a console may leave behind."""
        settle()
        gc.collect()
        settle()
        callbacks = self.kernel._plan.events._callbacks
        assert self.kernel._parts is not None
        return {
            "widgets": len(QtWidgets.QApplication.allWidgets()),
            "objects": len(self.window.findChildren(QtCore.QObject)),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "callbacks": {event: len(entries) for event, entries in callbacks.items()},
            "ports": len(self.kernel._parts.ports.current()),
        }


def settle() -> None:
    """Let Qt do what it has put off."""
    for _ in range(3):
        QtCore.QCoreApplication.processEvents()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)


def delete_now(widget: Any) -> None:
    """Delete a widget in C++, as the binding's own tool does."""
    if IS_PYSIDE:
        import shiboken6

        shiboken6.delete(widget)
    else:
        from importlib import import_module

        import_module(f"{BINDING}.sip").delete(widget)


def user_of(dock: ConsoleDock, kernel: EmbeddedKernel) -> User:
    return User(kernel, dock.console.widget)


@pytest.fixture
def host(qapp: object) -> Iterator[Host]:  # noqa: ARG001 (kernels need the application)
    host = Host()
    yield host
    host.kernel.close()
    host.window.close()
    host.window.deleteLater()
    settle()


@pytest.mark.parametrize("name", ["left", "right", "top", "bottom"])
def test_it_goes_into_the_only_main_window(host: Host, name: str) -> None:
    dock = host.dock(area=name)
    assert dock.parentWidget() is host.window
    assert host.window.dockWidgetArea(dock) == getattr(Area, f"{name.capitalize()}DockWidgetArea")
    assert dock.windowTitle() == "Console"
    assert not dock.toggleViewAction().icon().isNull()


def test_a_widget_of_a_main_window_means_that_window(host: Host) -> None:
    other = QtWidgets.QMainWindow()
    dock = host.dock(host.window.centralWidget(), title="Python")
    assert dock.parentWidget() is host.window
    assert dock.windowTitle() == "Python"
    assert host.dock(other).parentWidget() is other
    delete_now(other)


@pytest.mark.filterwarnings("ignore:.*setActiveWindow")
def test_of_several_main_windows_it_takes_the_active_one_or_the_one_that_can_be_seen(
    host: Host,
) -> None:
    other = QtWidgets.QMainWindow()
    assert host.dock().parentWidget() is host.window
    other.show()
    QtWidgets.QApplication.setActiveWindow(other)
    assert host.dock().parentWidget() is other
    QtWidgets.QApplication.setActiveWindow(None)
    floating = host.dock()
    assert floating.parentWidget() is None
    assert floating.isFloating()
    other.hide()
    assert host.dock().parentWidget() is host.window
    delete_now(other)


def test_without_a_main_window_it_floats_and_lives_on_unnamed(host: Host) -> None:
    dialog = QtWidgets.QDialog()
    dock = host.dock(dialog)
    assert dock.isFloating()
    assert dock.isVisible()
    assert dock.parentWidget() is dialog
    host.window.setParent(dialog)  # not a window any more: none is left
    alone = weakref.ref(host.dock())
    gc.collect()
    assert alone().isVisible()  # type: ignore[union-attr]
    host.window.setParent(None)
    delete_now(dialog)


def test_an_area_that_there_is_not(host: Host) -> None:
    with pytest.raises(ValueError, match="area='middle'"):
        host.dock(area="middle")
    assert host.traces()["ports"] == 0


def test_what_cannot_be_made_leaves_nothing_behind(host: Host) -> None:
    before = host.traces()
    with pytest.raises(TypeError):
        host.dock(tools=True)
    assert host.traces() == before
    host.kernel.close()
    for make in (host.kernel.dock, host.kernel.console):
        with pytest.raises(RuntimeError, match="closed"):
            make(host.window)
    settle()
    assert not host.window.findChildren(QtWidgets.QDockWidget, "consoleDock")
    assert not host.window.findChildren(QtWidgets.QWidget, "console")


def test_closing_hides_it_and_it_comes_back_with_its_transcript(host: Host) -> None:
    dock = host.dock()
    user = user_of(dock, host.kernel)
    action = dock.toggleViewAction()

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        user.type("20 + 1\n")
        yield user.sees("Out[1]: 21")
        dock.close()
        assert not dock.isVisible()
        assert not action.isChecked()
        dock.run("6 * 7")  # meanwhile
        yield user.at_prompt(3)
        action.trigger()
        yield dock.isVisible
        yield lambda: QtWidgets.QApplication.focusWidget() is user.control

    play(user, script())
    assert "Out[1]: 21" in user.text
    assert "Out[2]: 42" in user.text


def test_exit_hides_it_and_the_kernel_stays(host: Host) -> None:
    dock = host.dock()
    user = user_of(dock, host.kernel)

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        user.type("exit\n")
        yield lambda: not dock.isVisible()

    play(user, script())
    assert not host.kernel.closed


def test_input_can_be_put_at_the_prompt_and_run(host: Host) -> None:
    dock = host.dock()
    user = user_of(dock, host.kernel)

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        dock.show_input("model + 1")
        assert user.typed == "model + 1"
        dock.run("model")
        yield user.sees("Out[1]: 3")
        assert user.typed == "model + 1"
        dock.clear()
        assert "Out[1]" not in user.text

    play(user, script())


def test_two_docks_have_names_and_transcripts_of_their_own(host: Host) -> None:
    first, second = host.dock(), host.dock()
    assert {first.objectName(), second.objectName()} == {"consoleDock", "consoleDock2"}
    user = user_of(second, host.kernel)

    def script() -> Script:
        second.run("'only here'")
        yield user.sees("'only here'\n\nIn [2]")

    play(user, script())
    settle()
    assert "only here" not in user_of(first, host.kernel).text
    host.window.restoreState(host.window.saveState())


def test_the_layout_is_restored(host: Host) -> None:
    dock = host.dock(area="left")
    state = host.window.saveState()
    host.window.addDockWidget(Area.RightDockWidgetArea, dock)
    assert host.window.restoreState(state)
    assert host.window.dockWidgetArea(dock) == Area.LeftDockWidgetArea


def by_parent(host: Host, dock: ConsoleDock) -> None:
    delete_now(dock.parentWidget())
    host.window = QtWidgets.QMainWindow()


ENDS: dict[str, Callable[[Host, ConsoleDock], object]] = {
    "deleteLater": lambda _host, dock: dock.deleteLater(),
    "by the binding": lambda _host, dock: delete_now(dock),
    "with its parent": by_parent,
    "its console first": lambda _host, dock: (delete_now(dock.console), delete_now(dock)),
    "with the kernel": lambda host, _dock: host.kernel.close(),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("busy", [False, True])
def test_it_may_be_deleted_in_any_way(host: Host, end: str, busy: bool) -> None:
    dock = host.dock()
    dead: list[object] = []
    dock.destroyed.connect(lambda *_: dead.append(True))
    user = user_of(dock, host.kernel)

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        if busy:
            dock.run("import asyncio; await asyncio.sleep(1000)")
            yield lambda: host.kernel.busy
            yield lambda: bool(dock.console.toolbar.elapsed.text())

    play(user, script())
    ENDS[end](host, dock)
    settle()
    assert dead
    if not host.kernel.closed:
        assert host.traces()["ports"] == 0
        host.kernel.interrupt()  # nothing of it hears what happens to the kernel
        other = User(host.kernel, host.kernel.console().widget)
        play(other, iter([lambda: not host.kernel.busy]))


@pytest.mark.parametrize("which", ["dock", "dock.console.widget", "window"])
def test_a_cell_may_delete_the_dock_that_it_came_from(host: Host, which: str) -> None:
    window = QtWidgets.QMainWindow()
    window.show()
    dock = host.dock(window)
    host.kernel.push({"dock": dock, "window": window, "delete": delete_now})

    def script() -> Script:
        dock.run(
            f"import time; print('before'); delete({which})\n"
            "for i in range(3): print(i); time.sleep(0.06)\n"  # it would be shown while it blocks
            "end = True"
        )
        yield lambda: "end" in host.kernel.user_ns
        yield lambda: not host.kernel.busy

    play(user_of(dock, host.kernel), script())
    settle()
    assert host.traces()["ports"] == 0


def test_making_and_deleting_many_leaves_nothing(host: Host) -> None:
    def once() -> None:
        dock = host.dock()
        QtCore.QCoreApplication.processEvents()
        dock.deleteLater()
        del dock
        settle()

    for _ in range(3):
        once()
    before, size = host.traces(), resident()
    for _ in range(200):
        once()
    assert host.traces() == before
    # measured: 8 kB each, which is the allocator's; a console that stays is 600 kB
    assert resident() - size < 200 * 60


def resident() -> int:
    """Kilobytes of memory in use."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_a_console_may_be_anywhere(host: Host) -> None:
    box = QtWidgets.QGroupBox()
    row = QtWidgets.QVBoxLayout(box)
    console = host.kernel.console(box, toolbar=False, banner="hello")
    row.addWidget(console)
    box.resize(600, 300)
    box.show()
    user = User(host.kernel, console.widget)

    def script() -> Script:
        yield lambda: user.text == "hello\n\nIn [1]: "
        box.activateWindow()
        console.setFocus()
        user.type("model\n")
        yield user.sees("Out[1]: 3")

    play(user, script())
    assert console.toolbar is None
    delete_now(box)
    assert host.traces()["ports"] == 0


def test_the_window_icon_follows_the_palette(host: Host) -> None:
    dock = host.dock()
    before = ink(dock.windowIcon())
    palette = QtGui.QPalette(dock.palette())
    palette.setColor(QtGui.QPalette.ColorRole.WindowText, QtGui.QColor("#ff8800"))
    dock.setPalette(palette)
    assert ink(dock.windowIcon()) == QtGui.QColor("#ff8800").rgb() != before


def ink(icon: Any) -> int:
    """The colour of an icon's darkest dot, that is, of one that is drawn in full."""
    image = icon.pixmap(48, 48).toImage()
    dots = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return int(max(dots, key=lambda dot: dot.alpha()).rgb())
