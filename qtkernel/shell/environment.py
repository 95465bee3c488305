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

The steps of a subshell run on a thread of their own, at the same time as others. What is of the
whole process, and needed there, is a `SharedTake`: it is made by the first of all threads that has
a step, and undone by the last. What it puts there says itself whom it serves: the code of cells,
and for everybody else it does what was there before. All other takes are for the kernel's thread.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from IPython.core.builtin_trap import BuiltinTrap, HideBuiltin
from IPython.core.display_trap import DisplayTrap

Undo = Callable[[], object]
Take = Callable[[], Undo]

_get_ident = threading.get_ident


class SharedTake:
    """Something of the process that is a cell's own as long as any thread has a step.

    Args:
        get: what is there.
        put: puts something else there.
        make: makes what is to be there for cells, given what is there for everybody else.
        yields: whether what code of a cell has put there meanwhile stays.
    """

    def __init__(
        self,
        get: Callable[[], Any],
        put: Callable[[Any], object],
        make: Callable[[Any], Any],
        *,
        yields: bool = False,
    ) -> None:
        self._yields = yields
        self._get = get
        self._put = put
        self._make = make
        # it may be interrupted by a signal's handler, whose code may enter a step, too
        self._lock = threading.RLock()
        self._depth = 0
        self._elsewhere = 0
        self._ours: Any = None
        self.beneath: Any = None
        """What was there before the first of the steps that are under way."""

    def take(self) -> Undo:
        """A step begins on the kernel's thread; returns the undo. Steps nest."""
        with self._lock:
            before = self._get()
            outermost = self._depth == 0
            if outermost and not self._elsewhere:
                self._begin(before)
            self._depth += 1
            self._put(self._ours)

        def undo() -> None:
            with self._lock:
                self._depth -= 1
                if not outermost:
                    self._put_back(before)
                elif not self._elsewhere:
                    self._put_back(self.beneath)

        return undo

    def take_elsewhere(self) -> None:
        """A step begins on another thread."""
        with self._lock:
            if not (self._depth or self._elsewhere):
                self._begin(self._get())
                self._put(self._ours)
            self._elsewhere += 1

    def undo_elsewhere(self) -> None:
        """A step on another thread has ended."""
        with self._lock:
            self._elsewhere -= 1
            if not (self._depth or self._elsewhere):
                self._put_back(self.beneath)

    def _put_back(self, before: Any) -> None:
        if not self._yields or self._get() is self._ours:
            self._put(before)

    def _begin(self, before: Any) -> None:
        self.beneath = before
        self._ours = self._make(before)


class _Elsewhere(threading.local):
    """How many steps are under way on this thread, which is not the kernel's."""

    depth = 0


class Environment:
    """A context manager for the steps of cells; it may be entered again inside of itself.

    It is made on the kernel's thread. It is entered outside of the code that an interrupt may hit,
    so that no take is left half done.
    """

    def __init__(self) -> None:
        self._thread = _get_ident()
        self._takes: list[Take] = []
        self._shared: list[SharedTake] = []
        self._steps: list[Sequence[Undo]] = []
        self._elsewhere = _Elsewhere()

    @property
    def entered(self) -> bool:
        """Whether a step is under way on this thread."""
        return bool(self._steps) if _get_ident() == self._thread else self._elsewhere.depth > 0

    @property
    def only_elsewhere(self) -> bool:
        """Whether this is not a step, nor is one under way on the kernel's thread."""
        return not self._steps and self._elsewhere.depth == 0

    def add(self, take: Take) -> None:
        """Make `take` in each step from now on, after all that were added earlier."""
        self._takes.append(take)

    def share(self, take: SharedTake) -> None:
        """The same, and for steps on other threads, too."""
        self._takes.append(take.take)
        self._shared.append(take)

    def __enter__(self) -> None:
        if _get_ident() != self._thread:
            self._elsewhere.depth += 1
            for take in self._shared:
                take.take_elsewhere()
            return
        undos: list[Undo] = []
        try:
            for each in self._takes:
                undos.append(each())
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
        if _get_ident() != self._thread:
            for take in reversed(self._shared):
                take.undo_elsewhere()
            self._elsewhere.depth -= 1
            return
        _run_backwards(self._steps.pop())


def _run_backwards(undos: Sequence[Undo]) -> None:
    for undo in reversed(undos):
        undo()


# IPython enters its traps once for a whole cell and would stay in them while that awaits. Ours do
# nothing in a step, where the environment has taken the same already. Out of any step (a slot that
# a cell has defined calls ``get_ipython().run_cell()``) they take and give back themselves.


class _Undos(threading.local):
    """Of the stretches of this thread for which a trap is set."""

    def __init__(self) -> None:
        self.stack: list[Undo | None] = []


class StepBuiltins(BuiltinTrap):  # type: ignore[misc]
    """Names among the builtins: ``get_ipython``, ``display``."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell=shell)
        self._undos = _Undos()
        self.shared = SharedTake(
            self._names, _set_names, lambda _before: self.auto_builtins.items()
        )

    def _names(self) -> Iterable[tuple[str, Any]]:
        names = builtins.__dict__
        return [(name, names.get(name, HideBuiltin)) for name in self.auto_builtins]

    def __enter__(self) -> StepBuiltins:
        self._undos.stack.append(None if self.shell.environment.entered else self.shared.take())
        return self

    def __exit__(self, *_error: object) -> None:
        undo = self._undos.stack.pop()
        if undo is not None:
            undo()


def _set_names(values: Iterable[tuple[str, Any]]) -> None:
    names = builtins.__dict__
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
        self._undos = _Undos()
        self.shared = SharedTake(lambda: sys.displayhook, _set_displayhook, lambda _before: hook)

    def __enter__(self) -> StepDisplay:
        self._undos.stack.append(None if self._environment.entered else self.shared.take())
        return self

    def __exit__(self, *_error: object) -> None:
        undo = self._undos.stack.pop()
        if undo is not None:
            undo()

    @property
    def is_active(self) -> bool:
        """Whether results go to `hook`."""
        return sys.displayhook is self.hook


def _set_displayhook(hook: Any) -> None:
    sys.displayhook = hook
