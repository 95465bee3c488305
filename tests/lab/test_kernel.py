"""What JupyterLab does with the kernel as such: interrupt, restart, reconnect, several tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.lab.support.notebook import Notebook, expect
from tests.lab.support.server import JupyterLab

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


ENDLESS = {
    "loop": "while True: pass",
    "sleep": "import time\ntime.sleep(600)",
    "await": "import asyncio\nawait asyncio.sleep(600)",
}


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_interrupt(notebook: Callable[..., Notebook], code: str) -> None:
    lab = notebook(f"print('begun')\n{code}", "'alive'")
    lab.start(0)
    expect(lab.output(0)).to_contain_text("begun")
    lab.press("i", "i")
    expect(lab.ended(0, count=1)).to_contain_text("KeyboardInterrupt")
    expect(lab.run(1, count=2)).to_contain_text("alive")


def test_restart(notebook: Callable[..., Notebook]) -> None:
    lab = notebook("x = 1", "'x' in globals()")
    lab.run(0, count=1)
    expect(lab.run(1, count=2)).to_contain_text("True")
    lab.press("0", "0")
    lab.page.locator(".jp-Dialog .jp-mod-accept").click()
    lab.wait_for_restart()
    expect(lab.run(1, count=1)).to_contain_text("False")


def test_restart_while_a_cell_runs(notebook: Callable[..., Notebook]) -> None:
    lab = notebook("print('begun')\nwhile True: pass", "'alive'")
    lab.start(0)
    expect(lab.output(0)).to_contain_text("begun")
    lab.press("0", "0")
    lab.page.locator(".jp-Dialog .jp-mod-accept").click()
    lab.wait_for_restart()
    expect(lab.run(1, count=1)).to_contain_text("alive")


def test_a_page_that_is_loaded_again_finds_its_kernel(
    notebook: Callable[..., Notebook], lab: JupyterLab
) -> None:
    opened = notebook(f"x = 5\nprint('begun')\n{lab.until('loaded')}", "x")
    opened.start(0)
    expect(opened.output(0)).to_contain_text("begun")
    opened.reload()
    opened.start(1)
    expect(opened.prompt(1)).to_have_text("[*]:")
    opened.look("reloaded")
    lab.happens("loaded")
    expect(opened.ended(1, count=2)).to_contain_text("5")


def test_two_tabs_on_one_kernel(
    notebook: Callable[..., Notebook], lab: JupyterLab, visit: Callable[[str], Page]
) -> None:
    first = notebook(f"x = 7\nprint('begun')\n{lab.until('seen')}\ninput('which? ')", "x + 1")
    tab = visit("/lab/workspaces/other")
    second = Notebook(tab, first.path, first.pictures)
    first.start(0)
    expect(first.output(0)).to_contain_text("begun")
    second.start(1)
    expect(second.prompt(1)).to_have_text("[*]:")
    lab.happens("seen")
    box = first.output(0).locator("input.jp-Stdin-input")
    box.fill("this one")
    expect(tab.locator("input.jp-Stdin-input")).to_have_count(0)
    box.press("Enter")
    expect(first.ended(0, count=1)).to_contain_text("this one")
    expect(second.ended(1, count=2)).to_contain_text("8")
    expect(first.run(1, count=3)).to_contain_text("8")
    second.look("two-tabs")
    tab.close()
