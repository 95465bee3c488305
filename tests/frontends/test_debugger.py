"""Debugging a real kernel by a real control channel, as JupyterLab does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.debugging import DebugClient
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import KernelProgram

CELL = """\
def double(x):
    y = 2 * x
    return y

result = double(21)
print("after", result)
"""


@pytest.fixture(scope="module", params=["qt", "headless"])
def debugged(request: pytest.FixtureRequest, start_shared: Starter) -> KernelProgram:
    return start_shared.kernel(request.param)


@pytest.fixture
def client(debugged: KernelProgram, attach: Callable[[Any], Frontend]) -> Iterator[DebugClient]:
    client = DebugClient(attach(debugged))
    client.attach()
    yield client
    client.do("disconnect")


def test_a_breakpoint_in_a_cell(client: DebugClient) -> None:
    path = client.break_in(CELL, 3)
    cell = client.frontend.start(CELL)
    frame = client.stop()
    assert (frame["name"], frame["line"], frame["source"]["path"]) == ("double", 3, path)
    frames = client.frames(frame["thread"])
    assert [each["name"] for each in frames] == ["double", "<module>"]
    assert client.locals(frame) == {"x": "21", "y": "42"}
    client.go_on(frame)
    outcome = client.frontend.outcome(cell)
    assert outcome.status == "ok"
    assert outcome.text() == "after 42\n"
