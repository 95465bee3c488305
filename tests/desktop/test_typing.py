"""Typing in the dock, with a keyboard."""

from __future__ import annotations

from tests.desktop.bench import Bench


def test_what_is_typed_runs_in_the_application(bench: Bench) -> None:
    assert bench.run("win.setWindowTitle('typed {}'.format(6 * 7))") == "ok"
    assert bench.ask("win.windowTitle()") == "typed 42"
    assert bench.run("answer = 6 * 7; answer") == "ok"
    assert bench.ask("ns['answer']") == 42
    assert "Out[2]: 42" in bench.text()


def test_several_lines(bench: Bench) -> None:
    # the console indents by itself; an empty line ends the block
    assert bench.run("for i in range(3):\nedit.appendPlainText(f'line {i}')\n") == "ok"
    assert bench.ask("edit.toPlainText()") == "line 0\nline 1\nline 2"
    assert bench.run("def double(x):\ny = x + x\nreturn y\n") == "ok"
    assert bench.run("edit.setPlainText(str(double(21)))") == "ok"
    assert bench.ask("edit.toPlainText()") == "42"


def test_history(bench: Bench) -> None:
    bench.run("count = 1")
    bench.run("count += 1")
    bench.screen.key("Up")
    bench.wait_for("pending_input(dock) == 'count += 1'")
    bench.screen.key("Up")
    bench.wait_for("pending_input(dock) == 'count = 1'")
    bench.screen.key("Down")
    bench.wait_for("pending_input(dock) == 'count += 1'")
    bench.run("")
    assert bench.ask("ns['count']") == 3


def test_tab_completes(bench: Bench) -> None:
    bench.run("signal_alpha, signal_beta, signal_gamma = 'abc'")
    bench.screen.type("chosen = signal_\t")
    bench.wait_for("popup('completions')")
    assert bench.ask("[popup('completions').item(i).text().split()[0] for i in range(3)]") == [
        "signal_alpha",
        "signal_beta",
        "signal_gamma",
    ]
    before = bench.look("popup('completions')")
    bench.screen.key("Down")
    bench.wait_for("popup('completions').currentRow() == 1")
    bench.screen.key("Return")
    bench.wait_for("pending_input(dock) == 'chosen = signal_beta'")
    assert not bench.ask("popup('completions')")
    assert before.ink() > 200, "nothing was on the screen"
    bench.run("")
    assert bench.ask("ns['chosen']") == "b"
    # one way to go on: it is taken at once
    bench.screen.type("chosen = signal_g\t")
    bench.wait_for("pending_input(dock) == 'chosen = signal_gamma'")
    bench.run("")
    assert bench.ask("ns['chosen']") == "c"


def test_calltip(bench: Bench) -> None:
    bench.run("def measure(channel, seconds=1.5): 'Measure it.'\n")
    assert not bench.ask("popup('CallTip')")
    bench.screen.type("measure(")
    tip = "popup('CallTip')"
    bench.wait_for(tip)
    assert "seconds=1.5" in bench.ask(f"{tip}.text()")
    assert bench.look(tip).ink() > 100
    bench.screen.type("1)")
    bench.wait_for(f"not {tip}")


def test_input_and_getpass(bench: Bench) -> None:
    bench.ask("clock.start_over()")
    bench.screen.type("name = input('your ' + 'name? ')\n")
    bench.wait_for("dock.console.widget._reading")
    assert "your name? " in bench.text()
    bench.screen.type("Ada Lovelace\n")
    bench.wait_for_end(1)
    assert bench.ask("ns['name']") == "Ada Lovelace"
    bench.screen.type("import getpass; word = getpass.getpass('pass' + 'word: ')\n")
    bench.wait_for("dock.console.widget._reading")
    bench.screen.type("open sesame\n")
    bench.wait_for_end(2)
    assert bench.ask("ns['word']") == "open sesame"
    assert "sesame" not in bench.text()
    # the application was alive all the time; typing both took longer than a second
    assert bench.ask("clock.gap") < 1.0


def test_selected_text_is_copied_and_nothing_interrupted(bench: Bench) -> None:
    bench.run("'copied' + ' text'")
    bench.screen.type("import asyncio; await asyncio.sleep(3600)\n")
    bench.wait_for("kernel_is_busy(self)")
    x, y = bench.ask("place_of(dock, 'copied text')")
    bench.screen.double_click(x, y)
    bench.wait_for("page_of(dock).textCursor().selectedText() == 'copied'")
    bench.screen.key("ctrl+c")
    bench.wait_for("app.clipboard().text() == 'copied'")
    assert bench.ask("kernel_is_busy(self)")
    # without a selection it interrupts
    bench.click("page_of(dock)")
    bench.wait_for("not page_of(dock).textCursor().hasSelection()")
    bench.screen.key("ctrl+c")
    assert bench.wait_for_end(2) == "error"


def test_ctrl_l_clears(bench: Bench) -> None:
    bench.run("print('rub' + 'bish')")
    assert "rubbish" in bench.text()
    bench.screen.type("kept = 1")
    bench.screen.key("ctrl+l")
    bench.wait_for("'rubbish' not in page_of(dock).toPlainText()")
    bench.run("")
    assert bench.ask("ns['kept']") == 1


def test_what_is_typed_while_a_cell_blocks_is_not_lost(bench: Bench) -> None:
    bench.screen.type("import time; say('blocks'); time.sleep(2)\n")
    bench.wait_for_line("blocks")
    bench.screen.type("first = 1\nsecond = first + 1\n")
    bench.wait_for_end(3)
    assert bench.ask("[ns['first'], ns['second']]") == [1, 2]
