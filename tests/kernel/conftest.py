"""A kernel with lists and fakes on all sides."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from qtkernel.kernel import kernel as kernel_module
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[PureKernel]:
    """A kernel; what it says unasked, or a callback that fails, fails the test.

    No time passes in it: on a busy machine a dispatch would now and then be over its budget.
    """
    monkeypatch.setattr(kernel_module, "_clock", lambda: 0.0)
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
