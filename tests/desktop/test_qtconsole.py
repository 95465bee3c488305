"""``jupyter qtconsole`` with a kernel of its own, as a person uses it."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

import pytest

from tests.desktop.bench import Bench
from tests.desktop.qtconsole import QtConsole
from tests.frontends.conftest import Starter
from tests.support.desktop import Desktop

SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='80' height='60'>{}</svg>"
RED = SVG.format("<rect width='80' height='60' fill='#ff0000'/>")


@pytest.fixture
def console(screen: Desktop, start: Starter) -> QtConsole:
    """A Qt console at its first prompt."""
    console: QtConsole = start.watch(QtConsole.owning(start.home, screen))
    console.begin()
    return console


def test_typing(console: QtConsole) -> None:
    assert "Out[1]: 42" in console.run("6 * 7")
    # the kernel says how to indent, and when a cell is over
    shown = console.run("for i in range(3):", "print('line', i)", "")
    assert shown.endswith("line 0\nline 1\nline 2\n\nIn [3]: ")
    # Shift+Enter runs what is there
    before = len(console.text())
    console.type("def double(x):")
    console.screen.type("return 2 * x")
    console.screen.key("shift+Return")
    console.shown_since(before)
    assert "Out[4]: 42" in console.run("double(21)")
    # Up is history
    console.screen.key("Up", "Up")
    console.wait_for("widget.input_buffer.startswith('def double(x):')")
    console.screen.key("Escape", "Down", "Down")


def test_completion_and_help(console: QtConsole) -> None:
    console.run("import json")
    console.screen.type("json.JSONEn\t")
    console.wait_for("widget.input_buffer == 'json.JSONEncoder'")
    console.screen.key("ctrl+a", "ctrl+k")
    # there is more than one: it completes what they have in common, and lists them
    console.screen.type("json.JSONDe\t")
    console.wait_for_text("In [2]: json.JSONDecode\n\nJSONDecodeError  \nJSONDecoder")
    console.screen.key("Escape", "ctrl+a", "ctrl+k")
    console.screen.type("json.dumps(")
    console.wait_for("popup('CallTip') and 'skipkeys=False' in popup('CallTip').text()")
    console.screen.key("Escape", "ctrl+a", "ctrl+k")
    # its pager covers the page, until q
    console.screen.type("json.dumps??\n")
    pager = "widget._page_control"
    console.wait_for(f"{pager}.isVisible() and 'def dumps' in {pager}.toPlainText()")
    console.wait_for(f"{pager}.hasFocus()")
    console.screen.key("q")
    console.wait_for(f"not {pager}.isVisible() and page.hasFocus()")
    console.wait_for_prompt(3)


def test_attached_to_an_application(bench: Bench, screen: Desktop, start: Starter) -> None:
    bench.run("first = 'of the dock'")
    console: QtConsole = start.watch(QtConsole.attached(bench, screen))
    console.begin(2)
    assert "of the dock" in console.run("first")
    console.run("win.setWindowTitle('of the qtconsole')")
    assert bench.ask("win.windowTitle()") == "of the qtconsole"
    console.screen.type("input('your ' + 'name? ')\n")
    console.wait_for_end("your name? ")
    bench.ask("clock.start_over()")
    # qtconsole's own limit, as jupyter console's
    console.ask("window.interrupt_kernel_action.trigger()")
    console.wait_for_text("Cannot interrupt a kernel I did not start")
    bench.ask("kernel.interrupt()")
    console.wait_for_prompt(5)
    assert bench.ask("clock.gap") < 1
    console.screen.type("exit\n")
    assert console.wait() == 0
    screen.activate(bench.window)
    bench.enter()
    assert bench.run("'alive'") == "ok"


def test_questions(console: QtConsole) -> None:
    console.screen.type("input('your ' + 'name? ')[::-1]\n")
    console.wait_for_end("your name? ")
    console.screen.type("Ada\n")
    console.wait_for_prompt(2)
    assert "Out[1]: 'adA'" in console.text()
    console.screen.type("import getpass; len(getpass.getpass('your ' + 'secret: '))\n")
    console.wait_for_end("your secret: ")
    console.screen.type("xyzzy\n")
    console.wait_for_prompt(3)
    assert "Out[2]: 5" in console.text()


def test_pictures(console: QtConsole) -> None:
    console.run("from IPython.display import SVG, clear_output")
    console.run(f'SVG("{RED}")')
    assert console.ask("images(widget)") == [[80, 60]]
    console.wait_until_seen(lambda: console.look("page.viewport()").colors()[255, 0, 0] == 80 * 60)
    console.run("%matplotlib inline")
    console.run("from matplotlib import pyplot")
    console.run("axes = pyplot.figure(figsize=(2, 1), facecolor='#00ff00').add_subplot()")
    assert len(console.ask("images(widget)")) == 2
    console.wait_until_seen(lambda: console.look("page.viewport()").colors()[0, 255, 0] > 5_000)


def interrupt_by_key(console: QtConsole) -> None:
    console.screen.key("ctrl+c")


def interrupt_by_menu(console: QtConsole) -> None:
    console.ask("window.interrupt_kernel_action.trigger()")


@pytest.mark.parametrize(
    "interrupt", [interrupt_by_key, pytest.param(interrupt_by_menu, marks=pytest.mark.slow)]
)
def test_interrupts(console: QtConsole, interrupt: Callable[[QtConsole], None]) -> None:
    console.run("import asyncio, time")
    for count, cell in enumerate(("time.sleep(60)", "await asyncio.sleep(60)", "input()"), 1):
        before = len(console.text())
        console.screen.type(f"print('be', 'gun', {count}); {cell}\n")
        console.wait_for_text(f"be gun {count}")
        interrupt(console)
        shown = f"page.toPlainText()[{before}:]"
        console.wait_for(f"'KeyboardInterrupt: ' in {shown} and 'In [{count + 2}]:' in {shown}")
        # on a busy machine it may write the traceback behind its prompt, as if that were typed
        console.ask("setattr(widget, 'input_buffer', '')")
        console.wait_for_prompt(count + 2)
    assert "'unhurt'" in console.run("'un' + 'hurt'")


@pytest.mark.slow
def test_restart_and_end(console: QtConsole) -> None:
    console.run("before = 1; import os")
    first, second = pid(console), 0
    try:
        console.screen.key("ctrl+period")
        question = console.screen.window(console.pid, "Restart kernel")
        console.screen.activate(question)
        console.screen.key("Return")
        assert select.select([first], [], [], 30)[0], "the kernel has not ended"
        # the prompt stays as it was until the kernel has said what it counts, and what it says
        # before the console's connection for that is back is lost
        for number in range(2, 12):
            console.screen.type("before\n")
            console.wait_for_prompt(number)
            if "NameError: name 'before' is not defined" in console.text():
                break
        else:
            raise AssertionError(f"before is still defined: {console.text()}")
        console.run("import os")
        second = pid(console)
        console.screen.type("exit\n")
        assert console.wait() == 0
        assert select.select([second], [], [], 30)[0], "the kernel has not ended"
    finally:
        os.close(first)
        os.close(second)
    assert list(console.home.runtime.glob("kernel-*")) == []


def pid(console: QtConsole) -> int:
    """A descriptor that is readable when the console's kernel has ended."""
    shown = console.run("'pid ' + str(os.getpid()) + ' it is'")
    return os.pidfd_open(int(shown.split("'pid ")[2].split()[0]))
