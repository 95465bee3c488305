"""usage_request: what the kernel uses of its machine, with psutil and without."""

from __future__ import annotations

import importlib
import os
import socket
import sys
import time

import pytest

from qtkernel.kernel.usage import OwnUsage
from tests.support.pure_kernel import PureKernel
from tests.support.recorder import Recorder


def ask(house: PureKernel, recorder: Recorder) -> dict[str, object]:
    house.control_request("usage_request")
    (_, answer, _) = recorder.take()
    assert answer.msg_type == "usage_reply"
    return answer.content  # type: ignore[no-any-return]


def busy_for(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.fixture
def without_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which it is not installed."""
    monkeypatch.setitem(sys.modules, "psutil", None)


def test_all_that_ipykernel_tells(house: PureKernel, recorder: Recorder) -> None:
    ask(house, recorder)  # the host's CPU time is counted from here
    busy_for(0.05)
    found = ask(house, recorder)
    assert found["hostname"] == socket.gethostname()
    assert (found["pid"], found["cpu_count"]) == (os.getpid(), os.cpu_count())
    assert isinstance(found["kernel_cpu"], float)
    assert found["kernel_cpu"] > 0
    assert isinstance(found["kernel_memory"], int)
    assert found["kernel_memory"] > 1_000_000
    assert isinstance(found["host_cpu_percent"], float)
    assert isinstance(found["host_virtual_memory"], dict)
    assert {"total", "available", "percent"} <= set(found["host_virtual_memory"])


@pytest.mark.usefixtures("without_psutil")
def test_what_python_itself_knows_without_psutil(house: PureKernel, recorder: Recorder) -> None:
    ask(house, recorder)
    busy_for(0.05)
    found = ask(house, recorder)
    assert (found["pid"], found["cpu_count"]) == (os.getpid(), os.cpu_count())
    assert isinstance(found["kernel_cpu"], float)
    assert found["kernel_cpu"] > 0
    assert "host_virtual_memory" not in found


def test_both_agree_about_the_memory() -> None:
    psutil = importlib.import_module("psutil")
    resident = OwnUsage().measure().get("kernel_memory")
    if resident is None:
        pytest.skip("there is no /proc here")
    assert resident == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_the_first_question_has_no_time_to_compare_with() -> None:
    assert OwnUsage().measure()["kernel_cpu"] == 0.0
