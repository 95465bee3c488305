"""Which kernel this is, for frontends: the block ``qtkernel`` of kernel_info_reply."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from qtkernel import qt
from qtkernel.loops.base import EventLoop


def about(
    application: str, embedded: bool, transport: str | None, loop: Callable[[], EventLoop]
) -> Callable[[], Mapping[str, Any]]:
    """A function that tells it as it is when it is called, on whatever thread.

    Args:
        application: the name of the program that the kernel is in.
        transport: "ipc" or "tcp"; None without sockets.
        loop: the kernel's event loop, which ``%gui`` changes.
    """

    def tell() -> Mapping[str, Any]:
        name = loop().name
        binding, version = (qt.loaded_version() if name == "qt" else None) or (None, None)
        return {
            "application": application,
            "pid": os.getpid(),
            "embedded": embedded,
            "loop": name,
            "qt_binding": binding,
            "qt_version": version,
            "transport": transport,
        }

    return tell
