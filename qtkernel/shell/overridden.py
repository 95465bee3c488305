"""Magics of IPython's that go wrong in an application's process; imported when first used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class
from IPython.core.magics import execution, packaging

from qtkernel.shell.magics import with_inherited


@with_inherited
@magics_class
class ExecutionMagics(execution.ExecutionMagics):  # type: ignore[misc]
    """``%run -d`` looks for the script where ``%run`` has found it."""

    def _run_with_debugger(
        self,
        code: str,
        code_ns: Any,
        filename: str | None = None,
        bp_line: int | None = None,
        bp_file: str | None = None,
        local_ns: Any = None,
    ) -> None:
        # pdb looks along sys.path, on which the current directory need not be
        places = (filename, bp_file)
        filename, bp_file = (p and (os.path.abspath(p) if os.path.isfile(p) else p) for p in places)
        super()._run_with_debugger(code, code_ns, filename, bp_line, bp_file, local_ns)


def is_frozen() -> bool:
    """Whether ``sys.executable`` is an application (PyInstaller, cx_Freeze, Nuitka), not Python."""
    compiled = hasattr(sys.modules.get("__main__"), "__compiled__")
    return compiled or bool(getattr(sys, "frozen", False))


def _not_in_frozen(magic: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    @wraps(magic)
    def refuse_or_run(self: Any, line: str) -> None:
        if is_frozen():
            raise UsageError(
                f"%{magic.__name__}: this is a frozen application, which has no Python to install "
                "packages into; it would start itself a second time"
            )
        magic(self, line)

    return refuse_or_run


@with_inherited
@magics_class
class PackagingMagics(packaging.PackagingMagics):  # type: ignore[misc]
    """``%pip`` and its kin refuse where they would start the application again."""

    pip, uv, conda, mamba, micromamba = (
        line_magic(_not_in_frozen(getattr(packaging.PackagingMagics, name)))
        for name in ("pip", "uv", "conda", "mamba", "micromamba")
    )
