"""Which shell ``display()``, ``clear_output()`` and ``get_ipython()`` find.

In a step of a cell its shell is IPython's global one, and out of it that is the host's business
again. But a slot or a thread of a cell calls the same functions, when no cell runs any more, or
while another shell is the global one: theirs is the shell of the kernel whose output it would be.
So as long as there are such kernels, IPython's two questions for the global shell are answered
accordingly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from qtkernel.interpreter import IOPub

_shells: list[tuple[Any, IOPub]] = []

_initialized = InteractiveShell.initialized.__func__
_instance = InteractiveShell.instance.__func__


def found_by_its_cells(shell: InteractiveShell, iopub: IOPub) -> Callable[[], None]:
    """Let code of the cells of `shell` find it at any time; returns the undo."""
    entry = (shell, iopub)
    if not _shells:
        InteractiveShell.initialized = _INITIALIZED
        InteractiveShell.instance = _INSTANCE
    _shells.append(entry)

    def undo() -> None:
        _shells.remove(entry)
        if not _shells:
            for name, ours in (("initialized", _INITIALIZED), ("instance", _INSTANCE)):
                if InteractiveShell.__dict__.get(name) is ours:
                    delattr(InteractiveShell, name)  # both are inherited

    return undo


def _of_the_code_here(kind: type) -> Any | None:
    for shell, iopub in reversed(_shells):
        if isinstance(shell, kind) and iopub.current() is not None:
            return shell
    return None


def _is_there(kind: Any) -> bool:
    return _of_the_code_here(kind) is not None or _initialized(kind)


def _get(kind: Any, *args: Any, **kwargs: Any) -> Any:
    shell = _of_the_code_here(kind)
    return _instance(kind, *args, **kwargs) if shell is None else shell


_INITIALIZED, _INSTANCE = classmethod(_is_there), classmethod(_get)
