"""JupyterLab and a browser: started once, and a notebook of its own for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.frontends.support.programs import ROOT, Home
from tests.lab.support.server import JupyterLab
from tests.support.xvfb import display

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.lab.support.notebook import Notebook

PICTURES = ROOT / "build" / "lab"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Show what the server and its kernels said, and take a picture, of a test that failed."""
    report = yield
    arguments = getattr(item, "funcargs", {})
    if report.failed and "lab" in arguments:
        report.sections.append(("JupyterLab", str(arguments["lab"])))
    if report.failed and report.when == "call" and "page" in arguments:
        picture = PICTURES / f"failed-{item.name}.png"
        arguments["page"].screenshot(path=picture)
        report.sections.append(("picture", str(picture)))
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """The server; at the end, what it and its kernels have said is looked at."""
    with display() as screen:
        server = JupyterLab(Home(tmp_path_factory.mktemp("lab"), screen))
        try:
            yield server
        finally:
            server.stop()
    assert server.unexpected() == [], f"said on stderr by\n{server}"


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    """Chromium without a window."""
    from tests.lab.support.browser import browsing

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium: `make lab` installs it on Debian")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with browsing(chromium, width=1240, height=860) as context:
        yield context


@pytest.fixture(scope="session")
def visit(lab: JupyterLab, browser: BrowserContext) -> Callable[[str], Page]:
    """Open a page of JupyterLab in a tab of its own."""
    from tests.lab.support.browser import visit

    return partial(visit, browser, lab)


@pytest.fixture(scope="session")
def page(visit: Callable[[str], Page]) -> Page:
    """JupyterLab in a tab, for all tests: loading it takes seconds."""
    return visit("/lab")


@pytest.fixture
def notebook(
    lab: JupyterLab, page: Page, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """Opens a notebook with the cells given, on a kernel of its own."""
    from tests.lab.support.notebook import Notebook

    opened: list[Notebook] = []

    def open_notebook(*cells: str, **options: str) -> Notebook:
        path = lab.write_notebook(request.node.name, cells, **options)
        opened.append(Notebook(page, path, PICTURES))
        return opened[-1]

    yield open_notebook
    for each in opened:
        each.close()
    lab.end_kernels()
