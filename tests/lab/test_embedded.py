"""A notebook on the kernel of an application that runs: JupyterLab calls it an external kernel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.frontends.support.programs import ROOT, Program
from tests.lab.support.notebook import Notebook, expect
from tests.lab.support.server import JupyterLab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def bench(lab: JupyterLab) -> Iterator[Program]:
    """The demo application, whose connection file is where JupyterLab looks for such kernels."""
    file = lab.external_kernels / "signal-bench.json"
    arguments = ["-m", "demo_app", "--connection-file", str(file)]
    program = Program(lab.home, [sys.executable, *arguments])
    try:
        program.wait_for_file(file)
        yield program
    finally:
        program.stop()


def test_a_notebook_in_a_running_application(
    notebook: Callable[..., Notebook], lab: JupyterLab, bench: Program
) -> None:
    opened = notebook(
        "import os\nprint(os.getpid(), win.windowTitle())",
        "model.channels[0].amplitude = 2.5\nmodel.channels[0].amplitude",
        "exit",
        "os.getpid()",
    )
    opened.choose_kernel("Signal Bench")
