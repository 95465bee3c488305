"""The buttons above a console."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

import qtkernel
from qtkernel.console.console import Console
from qtkernel.console.toolbar import duration
from tests.console.conftest import CONTROL, SHIFT, Key, Script, User, play
from tests.support.binding import QtCore, QtGui, QtTest, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

LEFT = QtCore.Qt.MouseButton.LeftButton
SLEEP = "await __import__('asyncio').sleep(1000)"


class Seat:
    """A console with its toolbar, in a window, and its user."""

    def __init__(self, **options: Any) -> None:
        self.kernel = qtkernel.embed(**({"user_ns": {"model": 3}, "transport": None} | options))
        self.console: Console = self.kernel.console()
        self.console.resize(800, 400)
        self.console.show()
        self.user = User(self.kernel, self.console.widget)
        self.bar: Any = self.console.toolbar

    def click(self, button: Any) -> None:
        QtTest.QTest.mouseClick(button, LEFT)

    def menu(self) -> Any:
        """The menu that is open."""
        menus = [each for each in self.bar.findChildren(QtWidgets.QMenu) if each.isVisible()]
        assert len(menus) == 1
        return menus[0]

    def close(self) -> None:
        self.console.deleteLater()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        self.kernel.close()


@pytest.fixture
def sit(qapp: object) -> Any:  # noqa: ARG001 (kernels need the application)
    seats: list[Seat] = []

    def sit_down(**options: Any) -> Seat:
        seats.append(Seat(**options))
        return seats[-1]

    yield sit_down
    for seat in seats:
        seat.close()


def test_interrupt_can_be_pressed_while_a_cell_is_under_way_and_says_how_long(sit: Any) -> None:
    seat = sit()
    bar, user = seat.bar, seat.user

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        assert not bar.interrupt.isEnabled()
        assert bar.elapsed.text() == ""
        user.type(SLEEP + "\n")
        yield bar.interrupt.isEnabled
        yield lambda: bar.elapsed.text() >= "0.7 s"
        assert bar.elapsed.text().endswith(" s")
        seat.click(bar.interrupt)
        yield user.sees("KeyboardInterrupt")
        yield lambda: not bar.interrupt.isEnabled()

    play(user, script())
    assert bar.elapsed.text() >= "0.7 s"  # what it took
    assert not bar.elapsed.isEnabled()
    assert not bar._timer.isActive()


def test_time_passes_only_where_it_can_be_seen(sit: Any) -> None:
    seat = sit()
    bar, user = seat.bar, seat.user

    def script() -> Script:
        user.type(SLEEP + "\n")
        yield bar._timer.isActive
        seat.console.hide()
        assert not bar._timer.isActive()
        seat.console.show()
        assert bar._timer.isActive()
        seat.kernel.interrupt()
        yield lambda: not seat.kernel.busy
        assert not bar._timer.isActive()

    play(user, script())


def test_a_console_that_comes_while_a_cell_is_under_way_can_interrupt_it(sit: Any) -> None:
    seat = sit()
    user = seat.user
    later: list[Console] = []

    def script() -> Script:
        user.type(SLEEP + "\n")
        yield lambda: seat.kernel.busy
        later.append(seat.kernel.console(seat.console))
        assert later[0].toolbar.interrupt.isEnabled()  # type: ignore[union-attr]
        seat.click(later[0].toolbar.interrupt)  # type: ignore[union-attr]
        yield user.sees("KeyboardInterrupt")
        yield lambda: not seat.kernel.busy

    play(user, script())


def test_clear_leaves_the_prompt_and_what_is_typed(sit: Any) -> None:
    seat = sit()
    user = seat.user

    def script() -> Script:
        user.type("model\n")
        yield user.at_prompt(2)
        user.type("half")
        seat.click(seat.bar.clear)
        assert user.text == "In [2]: half"
        assert user.control.hasFocus()  # a click does not take the keyboard away

    user.control.setFocus()
    play(user, script())


def test_restart_asks_first(sit: Any) -> None:
    seat = sit()
    user = seat.user

    def script() -> Script:
        user.type("made = 1\n")
        yield user.at_prompt(2)
        seat.click(seat.bar.restart)
        QtTest.QTest.keyClick(seat.menu(), Key.Key_Escape)
        yield lambda: not seat.bar.findChildren(QtWidgets.QMenu)
        assert "made" in seat.kernel.user_ns
        seat.click(seat.bar.restart)
        QtTest.QTest.keyClick(seat.menu(), Key.Key_Return)
        yield user.sees("The kernel has been restarted")

    play(user, script())
    assert "made" not in seat.kernel.user_ns
    assert seat.kernel.user_ns["model"] == 3


def test_without_sockets_there_is_nobody_to_come(sit: Any) -> None:
    bar = sit().bar
    assert not bar.clients.isVisible()
    assert not bar.copy_attach.isVisible()


def test_the_attach_command_is_copied(sit: Any) -> None:
    seat = sit(transport="auto")
    QtWidgets.QApplication.clipboard().setText("")
    seat.click(seat.bar.copy_attach)
    assert QtWidgets.QApplication.clipboard().text() == seat.kernel.attach_command
    QtWidgets.QToolTip.hideText()


ATTACH = """
import sys, jupyter_client
client = jupyter_client.BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.kernel_info(reply=True, timeout=20)
print("attached", flush=True)
sys.stdin.read()
client.stop_channels()
"""


def test_who_is_attached_is_counted_and_listed_also_when_it_is_killed(sit: Any) -> None:
    seat = sit(transport="auto")
    count, user = seat.bar.clients.text, seat.user
    latest: list[float] = []

    def attach() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", ATTACH, seat.kernel.connection_file]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        polite, other = attach(), attach()
        yield lambda: count() == "2"
        assert f"(pid {polite.pid})" in seat.bar.clients.toolTip()
        seat.click(seat.bar.clients)
        entries = [action.text() for action in seat.menu().actions()]
        assert sum("(pid " in entry and ", since " in entry for entry in entries) == 2
        QtTest.QTest.keyClick(seat.menu(), Key.Key_Escape)
        for end in (lambda: polite.communicate(timeout=20), other.kill):
            before = count()
            end()
            begun = time.monotonic()
            yield lambda before=before: count() < before  # type: ignore[misc]
            latest.append(time.monotonic() - begun)
        other.communicate()
        assert count() == "0"
        assert "nobody" in seat.bar.clients.accessibleName()

    play(user, script())
    assert max(latest) < 10  # measured: 1.6 s, which is `kernel.clients.GRACE` and a little


def test_the_list_of_clients_offers_to_copy_the_command_too(sit: Any) -> None:
    seat = sit(transport="auto")
    assert seat.bar.clients.text() == "0"
    assert "nobody" in seat.bar.clients.toolTip()
    seat.click(seat.bar.clients)
    menu = seat.menu()
    assert menu.actions()[0].text() == "Nobody is attached from outside."
    QtWidgets.QApplication.clipboard().setText("")
    QtTest.QTest.keyClick(menu, Key.Key_Return)
    assert QtWidgets.QApplication.clipboard().text() == seat.kernel.attach_command
    QtWidgets.QToolTip.hideText()


@pytest.mark.parametrize("capture", ["cells", "all"])
def test_host_output_is_shown_when_it_is_switched_on(sit: Any, capture: str) -> None:
    seat = sit(capture=capture)
    user, button = seat.user, seat.bar.host_output
    shown = capture == "all"
    assert button.isChecked() == shown

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        print("the first")
        yield user.sees("host │ the first") if shown else lambda: True
        seat.click(button)
        print("the second")
        yield (lambda: True) if shown else user.sees("host │ the second")
        user.type("model\n")
        yield user.at_prompt(2)

    play(user, script())
    assert ("the first" in user.text, "the second" in user.text) == (shown, not shown)


def test_help_says_what_keys_and_names_there_are_and_waits_for_nobody(sit: Any) -> None:
    seat = sit(transport="auto")
    seat.click(seat.bar.help)
    dialogs = seat.console.findChildren(QtWidgets.QDialog)
    assert len(dialogs) == 1
    text = dialogs[0].findChild(QtWidgets.QLabel).text()
    for said in ("Ctrl+C", "model", seat.kernel.attach_command):
        assert said in text
    assert not dialogs[0].isModal()
    dialogs[0].close()


def test_everything_can_be_reached_by_the_keyboard_in_order(sit: Any) -> None:
    seat = sit(transport="auto")
    bar, user = seat.bar, seat.user
    order = [bar.clear, bar.restart, bar.host_output, bar.clients, bar.copy_attach, bar.help]
    focus = QtWidgets.QApplication.focusWidget

    def script() -> Script:
        seat.console.activateWindow()
        user.control.setFocus()
        yield lambda: focus() is user.control
        user.press(Key.Key_Tab, CONTROL)
        for button in order:
            assert focus() is button
            QtTest.QTest.keyClick(button, Key.Key_Tab)
        assert focus() is user.control
        user.press(Key.Key_Backtab, CONTROL | SHIFT)
        assert focus() is bar.help
        QtTest.QTest.keyClick(bar.host_output, Key.Key_Space)
        assert bar.host_output.isChecked()

    play(user, script())


def test_every_button_says_what_it_does(sit: Any) -> None:
    bar = sit(transport="auto").bar
    for button in bar.findChildren(QtWidgets.QToolButton):
        assert button.toolTip()
        assert button.accessibleName()
    assert "Ctrl+C" in bar.interrupt.toolTip()
    assert "Ctrl+L" in bar.clear.toolTip()


def test_it_is_slim_and_nothing_is_cut_off(sit: Any) -> None:
    seat = sit(transport="auto")
    assert seat.bar.height() <= 28 * seat.console.logicalDpiY() / 96
    seat.console.resize(200, 300)
    QtCore.QCoreApplication.processEvents()
    for button in seat.bar.findChildren(QtWidgets.QToolButton):
        assert button.width() >= button.sizeHint().width()
        assert seat.bar.rect().contains(button.geometry())


def test_icons_have_the_palettes_colour_and_all_dots_of_the_screen(sit: Any) -> None:
    seat = sit()
    palette = QtGui.QPalette()
    palette.setColor(QtGui.QPalette.ColorRole.ButtonText, QtGui.QColor("#ff8800"))
    seat.console.setPalette(palette)
    assert "#ff8800" in drawn(seat.bar.help, 1)
    dots = drawn(seat.bar.help, 4).count("#ff8800")
    # a ring of lines: 16 times the dots of those at four times the size, if it is drawn at that
    assert dots > 16 * 20
    enabled = drawn(seat.bar.clear, 4)
    seat.bar.clear.setEnabled(False)
    assert drawn(seat.bar.clear, 4).count("#ff8800") == 0 < enabled.count("#ff8800")


def drawn(button: Any, ratio: int) -> list[str]:
    """The colours of all dots of a button, on a screen that has `ratio` of them to a pixel."""
    image = QtGui.QImage(button.size() * ratio, QtGui.QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    button.render(image)
    width, height = image.width(), image.height()
    return [image.pixelColor(x, y).name() for x in range(width) for y in range(height)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (2.31, "2.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00 min"),
        (125, "2:05 min"),
        (3599.7, "1:00:00 h"),
        (3725, "1:02:05 h"),
    ],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
