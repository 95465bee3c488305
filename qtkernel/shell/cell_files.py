"""The names of cells' files, by which breakpoints are set in them.

A frontend computes the name of a cell's file by itself (JupyterLab does), from what ``debugInfo``
tells: a prefix, a hash of the code, a suffix. So every cell is compiled under that name, the
debugger being used or not: a breakpoint may be set later in a function that is there already. The
file itself is written only when a frontend asks for it (``dumpCell``).
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from qtkernel.protocol.murmur import murmur2

HASH_SEED = 0xC70F6907
"""The seed of every Jupyter kernel for Python."""

SUFFIX = ".py"

_DIGITS = 20


class CellFiles:
    """The files of one kernel's cells, in a directory that is made when the first is written.

    Its name cannot be guessed: nobody else can be there before us. It begins as ipykernel's, and
    goes on with digits, because by that others tell cells from modules: numba (which refuses to
    cache what else has no file), joblib (whose caches outlive the kernel), line_profiler (which
    shows no source otherwise), executing, and what is built on that.
    """

    def __init__(self) -> None:
        # as the debugger knows it: on macOS the directory for temporary files is a link
        parent = os.path.realpath(tempfile.gettempdir())
        name = f"ipykernel_{os.getpid()}{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
        self._directory = Path(parent, name)
        self._prefix = f"{self._directory}{os.sep}"
        self.path = lru_cache(maxsize=128)(self._path)

    def describe(self) -> Mapping[str, Any]:
        """How they are named. Messaging document, "debugInfo"."""
        return {
            "hashMethod": "Murmur2",
            "hashSeed": HASH_SEED,
            "tmpFilePrefix": self._prefix,
            "tmpFileSuffix": SUFFIX,
        }

    def _path(self, code: str) -> str:
        return f"{self._prefix}{murmur2(_encode(code), HASH_SEED)}{SUFFIX}"

    def has(self, path: str) -> bool:
        """Whether `path` is the name of a cell's file, written or not."""
        return path.startswith(self._prefix)

    def write(self, code: str) -> str:
        """Write a cell's file; its path. OSError: it cannot be written."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = self.path(code)
        Path(path).write_bytes(_encode(code))
        return path

    def remove(self) -> None:
        """Remove them all."""
        shutil.rmtree(self._directory, ignore_errors=True)


def _encode(code: str) -> bytes:
    return code.encode("utf-8", "surrogatepass")
