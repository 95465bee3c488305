"""Chromium without a window, and JupyterLab in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="JupyterLab's tests have an environment: `make lab`")

from playwright.sync_api import BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests.frontends.support.programs import PATIENCE
from tests.lab.support.server import JupyterLab


@contextlib.contextmanager
def browsing(chromium: str, width: int, height: int) -> Iterator[BrowserContext]:
    """Run the program `chromium`; its pages are `width` and `height` pixels large."""
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        # as root it runs without its sandbox only
        program = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = program.new_context(viewport=ViewportSize(width=width, height=height))
        context.set_default_timeout(PATIENCE * 1000)
        yield context
        program.close()


def visit(context: BrowserContext, lab: JupyterLab, path: str) -> Page:
    """Open a page of JupyterLab in a tab of its own."""
    page = context.new_page()
    page.goto(lab.url(path))
    wait_for_jupyterlab(page)
    return page


def wait_for_jupyterlab(page: Page) -> None:
    """Wait until a page that is being loaded is JupyterLab, and has all its commands."""
    page.wait_for_function("window.jupyterapp !== undefined")
    page.evaluate("jupyterapp.restored")
