"""The part of the shell that chooses event loops and matplotlib's backends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from IPython.core import pylabtools
from IPython.core.error import UsageError
from traitlets import Any as AnyTrait
from traitlets import Bool

from qtkernel.shell import pyplot_state
from qtkernel.shell.command_shell import CommandShell
from qtkernel.shell.default_backend import prefer_inline
from qtkernel.shell.environment import Environment
from qtkernel.shell.figures import INLINE, Figures

SwitchLoop = Callable[[str], None]

# What users of IPython's other frontends call the same toolkits
_LOOP_NAMES = {"qt4": "qt", "qt5": "qt", "qt6": "qt", "none": "headless"}

# Their figures live in the frontend
_NEED_NO_LOOP = {"inline", "nbagg", "notebook", "webagg", "ipympl", "widget"}


class PlottingShell(CommandShell):
    """``%gui`` and ``%matplotlib``."""

    switch_loop: SwitchLoop = AnyTrait()
    owns_process: bool = Bool(False)
    environment: Environment

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.figures = Figures(self, self.iopub, self.waiting)
        self.environment.add(self.figures.take)
        self._prefer_none = prefer_inline() if self.owns_process else lambda: None

    def enable_gui(self, gui: str | None = None) -> None:
        """``%gui``: run on another toolkit's event loop from the end of this cell on.

        matplotlib, too, asks for the loop of a backend with windows.

        Args:
            gui: None changes nothing: it is what ``%matplotlib inline`` asks for, which needs no
                loop; and so do other backends of browsers, under their names.

        Raises:
            UsageError: there is no such loop, or the kernel is embedded, where the host owns it.
            NotImplementedError: the same, when matplotlib asks.
        """
        self.figures.look()
        if gui is None or gui in _NEED_NO_LOOP:
            return
        try:
            self.switch_loop(_LOOP_NAMES.get(gui, gui))
        except (ValueError, RuntimeError, ImportError) as error:
            if pyplot_state.asks(sys._getframe(1)):
                raise NotImplementedError(str(error)) from None  # then it looks for another one
            raise UsageError(str(error)) from None

    def enable_matplotlib(self, gui: str | None = None) -> Any:
        """``%matplotlib``: show figures inline, or in windows of a toolkit.

        Args:
            gui: "inline", a toolkit, or a backend of matplotlib's; None is matplotlib's choice.

        Returns:
            The name of the toolkit, or None, and that of the backend.

        Raises:
            ImportError: matplotlib is not installed, or the backend cannot be loaded.
            RuntimeError: there is no such backend.
            UsageError: its windows need another event loop than the application's; see
                `enable_gui`.
        """
        switched = None if self.owns_process else pyplot_state.switching(self.figures)
        give_up = pyplot_state.note_backend()
        loop_name = self.waiting.loop_name
        # IPython would stay with the first toolkit; here it is matplotlib who says what may be
        self.pylab_gui_select = None
        try:
            toolkit, backend = pylabtools.find_gui_and_backend(gui, None)
            self.enable_gui(toolkit)  # first, while nothing has been changed
            if backend in ("inline", f"module://{INLINE}"):
                self.figures.serve_inline()
            return super().enable_matplotlib(gui)
        except BaseException:
            give_up()
            self.switch_loop(loop_name)
            raise
        finally:
            if switched is not None:
                switched()

    def reset(self, new_session: bool = True, aggressive: bool = False) -> None:
        """Forget what cells have made; in a new session the figures that are open, too."""
        if new_session:
            self.figures.close_all()
        super().reset(new_session, aggressive)

    def close_figures(self) -> None:
        """The kernel closes."""
        self._prefer_none()
        self.figures.close()
