"""Ending with the process that started us, without looking for it all the time.

Jupyter's managers leave their pid (on Windows: a handle) in JPY_PARENT_PID, and on Windows the
handle of an interrupt event in JPY_INTERRUPT_EVENT.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from qtkernel.loops.untraced import leave_untraced

POLL_INTERVAL = 1.0
"""Seconds between two looks, where the system cannot tell us."""


def watch_parent(end: Callable[[], object]) -> None:
    """Call `end`, on a thread of ours, when the parent has died."""
    value = os.environ.get("JPY_PARENT_PID", "")
    if not value.isdecimal() or int(value) <= 1:
        return
    wait = _wait_for_handle if os.name == "nt" else _wait_for_pid
    thread = threading.Thread(
        target=lambda: (wait(int(value)), end()),
        name="qtkernel-parent",
        daemon=True,
    )
    leave_untraced(thread).start()


def watch_interrupt_event(interrupt: Callable[[], object]) -> None:
    """On Windows: call `interrupt`, on a thread of ours, whenever the manager sets its event."""
    value = os.environ.get("JPY_INTERRUPT_EVENT", "")
    if os.name != "nt" or not value.isdecimal():
        return

    def loop() -> None:
        while _wait_for_handle(int(value)):
            interrupt()

    leave_untraced(threading.Thread(target=loop, name="qtkernel-interrupt", daemon=True)).start()


def _wait_for_pid(pid: int) -> None:
    if hasattr(os, "pidfd_open"):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:  # a kernel older than 5.3, or a sandbox that forbids it
            _poll_pid(pid)
            return
        try:
            import select

            poller = select.poll()
            poller.register(fd, select.POLLIN)
            poller.poll()
        finally:
            os.close(fd)
    else:
        _poll_pid(pid)


def _poll_pid(pid: int) -> None:
    is_our_parent = os.getppid() == pid
    while True:
        if is_our_parent and os.getppid() != pid:
            return  # we have been handed on to another parent: ours is gone
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass
        time.sleep(POLL_INTERVAL)


def _wait_for_handle(handle: int) -> bool:
    import ctypes

    wait_object_0 = 0
    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined]
    return bool(kernel32.WaitForSingleObject(ctypes.c_void_p(handle), -1) == wait_object_0)
