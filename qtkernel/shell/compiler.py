"""Compiles cells, and says what code is a cell's."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from IPython.core.compilerop import CachingCompiler


class CellCompiler(CachingCompiler):  # type: ignore[misc]
    """Compiles cells, and what magics make of them (``%%time``), and says so."""

    claim_code: Callable[[CodeType], object] = staticmethod(lambda _code: None)

    name_cell: Callable[[str], str] | None = None
    """Makes a file name of a cell's code as it was sent; None: IPython's name for it."""

    _shifted = ("", 0)

    def __init__(self) -> None:
        self._extra = _ExtraFlags()
        super().__init__()

    @property
    def flags(self) -> int:
        """Of the compiler: what cells have imported from ``__future__``, and what is extra here."""
        return self._flags | self._extra.flags

    @flags.setter
    def flags(self, flags: int) -> None:
        self._flags = flags & ~self._extra.flags

    @contextmanager
    def extra_flags(self, flags: int) -> Iterator[None]:
        """More flags, for this thread: cells of subshells are compiled at the same time."""
        before = self._extra.flags
        self._extra.flags = before | (flags & ~self.flags)
        try:
            yield
        finally:
            self._extra.flags = before

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compile a piece of a cell. A cell is compiled again each time that it is run."""
        code = super().__call__(*args, **kwargs)
        if isinstance(code, CodeType):
            self.claim_code(code)
        return code

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        """The file name that a cell is compiled under."""
        if self.name_cell is not None:
            return self.name_cell(raw_code)
        return super().get_code_name(raw_code, transformed_code, number)  # type: ignore[no-any-return]

    def cache(self, transformed_code: str, number: int = 0, raw_code: str | None = None) -> str:
        """Make a name for a cell, and keep its code for tracebacks.

        IPython drops empty lines at the beginning of a cell. A breakpoint's line is counted with
        them, as is what the user sees.
        """
        dropped = _leading_lines(raw_code or "") - _leading_lines(transformed_code)
        shift = max(0, dropped)
        name = super().cache("\n" * shift + transformed_code, number, raw_code)
        self._shifted = (name, shift)
        return name  # type: ignore[no-any-return]

    def ast_parse(self, source: str, filename: str = "<unknown>", symbol: str = "exec") -> ast.AST:
        """Parse a cell, or a piece of one."""
        name, shift = self._shifted
        if filename == name:
            source = "\n" * shift + source
        return super().ast_parse(source, filename, symbol)  # type: ignore[no-any-return]


class _ExtraFlags(threading.local):
    flags = 0


def _leading_lines(code: str) -> int:
    """How many empty lines it begins with."""
    return code[: len(code) - len(code.lstrip())].count("\n")
