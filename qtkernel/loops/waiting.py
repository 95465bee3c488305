"""Waiting for a host's application object, which is not there yet.

Neither Qt nor Tk tells when one is created, so a thread looks every `INTERVAL` seconds, until then
and not any longer. What it has found it tells on the application's own thread, once that serves
its event loop.

Qt's application is looked for among Python's objects, and not asked of the binding: see
`_qt_application`. One that C++ code makes after `embed` is not found.
"""

from __future__ import annotations

import gc
import sys
import threading
from typing import Any

from qtkernel import qt
from qtkernel.loops.base import Callback, ErrorHandler, log_error
from qtkernel.loops.pending import run_guarded

INTERVAL = 0.1
"""Seconds between two looks. One takes 3 ms where there are 100,000 objects."""


class ApplicationWait:
    """Calls `begin` once, on the application's thread, when there is one whose loop is served.

    Args:
        begin: what it raises goes to `on_error`.
    """

    def __init__(self, begin: Callback, on_error: ErrorHandler = log_error) -> None:
        self._begin = begin
        self._on_error = on_error
        self._ended = threading.Event()
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
        application = _qt_application()
        if application is None:
            return False
        from qtkernel.loops.qt import post_to_application

        self._posted = post_to_application(application, self._found)
        return True

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


def _qt_application() -> Any | None:
    """The application object of a Qt binding, once its constructor has returned.

    No function or class of the binding is touched before: while the thread that will have the
    application imports or makes something there, that crashes (PyQt5 on Python 3.13, 1 of 12) or
    hangs (PySide6 6.12, 1 of 4) the process. So the object is looked for among all there are.
    """
    if not any(f"{name}.QtCore" in sys.modules for name in qt.BINDINGS):
        return None
    # the types first: they are few, and looking at the classes of each object takes 20 times longer
    kinds = {kind for kind in set(map(type, gc.get_objects())) if qt.application_core(kind)}
    for each in gc.get_objects() if kinds else ():
        if type(each) in kinds:
            try:
                each.thread()
            except RuntimeError:
                continue  # says the binding: its constructor has not returned, or it is deleted
            return each
    return None
