"""Cells in JupyterLab: what they show, and what helps to write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.support.notebook import Notebook, expect
from tests.lab.support.server import JupyterLab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

RICH = """\
import pandas
from IPython.display import HTML, SVG, Image, Latex, Markdown, display
from PIL import Image as Pillow
print("printed")
display(Pillow.new("RGB", (40, 30), "teal"))
circle = '<circle cx="15" cy="15" r="15"/>'
display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30">{circle}</svg>'))
display(HTML("<b id='bold'>bold</b>"), Markdown("# heading"), Latex(r"$\\sqrt{2}$"))
pandas.DataFrame({"volt": [1.5, 2.5]})"""

UPDATES = """\
from IPython.display import clear_output, display
from tqdm import tqdm
print("gone")
clear_output(wait=True)
shown = display("before", display_id=True)
for _ in tqdm(range(3), ncols=60): pass"""


def test_rich_output_is_shown(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(RICH, "1 / 0")
    output = lab.run(0, count=1)
    expect(output).to_contain_text("printed")
    image = output.locator("img").first
    assert image.evaluate("image => image.naturalWidth") == 40
    expect(output.locator("[data-mime-type='image/svg+xml']")).to_have_count(1)
    expect(output.locator("b#bold")).to_have_text("bold")
    expect(output.locator("h1")).to_contain_text("heading")
    expect(output.locator("mjx-msqrt")).to_have_count(1)
    expect(output.locator("table td").nth(1)).to_have_text("2.5")
    error = lab.run(1, count=2)
    expect(error).to_contain_text("ZeroDivisionError: division by zero")
    expect(error.locator("pre span.ansi-red-fg, pre span[class*=ansi]").first).to_be_visible()
    lab.look("rich")


def test_code_is_typed_completed_and_run(notebook: Callable[..., Notebook]) -> None:
    lab = notebook("waveform_amplitude = 3", "")
    lab.run(0)
    editor = lab.editor(1)
    item = lab.page.locator(".jp-Completer:visible .jp-Completer-item")
    lab.page.keyboard.type("waveform_a")
    lab.page.keyboard.press("Tab")
    expect(item).to_contain_text("waveform_amplitude")
    lab.page.keyboard.press("Enter")
    expect(editor).to_have_text("waveform_amplitude")
    lab.page.keyboard.type(".")
    lab.page.keyboard.press("Tab")
    expect(item.filter(has_text="bit_count")).to_be_visible()
    lab.look("completion")
    lab.page.keyboard.type("numer")
    expect(item).to_have_count(1)
    lab.page.keyboard.press("Enter")
    expect(editor).to_have_text("waveform_amplitude.numerator")
    expect(lab.run(1, count=2)).to_contain_text("3")


def test_inspection_shows_the_signature(notebook: Callable[..., Notebook]) -> None:
    lab = notebook('def gain(volts: float) -> float:\n    "Of the first channel."', "gain(")
    lab.run(0)
    lab.editor(1)
    lab.page.keyboard.press("Shift+Tab")
    tooltip = lab.page.locator(".jp-Tooltip")
    expect(tooltip).to_contain_text("gain(volts: float) -> float")
    expect(tooltip).to_contain_text("Of the first channel.")
    lab.look("inspection")
    lab.page.keyboard.press("Escape")


def test_a_cell_asks(notebook: Callable[..., Notebook]) -> None:
    lab = notebook("from getpass import getpass\nprint(input('Who? ') + getpass('Word? '))")
    lab.start(0)
    box = lab.output(0).locator("input.jp-Stdin-input")
    expect(lab.output(0)).to_contain_text("Who?")
    lab.look("input")
    box.fill("Ada")
    box.press("Enter")
    hidden = lab.output(0).locator("input[type=password]")
    hidden.fill("-secret")
    hidden.press("Enter")
    expect(lab.ended(0)).to_contain_text("Ada-secret")


def test_cells_behind_an_error_do_not_run(
    notebook: Callable[..., Notebook], lab: JupyterLab
) -> None:
    opened = notebook(f"{lab.until('queued')}\n1 / 0", "print('never')", "print('again')")
    opened.start(0)
    opened.start(1)
    expect(opened.prompt(1)).to_have_text("[*]:")
    lab.happens("queued")
    opened.ended(0, count=1)
    expect(opened.run(2, count=2)).to_contain_text("again")
    expect(opened.output(1)).to_have_text("")


def test_output_is_updated_in_place(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(UPDATES, "shown.update('after')")
    output = lab.run(0)
    expect(output).not_to_contain_text("gone")
    expect(output).to_contain_text("before")
    expect(output.get_by_text("3/3")).to_have_count(1)
    expect(output).not_to_contain_text("0/3")
    lab.run(1)
    expect(output).to_contain_text("after")
    expect(output).not_to_contain_text("before")
    lab.look("updates")
