"""A shell for a test, closed after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.real_shell import RealShell


@pytest.fixture
def make_shell() -> Iterator[Callable[..., RealShell]]:
    """Make shells; they are closed at the end, the last one first."""
    made: list[RealShell] = []

    def make(namespace: dict[str, Any] | None = None, **more: Any) -> RealShell:
        made.append(RealShell(namespace, **more))
        return made[-1]

    yield make
    for bench in reversed(made):
        bench.close()


@pytest.fixture
def bench(make_shell: Callable[..., RealShell]) -> RealShell:
    """A guest's shell, in an empty namespace."""
    return make_shell()
