"""Real applications on a real desktop: a window manager, a keyboard and a mouse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.desktop import Desktop, desktop, missing


@pytest.fixture(scope="session")
def screen() -> Iterator[Desktop]:
    """A desktop for all tests of the session."""
    if reason := missing():
        pytest.skip(reason)
    with desktop() as one:
        yield one
