"""Backends by name for a standalone kernel, and the host's own loop for an embedded one.

Other toolkits come in through the entry-point group ``qtkernel.eventloops``: its name is what
``--gui`` and ``%gui`` take, its object is called with the `ErrorHandler` and returns an
`EventLoop`. Installed distributions are searched only for a name that is not ours.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import metadata

from qtkernel import qt
from qtkernel.loops.base import ErrorHandler, EventLoop, log_error
from qtkernel.loops.errors import NoEventLoop, UnknownEventLoop

ENTRY_POINT_GROUP = "qtkernel.eventloops"
BUILT_IN = ("qt", "tk", "headless", "asyncio")


def available() -> list[str]:
    """The names that `create` knows: ours, then those of installed plug-ins."""
    plugged_in = {entry.name for entry in metadata.entry_points(group=ENTRY_POINT_GROUP)}
    return [*BUILT_IN, *sorted(plugged_in - set(BUILT_IN))]


def create(
    name: str,
    on_error: ErrorHandler = log_error,
    *,
    asyncio_loop: asyncio.AbstractEventLoop | None = None,
) -> EventLoop:
    """A new loop for a standalone kernel, on this thread.

    Args:
        name: one of `available`.
        on_error: gets what callbacks raise.
        asyncio_loop: what "asyncio" runs; the default is a loop of its own. Others ignore it.

    Raises:
        UnknownEventLoop: there is no backend of this name, or its plug-in is broken.
        NoDisplay: "qt" needs a window system.
        ImportError: the toolkit is not installed.
    """
    if name == "qt":
        from qtkernel.loops.qt import QtLoop

        return QtLoop.owning(on_error)
    if name == "tk":
        from qtkernel.loops.tk import TkLoop

        return TkLoop(None, on_error)
    if name == "headless":
        from qtkernel.loops.headless import HeadlessLoop

        return HeadlessLoop(on_error)
    if name == "asyncio":
        from qtkernel.loops.aio import AsyncioLoop

        if asyncio_loop is None:
            return AsyncioLoop.owning(on_error)
        return AsyncioLoop(asyncio_loop, on_error, outlives_stop=True)
    return _plugged_in(name, on_error)


def detect_host(on_error: ErrorHandler = log_error) -> EventLoop:
    """The loop that the host has: Qt's, else the running asyncio loop, else that of Tk.

    Qt comes first, because a host that runs asyncio on top of Qt has a Qt loop underneath.

    Raises:
        NoEventLoop: there is none of them.
        WrongThread: there is one, and it belongs to another thread.
    """
    app = qt.application()
    if app is not None:
        from qtkernel.loops.qt import QtLoop

        return QtLoop(app, on_error)
    running = asyncio._get_running_loop()
    if running is not None:
        from qtkernel.loops.aio import AsyncioLoop

        return AsyncioLoop(running, on_error)
    root = getattr(sys.modules.get("tkinter"), "_default_root", None)
    if root is not None:
        from qtkernel.loops.tk import TkLoop

        return TkLoop(root, on_error)
    raise NoEventLoop(
        "no event loop to live in: create the QApplication (or Tk root, or call this from a "
        "coroutine) first, or pass loop=..."
    )


def _plugged_in(name: str, on_error: ErrorHandler) -> EventLoop:
    for entry in metadata.entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            loop: EventLoop = entry.load()(on_error)
        except Exception as error:
            source = entry.dist.name if entry.dist is not None else "an unknown distribution"
            raise UnknownEventLoop(
                f"the event loop {name!r} of {source} ({entry.value}) cannot be used: "
                f"{type(error).__name__}: {error}"
            ) from error
        return loop
    raise UnknownEventLoop(f"no event loop {name!r}; there are: {', '.join(available())}")
