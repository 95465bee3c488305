"""A notebook on the kernel of an application that runs: JupyterLab calls it an external kernel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import Program
from tests.lab.support.cells import SLIDER
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
        program.connection_file = program.wait_for_file(file)
        yield program
    finally:
        program.stop()


def test_a_notebook_in_a_running_application(
    notebook: Callable[..., Notebook], lab: JupyterLab, bench: Program
) -> None:
    opened = notebook(
        "import os\nprint(os.getpid(), win.windowTitle())",
        "model.channels[0].frequency = 1234",
        "exit",
        SLIDER,
        "slider.value * model.channels[0].frequency",
    )
    opened.choose_kernel("Signal Bench")
    expect(opened.run(0)).to_contain_text(f"{bench.pid} Signal Bench")
    opened.run(1)
    opened.run(2)
    output = opened.run(3)
    opened.slide("ArrowRight")
    expect(output).to_contain_text("now 4 True")
    expect(opened.run(4)).to_contain_text("4936")
    opened.look("embedded")
    opened.close()
    lab.end_kernels()
    with closing(Frontend(bench.connection_file)) as frontend:
        assert frontend.run("model.channels[0].frequency").result.startswith("1234")
