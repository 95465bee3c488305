"""The window follows the bench, and the bench follows the window."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import qtkernel
from demo_app import look
from demo_app.examples import EXAMPLES, Example
from demo_app.model import SWEEP_INTERVAL_MS, Bench
from demo_app.window import BenchWindow
from qtkernel import EmbeddedKernel, Executed
from tests.support.binding import QtCore, QtGui, QtWidgets

# remarks of the offscreen platform: about minimum sizes, and the window that matplotlib raises
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", r"does not support raise\(\)")


class PaintCount(QtCore.QObject):
    """Counts the paint events of a widget."""

    def __init__(self, widget: QtWidgets.QWidget) -> None:
        super().__init__(widget)
        self.paints = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802
        self.paints += event.type() == QtCore.QEvent.Type.Paint
        return False


def has_colour(picture: QtGui.QImage, colour: str) -> bool:
    wanted = QtGui.QColor(colour).rgb()
    places = ((x, y) for x in range(picture.width()) for y in range(picture.height()))
    return any(picture.pixel(x, y) == wanted for x, y in places)


def test_start_and_stop_from_code_are_seen(bench: Bench, window: BenchWindow) -> None:
    bench.start()
    assert (window.run_button.text(), window.state_label.text()) == ("Stop", "acquiring")
    assert window.run_button.isChecked()
    bench.stop()
    assert (window.run_button.text(), window.state_label.text()) == ("Run", "stopped")
    assert not window.run_button.isChecked()


def test_the_run_button_starts_and_stops(bench: Bench, window: BenchWindow, qtbot: QtBot) -> None:
    for running in (True, False):
        qtbot.mouseClick(window.run_button, QtCore.Qt.MouseButton.LeftButton)
        assert bench.running is running


def test_a_channel_changed_from_code_is_seen_in_its_card(bench: Bench, window: BenchWindow) -> None:
    fields = window.cards[0].fields
    bench.channels[0].set(frequency=1234.567, waveform="square", scale=0.5)
    assert fields["frequency"].text() == "1235 Hz"
    assert fields["waveform"].currentText() == "square"
    assert fields["scale"].currentText() == "500 mV/div"
    # what the field has to round must not come back from it
    assert bench.channels[0].frequency == 1234.567
    bench.channels[0].enabled = False
    assert not window.cards[0].switch.isChecked()
    assert not fields["frequency"].isEnabled()


def test_the_card_operates_its_channel(bench: Bench, window: BenchWindow) -> None:
    fields = window.cards[0].fields
    fields["frequency"].setValue(440)
    fields["waveform"].setCurrentText("sawtooth")
    window.cards[0].switch.click()
    window.timebase_field.setCurrentText("1.00 ms/div")
    channel = bench.channels[0]
    assert (channel.frequency, channel.waveform, channel.enabled) == (440, "sawtooth", False)
    assert bench.timebase == 1e-3


def test_new_channels_get_cards_until_all_are_there(bench: Bench, window: BenchWindow) -> None:
    while window.add_action.isEnabled():
        window.add_action.trigger()
    assert [card.channel for card in window.cards] == bench.channels
    assert len(window.cards) == 4
    # a line drawn in the second channel's own colour
    assert has_colour(window.screen_view.grab().toImage(), look.channel_colour(1))


def test_a_marker_is_drawn_without_waiting_for_a_sweep(
    bench: Bench, window: BenchWindow, qtbot: QtBot
) -> None:
    QtWidgets.QApplication.processEvents()
    counter = PaintCount(window.screen_view)
    bench.add_marker(0, "now")
    qtbot.waitUntil(lambda: counter.paints == 1, timeout=5000)


def test_markers_are_drawn_and_cleared(bench: Bench, window: BenchWindow) -> None:
    def marked() -> bool:
        return has_colour(window.screen_view.grab().toImage(), look.colours.marker)

    assert not marked()
    bench.add_marker(200e-6, "here")
    assert marked()
    bench.clear_markers()
    assert not marked()


def test_the_graticule_can_be_hidden(window: BenchWindow) -> None:
    assert has_colour(window.screen_view.grab().toImage(), look.colours.grid)
    window.screen_view.show_grid(False)
    assert not has_colour(window.screen_view.grab().toImage(), look.colours.grid)


def test_the_log_has_times_and_what_was_changed(bench: Bench, window: BenchWindow) -> None:
    bench.channels[0].amplitude = 3
    window.log("by hand")
    first, second = window.log_pane.toPlainText().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  CH1: amplitude = 3.000 V", first)
    assert second.endswith("  by hand")


def test_the_log_says_what_the_bench_does(bench: Bench, window: BenchWindow) -> None:
    bench.timebase = 1e-3
    bench.start()
    bench.stop()
    told = [line.split("  ", 1)[1] for line in window.log_pane.toPlainText().splitlines()]
    assert told == ["timebase = 1.00 ms/div", "acquisition started", "acquisition stopped"]


def test_the_plate_shows_the_title(window: BenchWindow) -> None:
    window.setWindowTitle("Bench 7")
    plate = window.findChild(QtWidgets.QLabel, "plate")
    assert plate.text() == "Bench 7"


@pytest.fixture
def kernel(bench: Bench, window: BenchWindow, runtime_dir: Path) -> Iterator[EmbeddedKernel]:
    del runtime_dir
    with qtkernel.embed({"win": window, "model": bench}) as embedded:
        yield embedded


def test_the_attach_command_can_be_selected_and_copied(
    window: BenchWindow, kernel: EmbeddedKernel
) -> None:
    assert not window.copy_action.isEnabled()
    window.add_kernel(kernel)
    window.attach_label.selectAll()
    assert window.attach_label.selectedText() == kernel.attach_command
    window.copy_action.trigger()
    clipboard = QtWidgets.QApplication.clipboard()
    assert clipboard.text() == kernel.attach_command


def test_the_bench_goes_on_while_a_cell_asks(
    bench: Bench, window: BenchWindow, kernel: EmbeddedKernel, qtbot: QtBot
) -> None:
    window.add_kernel(kernel)
    ended: list[Executed] = []
    kernel.on("executed", ended.append)
    counter = PaintCount(window.screen_view)
    text = window.dock.console.widget._control
    begun: list[int] = []

    def answer() -> None:
        # the question waits in a loop of its own, deeper than the test's: only a slot gets to act
        if text.toPlainText().endswith("Who? "):
            begun.append(counter.paints)
            if counter.paints > begun[0] + 5:
                qtbot.keyClicks(text, "me")
                qtbot.keyClick(text, QtCore.Qt.Key.Key_Return)

    bench.swept.connect(answer)
    bench.start()
    window.dock.run("name = input('Who? ')")
    qtbot.waitUntil(lambda: bool(ended), timeout=20_000)
    assert (ended[0].status, kernel.user_ns["name"]) == ("ok", "me")


def test_the_bench_goes_on_while_a_cell_awaits(
    bench: Bench, window: BenchWindow, kernel: EmbeddedKernel, qtbot: QtBot
) -> None:
    window.add_kernel(kernel)
    ended: list[Executed] = []
    kernel.on("executed", ended.append)
    counter = PaintCount(window.screen_view)
    bench.start()
    window.dock.run("import asyncio\ngoing = asyncio.Event()\nawait going.wait()")
    qtbot.waitUntil(lambda: "going" in kernel.user_ns, timeout=20_000)
    paints = counter.paints
    qtbot.waitUntil(lambda: counter.paints > paints + 5, timeout=20_000)
    assert not ended
    kernel.user_ns["going"].set()
    qtbot.waitUntil(lambda: bool(ended), timeout=20_000)
    assert ended[0].status == "ok"


def test_closing_the_window_is_told(window: BenchWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.closed, timeout=5000):
        window.close()


@pytest.fixture
def no_figures_left() -> Iterator[None]:
    """Windows of pyplot stay when their kernel goes, and the last is where others plot."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.usefixtures("no_figures_left")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_every_example_runs_in_the_console(
    window: BenchWindow, kernel: EmbeddedKernel, qtbot: QtBot, example: Example
) -> None:
    window.add_kernel(kernel)
    kernel.push({"input": lambda _prompt: "label"})
    ended: list[Executed] = []
    kernel.on("executed", ended.append)
    action = next(each for each in window.examples_menu.actions() if each.text() == example.title)
    action.trigger()
    qtbot.waitUntil(lambda: bool(ended), timeout=20_000)
    assert (ended[0].status, ended[0].code) == ("ok", example.code), ended
    assert example.code.splitlines()[0] in window.dock.console.widget._control.toPlainText()


