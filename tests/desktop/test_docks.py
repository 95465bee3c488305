"""The dock as a part of the application's window: closed, reopened, in other colours, twice."""

from __future__ import annotations

from tests.desktop.application import middle
from tests.desktop.bench import Bench
from tests.support.pixels import Rgb

DARK = (0x1E, 0x21, 0x27)


def brightness(rgb: Rgb) -> float:
    """0 (black) to 1 (white)."""
    return sum(rgb) / 765


def test_close_and_reopen(bench: Bench) -> None:
    bench.run("before = 1")
    bench.click(bench.part("qt_dockwidget_closebutton"))
    bench.wait_for("not dock.isVisible()")
    bench.screen.key("alt+v")
    bench.wait_for("view.isVisible()")
    bench.screen.key("Down", "Return")
    bench.wait_for("dock.isVisible()")
    bench.wait_for("is_quiet(dock)")
    assert "before = 1" in bench.text()
    bench.enter()
    bench.run("after = before + 1")
    assert bench.ask("ns['after']") == 2


def test_closed_by_exit(bench: Bench) -> None:
    bench.screen.type("exit\n")
    bench.wait_for("not dock.isVisible()")
    assert bench.ask("not kernel.closed and win.isVisible()")
    bench.ask("dock.toggleViewAction().trigger()")
    bench.wait_for("dock.isVisible() and is_quiet(dock)")
    bench.enter()
    assert bench.run("again = True") == "ok"


def test_output_of_a_closed_dock_is_there_when_it_is_opened(bench: Bench) -> None:
    bench.run("import asyncio")
    bench.screen.type("for i in range(30): await asyncio.sleep(.05); print('number', i)\n")
    bench.wait_for("kernel_is_busy(self)")
    bench.click(bench.part("qt_dockwidget_closebutton"))
    bench.wait_for("not dock.isVisible()")
    bench.wait_for("len(self.ended) == 2")
    bench.ask("dock.show()")
    bench.wait_for("is_quiet(dock)")
    assert "number 29" in bench.text()


def test_theme_at_run_time(bench: Bench) -> None:
    bench.run("print('some text'); 1/0")
    # not where the cursor blinks
    light = bench.look()
    assert brightness(light.background()) > 0.9
    bench.ask("dark(app)")
    bench.wait_for("page_of(dock).palette().base().color().name() == '#1e2127'")
    page = bench.rect("page_of(dock).viewport()")

    def shown() -> bool:
        return bench.screen.look(page).background() == DARK

    bench.wait_until_seen(shown)
    dark = bench.look()
    text = [rgb for rgb, times in dark.colors().most_common(40) if rgb != DARK]
    assert max(map(brightness, text)) > 0.6, "the text is not light"
    # nothing is left that is as dark as its background
    readable = [rgb for rgb, times in dark.colors().items() if brightness(rgb) < 0.06 and times > 5]
    assert not readable, readable
    toolbar = bench.look(bench.part("consoleToolbar"))
    assert brightness(toolbar.background()) < 0.4
    assert max(map(brightness, toolbar.colors())) > 0.6, "the icons are not light"
    bench.ask("app.setPalette(app.style().standardPalette())")
    bench.wait_until_seen(lambda: brightness(bench.screen.look(page).background()) > 0.9)


def test_two_docks(bench: Bench) -> None:
    bench.ask("vars(self).__setitem__('second', kernel.dock(win, title='Second', area='right'))")
    bench.wait_for("is_quiet(second)")
    bench.run("value = 'from the' + ' first'; print(value)")
    bench.enter("second")
    bench.screen.type("print(value.upper()); value = 'from the' + ' second'\n")
    bench.wait_for("len(self.ended) == 2 and is_quiet(second)")
    bench.wait_for("'FROM THE FIRST' in page_of(second).toPlainText()")
    assert "FROM THE" not in bench.text("dock")
    assert "from the first" not in bench.text("second")
    # the numbers are the kernel's
    assert "In [3]:" in bench.text("dock")
    assert "In [3]:" in bench.text("second")
    # Up has what the other has run, and a question comes where it was asked for
    bench.screen.type("who = input('whose? ')\n")
    bench.wait_for("second.console.widget._reading")
    assert not bench.ask("dock.console.widget._reading")
    bench.screen.type("mine\n")
    bench.wait_for("len(self.ended) == 3 and is_quiet(second)")
    assert bench.ask("ns['who']") == "mine"
    bench.ask("second.deleteLater()")
    bench.enter()
    assert bench.run("alone = 1") == "ok"


def test_floating_and_back(bench: Bench) -> None:
    bench.ask("dock.setFloating(True)")
    floating = bench.screen.window(bench.pid, "Console")
    bench.screen.activate(floating)
    # Qt 5 may miss where the window manager has put a window, so not by bench.enter()
    bench.screen.click(*middle(bench.screen.geometry(floating)))
    bench.wait_for("page_of(dock).hasFocus() and dock.isActiveWindow()")
    assert bench.run("floats = 1") == "ok"
    bench.ask("dock.setFloating(False)")
    bench.wait_for("not dock.isFloating()")
    bench.screen.activate(bench.window)
    bench.enter()
    assert bench.run("docked = 1") == "ok"
    assert bench.ask("[ns['floats'], ns['docked']]") == [1, 1]
