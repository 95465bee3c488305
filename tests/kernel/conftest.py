"""A kernel with lists and fakes on all sides."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder


@pytest.fixture
def house() -> Iterator[PureKernel]:
    """A kernel; what it says unasked, or a callback that fails, fails the test."""
    before = signal.getsignal(signal.SIGINT)
    kernel = PureKernel()
    yield kernel
    kernel.recorder.expect_silence()
    assert kernel.loop.errors == []
    assert signal.getsignal(signal.SIGINT) is before


@pytest.fixture
def recorder(house: PureKernel) -> Recorder:
    """All that the kernel has said."""
    return house.recorder
