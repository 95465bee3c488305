"""Where a kernel can be reached: its endpoints, its connection file, the line to attach with."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from jupyter_core.paths import jupyter_runtime_dir

from qtkernel.channels.registration import register
from qtkernel.channels.sockets import Endpoints, bind_all, new_curve_keys
from qtkernel.embed.undo import UndoStack
from qtkernel.protocol import (
    ConnectionInfo,
    default_path,
    is_stale,
    new_key,
    read_connection_file,
    remove_connection_file,
    sweep_stale,
    write_connection_file,
)
from qtkernel.protocol.registration import RegistrationInfo, read_registration_file

Transport = Literal["auto", "ipc", "tcp"] | None
"""How frontends from outside reach a kernel: "auto" chooses, None is: not at all."""

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, with the "-1" that names a channel
_LONGEST_IPC_PATH = 100

HAS_UNIX_SOCKETS = os.name == "posix"


@dataclass(frozen=True)
class Address:
    """A kernel's bound endpoints and the file that describes them; without sockets neither."""

    info: ConnectionInfo
    """What the connection file says."""
    endpoints: Endpoints | None = None
    file: Path | None = None
    announce: Callable[[], None] = lambda: None
    """Write the connection file, where it does not say all yet, and register with a launcher that
    wants that: last, because whoever reads it takes the kernel for one that is there. OSError if
    it cannot be written, or the launcher does not answer (it has `ACKNOWLEDGED_WITHIN` s)."""
    made: list[Path] = field(default_factory=list)
    """Files and directories that are there only for this kernel."""

    @property
    def transport(self) -> Literal["ipc", "tcp"] | None:
        """What the sockets are; None if there are none."""
        return None if self.endpoints is None else self.info.transport

    @property
    def ports(self) -> dict[str, int]:
        """What a connect_reply says."""
        return {} if self.endpoints is None else self.info.ports()

    @property
    def connection_file(self) -> Path:
        """The path of the connection file.

        Raises:
            RuntimeError: there are no sockets.
        """
        if self.file is None:
            raise RuntimeError(
                "this kernel has no sockets (transport=None), so nothing can connect to it; "
                "embed it with transport='auto' for a connection file"
            )
        return self.file

    @property
    def attach_command(self) -> str:
        """The line that attaches a console from a terminal.

        Raises:
            RuntimeError: there are no sockets.
        """
        file = self.connection_file
        named = file.name if file.parent == Path(jupyter_runtime_dir()) else str(file)
        return f"jupyter console --existing {shlex.quote(named)}"


@dataclass(frozen=True)
class Wishes:
    """What the caller wants of a kernel's address; the rest is chosen.

    A connection file that exists is obeyed as it stands, and the other wishes are left aside; so
    is a registration file. One that a kernel which has died left behind counts as not there.
    """

    name: str
    connection_file: Path | None = None
    transport: Transport = "auto"
    ip: str | None = None
    curve: bool = False


def open_address(wishes: Wishes, undo: UndoStack) -> Address:
    """Bind the sockets; `Address.announce` then sees to it that the connection file says where.

    Raises:
        BadConnectionFile: the file that was handed over cannot be used.
        BindError: an endpoint cannot be bound.
        ValueError: the wishes contradict each other.

    Whatever is raised, running `undo` leaves nothing behind.
    """
    if wishes.transport is None:
        return _no_address(wishes)
    path = wishes.connection_file
    if path is not None and path.exists() and not is_stale(path):
        registration = read_registration_file(path)
        if registration is not None:
            return _registering(registration, wishes, undo)
        given = read_connection_file(path)
        endpoints = bind_all(given)
        undo.push(endpoints.close)
        if endpoints.info == given:
            return Address(given, endpoints, path.absolute())
        # it left ports to us: say which
        return _to_be_written(path, endpoints, wishes, undo)
    runtime_dir = _runtime_dir()
    sweep_stale(runtime_dir)
    endpoints = bind_all(_new_info(wishes, runtime_dir, undo))
    undo.push(endpoints.close)
    path = path or default_path(runtime_dir, wishes.name)
    address = _to_be_written(path, endpoints, wishes, undo)
    if endpoints.info.transport == "ipc":
        address.made.append(Path(endpoints.info.ip).parent)
    return address


