"""Real applications on a real desktop: a window manager, a keyboard and a mouse."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.bench import Bench
from tests.frontends.conftest import Starter, pytest_runtest_makereport, starting
from tests.support.desktop import Desktop, desktop, missing

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture(scope="session")
def screen() -> Iterator[Desktop]:
    """A desktop for all tests of the session."""
    if reason := missing():
        pytest.skip(reason)
    with desktop() as one:
        yield one


@pytest.fixture(scope="session")
def homes_of_programs() -> Iterator[Path]:
    """Where homes are made: a short path, because the names of Unix sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="qtk-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture
def start(screen: Desktop, homes_of_programs: Path) -> Iterator[Starter]:
    """Starts programs for one test."""
    with starting(screen.display, homes_of_programs) as starter:
        yield starter


@pytest.fixture
def bench(screen: Desktop, start: Starter) -> Bench:
    """The application, its dock ready to be typed in."""
    program: Bench = start.watch(Bench(start.home, screen))
    program.begin()
    return program
