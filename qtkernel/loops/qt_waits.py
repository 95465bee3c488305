"""What a cell waits in that only Qt knows of: its dialogs, menus and event loops; and their end.

An interrupt of a cell that sits in ``dialog.exec()`` has to end the dialog first: no exception can
pass through Qt. Whoever asks for that knows already that the innermost event loop was entered by
the cell. What is left to find out is what that loop belongs to, and nothing else may be touched:

* A QEventLoop that runs on this thread, other than those that ran when the cell began: it is told
  to exit. Such loops are found among all objects of the process (measured: 9 ms for the 41,000 of
  a bare application with IPython, 17 ms for 200,000, 65 ms for a million), because Qt keeps no
  list that one could ask. It is done when it is needed, and once for the loops of the *host's*
  that a cell finds under way.
* Else the menu or the modal dialog that was open when the loop had its first turn. What a slot of
  the host has opened later, on top, is not it, and neither is what was open when the cell began.

What is entered by C++ alone, such as ``QTest.qWait(60000)``, ends when it ends.

Then the cell must not run on as if its user had said "No". `strike_on_return` raises SIGINT as
the very last thing before this thread leaves Python for Qt: the object that does it is freed with
the outermost Python frame. Python sees the signal at once when the dialog's call has returned
(measured: no line of the cell runs; a signal that another thread sends comes up to 5 ms
later, a hundred thousand lines).
"""

from __future__ import annotations

import _thread
import contextlib
import functools
import gc
import signal
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from qtkernel.loops.turns import Turns

_MOST_POPUPS = 20  # menus in menus that are closed in one go


class _Strike:
    """Raises SIGINT when it is freed: in C, so that no Python code of ours sees the signal."""

    __del__ = staticmethod(functools.partial(_thread.interrupt_main, signal.SIGINT))


class _Nothing:
    """What a strike that is called off becomes."""


_strikes: list[tuple[_Strike, object]] = []
"""The one that is to come, and who has asked for it. For all kernels of the process, because the
slots of each are called, and the last of them has to be the one that strikes."""


def parting_act() -> object:
    """What a slot shall keep to its end, so that it is freed with the slot's frame."""
    return _strikes.pop()[0] if _strikes else None


class QtWaits:
    """Ends what a cell waits in. Belongs to the loop's thread; see `qtkernel.loops.waits.Waits`."""

    def __init__(self, core: ModuleType, turns: Turns, level: Callable[[], int]) -> None:
        self._core = core
        self._turns = turns
        self._level = level
        self._begun_level = 0
        self._windows_before: frozenset[int] = frozenset()
        self._loops_before: list[weakref.ref[Any]] = []
        self._places: tuple[tuple[int, int], ...] | None = None
        self._popup_at_entry: int | None = None
        self._modal_at_entry: int | None = None

    def begin(self) -> None:
        """Code of a cell is about to run: what is open now is not the cell's."""
        self._begun_level = self._level()
        app = self._core.QCoreApplication.instance()
        if _active(app, "activeModalWidget") or _active(app, "activePopupWidget"):
            self._windows_before = frozenset(
                int(widget.winId()) for widget in app.topLevelWidgets() if widget.isVisible()
            )
        else:
            self._windows_before = frozenset()
        places = self._turns.places()
        if places != self._places or not all(_runs(loop()) for loop in self._loops_before):
            self._places = places
            self._loops_before = [weakref.ref(loop) for loop in self._running_loops()]

    def entered(self) -> None:
        """An event loop has its first turn: what it belongs to has been opened by now."""
        app = self._core.QCoreApplication.instance()
        self._popup_at_entry = _active(app, "activePopupWidget")
        self._modal_at_entry = _active(app, "activeModalWidget")

    def end(self) -> None:
        """End what the innermost event loop belongs to; the cell has entered it."""
        if self._level() <= self._begun_level:
            return  # processEvents(), which returns by itself
        before = [loop() for loop in self._loops_before]
        loops = [loop for loop in self._running_loops() if loop not in before]
        for loop in loops:
            loop.exit()
        if not loops:
            self._close_window()

    def strike_on_return(self) -> bool:
        """Raise SIGINT when the callback that is running now has returned to Qt."""
        if not _strikes:
            _strikes.append((_Strike(), self))
        return True

    def call_off_strike(self) -> None:
        """Do not, if it has not happened yet."""
        if _strikes and _strikes[0][1] is self:
            _strikes[0][0].__class__ = _Nothing  # type: ignore[assignment]
            _strikes.clear()

    def _close_window(self) -> None:
        app = self._core.QCoreApplication.instance()
        if not hasattr(app, "activeModalWidget"):
            return
        popup, modal = self._popup_at_entry, self._modal_at_entry
        if popup is not None and popup not in self._windows_before and _window(app, popup):
            _close_popups(app, popup)
            return
        if modal is None or modal in self._windows_before or _window(app, modal) is None:
            # a call that is repeated at the same place has opened another one
            modal = _active(app, "activeModalWidget")
        if modal is not None and modal not in self._windows_before:
            widget = _window(app, modal)
            if widget is not None:
                _dismiss(widget)

    def _running_loops(self) -> list[Any]:
        kinds = {id(kind) for kind in _with_subclasses(self._core.QEventLoop)}
        # by the type's identity: nothing of somebody else's objects is called
        found = [each for each in gc.get_objects() if id(type(each)) in kinds]
        thread = self._core.QThread.currentThread()
        return [loop for loop in found if _runs(loop) and loop.thread() == thread]


def _with_subclasses(kind: type) -> list[type]:
    kinds = [kind]
    for each in kinds:
        kinds += type.__subclasses__(each)
    return kinds


def _runs(loop: Any) -> bool:
    with contextlib.suppress(RuntimeError):  # its C++ half is gone
        return loop is not None and bool(loop.isRunning())
    return False


def _active(app: Any, kind: str) -> int | None:
    """The window system's name for the active modal or popup widget.

    Not the widget itself: a reference would keep a cell's dialog alive when the cell drops it.
    """
    active = getattr(app, kind, None)  # an application without windows has none
    widget = active() if active is not None else None
    return None if widget is None else int(widget.winId())


def _window(app: Any, name: int) -> Any | None:
    for widget in app.topLevelWidgets():
        if widget.isVisible() and int(widget.winId()) == name:
            return widget
    return None


def _close_popups(app: Any, outermost: int) -> None:
    for _ in range(_MOST_POPUPS):
        popup = app.activePopupWidget()
        if popup is None:
            return
        done = int(popup.winId()) == outermost
        popup.close()
        if done:
            return


def _dismiss(widget: Any) -> None:
    if hasattr(widget, "reject"):
        widget.reject()
    else:
        widget.close()
