"""Registration files: instead of endpoints they say where a kernel tells its own.

jupyter_client documentation, "Registration file format"; messaging document, "Kernel startup
handshake" (protocol 5.6, JEP 66).
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from qtkernel.protocol.connection import MAX_TCP_PORT, ConnectionInfo, check, read_members
from qtkernel.protocol.errors import BadConnectionFile, InvalidContent
from qtkernel.protocol.message import SIGNATURE_SCHEME, Channel
from qtkernel.protocol.typed import to_struct


class RegistrationInfo(msgspec.Struct, kw_only=True, frozen=True):
    """Where a launcher waits for the kernel `kernel_id`, and the secret that both sign with."""

    kernel_id: str
    transport: Literal["tcp", "ipc"] = "tcp"
    registration_ip: str = "127.0.0.1"
    registration_port: int
    signature_scheme: str = SIGNATURE_SCHEME
    key: str

    def __repr__(self) -> str:
        return f"<RegistrationInfo {self.kernel_id} {self.endpoint}>"  # without the secret

    @property
    def endpoint(self) -> str:
        """The ZMQ endpoint of the launcher's socket."""
        launcher = ConnectionInfo(
            transport=self.transport,
            ip=self.registration_ip,
            shell_port=self.registration_port,
            key=self.key,
        )
        return launcher.endpoint(Channel.SHELL)

    def own(self, kernel_name: str) -> ConnectionInfo:
        """What the kernel is to bind. The launcher is only told ports: all else is as its own."""
        return ConnectionInfo(
            transport=self.transport,
            ip=self.registration_ip,
            key=self.key,
            signature_scheme=self.signature_scheme,
            kernel_name=kernel_name,
            **(self._free_ipc_ports() if self.transport == "ipc" else {}),
        )

    def _free_ipc_ports(self) -> dict[str, Any]:
        # nobody chooses for us; the kernels of one launcher share the path
        free: list[int] = []
        while len(free) < len(Channel):
            port = random.randint(1024, MAX_TCP_PORT)
            if port not in (*free, self.registration_port) and not os.path.exists(
                f"{self.registration_ip}-{port}"
            ):
                free.append(port)
        return {f"{channel.value}_port": port for channel, port in zip(Channel, free, strict=True)}

    def message(self, info: ConnectionInfo) -> dict[str, str]:
        """What the kernel tells, its sockets being bound. Ports are text there."""
        ports = {name: str(port) for name, port in info.ports().items()}
        return {"kernel_id": self.kernel_id, **ports}


def read_registration_file(path: str | os.PathLike[str]) -> RegistrationInfo | None:
    """Read a file that a launcher has handed over; None if it is a connection file.

    Raises:
        BadConnectionFile: it cannot or must not be used.
    """
    members = read_members(path)
    if "registration_port" not in members:
        return None
    try:
        return _checked(members)
    except InvalidContent as error:
        raise BadConnectionFile(
            f"registration file {Path(path)}: {error}; correct the file"
        ) from None


def _checked(members: Mapping[str, Any]) -> RegistrationInfo:
    info = to_struct(members, RegistrationInfo)
    if not 0 < info.registration_port <= MAX_TCP_PORT:
        raise InvalidContent(
            "registration_port",
            f"expected a port from 1 to {MAX_TCP_PORT}, got {info.registration_port}",
        )
    if not info.registration_ip:
        raise InvalidContent("registration_ip", "expected an address, got an empty string")
    check(info.own(""))
    return info
