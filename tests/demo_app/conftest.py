"""A bench whose noise is the same in every run, and its window."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from demo_app.model import Bench
from demo_app.window import BenchWindow


@pytest.fixture
def bench(qapp: object) -> Bench:  # noqa: ARG001 (timers need the application)
    return Bench(seed=1)


@pytest.fixture
def window(bench: Bench, qtbot: QtBot) -> BenchWindow:
    window = BenchWindow(bench)
    qtbot.addWidget(window, before_close_func=lambda _window: bench.stop())
    window.show()
    qtbot.waitExposed(window)
    return window
