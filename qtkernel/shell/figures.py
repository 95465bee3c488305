"""matplotlib in cells: which figures are a cell's, and whose matplotlib it is.

matplotlib is imported by users, never by us. In a kernel with a process of its own figures are
shown inline by default, as users of notebooks expect; that is set when matplotlib is imported, and
not in the environment, where each child process would find it. In an application nothing is set:
its own figures are in windows of its own, or in files, and cells say ``%matplotlib inline`` or
``%matplotlib qt``. What that changes in matplotlib is put back when the kernel closes.

The inline backend shows and closes *all* figures that pyplot knows. In an application those that
were there before the cell are left out.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from weakref import WeakSet

_INLINE = "module://matplotlib_inline.backend_inline"
_MISSING: Any = object()


class Figures:
    """What a shell has to do with matplotlib, beyond IPython's own.

    Args:
        shell: its events tell when a cell begins and ends.
        guest: whether the process is an application's.
    """

    def __init__(self, shell: Any, guest: bool) -> None:
        self._shell = shell
        self._guest = guest
        self._of_host: WeakSet[Any] = WeakSet()
        self._of_cells: WeakSet[Any] = WeakSet()
        self._undos: list[Callable[[], object]] = []
        self._noted = False
        if guest:
            shell.events.register("pre_execute", self._note_figures_of_host)
            shell.events.register("post_execute", self._note_figures_of_cell)
        else:
            self._undos.append(_inline_when_imported())

    def enable(self, enable: Callable[[], Any]) -> Any:
        """Do what ``%matplotlib`` does, such that `close` can undo it."""
        if self._guest and not self._noted:
            self._noted = True
            self._undos.append(_note_settings())
            # before the backend is chosen: pyplot keeps the function that it finds then
            self._undos.append(_show_without(lambda: self._of_host))
        return enable()

    def close(self) -> None:
        """Put matplotlib back to what it was."""
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        at_end = getattr(pyplot, "_draw_all_if_interactive", _MISSING)
        if at_end in self._shell.events.callbacks["post_execute"]:
            # else the next kernel's figures would not be drawn at the end of its cells
            with self._shell.environment:
                pyplot.uninstall_repl_displayhook()
        config: Any = sys.modules.get("matplotlib_inline.config")
        if config is not None and config.InlineBackend.initialized():
            backend = config.InlineBackend.instance()
            if getattr(backend, "shell", None) is self._shell or backend.parent is self._shell:
                config.InlineBackend.clear_instance()
        if hasattr(self._shell, "_saved_rcParams"):
            sys.modules["matplotlib"].rcParams.update(self._shell._saved_rcParams)
        while self._undos:
            self._undos.pop()()

    # Whose figures they are

    def _note_figures_of_host(self) -> None:
        self._of_host |= {each for each in _figures() if each not in self._of_cells}

    def _note_figures_of_cell(self) -> None:
        self._of_cells |= {each for each in _figures() if each not in self._of_host}


def _figures() -> list[Any]:
    helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None:
        return []
    return [each.canvas.figure for each in helpers.Gcf.get_all_fig_managers()]


def _show_without(left_out: Callable[[], WeakSet[Any]]) -> Callable[[], None]:
    """Have the inline backend neither show nor close some figures; returns the undo."""
    from matplotlib_inline import backend_inline

    inline: Any = backend_inline
    theirs = inline.show

    @functools.wraps(theirs)
    def show(close: bool | None = None, block: bool | None = None) -> None:
        with _hidden(left_out()):
            theirs(close, block)

    inline.show = show

    def undo() -> None:
        if inline.show is show:
            inline.show = theirs

    return undo


@contextlib.contextmanager
def _hidden(figures: WeakSet[Any]) -> Iterator[None]:
    """Let pyplot not know of some figures."""
    managers = sys.modules["matplotlib._pylab_helpers"].Gcf.figs
    before = dict(managers)
    for number, manager in before.items():
        if manager.canvas.figure in figures:
            del managers[number]
    try:
        yield
    finally:
        shown = {number for number in before if number in managers}
        left = {n: m for n, m in before.items() if n in shown or m.canvas.figure in figures}
        new = {n: m for n, m in managers.items() if n not in before}
        managers.clear()
        managers.update(left | new)


def _note_settings() -> Callable[[], None]:
    """What ``%matplotlib`` changes in matplotlib; returns how to put it back."""
    import matplotlib
    from matplotlib import pyplot

    parameters: Any = matplotlib.rcParams
    # asking in the usual way would choose a backend
    before = dict.__getitem__(parameters, "backend")
    interactive = matplotlib.is_interactive()
    draw = pyplot.draw_if_interactive
    show: Any = pyplot.show
    needed_main = hasattr(show, "_needmain")

    def undo() -> None:
        from matplotlib_inline.backend_inline import configure_inline_support

        pyplot.draw_if_interactive = draw
        if not needed_main and hasattr(show, "_needmain"):
            del show._needmain
        if dict.__getitem__(parameters, "backend") != before:
            # whatever is not interactive closes no windows
            pyplot.switch_backend(before)
            dict.__setitem__(parameters, "backend", before)
        matplotlib.interactive(interactive)
        vars(configure_inline_support).pop("current_backend", None)

    return undo


class _InlineWhenImported:
    """A finder that lets matplotlib be imported as always, and sets its backend after that."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if name != "matplotlib":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _prefer_inline(module)

            loader.exec_module = exec_module
        return spec


def _inline_when_imported() -> Callable[[], None]:
    """Have figures shown inline, unless the user's environment says otherwise."""
    if "matplotlib" in sys.modules:
        _prefer_inline(sys.modules["matplotlib"])
        return lambda: None
    finder = _InlineWhenImported()
    sys.meta_path.insert(0, finder)

    def undo() -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)

    return undo


def _prefer_inline(matplotlib: Any) -> None:
    if not os.environ.get("MPLBACKEND"):
        matplotlib.rcParams["backend"] = _INLINE
