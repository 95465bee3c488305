"""Whose a name in the namespace is. The namespace is the host's own dict, and lives on both sides.

* The host's: what is there when the kernel comes, and what it adds later. A reset leaves it alone.
* The user's: what cells bind, in their steps.
* IPython's own, such as ``In`` and ``exit``: they never go over a name of the host's, and leave
  with the kernel.

A namespace may have a million names, so nothing here goes through all of it. A dict keeps the order
in which its names came: those behind the last one of a step have come from the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from IPython.core.autocall import ExitAutocall
from IPython.core.interactiveshell import InteractiveShell

_LAST = 8
"""Names remembered from the end of the namespace: the host may have deleted the very last."""

_MISSING: Any = object()


class NameWatch:
    """Notes the names that the host adds between the steps of cells.

    Args:
        namespace: the host's dict.
        host_names: the names of the host's so far; more are added.
        own: IPython's own names, with their values.
    """

    def __init__(
        self, namespace: dict[str, Any], host_names: set[str], own: Callable[[], dict[str, Any]]
    ) -> None:
        self._namespace = namespace
        self._host_names = host_names
        self._own = own
        self._last: tuple[str, ...] = ()
        self._left: dict[str, Any] = {}
        self._depth = 0
        self._bound_elsewhere: set[str] = set()

    def take(self) -> Callable[[], None]:
        """A step begins; returns what is to be called at its end."""
        if self._depth == 0:
            self.look()
        self._depth += 1
        return self._end

    def _end(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.note()

    def bound_elsewhere(self, names: Iterable[str]) -> None:
        """Code of a cell that is about to run on another thread, and may bind these names.

        It runs between our steps as well, when what comes is the host's otherwise.
        """
        self._bound_elsewhere.update(name for name in names if name not in self._namespace)

    def look(self) -> None:
        """What has come since `note` is the host's."""
        namespace, last = self._namespace, self._last
        for name in reversed(namespace):
            if name in last:
                break
            if name not in self._bound_elsewhere:
                self._host_names.add(name)
        for name, value in self._left.items():
            # over one of IPython's own: the host's wins from now on
            if namespace.get(name, value) is not value:
                self._host_names.add(name)
                self._own().pop(name, None)

    def note(self) -> None:
        """What is here now is known."""
        namespace = self._namespace
        self._last = tuple(islice(reversed(namespace), _LAST))
        self._left = {name: namespace[name] for name in _OFTEN_USED if name in namespace}


# IPython's own that a host may well use itself, and set while the kernel is there
_OFTEN_USED = ("In", "Out", "_", "__", "___", "_i", "display", "exit", "get_ipython", "quit")


class OtherShell:
    """Swaps the names of another IPython in the same namespace for ours, for the steps of cells.

    The application may itself run inside IPython, or have a second kernel. The names of each are
    its own: an ``exit`` in a cell of ours must not end the host.
    """

    def __init__(self, shell: Any, names: Mapping[str, Any]) -> None:
        self._shell = shell
        self._namespace: dict[str, Any] = shell.user_ns
        self._ours = dict(names)

    def take(self) -> Callable[[], None]:
        """Swap; returns the undo."""
        namespace = self._namespace
        swapped = [
            (name, there, ours)
            for name, ours in self._ours.items()
            if (there := namespace.get(name, ours)) is not ours and self._is_another_s(there)
        ]
        for name, _, ours in swapped:
            namespace[name] = ours

        def undo() -> None:
            for name, there, ours in swapped:
                if namespace.get(name) is ours:
                    namespace[name] = there

        return undo

    def _is_another_s(self, value: Any) -> bool:
        if isinstance(value, ExitAutocall):
            return True
        owner = getattr(value, "__self__", None)  # of get_ipython
        if isinstance(owner, InteractiveShell):
            return owner is not self._shell
        owner = getattr(self._namespace.get("get_ipython"), "__self__", None)
        history = getattr(owner, "history_manager", None)
        if history is None or owner is self._shell:
            return False
        theirs = (history.input_hist_parsed, history.output_hist, history.dir_hist)
        return any(value is each for each in theirs)