def _registering(registration: RegistrationInfo, wishes: Wishes, undo: UndoStack) -> Address:
    endpoints = bind_all(registration.own(wishes.name))
    undo.push(endpoints.close)
    address = _to_be_written(default_path(_runtime_dir(), wishes.name), endpoints, wishes, undo)

    def announce() -> None:
        address.announce()  # for other frontends
        register(endpoints.context, registration, endpoints.info)

    return replace(address, announce=announce)


def _no_address(wishes: Wishes) -> Address:
    for name in ("connection_file", "ip", "curve"):
        if getattr(wishes, name):
            raise ValueError(f"{name} is for sockets, and with transport=None there are none")
    return Address(ConnectionInfo(key=new_key(), kernel_name=wishes.name))


def _to_be_written(path: Path, endpoints: Endpoints, wishes: Wishes, undo: UndoStack) -> Address:
    file = path.absolute()
    return Address(
        endpoints.info, endpoints, file, lambda: _write(file, endpoints, wishes, undo), [file]
    )


def _write(path: Path, endpoints: Endpoints, wishes: Wishes, undo: UndoStack) -> None:
    info = endpoints.info
    ipc_dir = Path(info.ip).parent if info.transport == "ipc" else None
    try:
        write_connection_file(path, info, name=wishes.name, ipc_dir=ipc_dir)
    except OSError as error:
        reason = f"cannot write the connection file {path}: {error.strerror}"
        raise OSError(error.errno, reason) from None
    undo.push(lambda: remove_connection_file(path))


def _new_info(wishes: Wishes, runtime_dir: Path, undo: UndoStack) -> ConnectionInfo:
    transport = _default_transport(wishes) if wishes.transport == "auto" else wishes.transport
    if transport not in ("tcp", "ipc"):
        raise ValueError(f"transport is {transport!r}; it can be 'auto', 'ipc', 'tcp' or None")
    if transport == "ipc":
        if not HAS_UNIX_SOCKETS:
            raise ValueError("transport='ipc' needs Unix sockets; use transport='tcp' here")
        if wishes.ip is not None:
            raise ValueError(f"ip={wishes.ip!r} is for transport='tcp'; ipc has no address")
    public, secret = new_curve_keys() if wishes.curve else (None, None)
    return ConnectionInfo(
        transport=transport,
        ip=str(_ipc_dir(runtime_dir, undo) / "s")
        if transport == "ipc"
        else wishes.ip or "127.0.0.1",
        key=new_key(),
        kernel_name=wishes.name,
        curve_publickey=public,
        curve_secretkey=secret,
    )


def _default_transport(wishes: Wishes) -> Literal["ipc", "tcp"]:
    return "ipc" if HAS_UNIX_SOCKETS and wishes.ip is None else "tcp"


def _runtime_dir() -> Path:
    path = Path(jupyter_runtime_dir())
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _ipc_dir(runtime_dir: Path, undo: UndoStack) -> Path:
    """A directory that only we can enter: who can open the socket files can try to connect."""
    fits = len(os.fsencode(runtime_dir)) + len("/qtkernel-12345678/s-5") < _LONGEST_IPC_PATH
    path = Path(tempfile.mkdtemp(prefix="qtkernel-", dir=runtime_dir if fits else None))
    undo.push(_remover(path))
    return path


def _remover(directory: Path) -> Callable[[], None]:
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner and directory.is_dir():
            for socket_file in directory.iterdir():
                socket_file.unlink(missing_ok=True)
            directory.rmdir()

    return remove