def test_the_status_bar_says_what_the_kernel_does(
    window: BenchWindow, kernel: EmbeddedKernel, qtbot: QtBot
) -> None:
    window.add_kernel(kernel)
    status = window.findChild(QtWidgets.QLabel, "kernelStatus")
    assert status.text().startswith("kernel idle")
    seen: list[str] = []
    kernel.push({"look": lambda: seen.append(status.text())})
    window.dock.run("look()")
    qtbot.waitUntil(lambda: bool(seen), timeout=20_000)
    assert seen[0].startswith("kernel busy")
    qtbot.waitUntil(lambda: status.text().startswith("kernel idle"), timeout=20_000)


def test_the_theme_changes_while_it_runs(window: BenchWindow) -> None:
    def shows(theme: str) -> bool:
        return has_colour(window.screen_view.grab().toImage(), look.THEMES[theme].screen)

    try:
        window.set_theme("light")
        assert shows("light")
        assert window.theme_actions["light"].isChecked()
        assert not window.theme_actions["dark"].isChecked()
        window.set_theme("dark")
        assert shows("dark")
    finally:
        QtWidgets.QApplication.instance().setStyleSheet("")


def test_a_curve_of_one_s_own(bench: Bench, window: BenchWindow) -> None:
    held = bench.channels[0].trace + 1
    without = window.screen_view.grab().toImage()
    window.screen_view.add_curve("held", held, "#123456")
    assert window.screen_view.grab().toImage() != without
    with pytest.raises(ValueError, match="800 points"):
        window.screen_view.add_curve("short", held[:3])
    window.screen_view.clear_curves()
    assert window.screen_view.grab().toImage() == without


