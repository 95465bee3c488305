"""Embedding and closing again and again in one process: nothing grows."""

from __future__ import annotations

import json
import sys

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.programs import HOSTS

MEGABYTES = 5.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("backend", "times"),
    [
        ("qt", 40),
        *(pytest.param(each, 1000, marks=pytest.mark.slow) for each in ("qt", "tk", "headless")),
    ],
)
def test_nothing_grows(start: Starter, backend: str, times: int) -> None:
    host = start.program([sys.executable, str(HOSTS / "again.py"), backend, str(times)])
    assert host.wait(500) == 0
    grown = json.loads(host.stdout[-1])
    # caches of the libraries that format tracebacks have an entry for each cell that failed
    assert grown.pop("objects") < 1000 + 3 * times
    assert grown.pop("MB") < MEGABYTES
    assert grown == dict.fromkeys(grown, 0)
