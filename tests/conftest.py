"""What all tests share: homes of their own, so that nothing of the user's is read or written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.binding import BINDING

# before pytest-qt looks for a binding
os.environ["PYTEST_QT_API"] = BINDING.lower()

_HOMES = {
    "HOME": "home",
    "IPYTHONDIR": "ipython",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_CONFIG_DIR": "config",
    "MPLCONFIGDIR": "matplotlib",
}


@pytest.fixture(scope="session", autouse=True)
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directories of the user, in a temporary place for the whole session."""
    root = tmp_path_factory.mktemp("homes")
    with pytest.MonkeyPatch.context() as patch:
        for variable, name in _HOMES.items():
            (root / name).mkdir(mode=0o700)
            patch.setenv(variable, str(root / name))
        for variable in ("JPY_PARENT_PID", "JUPYTER_PATH", "JUPYTER_NO_CONFIG", "XDG_DATA_HOME"):
            patch.delenv(variable, raising=False)
        if not os.environ.get("DISPLAY"):
            patch.setenv("QT_QPA_PLATFORM", "offscreen")
        # Qt says in a warning that it has not been set
        if "XDG_RUNTIME_DIR" not in os.environ:
            patch.setenv("XDG_RUNTIME_DIR", str(root / "runtime"))
        yield root


@pytest.fixture
def runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runtime directory for this test alone."""
    directory = tmp_path / "r"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(directory))
    return directory


@pytest.fixture(scope="session")
def qapp() -> object:
    """The one QApplication of the session (pytest-qt's name for it)."""
    from tests.support.binding import QtWidgets

    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["tests"])
