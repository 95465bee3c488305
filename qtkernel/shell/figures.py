"""matplotlib's figures: which cell's they are, when they are shown, and what waits for them.

matplotlib keeps one list of figures and one backend for the whole process, and so does IPython's
glue to it, `matplotlib_inline`: at the end of any cell it would show and close every figure that
there is, the windows of the application's own and those of another kernel's cells among them. So
each kernel notes the figures that its cells make with the inline backend, and shows those.

Nothing here imports matplotlib, which takes 1.4 s, before code of a cell has done so or has said
``%matplotlib``. What is changed in it is changed in `pyplot_state`, for as long as a kernel needs
it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from IPython.core.display_functions import display

from qtkernel.interpreter import IOPub, Wait, Waiting
from qtkernel.shell import pyplot_state

INLINE = "matplotlib_inline.backend_inline"


class Figures:
    """The figures of one kernel's cells.

    Args:
        shell: whose cells they are.
        iopub: knows whose code is running.
        waiting: waits without stopping the application.
    """

    def __init__(self, shell: Any, iopub: IOPub, waiting: Waiting) -> None:
        self._shell = shell
        self._iopub = iopub
        self._waiting = waiting
        self._made: WeakKeyDictionary[Any, _Made] = WeakKeyDictionary()
        self._running: list[Any] = []
        self._depth = 0
        self._marked: Any = None
        self._held_before: Figures | None = None
        self.closed = False
        self._served: set[str] = set()

    # Whose figures

    def here(self) -> bool:
        """Whether the code that is running is of a cell of this kernel."""
        return self._shell.owns_process or self._iopub.current() is not None

    def made(self, figure: Any, *, unasked: bool) -> None:
        """Code of a cell has made a figure with the inline backend.

        Args:
            unasked: whether it is to be shown at the end of the cell, without ``plt.show()``.
        """
        # the figure of a slot or a thread is shown at the end of the next cell, and under its own
        shows = self._iopub.carried(_display)
        self._made[figure] = _Made(self._iopub.current(), shows, unasked)

    def show(self, close: bool | None = None) -> None:
        """``plt.show()`` with the inline backend: show what is open, and close it.

        Args:
            close: None stands for ``InlineBackend.close_figures``.

        Raises:
            Exception: a figure cannot be drawn; the others are shown all the same.
        """
        errors = self._show(self._due(), self.closes if close is None else close, _display)
        if errors:
            raise errors[0]

    def flush(self) -> None:
        """Show what the cell has made, at its end. What goes wrong is shown, too."""
        due = self._due()
        if any(self._made[figure].unasked for figure in due):
            if not self.closes:
                due = [figure for figure in due if self._made[figure].unasked]
            for error in self._show(
                due, self.closes, lambda figure: self._made[figure].shows(figure)
            ):
                self._shell.showtraceback((type(error), error, error.__traceback__))

    def give_up(self) -> None:
        """Drawing what the cell has made was interrupted: the next cell must not begin it anew."""
        if self._made and self.closes:
            _close(self._due())

    def close_all(self) -> None:
        """Close what cells have left open."""
        _close(list(self._made))

    def _show(
        self, figures: list[Any], close: bool, show: Callable[[Any], object]
    ) -> list[Exception]:
        errors = []
        try:
            for figure in figures:
                self._made[figure].unasked = False
                try:
                    show(figure)
                except Exception as error:
                    errors.append(error)
        finally:
            if close:
                _close(figures)
        return errors

    def _due(self) -> list[Any]:
        """The open figures of the code that is running, and of cells that have ended."""
        current = self._iopub.current()
        helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
        if helpers is None:  # a cell has thrown it out, to import it anew
            return []
        figures = [manager.canvas.figure for manager in helpers.Gcf.get_all_fig_managers()]
        return [
            figure
            for figure in figures
            if figure in self._made
            and (self._made[figure].owner is current or not self._runs(self._made[figure].owner))
        ]

    def _runs(self, owner: Any) -> bool:
        return any(each is owner for each in self._running)

    @property
    def closes(self) -> bool:
        """``%config InlineBackend.close_figures``."""
        for each in self._shell.configurables:
            if type(each).__name__ == "InlineBackend":
                return bool(each.close_figures)
        return True

    def serve_inline(self) -> Any:
        """Let cells use the inline backend; returns its module."""
        events = self._shell.events
        if self.begin not in events.callbacks["pre_execute"]:
            events.register("pre_execute", self.begin)
            events.register("post_execute", self.end)
            self.begin()
        return pyplot_state.serve_inline(self)

    # Cells. An awaiting one makes a figure, and a comm's message comes, at whose end IPython has
    # the figures shown as well: half-made.

    def begin(self) -> None:
        """A cell, or a handler of a comm's message, begins."""
        self._running.append(self._iopub.current())

    def end(self) -> None:
        """It has ended, and its figures have been shown."""
        current = self._iopub.current()
        for index in reversed(range(len(self._running))):
            if self._running[index] is current:
                del self._running[index]
                return

    # Steps of cells

    def take(self) -> Callable[[], None]:
        """Have in matplotlib, for a step of a cell, what is this kernel's; returns the undo."""
        self._depth += 1
        if self._depth == 1:
            self._held_before = pyplot_state.hold(self)
        self.look()
        return self._leave

    def look(self) -> None:
        """See what has been imported of matplotlib."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for name in pyplot_state.WINDOWS:
            new = name in sys.modules and name not in self._served
            if new and pyplot_state.serve_windows(self, name):
                self._served.add(name)
        show = getattr(pyplot, "show", None)  # None: it is being imported
        if self._depth and show is not None and not hasattr(show, "_needmain"):
            # IPython's own mark: plt.show() leaves it to the shell to serve the windows
            show._needmain = False
            self._marked = show

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth:
            return
        if self._marked is not None:
            vars(self._marked).pop("_needmain", None)
            self._marked = None
        if self._held_before is not None and not self._held_before.closed:
            pyplot_state.hold(self._held_before)  # whose step we may have been inside of

    # Windows

    def serves(self, toolkit: str) -> bool:
        """Whether the event loop here is that of `toolkit`, "qt" or "tk"."""
        return self._waiting.can_wait() and self._waiting.loop_name == toolkit

    def wait_until_closed(self, toolkit: str) -> bool:
        """``plt.show(block=True)``: serve the application until all figures are closed.

        Args:
            toolkit: whose windows they have.

        Returns:
            False if that cannot be done here, since another event loop is running.

        Raises:
            KeyboardInterrupt: it was interrupted.
        """
        __tracebackhide__ = True
        if not self._depth:
            return True  # a slot, whose application goes on when it returns
        if not self.serves(toolkit):
            return False
        wait = _UntilClosed(self._waiting.look)
        wait.watch()
        if wait.done:
            return True
        self._waiting.until_done(wait, self._waiting.look)
        if wait.interrupted:
            raise KeyboardInterrupt
        return True

    def close(self) -> None:
        """The kernel closes: give back what matplotlib has been changed in."""
        self.closed = True
        pyplot = sys.modules.get("matplotlib.pyplot")
        callbacks = self._shell.events.callbacks["post_execute"]
        if pyplot is not None and pyplot._draw_all_if_interactive in callbacks:
            with self._shell.environment:  # it asks for the shell
                pyplot.uninstall_repl_displayhook()
        self.close_all()
        pyplot_state.leave(self)


class _Made:
    """What is known of a figure."""

    def __init__(self, owner: Any, shows: Callable[[Any], object], unasked: bool) -> None:
        self.owner = owner
        self.shows = shows
        self.unasked = unasked


class _UntilClosed(Wait):
    """The wait for the end of the last window with a figure."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self._watched: list[Any] = []
        self._helpers = sys.modules["matplotlib._pylab_helpers"]

    @property
    def done(self) -> bool:  # type: ignore[override]
        """Whether there is none any more, or nobody is to wait for it."""
        return self.interrupted or not self._helpers.Gcf.figs

    def watch(self) -> None:
        """Be told when a window is closed."""
        for manager in self._helpers.Gcf.get_all_fig_managers():
            if manager not in self._watched:
                self._watched.append(manager)
                manager.canvas.mpl_connect("close_event", self._closed)

    def _closed(self, _event: Any) -> None:
        self.watch()  # there may be new ones
        self._look()


def _close(figures: list[Any]) -> None:
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    for figure in figures:
        if pyplot is not None:
            pyplot.close(figure)


def _display(figure: Any) -> None:
    metadata = sys.modules[INLINE]._fetch_figure_metadata(figure)
    display(figure, metadata=metadata)
