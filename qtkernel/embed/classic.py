"""The calls of IPython 0.13's ``IPython.zmq.ipkernel``, for code of that time.

New code wants `qtkernel.embed`, which does not block.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from jupyter_core.paths import jupyter_runtime_dir

from qtkernel.embed.begin import module_of, program_name
from qtkernel.embed.embedded import EmbeddedKernel
from qtkernel.embed.endpoints import Wishes
from qtkernel.embed.plan import Plan
from qtkernel.loops.base import EventLoop
from qtkernel.loops.errors import NoEventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.registry import detect_host
from qtkernel.protocol import (
    BadConnectionFile,
    ConnectionInfo,
    default_path,
    new_key,
    read_connection_file,
    remove_connection_file,
    write_connection_file,
)

_POLL = 0.02  # seconds between two looks for the child's connection file


class KernelNotStarted(RuntimeError):
    """The child process ended, or said nothing, before its kernel was there."""


class _Ports(NamedTuple):
    process: subprocess.Popen[bytes]
    shell_port: int
    iopub_port: int
    stdin_port: int
    hb_port: int


class LaunchedKernel(_Ports):
    """The tuple that `launch_kernel` of old returned, and the connection file besides."""

    connection_file: str


def embed_kernel(
    module: ModuleType | None = None,
    local_ns: dict[str, Any] | None = None,
    *,
    name: str | None = None,
    connection_file: str | os.PathLike[str] | None = None,
    transport: Literal["auto", "ipc", "tcp"] = "auto",
    ip: str | None = None,
    curve: bool = False,
) -> None:
    """Run a kernel in the calling scope until a frontend ends it with ``exit`` or a shutdown.

    It blocks, but not the application: the event loop of the host that is there goes on running
    (nested); without one the kernel runs a loop of its own.

    Args:
        module: whose globals cells see; the calling module by default.
        local_ns: where names of cells go; the caller's locals by default.
        name, connection_file, transport, ip, curve: as of `qtkernel.embed`.
    """
    caller = sys._getframe(1)
    if local_ns is None:
        # a function's are a view from Python 3.13 on (PEP 667); as before, cells get a copy of them
        found: Mapping[str, Any] = caller.f_locals
        local_ns = found if isinstance(found, dict) else dict(found)
    if module is None:
        module = module_of(caller.f_globals)
    loop = _host_or_own_loop()
    plan = Plan(user_ns=local_ns, user_module=module, exit_ends=True)
    wishes = Wishes(
        name=name or program_name(),
        connection_file=None if connection_file is None else Path(connection_file),
        transport=transport,
        ip=ip,
        curve=curve,
    )
    with EmbeddedKernel(loop, wishes, plan, owns_loop=True, on_shutdown=loop.stop) as kernel:
        print(f"To attach: {kernel.attach_command}", file=sys.__stderr__)
        loop.run()


def _host_or_own_loop() -> EventLoop:
    try:
        return detect_host()
    except NoEventLoop:
        return HeadlessLoop()


def launch_kernel(
    *,
    shell_port: int = 0,
    iopub_port: int = 0,
    stdin_port: int = 0,
    hb_port: int = 0,
    control_port: int = 0,
    gui: str = "headless",
    ip: str = "127.0.0.1",
    independent: bool = False,
    executable: str | None = None,
    extra_arguments: Sequence[str] = (),
    cwd: str | None = None,
    timeout: float = 30.0,
) -> LaunchedKernel:
    """Start a kernel in a child process and wait until its ports are bound.

    Args:
        shell_port, iopub_port, stdin_port, hb_port, control_port: 0 for any that is free.
        gui: the event loop of the child.
        ip: the address to bind.
        independent: let the child outlive this process.
        executable: the Python to run, this one by default.
        extra_arguments: more of the command line of ``qtkernel``.
        cwd: the child's working directory.
        timeout: seconds to wait for the child.

    Returns:
        (process, shell_port, iopub_port, stdin_port, hb_port), and the attribute
        `connection_file`, which frontends need for the key.

    Raises:
        KernelNotStarted: the child ended at once, or its ports were not there in time.
        RuntimeError: this is a frozen application, which has no Python to run.
    """
    if executable is None and getattr(sys, "frozen", False):
        # sys.executable is the application itself: running it would start it a second time
        raise RuntimeError("launch_kernel() in a frozen application needs executable=")
    file = default_path(jupyter_runtime_dir(), program_name())
    wanted = ConnectionInfo(
        transport="tcp",
        ip=ip,
        key=new_key(),
        shell_port=shell_port,
        iopub_port=iopub_port,
        stdin_port=stdin_port,
        hb_port=hb_port,
        control_port=control_port,
    )
    write_connection_file(file, wanted)
    environment = {k: v for k, v in os.environ.items() if k != "JPY_PARENT_PID"}
    if not independent:
        environment["JPY_PARENT_PID"] = str(os.getpid())
    process = subprocess.Popen(
        [
            *(executable or sys.executable, "-m", "qtkernel", "--gui", gui, "-f", str(file)),
            *extra_arguments,
        ],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=independent,
    )
    try:
        info = _wait_for_ports(process, file, time.monotonic() + timeout)
    except KernelNotStarted:
        remove_connection_file(file)
        raise
    launched = LaunchedKernel(
        process, info.shell_port, info.iopub_port, info.stdin_port, info.hb_port
    )
    launched.connection_file = str(file)
    return launched


def _wait_for_ports(
    process: subprocess.Popen[bytes], file: Path, deadline: float
) -> ConnectionInfo:
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise KernelNotStarted(
                f"the kernel's process ended at once, with exit code {process.returncode}; "
                "it has said why on stderr"
            )
        # a child that cannot start removes the file, and its end is seen in the next round
        with contextlib.suppress(BadConnectionFile):
            info = read_connection_file(file)
            if all(info.ports().values()):
                return info
        time.sleep(_POLL)
    process.terminate()
    raise KernelNotStarted("the kernel's process did not bind its ports in time")
