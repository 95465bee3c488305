"""Plots are shown inline in a kernel that owns its process, also if nobody says ``%matplotlib``.

Others export ``MPLBACKEND`` for that, and every program that a cell starts has it then. Here the
one who imports matplotlib is told, right after it has read that very variable: if it is not set,
the parameter is.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

BACKEND = "module://matplotlib_inline.backend_inline"
"""The name that ipywidgets and others look for; "inline" is the same."""


def prefer_inline() -> Callable[[], None]:
    """Have the inline backend be what matplotlib begins with; returns the undo."""
    if "matplotlib" in sys.modules:
        _choose(sys.modules["matplotlib"])
        return lambda: None
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    return finder.remove


def _choose(matplotlib: ModuleType) -> None:
    if not os.environ.get("MPLBACKEND"):
        matplotlib.rcParams["backend"] = BACKEND


class _Finder(importlib.abc.MetaPathFinder):
    """Sees matplotlib being imported, once."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Find matplotlib as it would be found anyway."""
        if fullname != "matplotlib":
            return None
        self.remove()
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec

    def remove(self) -> None:
        """Be asked no longer. Idempotent."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


class _Loader(importlib.abc.Loader):
    """Loads matplotlib as it would be loaded anyway."""

    def __init__(self, theirs: importlib.abc.Loader) -> None:
        self._theirs = theirs

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Make the module."""
        return self._theirs.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run it, with its own loader in the place of this one."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._theirs
        self._theirs.exec_module(module)
        _choose(module)
