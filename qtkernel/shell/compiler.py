"""Compiles cells, and says what code is a cell's."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from IPython.core.compilerop import CachingCompiler


class CellCompiler(CachingCompiler):  # type: ignore[misc]
    """Compiles cells, and what magics make of them (``%%time``), and says so."""

    claim_code: Callable[[CodeType], object] = staticmethod(lambda _code: None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compile a piece of a cell. A cell is compiled again each time that it is run."""
        code = super().__call__(*args, **kwargs)
        if isinstance(code, CodeType):
            self.claim_code(code)
        return code
