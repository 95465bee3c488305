"""The names of cells' files: other packages tell by them that code is a cell's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from executing.executing import is_ipython_cell_filename

from qtkernel.shell.cell_files import CellFiles


@pytest.fixture
def path() -> Path:
    return Path(CellFiles().path("x = 1\n"))


def test_packages_take_them_for_cells(path: Path) -> None:
    assert is_ipython_cell_filename(str(path))
    # numba and joblib look at the directory's name, line_profiler at the whole
    assert path.parent.name.startswith("ipykernel_")
    assert str(path).startswith(os.path.join(os.path.realpath(tempfile.gettempdir()), "ipykernel_"))


def test_each_kernel_has_names_of_its_own(path: Path) -> None:
    other = CellFiles()
    assert not other.has(str(path))
    assert Path(other.path("x = 1\n")).name == path.name
