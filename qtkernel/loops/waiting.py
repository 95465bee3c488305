"""Waiting for a host's application object, which is not there yet.

Neither Qt nor Tk tells when one is created, so a thread looks every `INTERVAL` seconds, until then
and not any longer. What it has found it tells on the application's own thread, once that serves
its event loop.

Qt's application is looked at only when it says in two looks that it no longer starts up. While it
is being constructed (by another thread, which has released the GIL) a binding would make a second
Python object for it, of another class than the host's.
"""

from __future__ import annotations

import sys
import threading
from types import ModuleType

from qtkernel import qt
from qtkernel.loops.base import Callback, ErrorHandler, log_error
from qtkernel.loops.pending import run_guarded

INTERVAL = 0.05
"""Seconds between two looks."""


class ApplicationWait:
    """Calls `begin` once, on the application's thread, when there is one whose loop is served.

    Args:
        begin: what it raises goes to `on_error`.
    """

    def __init__(self, begin: Callback, on_error: ErrorHandler = log_error) -> None:
        self._begin = begin
        self._on_error = on_error
        self._ended = threading.Event()
        self._up: ModuleType | None = None
        self._posted: object = None  # keeps a QObject alive until it has been called
        self._thread = threading.Thread(target=self._watch, name="qtkernel-wait", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Look no longer, and call nothing. From any thread; harmless when it has been called."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._posted = None

    def _watch(self) -> None:
        while not self._ended.is_set() and not (self._posted_to_qt() or self._posted_to_tk()):
            self._ended.wait(INTERVAL)

    def _posted_to_qt(self) -> bool:
        was_up, self._up = self._up, _qt_that_is_up()
        if self._up is None or self._up is not was_up:
            return False
        from qtkernel.loops.qt import post_to_application

        self._posted = post_to_application(self._up, self._found)
        return self._posted is not None

    def _posted_to_tk(self) -> bool:
        root = getattr(sys.modules.get("tkinter"), "_default_root", None)
        if root is None:
            return False
        try:
            root.after(0, self._found)
        except RuntimeError:
            return False  # "main thread is not in main loop": not yet
        return True

    def _found(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            run_guarded(self._begin, self._on_error)


def _qt_that_is_up() -> ModuleType | None:
    """The QtCore whose application has been constructed; it is not touched."""
    for name in qt.BINDINGS:
        core = sys.modules.get(f"{name}.QtCore")
        application = getattr(core, "QCoreApplication", None)  # not while it is being imported
        if application is not None and not application.startingUp():
            return core
    return None
