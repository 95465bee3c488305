"""nbclient runs a notebook."""

from __future__ import annotations

import subprocess
import sys

import nbclient
import nbformat
import pytest

from tests.frontends.conftest import LOOPS, Starter

CELLS = [
    "x = 20\nprint('printed')",
    "x + 22",
    "from IPython.display import HTML, display\n"
    "handle = display(HTML('<i>one</i>'), display_id=True)",
    "handle.update(HTML('<b>two</b>'))",
    "import asyncio\nawait asyncio.sleep(0.01)\n'awaited'",
    "1 / 0",
    "'after the error'",
]


@pytest.mark.parametrize("gui", LOOPS)
def test_a_notebook(start: Starter, monkeypatch: pytest.MonkeyPatch, gui: str) -> None:
    home = start.home
    command = ["install", "--prefix", str(home.prefix), "--name", "notebook", "--gui", gui]
    subprocess.run(
        [sys.executable, "-m", "qtkernel", *command],
        env=home.environment,
        check=True,
        capture_output=True,
        timeout=30,
    )
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    notebook.cells[5].metadata["tags"] = ["raises-exception"]
    nbclient.NotebookClient(notebook, kernel_name="notebook", timeout=30).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert outputs[0][0].text == "printed\n"
    assert outputs[1][0].data["text/plain"] == "42"
    assert outputs[2][0].data["text/html"] == "<b>two</b>"
    assert outputs[4][0].data["text/plain"] == "'awaited'"
    assert outputs[5][0].ename == "ZeroDivisionError"
    assert outputs[6][0].data["text/plain"] == "'after the error'"
    assert [cell.execution_count for cell in notebook.cells] == list(range(1, 8))
