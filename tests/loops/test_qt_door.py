"""`qtkernel.qt`: which binding it opens, and that it leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.binding import BINDING, Signal

FAKE = """
class QCoreApplication:
    made = None
    @classmethod
    def instance(cls):
        return cls.made
class QEventLoop:
    def exec_(self):
        return 7
def Signal(): ...
"""


def in_a_process(program: str, path: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PYTHONPATH": f"{path}:{Path.cwd()}", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def bindings(tmp_path: Path) -> Path:
    """A PySide2 and a PySide6 of our own making: what is tested is who is chosen."""
    for name in ("PySide2", "PySide6"):
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "QtCore.py").write_text(FAKE)
    return tmp_path


def test_what_the_host_has_imported_is_used(bindings: Path) -> None:
    said = in_a_process(
        """
        import os, sys
        import PySide6.QtCore
        from qtkernel import qt
        print(qt.binding(), qt.QtCore is PySide6.QtCore, qt.Signal is PySide6.QtCore.Signal)
        others = {"PyQt5", "PyQt6", "qtpy"}
        print(not others & set(sys.modules), "QT_API" in os.environ)
        """,
        bindings,
    )
    assert said.split() == ["PySide6", "True", "True", "True", "False"]


def test_of_two_bindings_the_one_with_an_application_is_used(bindings: Path) -> None:
    said = in_a_process(
        """
        import PySide6.QtCore, PySide2.QtCore
        from qtkernel import qt
        app = PySide2.QtCore.QCoreApplication.made = PySide2.QtCore.QCoreApplication()
        print(qt.binding(), qt.application() is app, qt.core_of(app) is PySide2.QtCore)
        print(qt.execute(PySide2.QtCore.QEventLoop()))
        """,
        bindings,
    )
    assert said.split() == ["PySide2", "True", "True", "7"]


def test_a_package_alone_is_a_decision_too(bindings: Path) -> None:
    said = in_a_process("import PySide6; from qtkernel import qt; print(qt.binding())", bindings)
    assert said == "PySide6"


@pytest.mark.parametrize("variable", [None, BINDING.lower()])
def test_without_an_import_qtpy_chooses_and_leaves_the_environment(
    tmp_path: Path, variable: str | None
) -> None:
    said = in_a_process(
        f"""
        import os, sys
        from qtkernel import qt
        assert not {{{BINDING!r}, "qtpy"}} & set(sys.modules)
        assert qt.imported_binding() is None and qt.application() is None
        assert "qtpy" not in sys.modules
        before = dict(os.environ)
        print(qt.binding(), qt.QtCore.__name__, qt.Signal.__name__)
        os.environ.pop("PYSIDE6_OPTION_PYTHON_ENUM", None)  # PySide6's own doing
        print(dict(os.environ) == before)
        """,
        tmp_path,
        **({} if variable is None else {"QT_API": variable}),
    )
    assert said.split() == [BINDING, f"{BINDING}.QtCore", Signal.__name__, "True"]


@pytest.mark.parametrize(
    ("hidden", "variable", "message"),
    [
        (True, None, 'no Qt binding is installed: pip install "qtkernel[pyqt5]"'),
        (False, "gtk", "QT_API is 'gtk', which is no Qt binding"),
    ],
)
def test_without_a_binding_the_error_says_what_to_install(
    tmp_path: Path, hidden: bool, variable: str | None, message: str
) -> None:
    said = in_a_process(
        f"""
        import sys
        if {hidden}:
            class Hide:
                def find_spec(self, name, path=None, target=None):
                    if name.split(".")[0] in ("PyQt5", "PyQt6", "PySide2", "PySide6"):
                        raise ModuleNotFoundError(name)
            sys.meta_path.insert(0, Hide())
        from qtkernel import qt
        try:
            qt.QtCore
        except ImportError as error:
            print(type(error).__name__, error)
        """,
        tmp_path,
        **({} if variable is None else {"QT_API": variable}),
    )
    assert said.startswith(f"QtBindingNotFound {message}")
    assert "\n" not in said


def test_other_names_are_missing_as_usual() -> None:
    from qtkernel import qt

    with pytest.raises(AttributeError, match="QtNothing"):
        _ = qt.QtNothing
