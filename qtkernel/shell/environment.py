"""What is different in the process while a cell's own code runs, and only then.

A cell is run in *steps*: a synchronous one is a single step, one that awaits is a step from each
await to the next. In between the process is the host's, whose code must not meet a cell's `input`
or ``get_ipython``. So everything that a cell finds different is a *take*: a function that changes
it and returns how to put it back. The environment makes all of its takes when a step begins and
undoes them, last first, when it ends.

Steps nest: while a cell sits in a nested event loop, another request, or another kernel's cell, has
a step of its own inside of it. Each take notes what it finds, not what it believes to be the
host's, so they come apart in the right order.

It is entered for each step of each cell: a take must cost no more than a microsecond.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from IPython.core.builtin_trap import BuiltinTrap, HideBuiltin
from IPython.core.display_trap import DisplayTrap

Undo = Callable[[], object]
Take = Callable[[], Undo]


class Environment:
    """A context manager for the steps of cells; it may be entered again inside of itself.

    Everything belongs to the kernel's thread. It is entered outside of the code that an interrupt
    may hit, so that no take is left half done.
    """

    def __init__(self) -> None:
        self._takes: list[Take] = []
        self._steps: list[Sequence[Undo]] = []

    @property
    def entered(self) -> bool:
        """Whether a step is under way."""
        return bool(self._steps)

    def add(self, take: Take) -> None:
        """Make `take` in each step from now on, after all that were added earlier."""
        self._takes.append(take)

    def __enter__(self) -> None:
        undos: list[Undo] = []
        try:
            for take in self._takes:
                undos.append(take())
        except BaseException:
            _run_backwards(undos)
            raise
        self._steps.append(undos)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _run_backwards(self._steps.pop())


def _run_backwards(undos: Sequence[Undo]) -> None:
    for undo in reversed(undos):
        undo()


# IPython enters its traps once for a whole cell and would stay in them while that awaits. Ours do
# nothing in a step, where the environment has taken the same already. Out of any step (a slot that
# a cell has defined calls ``get_ipython().run_cell()``) they take and give back themselves.


class StepBuiltins(BuiltinTrap):  # type: ignore[misc]
    """Names among the builtins: ``get_ipython``, ``display``."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell=shell)
        self._undos: list[Undo | None] = []

    def take(self) -> Undo:
        """Set what is in `auto_builtins`; returns the undo."""
        names = builtins.__dict__
        before = [(name, names.get(name, HideBuiltin)) for name in self.auto_builtins]
        _set_names(names, self.auto_builtins.items())
        return lambda: _set_names(names, before)

    def __enter__(self) -> StepBuiltins:
        self._undos.append(None if self.shell.environment.entered else self.take())
        return self

    def __exit__(self, *_error: object) -> None:
        undo = self._undos.pop()
        if undo is not None:
            undo()


def _set_names(names: dict[str, Any], values: Iterable[tuple[str, Any]]) -> None:
    for name, value in values:
        if value is HideBuiltin:
            names.pop(name, None)
        else:
            names[name] = value


class StepDisplay(DisplayTrap):  # type: ignore[misc]
    """``sys.displayhook``."""

    def __init__(self, environment: Environment, hook: Any) -> None:
        super().__init__(hook=hook)
        self._environment = environment
        self._undos: list[Undo | None] = []

    def take(self) -> Undo:
        """Set the hook; returns the undo."""
        before, sys.displayhook = sys.displayhook, self.hook

        def undo() -> None:
            sys.displayhook = before

        return undo

    def __enter__(self) -> StepDisplay:
        self._undos.append(None if self._environment.entered else self.take())
        return self

    def __exit__(self, *_error: object) -> None:
        undo = self._undos.pop()
        if undo is not None:
            undo()

    @property
    def is_active(self) -> bool:
        """Whether results go to `hook`."""
        return sys.displayhook is self.hook
