"""Threads that no debugger may stop: without them nobody could tell it to go on."""

from __future__ import annotations

import threading


def leave_untraced(thread: threading.Thread) -> threading.Thread:
    """Mark a thread for pydevd, which is debugpy's debugger and that of IDEs.

    It leaves such threads alone, also when a breakpoint stops all threads.
    """
    thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
    thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
    return thread
