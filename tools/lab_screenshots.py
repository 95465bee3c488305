"""Make the pictures of JupyterLab in the documentation: ``make lab-screenshots``.

A real JupyterLab, with this kernel, in a real browser without a window. They are written to
docs/images.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.frontends.support.programs import ROOT, Home
from tests.lab.support.browser import browsing, visit
from tests.lab.support.debugger import Debugger
from tests.lab.support.notebook import Notebook, expect
from tests.lab.support.server import JupyterLab
from tests.support.xvfb import display

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1000, 620

WAVE = """\
import numpy as np
import matplotlib.pyplot as plt
from ipywidgets import interact

times = np.linspace(0, 1, 400)"""

PLOT = """\
@interact(periods=(1, 8), noise=(0, 1, 0.1))
def plot(periods=2, noise=0.1):
    plt.figure(figsize=(7.5, 2.2))
    plt.plot(times, np.sin(2 * np.pi * periods * times) + noise * np.random.randn(times.size))"""

SCALED = """\
def scaled(values, gain):
    total = 0
    for value in values:
        total += value * gain
    return total

readings = [1.5, 2.5, 3.5]
scaled(readings, gain=10)"""


def save(notebook: Notebook, path: Path) -> None:
    """Write the picture, with the 256 colours that are most of it: a third of the size."""
    picture = Image.open(notebook.look(path.stem)).convert("RGB")
    picture.quantize(dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}  {path.stat().st_size // 1024} KB", flush=True)


def widgets(notebook: Notebook) -> None:
    """A slider that has been moved, and the figure that follows it."""
    notebook.run(0)
    figure = notebook.run(1).locator("img")
    before = figure.get_attribute("src") or ""
    notebook.slide("ArrowRight")
    expect(figure).not_to_have_attribute("src", before)
    notebook.wait_for_status("idle")
    save(notebook, IMAGES / "lab-widgets.png")


def debugger(notebook: Notebook) -> None:
    """A cell that has stopped at a breakpoint."""
    panel = Debugger(notebook)
    panel.toggle()
    panel.click_gutter(0, line=4)
    expect(panel.breakpoints).to_have_count(1)
    notebook.start(0)
    expect(panel.variables).to_have_text(["gain10", "total0", "value1.5", "valueslist"])
    save(notebook, IMAGES / "lab-debugger.png")
    panel.click_gutter(0, line=4)
    expect(panel.breakpoints).to_have_count(0)
    notebook.page.keyboard.press("F9")
    notebook.ended(0)


def main() -> int:
    """Make both pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("there is no chromium: `make lab-screenshots` installs it on Debian", file=sys.stderr)
        return 1
    with display() as screen, tempfile.TemporaryDirectory(prefix="qtk-") as directory:
        lab = JupyterLab(Home(Path(directory), screen))
        try:
            with browsing(chromium, WIDTH, HEIGHT) as context:
                page = visit(context, lab, "/lab")
                page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
                for name, cells, picture in (
                    ("Signals", (WAVE, PLOT), widgets),
                    ("Readings", (SCALED,), debugger),
                ):
                    path = lab.write_notebook(name, cells)
                    notebook = Notebook(page, path, Path(directory))
                    picture(notebook)
                    notebook.close()
        finally:
            lab.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
