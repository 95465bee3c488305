"""Connection files of our own: written, removed, and swept up after a process that died.

Each carries a block under the key ``qtkernel`` that says which process wrote it. Frontends ignore
it; here it decides who may remove the file. Files of other kernels are never touched, nor those
of another machine or container that shares the directory, whose processes cannot be seen from
here.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import stat
import sys
from pathlib import Path

import msgspec

from qtkernel.protocol.connection import ConnectionInfo, check, effective_uid, read_members
from qtkernel.protocol.encode import to_json
from qtkernel.protocol.errors import BadConnectionFile, InvalidContent
from qtkernel.protocol.message import Channel
from qtkernel.protocol.typed import to_struct

BLOCK = "qtkernel"
MAX_NAME_LENGTH = 60
ZOMBIE = b"Z"

# References of our own: removal happens after cells ran, which may have replaced these.
_getpid = os.getpid
_unlink = os.unlink
_node = platform.node


class Writer(msgspec.Struct, kw_only=True, frozen=True):
    """The block that says who wrote a connection file.

    `started` is the process's start in clock ticks since boot, None where the system does not
    tell; with it a pid that has been given out again is not mistaken for the writer.
    """

    pid: int
    host: str
    started: int | None = None
    name: str = ""
    ipc_dir: str | None = None


def new_key() -> str:
    """A fresh secret: 256 bits as 64 hex digits."""
    return secrets.token_hex(32)


def default_path(runtime_dir: str | os.PathLike[str], name: str) -> Path:
    """A path that no other kernel has, ``kernel-<name>-<pid>-<random>.json``.

    `name` may hold anything; what is not safe in a file name everywhere becomes a hyphen.
    Frontends look for ``kernel-*.json`` and for any fragment of it.
    """
    safe = re.sub(r"[^A-Za-z0-9_.]+", "-", name)[:MAX_NAME_LENGTH].strip("-.") or "app"
    return Path(runtime_dir) / f"kernel-{safe}-{_getpid()}-{secrets.token_hex(4)}.json"


def write_connection_file(
    path: str | os.PathLike[str],
    info: ConnectionInfo,
    *,
    name: str = "",
    ipc_dir: str | os.PathLike[str] | None = None,
) -> None:
    """Write a connection file in one step, readable by its owner only from the first byte on.

    Args:
        path: where; an existing file is replaced, a missing directory is made (0700).
        info: what the file says.
        name: what the host calls this kernel, the kernel name by default.
        ipc_dir: a directory made for this kernel's ipc sockets alone, to be swept with the file.

    Raises:
        InvalidContent: `info` is nothing that a frontend could use, such as an empty key.
        OSError: the file cannot be written; nothing is left of the attempt.
    """
    check(info)
    writer = Writer(
        pid=_getpid(),
        host=_node(),
        started=_process(_getpid())[1],
        name=name or info.kernel_name,
        ipc_dir=None if ipc_dir is None else os.fspath(ipc_dir),
    )
    members = {key: value for key, value in msgspec.to_builtins(info).items() if value is not None}
    members[BLOCK] = msgspec.to_builtins(writer)
    data = msgspec.json.format(to_json(members), indent=2)
    path = Path(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # no frontend's pattern for connection files matches the temporary name
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_connection_file(path: str | os.PathLike[str]) -> bool:
    """Remove a connection file if this very process wrote it; True if it did.

    A forked child that ends must not take its parent's file along.
    """
    writer = _writer(path)
    if writer is None or writer.pid != _getpid() or writer.host != _node():
        return False
    return _remove(path)


def is_stale(path: str | os.PathLike[str]) -> bool:
    """Whether a kernel of ours wrote this file, on this machine, and its process is gone."""
    writer = _writer(path)
    return writer is not None and writer.host == _node() and not _runs(writer)


def sweep_stale(runtime_dir: str | os.PathLike[str]) -> list[Path]:
    """Remove what kernels of ours that died have left; returns the connection files removed.

    A file goes only if it carries our block, is private to us, and its process is gone from this
    machine. Whatever vanishes meanwhile or cannot be read is passed over.
    """
    return [path for path in sorted(Path(runtime_dir).glob("kernel-*.json")) if _sweep(path)]


def _sweep(path: Path) -> bool:
    writer = _writer(path)
    if writer is None or not is_stale(path):
        return False
    if writer.ipc_dir is not None:
        _remove_sockets(path, Path(writer.ipc_dir))
    removed = _remove(path)
    if writer.ipc_dir is not None and _is_private_dir(Path(writer.ipc_dir)):
        # fails, and should, if there is anything in it that is not ours
        with contextlib.suppress(OSError):
            os.rmdir(writer.ipc_dir)
    return removed


def _writer(path: str | os.PathLike[str]) -> Writer | None:
    try:
        return to_struct(read_members(path).get(BLOCK), Writer)
    except (BadConnectionFile, InvalidContent):
        return None


def _remove(path: str | os.PathLike[str]) -> bool:
    try:
        _unlink(path)
    except OSError:
        return False
    return True


def _remove_sockets(path: Path, ipc_dir: Path) -> None:
    """Remove this kernel's own socket files, where they are in the directory made for them."""
    try:
        info = to_struct(read_members(path), ConnectionInfo)
    except (BadConnectionFile, InvalidContent):
        return
    if info.transport != "ipc" or not _is_private_dir(ipc_dir):
        return
    for channel in Channel:
        socket = Path(info.endpoint(channel).removeprefix("ipc://"))
        with contextlib.suppress(OSError):
            if socket.parent == ipc_dir and stat.S_ISSOCK(socket.lstat().st_mode):
                _unlink(socket)


def _is_private_dir(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        return False
    if effective_uid is None:
        return True
    return status.st_uid == effective_uid() and not status.st_mode & 0o077


def _runs(writer: Writer) -> bool:
    """Whether the writing process is still there."""
    # pids up to 0 would be process groups to kill()
    if writer.pid <= 0 or not _pid_exists(writer.pid):
        return False
    state, started = _process(writer.pid)
    if state == ZOMBIE:
        return False
    # where either is unknown the pid alone decides: rather leave a file than take a live one's
    return started is None or writer.started is None or started == writer.started


def _process(pid: int) -> tuple[bytes, int | None]:
    """State and start of a process, in clock ticks since boot; empty and None if unknown."""
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes()
        # the process's name, in parentheses, may hold spaces and parentheses itself; behind it
        # come the state, field 3, and the start, field 22 (proc(5))
        fields = line.rpartition(b")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, ValueError, IndexError):
        return b"", None


if sys.platform == "win32":

    def _pid_exists(pid: int) -> bool:
        # os.kill(pid, 0) is no question here: it sends Ctrl-C
        import ctypes

        query_limited_information, still_active, access_denied = 0x1000, 259, 5
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        handle = kernel32.OpenProcess(query_limited_information, False, pid)
        if not handle:
            return ctypes.get_last_error() == access_denied
        code = ctypes.c_ulong()
        kernel32.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
        kernel32.CloseHandle(ctypes.c_void_p(handle))
        return code.value == still_active

else:

    def _pid_exists(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            # not ours to signal, so it is there
            return True
        return True
