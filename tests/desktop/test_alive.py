"""The application and the console stay alive while a cell is under way."""

from __future__ import annotations

from tests.desktop.bench import Bench

# the clock ticks every 10 ms; a machine with other things to do may keep it waiting
GAP = 1.0


def test_completion_calltip_and_history_while_a_cell_awaits(bench: Bench) -> None:
    bench.run("signal_alpha, signal_beta = 1, 2")
    bench.screen.type("import asyncio; gate = asyncio.Event(); await gate.wait(); 'opened'\n")
    bench.wait_for("kernel_is_busy(self)")
    bench.ask("clock.start_over()")
    bench.screen.type("signal_\t")
    bench.wait_for("popup('completions')")
    bench.screen.key("Down", "Return")
    bench.wait_for("pending_input(dock) == 'signal_beta'")
    bench.screen.key("ctrl+a", "ctrl+k")
    bench.screen.type("sorted(")
    bench.wait_for("popup('CallTip')")
    bench.screen.key("Escape", "ctrl+a", "ctrl+k")
    bench.screen.key("Up", "Up")
    bench.wait_for("pending_input(dock) == 'signal_alpha, signal_beta = 1, 2'")
    bench.screen.key("ctrl+a", "ctrl+k")
    # what is run now waits for its turn
    bench.screen.type("later = signal_alpha\n")
    bench.wait_for("len(dock.console.widget._own) == 2")
    assert "later" not in bench.ask("sorted(ns)")
    assert bench.ask("clock.gap") < GAP
    bench.ask("ns['gate'].set()")
    bench.wait_for_end(3)
    assert bench.ask("ns['later']") == 1
    assert "opened" in bench.text()


def test_completion_at_a_question_of_the_debugger(bench: Bench) -> None:
    bench.run("channel = 'left'")
    bench.screen.type("breakpoint(); 1\n")
    bench.wait_for("dock.console.widget._reading")
    bench.ask("clock.start_over()")
    bench.screen.type("chan\t")
    bench.wait_for("pending_input(dock) == 'channel'")
    bench.screen.type("\n")
    bench.wait_for("\"'left'\" in page_of(dock).toPlainText().split('channel')[-1]")
    bench.wait_for("dock.console.widget._reading")
    assert bench.ask("clock.gap") < GAP
    bench.screen.type("c\n")
    bench.wait_for_end(2)
    assert bench.run("'unhurt'") == "ok"


def test_a_dialog_that_a_cell_opens(bench: Bench) -> None:
    bench.ask("ns.update(QtWidgets=QtWidgets)")
    bench.run("box = QtWidgets.QInputDialog(win); box.setWindowTitle('a question')")
    bench.screen.type("box.exec(); said = box.textValue(); print('the answer:', said)\n")
    dialog = bench.screen.window(bench.pid, "a question")
    bench.ask("clock.start_over()")
    bench.screen.activate(dialog)
    bench.screen.type("42 volts")
    bench.wait_for("ns['box'].textValue() == '42 volts'")
    assert bench.ask("kernel_is_busy(self)")
    assert bench.ask("clock.gap") < GAP
    bench.screen.key("Return")
    bench.wait_for_end(2)
    assert bench.ask("ns['said']") == "42 volts"
    assert "the answer: 42 volts" in bench.text()
    bench.screen.activate(bench.window)
    bench.enter()
    assert bench.run("after = 1") == "ok"
