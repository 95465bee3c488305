"""What the tests of the protocol share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from qtkernel.protocol import Session
from tests.protocol.signing import KEY


@pytest.fixture
def session() -> Session:
    return Session(KEY)


@pytest.fixture
def fast_switches() -> Iterator[None]:
    """Let threads interrupt each other as often as Python can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)
