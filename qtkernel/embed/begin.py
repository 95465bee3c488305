"""`embed`: put a kernel into the application that runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from qtkernel.embed.embedded import Capture, EmbeddedKernel, captures_host
from qtkernel.embed.endpoints import Transport, Wishes
from qtkernel.embed.hooks import loop_error
from qtkernel.embed.plan import Plan
from qtkernel.kernel.clients import Client
from qtkernel.loops.base import EventLoop
from qtkernel.loops.errors import NoEventLoop
from qtkernel.loops.registry import detect_host

_PACKAGE = __name__.rpartition(".")[0]


def embed(
    user_ns: dict[str, Any] | None = None,
    *,
    name: str | None = None,
    connection_file: str | os.PathLike[str] | None = None,
    transport: Transport = "auto",
    ip: str | None = None,
    curve: bool = False,
    user_module: ModuleType | None = None,
    on_shutdown: Callable[[], object] | None = None,
    loop: EventLoop | None = None,
    defer: bool = False,
    capture: Capture = "cells",
    subshells: bool = False,
    on_attach: Callable[[Client], object] | None = None,
) -> EmbeddedKernel:
    """Put a kernel into the running application; returns at once.

    Call it on the GUI thread, once the application object exists, before or after its event loop
    has been entered.

    Args:
        user_ns: the namespace for cells, live: cells see what the application changes and the
            other way round. By default the globals of the module that calls.
        name: what frontends call the kernel, by default the name of the program.
        connection_file: where to write the connection file, by default in Jupyter's runtime
            directory. A file that exists there is obeyed: a connection file, or a launcher's
            registration file (protocol 5.6), which is then waited for 10 s at most.
        transport: how frontends reach it from outside: "ipc" (Unix sockets in a directory of the
            user's own), "tcp" (on the loopback interface), "auto" (ipc where there are Unix
            sockets, else tcp), or None: not at all. Then there are no sockets and no connection
            file, and only consoles in the application itself (`EmbeddedKernel.dock`).
        ip: the address to bind with "tcp". Everybody who can reach it and knows the key can run
            code here: prefer an SSH tunnel to anything but loopback.
        curve: encrypt and authenticate with CurveZMQ; frontends need jupyter_client 8.10.
        user_module: the module of `user_ns`, for pickling; found by default, enough by itself.
        on_shutdown: called when a frontend asks the kernel to shut down, such as ``app.quit``.
            Without it the frontend goes and the application stays.
        loop: an event loop to live in, instead of the one that is found.
        defer: without an application object, wait for one instead of raising `NoEventLoop`. The
            kernel begins on the application's thread as soon as that serves its loop; its
            sockets are bound at once, the connection file is written when it begins.
        capture: whose output frontends get: that of "cells" only, with their threads, slots and
            tasks, or "all", what the application itself writes to sys.stdout and sys.stderr
            included. That has an empty parent header, and ``{"qtkernel": {"origin": "host"}}`` in
            its metadata. See `EmbeddedKernel.capture`.
        subshells: tell frontends that they may run cells in threads of their own (JEP 91), beside
            what the GUI thread does. Such cells must not touch windows. Whoever asks for a subshell
            gets one anyway; but JupyterLab, once told, sends more there than one may want.
        on_attach: called on the kernel's thread with each `Client` when it first speaks, before
            anything that it asks for. If it returns False, or raises, the frontend's requests are
            refused (error replies, "AttachRefused"); anything else lets it in. It may open a
            dialog: meanwhile the frontend's requests wait, and those of others are served. It is
            policy and not security: whoever has the key can still read what is published to all
            (IOPub), and can say that it is somebody else.

    Raises:
        NoEventLoop: there is no application to live in yet.
        WrongThread: this is not the application's GUI thread.
        BadConnectionFile, BindError, ValueError, OSError: see `connection_file` and `transport`.
        ValueError: `capture` is neither of the two, `user_ns` not that of `user_module`.
    """
    if user_ns is None:
        user_ns = vars(user_module) if user_module else _caller_namespace()
    if user_module is not None and vars(user_module) is not user_ns:
        raise ValueError(f"user_ns is not that of {user_module!r}: leave one of the two out")
    if not isinstance(user_ns, dict):
        raise TypeError(f"user_ns must be a dict, not {type(user_ns).__name__}; try vars(object)")
    wishes = Wishes(
        name=name or program_name(),
        connection_file=None if connection_file is None else Path(connection_file),
        transport=transport,
        ip=ip,
        curve=curve,
    )
    plan = Plan(
        application=wishes.name,
        user_ns=user_ns,
        user_module=user_module or module_of(user_ns),
        captures_host=captures_host(capture),
        on_attach=on_attach,
        subshells=subshells,
    )
    owns_loop = loop is None
    return EmbeddedKernel(
        loop if loop is not None else _host_loop(defer),
        wishes,
        plan,
        owns_loop=owns_loop,
        on_shutdown=on_shutdown,
    )


def _caller_namespace() -> dict[str, Any]:
    frame: FrameType | None = sys._getframe(1)
    # the package, when it is called in the function's place, stands in between
    while frame is not None and frame.f_globals.get("__name__") in (__name__, _PACKAGE):
        frame = frame.f_back
    assert frame is not None
    return frame.f_globals


def _host_loop(defer: bool) -> EventLoop | None:
    try:
        return detect_host(loop_error)
    except NoEventLoop:
        if defer:
            return None
        raise


def module_of(namespace: dict[str, Any]) -> ModuleType | None:
    """The imported module whose globals `namespace` is, if there is one."""
    module = sys.modules.get(namespace.get("__name__", ""))
    return module if module is not None and module.__dict__ is namespace else None


def program_name() -> str:
    """What the running program is called, for names that people see."""
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    if main is not None and main.name:
        return str(main.name).removesuffix(".__main__")
    return Path(sys.argv[0]).stem if sys.argv and sys.argv[0] not in ("", "-c") else "python"
