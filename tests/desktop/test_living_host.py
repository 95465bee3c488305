"""The application's clock ticks on where other kernels freeze it, and figures in windows are alive.

A frontend from outside runs the cells, as JupyterLab would.
"""

from __future__ import annotations

import pytest

from tests.desktop.bench import Bench
from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend

# the clock ticks every 10 ms; a machine with other things to do may keep it waiting
GAP = 1.0

FIGURE = """
%matplotlib qt
from matplotlib import pyplot
from matplotlib.widgets import Button
figure, axes = pyplot.subplots(num="a figure", facecolor="#00ff00")
axes.set_facecolor("#ff0000")
pressed, frames = [], []
button = Button(figure.add_axes((0, 0, 1, 0.2)), "press")
button.on_clicked(lambda event: (pressed.append(event), print("pressed")))
timer = figure.canvas.new_timer(20, [(frames.append, (1,), {})])
timer.start()
pyplot.show()
"""

GREEN, RED, BLUE = (0, 255, 0), (255, 0, 0), (0, 0, 255)


@pytest.fixture
def frontend(bench: Bench, start: Starter) -> Frontend:
    """A frontend on the application's kernel, and the application's clock started over."""
    frontend = start.frontend(bench)
    bench.ask("clock.start_over()")
    return frontend


def ticks(bench: Bench, count: int) -> None:
    """Wait until the application's clock has ticked so many times more."""
    bench.wait_for(f"clock.ticks >= {bench.ask('clock.ticks') + count}")


def test_input_leaves_the_clock_ticking(bench: Bench, frontend: Frontend) -> None:
    msg_id = frontend.start("input('? ')")
    assert frontend.prompt() == "? "
    ticks(bench, 150)
    frontend.answer("two seconds later")
    assert frontend.outcome(msg_id).result == "'two seconds later'"
    assert bench.ask("clock.gap") < GAP


def test_a_command_leaves_the_clock_ticking(bench: Bench, frontend: Frontend) -> None:
    before = bench.ask("clock.ticks")
    assert frontend.run("!sleep 2; echo done").text().splitlines() == ["done"]
    assert bench.ask("clock.gap") < GAP
    assert bench.ask("clock.ticks") > before + 20


def test_timeit_ends(bench: Bench, frontend: Frontend) -> None:
    assert "per loop" in frontend.run("%timeit -n 10 sum(range(1000))").text()
    ticks(bench, 10)


def test_a_figure_in_a_window_is_alive(bench: Bench, frontend: Frontend) -> None:
    screen = bench.screen
    outcome = frontend.run(FIGURE)
    assert outcome.status == "ok", outcome.content
    window = screen.window(bench.pid, "a figure")
    canvas = "ns['figure'].canvas"
    # drawn without another cell, and again in another size
    bench.wait_until_seen(lambda: bench.look(canvas).colors()[RED] > 1_000)
    screen.resize(window, 420, 360)
    bench.wait_for(f"{canvas}.width() == 420")
    bench.wait_until_seen(lambda: bench.look(canvas).pixel(415, 5) == GREEN)
    # what a later cell changes is drawn when it ends
    assert frontend.run("axes.set_facecolor('#0000ff')").status == "ok"
    bench.wait_until_seen(lambda: bench.look(canvas).colors()[BLUE] > 1_000)
    assert bench.look(canvas).colors()[RED] == 0
    # its button reaches the cell's own function, its timer ticks
    screen.activate(window)
    x, y, width, height = bench.rect(canvas)
    screen.click(x + width // 2, y + height - 10)
    bench.wait_for("ns['pressed']")
    frames = bench.ask("len(ns['frames'])")
    bench.wait_for(f"len(ns['frames']) > {frames + 10}")
    # also while a cell waits
    msg_id = frontend.start("import asyncio; gate = asyncio.Event(); await gate.wait(); 'opened'")
    frontend.wait_for(msg_id, "execute_input")
    screen.click(x + width // 2, y + height - 10)
    bench.wait_for("len(ns['pressed']) == 2")
    bench.ask("ns['gate'].set()")
    assert frontend.outcome(msg_id).result == "'opened'"
    # a person closes it
    screen.close_window(window)
    bench.wait_for("not ns['pyplot'].get_fignums()")
    assert frontend.run("pyplot.get_fignums()").result == "[]"
    ticks(bench, 10)
