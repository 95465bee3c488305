"""JupyterLab's debugger, as a person sees and uses it."""

from __future__ import annotations

from tests.lab.support.notebook import Notebook  # isort: split

from playwright.sync_api import Locator, expect

GUTTER = 4
"""Pixels from a line's number to the middle of where its breakpoint is."""


class Debugger:
    """The debugger of a notebook, and its panel at the right."""

    def __init__(self, notebook: Notebook) -> None:
        page = notebook.page
        self.notebook = notebook
        self.breakpoints = page.locator(".jp-DebuggerBreakpoints .jp-DebuggerBreakpoint")
        self.variables = page.locator(".jp-DebuggerVariables-body:visible jp-tree-item.nested")
        self.frames = page.locator(".jp-DebuggerCallstackFrame-name")
        self.stopped_line = notebook.panel.locator(".jp-DebuggerEditor-highlight")

    def toggle(self) -> None:
        """Switch it on or off with the button in the notebook's toolbar."""
        button = self.notebook.panel.locator(".jp-DebuggerBugButton")
        # it is dead until JupyterLab has heard from the kernel that it can be debugged
        expect(button).to_have_attribute("aria-disabled", "false")
        on = button.get_attribute("aria-pressed") == "true"
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false" if on else "true")

    def click_gutter(self, cell: int, line: int) -> None:
        """Set or remove a breakpoint with the mouse, at the left of a line's number."""
        number = self._line_numbers(cell).get_by_text(str(line), exact=True)
        number.wait_for()
        box = number.bounding_box()
        assert box is not None
        self.notebook.page.mouse.click(box["x"] - GUTTER, box["y"] + box["height"] / 2)

    def _line_numbers(self, cell: int) -> Locator:
        return self.notebook.cells.nth(cell).locator(".cm-lineNumbers")
