"""The interpreter's hooks for exceptions that nothing has caught, while a kernel lives.

PyQt calls ``sys.excepthook`` for an exception that leaves a slot, and *aborts the process* if that
is Python's own; PySide prints it. With a kernel attached it is shown to the frontends, whose user
has most likely just written that slot, and the application lives on. ``threading.excepthook`` and
``sys.unraisablehook`` do the same for threads and for ``__del__`` and callbacks of C code.

Each of our hooks calls the one beneath it, the host's own, which gets all that it would have got.
Only Python's default hook is left out for the code of cells: it would print to the application's
stderr what the frontend shows already.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from qtkernel import qt
from qtkernel.loops.base import log_error

_log = logging.getLogger("qtkernel.embed")
_getpid = os.getpid

_DEFAULTS = (sys.__excepthook__, threading.__excepthook__, sys.__unraisablehook__)

Show = Callable[[BaseException, TracebackType | None, str, Any], None]
"""Shows an error: with its traceback, where it comes from, and whose request it belongs to."""

FindRequest = Callable[[TracebackType | None], Any]
"""Returns the request whose code has raised, None if no cell's has."""


class _Hook:
    """Stands in front of the hook that was there, and passes on what comes.

    Args:
        see: gets the hook's arguments; returns whether a cell's code is to blame.
    """

    def __init__(self, owner: Any, name: str, see: Callable[..., bool]) -> None:
        self._owner = owner
        self._name = name
        self._see: Callable[..., bool] | None = see
        self._pid = _getpid()
        self.beneath = getattr(owner, name)

    def __call__(self, *arguments: Any) -> None:
        of_cell = False
        if self._see is not None and _getpid() == self._pid:
            try:
                of_cell = self._see(*arguments)
            except BaseException:
                _log.exception("an unhandled exception could not be shown")
        if not (of_cell and self.beneath in _DEFAULTS):
            self.beneath(*arguments)

    def install(self) -> Callable[[], None]:
        """Put it in place; returns the undo."""
        setattr(self._owner, self._name, self)
        return self._remove

    def _remove(self) -> None:
        self._see = None  # it may have to stay, beneath a hook that somebody has put over it
        above = getattr(self._owner, self._name)
        if above is self:
            setattr(self._owner, self._name, self.beneath)
        while isinstance(above, _Hook):
            # another kernel's, which would bring ours back when it goes
            if above.beneath is self:
                above.beneath = self.beneath
            above = above.beneath


class UnhandledExceptions:
    """Installs the three hooks.

    Args:
        show: shows an error to the frontends.
        find_request: says whose code has raised.
        interrupted: called when Ctrl+C of the host's own terminal, a KeyboardInterrupt, has left
            a slot and would have ended the application without us.
    """

    def __init__(
        self, show: Show, find_request: FindRequest, interrupted: Callable[[], object]
    ) -> None:
        self._show = show
        self._find_request = find_request
        self._interrupted = interrupted

    def install(self) -> Callable[[], None]:
        """Chain all hooks; returns the undo."""
        self._excepthook = _Hook(sys, "excepthook", self._exception)
        undos = [
            self._excepthook.install(),
            _Hook(threading, "excepthook", self._in_thread).install(),
            _Hook(sys, "unraisablehook", self._unraisable).install(),
        ]

        def undo() -> None:
            for each in reversed(undos):
                each()

        return undo

    def in_task(self, loop: Any, context: dict[str, Any]) -> None:
        """An asyncio exception handler (``loop.set_exception_handler``)."""
        error = context.get("exception")
        message = str(context.get("message", "in asyncio"))
        if error is None or not self._report(error, f"in asyncio ({message})"):
            loop.default_exception_handler(context)

    def _exception(
        self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        error = _complete(kind, error, trace)
        if self._ends_process(error):
            self._excepthook.beneath(kind, error, trace)
            self._interrupted()
            return True
        return self._report(error, qt.origin_of(trace))

    def _ends_process(self, error: BaseException) -> bool:
        """Whether it is a Ctrl+C that PyQt would have aborted the application for."""
        in_slot = sys._getframe(2).f_back is not None and threading.current_thread() is (
            threading.main_thread()
        )
        return (
            isinstance(error, KeyboardInterrupt)
            and in_slot
            # a cell may raise one, too, in its slots and tasks
            and self._find_request(error.__traceback__) is None
            and self._excepthook.beneath in _DEFAULTS
            and (qt.imported_binding() or "").startswith("PyQt")
        )

    def _in_thread(self, args: threading.ExceptHookArgs) -> bool:
        if args.exc_type is SystemExit:
            return False  # which Python ignores, too
        name = args.thread.name if args.thread is not None else "an unknown thread"
        error = _complete(args.exc_type, args.exc_value, args.exc_traceback)
        trace = args.exc_traceback
        while trace is not None and trace.tb_frame.f_globals.get("__name__") == "threading":
            trace = trace.tb_next  # how a thread comes to run its target is of no interest
        return self._report(error, f"in thread {name!r}", trace)

    def _unraisable(self, args: Any) -> bool:
        error = _complete(args.exc_type, args.exc_value, args.exc_traceback)
        # no reference to the object must be kept: it may be on its way out
        return self._report(error, f"({args.err_msg or 'ignored'}: {_name(args.object)})")

    def _report(self, error: BaseException, where: str, trace: TracebackType | None = None) -> bool:
        trace = trace or error.__traceback__
        request = self._find_request(trace)
        self._show(error, trace, where, request)
        return request is not None


def loop_error(error: BaseException) -> None:
    """What a callback of ours has let out, on the host's event loop.

    Ctrl+C in the host's terminal may strike in a slot of ours just as well as in one of the
    host's; then it is the host's hook that has to know.
    """
    if isinstance(error, KeyboardInterrupt):
        sys.excepthook(type(error), error, error.__traceback__)
    else:
        log_error(error)


def end_as_interrupted() -> None:
    """End the process as Python does when nothing has caught a KeyboardInterrupt."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)


def _complete(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> BaseException:
    if error is None:
        error = kind()
    if error.__traceback__ is None:
        error.__traceback__ = trace
    return error


def _name(thing: object) -> str:
    try:
        return str(getattr(thing, "__qualname__", None) or type(thing).__qualname__)
    except BaseException:
        return "an object"