def test_repaints_are_bounded_while_running_and_end_with_the_acquisition(
    bench: Bench, window: BenchWindow, qtbot: QtBot
) -> None:
    counter = PaintCount(window.screen_view)
    bench.start()
    clock = QtCore.QElapsedTimer()
    clock.start()
    qtbot.waitUntil(lambda: counter.paints >= 15, timeout=10_000)
    # Qt's coarse timers may run five per cent fast; the first repaint is the start's own
    assert counter.paints <= clock.elapsed() / (SWEEP_INTERVAL_MS * 0.95) + 2
    bench.stop()
    QtWidgets.QApplication.processEvents()
    paints = counter.paints
    with qtbot.assertNotEmitted(bench.swept, wait=3 * SWEEP_INTERVAL_MS):
        pass
    assert counter.paints == paints


def test_many_changes_make_one_repaint(bench: Bench, window: BenchWindow, qtbot: QtBot) -> None:
    QtWidgets.QApplication.processEvents()
    counter = PaintCount(window.screen_view)
    for frequency in range(100, 200):
        bench.channels[0].frequency = frequency
    qtbot.waitUntil(lambda: counter.paints > 0, timeout=5000)
    QtWidgets.QApplication.processEvents()
    assert counter.paints == 1


def test_without_its_stylesheet_the_application_says_where_it_looked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qapp: QtWidgets.QApplication
) -> None:
    monkeypatch.setattr(look, "STYLE", tmp_path / "demo.qss")
    with pytest.raises(
        FileNotFoundError, match=f"runs from a checkout.*{re.escape(str(tmp_path))}"
    ):
        look.dress(qapp)
