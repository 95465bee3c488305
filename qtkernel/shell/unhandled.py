"""Exceptions that nothing has caught: of slots, threads, ``__del__`` methods and forgotten tasks.

They are shown as the errors of cells are, under a line that says where they come from. A slot of a
timer may fail a thousand times a second, and to format a traceback takes milliseconds: what fails
again at the same place is counted, and shown once a second.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Any

from IPython.core.ultratb import AutoFormattedTB

from qtkernel.interpreter import IOPub
from qtkernel.shell.shell import ZMQInteractiveShell, safe_str

QUIET = 1.0
"""Seconds for which the same error at the same place is only counted."""

KEPT_PLACES = 100
"""Places whose errors are remembered, at most."""

_clock = time.monotonic

_Place = tuple[type[BaseException], str, int]


class UnhandledErrors:
    """Shows them to the frontends. May be called from any thread."""

    def __init__(self, shell: ZMQInteractiveShell, iopub: IOPub) -> None:
        self._shell = shell
        self._iopub = iopub
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._seen: dict[_Place, tuple[float, int]] = {}

    def show(
        self, error: BaseException, trace: TracebackType | None, where: str, parent: Any
    ) -> None:
        """Publish an error, and make it the one that ``%debug`` looks at.

        Args:
            error: what has been raised.
            trace: its traceback, without the frames that are of no interest.
            where: a few words on its origin, such as "in a slot of QTimer".
            parent: the request that it belongs to; None if it is no cell's.
        """
        self._remember(error, trace)
        repeated = self._count(_place(error, trace))
        if repeated is None:
            return
        heading = f"Unhandled exception {where}"
        if repeated:
            heading += f" ({repeated} more since the last one shown)"
        content = {
            "ename": type(error).__name__,
            "evalue": safe_str(error),
            "traceback": [f"{heading}:", *self._format(error, trace)],
        }
        self._shell.output.flush()
        self._iopub.publish("error", content, parent=parent)

    def _remember(self, error: BaseException, trace: TracebackType | None) -> None:
        # as IPython does for cells; `post mortem` looks at these
        sys.last_type, sys.last_value = type(error), error
        sys.last_traceback = trace
        if sys.version_info >= (3, 12):
            sys.last_exc = error
        self._shell.sys_last.shown(error)
        if threading.get_ident() == self._thread:
            self._shell.InteractiveTB.tb = trace

    def _count(self, place: _Place) -> int | None:
        """How often it has come unseen since it was last shown; None: not to be shown now."""
        now = _clock()
        with self._lock:
            shown_at, unseen = self._seen.pop(place, (-QUIET, 0))
            if now - shown_at < QUIET:
                self._seen[place] = (shown_at, unseen + 1)
                return None
            if len(self._seen) >= KEPT_PLACES:
                del self._seen[next(iter(self._seen))]
            self._seen[place] = (now, 0)
        return unseen

    def _format(self, error: BaseException, trace: TracebackType | None) -> list[str]:
        if threading.get_ident() != self._thread:
            return self._format_here(error, trace)
        # the formatter asks IPython's singleton which files are cells
        restore_singleton = self._shell.register_as_singleton()
        try:
            return self._format_here(error, trace)
        finally:
            restore_singleton()

    def _format_here(self, error: BaseException, trace: TracebackType | None) -> list[str]:
        try:
            # not the shell's own: another thread, or a cell, may be using it
            formatter = AutoFormattedTB(
                mode=self._shell.xmode, theme_name=self._shell.colors, tb_offset=0
            )
            lines = formatter.structured_traceback(type(error), error, trace)
            return [str(line) for line in lines]
        except Exception:  # the exception's own methods, its source, or a cell that broke something
            return traceback.format_exception(type(error), error, trace)


def _place(error: BaseException, trace: TracebackType | None) -> _Place:
    if trace is None:
        return type(error), "", 0
    while trace.tb_next is not None:
        trace = trace.tb_next
    return type(error), trace.tb_frame.f_code.co_filename, trace.tb_lineno
