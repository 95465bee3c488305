"""What a connection file says, and reading one with suspicion.

Who holds a connection file's key runs code in the kernel, so a file that others could have read
or written is refused, and so is one without a key. jupyter_client documentation, "Making kernels
for Jupyter", section "Connection files".
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from qtkernel.protocol.errors import BadConnectionFile, InvalidContent
from qtkernel.protocol.message import SIGNATURE_SCHEME, Channel
from qtkernel.protocol.typed import to_struct

# A connection file is half a kilobyte.
MAX_FILE_SIZE = 64 * 1024
MAX_TCP_PORT = 65535
CURVE_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}", re.ASCII)

# None on Windows, where modes and owners say nothing about who may read a file
effective_uid: Callable[[], int] | None = getattr(os, "geteuid", None)
_decode = msgspec.json.Decoder().decode


class ConnectionInfo(msgspec.Struct, kw_only=True, frozen=True):
    """Where the five sockets of a kernel are, and the secrets that open them.

    For ``ipc`` `ip` is the path that all five socket files begin with, and a port is the number
    that ends one. Port 0 is one not chosen yet. CURVE keys are Z85 text, both or neither.
    """

    transport: Literal["tcp", "ipc"] = "tcp"
    ip: str = "127.0.0.1"
    shell_port: int = 0
    control_port: int = 0
    stdin_port: int = 0
    iopub_port: int = 0
    hb_port: int = 0
    key: str
    signature_scheme: str = SIGNATURE_SCHEME
    kernel_name: str = ""
    curve_publickey: str | None = None
    curve_secretkey: str | None = None

    def __repr__(self) -> str:
        # this turns up in tracebacks and logs, which are no place for the secrets
        return f"<ConnectionInfo {self.transport} {self.ip} {self.ports()}>"

    def ports(self) -> dict[str, int]:
        """The five ports under their names in the connection file."""
        return {f"{each.value}_port": getattr(self, f"{each.value}_port") for each in Channel}

    def endpoint(self, channel: Channel) -> str:
        """The ZMQ endpoint of a channel: ``tcp://ip:port`` or ``ipc://ip-port``."""
        port = self.ports()[f"{channel.value}_port"]
        if self.transport == "ipc":
            return f"ipc://{self.ip}-{port}"
        ip = f"[{self.ip}]" if ":" in self.ip and not self.ip.startswith("[") else self.ip
        return f"tcp://{ip}:{port}"


def read_connection_file(path: str | os.PathLike[str]) -> ConnectionInfo:
    """Read and check a connection file; unknown keys are ignored.

    Raises:
        BadConnectionFile: it cannot or must not be used; one line that names the file, the
            field, and what to do.
    """
    members = read_members(path)
    try:
        info = to_struct(members, ConnectionInfo)
        check(info)
    except InvalidContent as error:
        raise BadConnectionFile(f"connection file {path}: {error}; correct the file") from None
    return info


def check(info: ConnectionInfo) -> None:
    """Refuse what has the right types but makes no sense.

    Raises:
        InvalidContent: names the first field that is wrong.
    """
    if not info.key:
        raise InvalidContent("key", "expected a secret, got an empty string (unsigned messages)")
    if info.signature_scheme != SIGNATURE_SCHEME:
        raise InvalidContent(
            "signature_scheme", f"expected {SIGNATURE_SCHEME!r}, got {info.signature_scheme!r}"
        )
    if not info.ip:
        raise InvalidContent("ip", "expected an address, got an empty string")
    _check_ports(info)
    _check_curve(info)


def _check_ports(info: ConnectionInfo) -> None:
    taken: dict[int, str] = {}
    for name, port in info.ports().items():
        if port < 0 or (info.transport == "tcp" and port > MAX_TCP_PORT):
            raise InvalidContent(name, f"expected a port from 0 to {MAX_TCP_PORT}, got {port}")
        if port and port in taken:
            raise InvalidContent(name, f"expected a port of its own, got {taken[port]}'s {port}")
        taken[port] = name


def _check_curve(info: ConnectionInfo) -> None:
    keys = {"curve_publickey": info.curve_publickey, "curve_secretkey": info.curve_secretkey}
    if not any(keys.values()):
        return
    for name, key in keys.items():
        if not key:
            raise InvalidContent(name, "expected both CURVE keys or neither, and it is missing")
        if not CURVE_KEY.fullmatch(key):
            raise InvalidContent(name, "expected a CURVE key, 40 characters of Z85")


def read_members(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the JSON object in a file that nobody but us can have read or written.

    Raises:
        BadConnectionFile: it cannot be read, is not ours alone, or is no JSON object.
    """
    try:
        data = _read_private(Path(path))
    except FileNotFoundError:
        raise BadConnectionFile(
            f"connection file {path} does not exist; perhaps its kernel has ended: start one"
        ) from None
    except OSError as error:
        raise BadConnectionFile(
            f"connection file {path} cannot be read ({error.strerror}); check its path and owner"
        ) from None
    try:
        members = _decode(data)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise BadConnectionFile(
            f"connection file {path} is not a JSON object; let the frontend write it again"
        )
    return members


def _read_private(path: Path) -> bytes:
    # Not blocking, so that a fifo of that name is an error and no hang; what is judged is the
    # open file, which nobody can exchange afterwards.
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        _check_private(path, os.fstat(fd))
        data = os.read(fd, MAX_FILE_SIZE + 1)
    finally:
        os.close(fd)
    if len(data) > MAX_FILE_SIZE:
        raise BadConnectionFile(
            f"connection file {path} is larger than {MAX_FILE_SIZE} bytes; name another"
        )
    return data


def _check_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise BadConnectionFile(f"connection file {path} is not a regular file; name another")
    if effective_uid is None:
        return
    if status.st_uid not in (effective_uid(), 0):
        raise BadConnectionFile(
            f"connection file {path} belongs to another user (uid {status.st_uid}), who knows its "
            "key; have one written as your own"
        )
    if status.st_mode & 0o077:
        raise BadConnectionFile(
            f"connection file {path} is open to other users (mode "
            f"{stat.S_IMODE(status.st_mode):04o}), and its key lets them run code; "
            f"chmod 600 {path}"
        )
