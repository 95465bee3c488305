"""A notebook in the browser, as a person sees and uses it."""

from __future__ import annotations

import re
from pathlib import Path

# first, because it skips the tests that import this where there is no playwright
from tests.lab.support.browser import wait_for_jupyterlab  # isort: split

from playwright.sync_api import Locator, Page, expect

_OPEN = """async path => {
    const panel = await jupyterapp.commands.execute('docmanager:open', { path });
    await panel.sessionContext.ready;
    window.statuses = [];
    panel.sessionContext.statusChanged.connect((_, status) => window.statuses.push(status));
}"""

_CLOSE = """async () => {
    await jupyterapp.commands.execute('docmanager:save-all');
    await jupyterapp.commands.execute('application:close-all');
}"""


class Notebook:
    """An open notebook, in the front of JupyterLab's page; cells are numbered from 0.

    Args:
        page: the browser's page.
        path: the notebook, as JupyterLab calls it.
        pictures: the directory for the pictures that `look` takes.
    """

    def __init__(self, page: Page, path: str, pictures: Path) -> None:
        self.page = page
        self.path = path
        self.pictures = pictures
        page.evaluate(_OPEN, path)
        self.panel = page.locator(".jp-NotebookPanel:visible")
        self.cells = self.panel.locator(".jp-Notebook-cell")
        self.handle = self.panel.locator(".noUi-handle").first
        self.wait_for_status("idle")

    # The kernel

    def wait_for_status(self, status: str) -> None:
        """Wait until the circle at the kernel's name says that it is ``idle`` or ``busy``."""
        indicator = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", status)

    def wait_for_restart(self) -> None:
        """Wait until the kernel has been restarted and is idle."""
        self.page.wait_for_function("statuses.includes('restarting') && statuses.at(-1) === 'idle'")

    def choose_kernel(self, name: str) -> None:
        """Connect to another kernel that runs, with the dialog behind the kernel's name."""
        # JupyterLab itself asks its server every ten seconds
        self.page.evaluate("jupyterapp.serviceManager.kernels.refreshRunning()")
        self.panel.locator(".jp-KernelName").click()
        dialog = self.page.locator(".jp-Dialog")
        value = dialog.locator("option", has_text=name).get_attribute("value")
        dialog.locator("select").select_option(value=value)
        dialog.locator(".jp-mod-accept").click()
        expect(self.panel.locator(".jp-KernelName")).to_have_text(name)
        self.wait_for_status("idle")

    def press(self, *keys: str) -> None:
        """Press keys in command mode."""
        for key in ("Escape", *keys):
            self.page.keyboard.press(key)

    def reload(self) -> None:
        """Load the page again, as F5 does, and wait for the notebook."""
        self.page.reload()
        wait_for_jupyterlab(self.page)
        self.page.evaluate(_OPEN, self.path)

    def close(self) -> None:
        """Save and close; the kernel goes on."""
        self.page.evaluate(_CLOSE)

    # Cells

    def editor(self, cell: int) -> Locator:
        """Put the cursor at the end of a cell's code."""
        editor = self.cells.nth(cell).locator(".jp-InputArea-editor .cm-content")
        editor.click()
        expect(editor).to_be_focused()
        self.page.keyboard.press("Control+End")
        return editor

    def start(self, cell: int) -> None:
        """Run a cell; does not wait for it."""
        self.editor(cell)
        self.page.keyboard.press("Shift+Enter")

    def run(self, cell: int, count: int | None = None) -> Locator:
        """Run a cell and wait until it has ended, as number `count` if given; its output."""
        self.start(cell)
        return self.ended(cell, count)

    def ended(self, cell: int, count: int | None = None) -> Locator:
        """Wait until a cell has ended, as number `count` if given; its output."""
        number = r"\d+" if count is None else str(count)
        expect(self.prompt(cell)).to_have_text(re.compile(rf"^\[{number}\]:$"))
        return self.output(cell)

    def slide(self, key: str) -> None:
        """Press a key with the focus on the first slider."""
        self.handle.focus()
        self.page.keyboard.press(key)

    def prompt(self, cell: int) -> Locator:
        """The ``[1]:`` in front of a cell."""
        return self.cells.nth(cell).locator(".jp-InputPrompt")

    def output(self, cell: int) -> Locator:
        """Where a cell's output is."""
        return self.cells.nth(cell).locator(".jp-Cell-outputArea")

    def look(self, name: str) -> Path:
        """Take a picture of the whole window, ``NAME.png``."""
        path = self.pictures / f"{name}.png"
        self.page.screenshot(path=path)
        return path
