"""What was taken from the process, and how to give it back."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

_log = logging.getLogger("qtkernel.embed")


class UndoStack:
    """Undo functions, run backwards. One that fails is logged and does not stop the others."""

    def __init__(self) -> None:
        self._undos: list[Callable[[], object]] = []

    def push(self, undo: Callable[[], object]) -> None:
        """Run `undo` at the end, before all that were pushed earlier."""
        self._undos.append(undo)

    @contextlib.contextmanager
    def run_if_it_fails(self) -> Iterator[None]:
        """Around what takes things: an exception gives back what was taken until then."""
        try:
            yield
        except BaseException:
            self.run()
            raise

    def run(self) -> None:
        """Run all of them, once."""
        while self._undos:
            undo = self._undos.pop()
            try:
                undo()
            except Exception:
                _log.exception("could not undo one thing while closing the kernel")
