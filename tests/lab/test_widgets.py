"""ipywidgets and figures in JupyterLab: what is moved in the browser moves in Python, and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.support.cells import SLIDER
from tests.lab.support.notebook import Notebook, expect
from tests.lab.support.server import JupyterLab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

AWAIT = """\
import asyncio
moved = asyncio.get_running_loop().create_future()
slider.observe(lambda change: moved.set_result(change["new"]), "value")
print("waiting")
await moved"""

PLOT = """\
import matplotlib.pyplot as plt

@ipywidgets.interact(periods=(1, 5))
def plot(periods=2):
    times = [each / 200 for each in range(201)]
    plt.figure(figsize=(6, 2.6))
    plt.plot(times, [math.sin(math.tau * periods * time) for time in times])
    plt.title(f"{periods} periods")"""


def test_a_slider_moves_a_value_and_a_value_the_slider(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SLIDER, "slider.value", "slider.value = 8")
    output = lab.run(0)
    expect(lab.handle).to_have_attribute("aria-valuenow", "3.0")
    lab.slide("ArrowRight")
    lab.slide("ArrowRight")
    expect(output).to_contain_text("now 5 True")
    expect(lab.run(1, count=2)).to_contain_text("5")
    lab.run(2, count=3)
    expect(lab.handle).to_have_attribute("aria-valuenow", "8.0")
    expect(output).to_contain_text("now 8 True")
    lab.look("slider")


def test_a_slider_moves_while_a_cell_awaits_it(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SLIDER, AWAIT, "slider.value")
    output = lab.run(0)
    lab.start(1)
    expect(lab.output(1)).to_contain_text("waiting")
    lab.start(2)
    lab.slide("ArrowLeft")
    expect(lab.ended(1, count=2)).to_contain_text("2")
    expect(output).to_contain_text("now 2 True")
    expect(lab.ended(2, count=3)).to_contain_text("2")


def test_a_slider_that_is_moved_while_a_cell_blocks_is_heard_afterwards(
    notebook: Callable[..., Notebook], lab: JupyterLab
) -> None:
    opened = notebook(SLIDER, f"print('begun')\n{lab.until('slid')}\nslider.value", "slider.value")
    output = opened.run(0)
    opened.start(1)
    expect(opened.output(1)).to_contain_text("begun")
    opened.slide("ArrowRight")
    lab.happens("slid")
    expect(opened.ended(1, count=2)).to_contain_text("3")
    expect(output).to_contain_text("now 4 True")
    expect(opened.run(2, count=3)).to_contain_text("4")


def test_a_figure_is_shown_and_follows_a_slider(notebook: Callable[..., Notebook]) -> None:
    lab = notebook("import math\nimport ipywidgets", PLOT, "plt.plot([1, 3, 2])\nplt.show()")
    lab.run(0)
    output = lab.run(1)
    image = output.locator("img")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    first = image.get_attribute("src")
    lab.slide("ArrowRight")
    expect(image).not_to_have_attribute("src", first or "")
    expect(image).to_have_count(1)
    assert lab.run(2).locator("img").evaluate("image => image.naturalWidth") > 300
    lab.look("figure")
