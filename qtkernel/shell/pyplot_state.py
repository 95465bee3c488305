"""What is different in matplotlib while kernels use it, for the whole process.

* With the inline backend: `show`, `flush_figures` and the function that makes figures ask which
  kernel's code calls them (`figures`). What is no kernel's gets the functions that were there.
* With windows: what waits for the end of the last one serves the application's event loop, where
  matplotlib would try to run a second one, which Qt refuses. And SIGINT stays ours while a cell
  waits for a click: matplotlib's own handler fails when it is called again before the wait has
  ended.
* ``%matplotlib`` has chosen a backend for everybody.

The first kernel brings it, and when the last one has gone, all is as it was.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qtkernel.shell.figures import Figures

_INLINE = "matplotlib_inline.backend_inline"
WINDOWS = {
    "matplotlib.backends.backend_qt": ("qt", "FigureManagerQT", "_BackendQT"),
    "matplotlib.backends._backend_tk": ("tk", "FigureManagerTk", "_BackendTk"),
}
"""The modules of backends with windows: toolkit, and classes."""

_HANDLE_SIGINT = ("_allow_interrupt_qt", "_maybe_allow_interrupt")  # newer and older
_PARAMETERS = ("backend", "backend_fallback", "interactive")
_PYPLOT = ("_backend_mod", "draw_if_interactive")

_kernels: list[Figures] = []
_replaced: list[tuple[Any, str, Any, Any]] = []
_switched: _Switched | None = None


def _here() -> Figures | None:
    for figures in reversed(_kernels):
        if figures.here():
            return figures
    return None


# Coming and going


def _join(figures: Figures) -> None:
    if figures not in _kernels:
        _kernels.append(figures)


def leave(figures: Figures) -> None:
    """A kernel needs nothing of this any more. Idempotent."""
    global _switched
    if _holder is figures:
        hold(None)
    _settings.pop(figures, None)
    if figures not in _kernels:
        return
    _kernels.remove(figures)
    if _kernels:
        return
    while _replaced:
        place, name, theirs, ours = _replaced.pop()
        if vars(place).get(name) is ours:
            setattr(place, name, theirs)
    if _switched is not None:
        _switched.put_back()
        _switched = None


def _replace(place: Any, name: str, ours: Any) -> None:
    theirs = vars(place)[name]
    setattr(place, name, ours)
    _replaced.append((place, name, theirs, ours))


def _is_replaced(place: Any) -> bool:
    return any(each[0] is place for each in _replaced)


# What matplotlib_inline has one of: it holds the first shell that it has seen for the only one

_NOTHING = (None, None, "unset")
_holder: Figures | None = None
_settings: dict[Figures | None, Sequence[Any]] = {}


def hold(figures: Figures | None) -> Figures | None:
    """Let the settings of the inline backend be those of a kernel, or (None) the process's own.

    Returns:
        Whose they were.
    """
    global _holder
    before = _holder
    if before is not figures:
        places = _places()
        values = _settings.pop(figures, _NOTHING)
        _settings[before] = [
            vars(place).get(name, nothing)
            for (place, name), nothing in zip(places, _NOTHING, strict=False)
        ] or _NOTHING
        for (place, name), value in zip(places, values, strict=False):
            setattr(place, name, value)
        _holder = figures
    return before


def _places() -> Sequence[tuple[Any, str]]:
    backend = sys.modules.get(_INLINE)
    configure = getattr(backend, "configure_inline_support", None)
    if configure is None:
        return ()
    config = sys.modules["matplotlib_inline.config"]
    return (
        (config.InlineBackendConfig, "_instance"),
        (config.InlineBackend, "_instance"),
        (configure, "current_backend"),
    )


# The inline backend


def serve_inline(figures: Figures) -> Any:
    """Let cells of a kernel use the inline backend; returns its module."""
    from matplotlib_inline import backend_inline

    _join(figures)
    if not _is_replaced(backend_inline):
        for name, make in (
            ("show", _asking_show),
            ("flush_figures", _asking_flush),
            ("new_figure_manager_given_figure", _asking_new),
        ):
            theirs = getattr(backend_inline, name)
            _replace(backend_inline, name, functools.wraps(theirs)(make(theirs, backend_inline)))
    return backend_inline


def _asking_show(theirs: Any, _inline: Any) -> Callable[..., None]:
    def show(close: bool | None = None, block: bool | None = None) -> None:
        figures = _here()
        if figures is None:
            theirs(close, block)
        else:
            figures.show(close)

    return show


def _asking_flush(theirs: Any, _inline: Any) -> Callable[[], None]:
    def flush_figures() -> None:
        figures = _here()
        if figures is None:
            theirs()
        else:
            figures.flush()

    return flush_figures


def _asking_new(theirs: Any, inline: Any) -> Callable[[Any, Any], Any]:
    def new_figure_manager_given_figure(num: Any, figure: Any) -> Any:
        manager = theirs(num, figure)
        figures = _here()
        if figures is not None:
            # where matplotlib_inline notes what is to be shown at the end of whatever cell
            noted = inline.show._to_draw
            unasked = figure in noted
            if unasked:
                noted.remove(figure)
            figures.made(figure, unasked=unasked)
        return manager

    return new_figure_manager_given_figure


# Windows


def serve_windows(figures: Figures, module_name: str) -> bool:
    """Let ``plt.show(block=True)`` in cells of a kernel serve the event loop that there is.

    Args:
        module_name: one of `WINDOWS`; it has been imported.

    Returns:
        False if it is still being imported.
    """
    toolkit, manager_name, backend_name = WINDOWS[module_name]
    module = sys.modules[module_name]
    manager = getattr(module, manager_name, None)
    backend = getattr(module, backend_name, None)
    if manager is None or backend is None:
        return False
    _join(figures)
    if not _is_replaced(manager):
        start = staticmethod(_asking_start(manager.start_main_loop, toolkit))
        _replace(manager, "start_main_loop", start)
        # how older and newer backends come to it
        if "mainloop" in vars(backend):
            _replace(backend, "mainloop", start)
        for name in _HANDLE_SIGINT:
            if name in vars(module):
                _replace(module, name, _asking_handle(getattr(module, name), toolkit))
    return True


def _asking_start(theirs: Callable[[], object], toolkit: str) -> Callable[[], None]:
    def start_main_loop() -> None:
        __tracebackhide__ = True
        figures = _here()
        if figures is None or not figures.wait_until_closed(toolkit):
            theirs()

    return start_main_loop


def _asking_handle(theirs: Callable[[Any], Any], toolkit: str) -> Callable[[Any], Any]:
    def allow_interrupt(loop: Any) -> Any:
        figures = _here()
        served = figures is not None and figures.serves(toolkit)
        return contextlib.nullcontext() if served else theirs(loop)

    return allow_interrupt


# The backend


class _Switched:
    """What ``%matplotlib`` changes, as it was."""

    def __init__(self) -> None:
        import matplotlib
        from matplotlib import pyplot

        self._pyplot = pyplot
        tables: list[Any] = [matplotlib.rcParams, matplotlib.rcParamsDefault]
        self._tables = tables
        self._parameters = [[each._get(name) for name in _PARAMETERS] for each in tables]
        self._globals = [getattr(pyplot, name) for name in _PYPLOT]
        self._module = vars(matplotlib.backends)
        self._named = self._module.get("backend")
        self._marked = hasattr(pyplot.show, "_needmain")
        self._chosen: Any = None

    def note(self) -> None:
        """A kernel has switched."""
        self._chosen = self._tables[0]._get("backend")

    def put_back(self) -> None:
        """Undo it, unless somebody else has switched since."""
        if self._tables[0]._get("backend") != self._chosen:
            return
        for table, values in zip(self._tables, self._parameters, strict=True):
            for name, value in zip(_PARAMETERS, values, strict=True):
                table._set(name, value)
        for name, value in zip(_PYPLOT, self._globals, strict=True):
            setattr(self._pyplot, name, value)
        if self._named is None:
            self._module.pop("backend", None)
        else:
            self._module["backend"] = self._named
        if not self._marked:
            vars(self._pyplot.show).pop("_needmain", None)


def asks(frame: FrameType) -> bool:
    """Whether it is matplotlib that asks for a loop: it has just chosen a backend, by itself.

    It takes this for granted when it chooses the next, and does not ask again, unless it is told.
    """
    pyplot = sys.modules.get("matplotlib.pyplot")
    install = getattr(pyplot, "install_repl_displayhook", None)
    if pyplot is None or install is None or frame.f_code is not install.__code__:
        return False
    pyplot.uninstall_repl_displayhook()
    return True


def note_backend() -> Callable[[], None]:
    """Returns what to call if choosing a backend fails: IPython has noted its name before."""
    import matplotlib

    parameters: Any = matplotlib.rcParams
    before = parameters._get("backend")
    return lambda: parameters._set("backend", before)


def switching(figures: Figures) -> Callable[[], None]:
    """A kernel is about to choose a backend. What is returned is called when it has."""
    global _switched
    _join(figures)
    if _switched is None:
        _switched = _Switched()
    return _switched.note
