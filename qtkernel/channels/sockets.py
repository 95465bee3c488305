"""Sockets as the kernel wants them: options, CurveZMQ, and errors that a person can read."""

from __future__ import annotations

import errno
import os
import socket as socket_module
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import zmq

from qtkernel.channels.connections import monitored
from qtkernel.protocol import Channel, ConnectionInfo

# One message part larger than this is refused by libzmq before it is read. A frontend has no
# reason to send more; 1 GiB leaves room for the buffers of comm messages.
MAX_MESSAGE_SIZE = 1 << 30

# Replies pile up here while their frontend is slow. ROUTER drops silently at its high-water mark,
# and a dropped reply is a frontend that waits for ever, so there is none.
UNBOUNDED = 0

# Messages that libzmq may hold for one subscriber of IOPub before it counts as slow.
PIPE_MESSAGES = 20_000

BOUND_CHANNELS = (Channel.SHELL, Channel.CONTROL, Channel.STDIN, Channel.IOPUB, Channel.HB)

# the channels by which frontends ask for something: who has connected there, and is gone
MONITORED_CHANNELS = (Channel.SHELL, Channel.CONTROL)


class BindError(OSError):
    """An endpoint of the connection file cannot be bound; the message says which and why."""

    def __str__(self) -> str:
        return str(self.strerror)  # without the "[Errno 98]"


@dataclass
class Endpoints:
    """The bound sockets of one kernel, and the connection info with the real port numbers."""

    context: zmq.Context[zmq.Socket[bytes]]
    info: ConnectionInfo
    sockets: dict[Channel, zmq.Socket[bytes]] = field(default_factory=dict)
    monitors: dict[Channel, zmq.Socket[bytes]] = field(default_factory=dict)
    bound: list[Channel] = field(default_factory=list)
    """The channels whose endpoints are ours: not one that another kernel turned out to serve."""

    def close(self) -> None:
        """Close what is still open. Idempotent."""
        for socket in self.sockets.values():
            socket.close(linger=0)
        for monitor in self.monitors.values():
            monitor.close(linger=0)
        self.context.term()
        self.remove_ipc_files()

    def remove_ipc_files(self) -> None:
        """Remove the Unix socket files: libzmq leaves them where a process dies or forks."""
        if self.info.transport == "ipc":
            for channel in self.bound:
                Path(self.info.endpoint(channel).removeprefix("ipc://")).unlink(missing_ok=True)


def new_curve_keys() -> tuple[str, str]:
    """A new CurveZMQ key pair, public and secret, as connection files hold it (Z85)."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def bind_all(info: ConnectionInfo) -> Endpoints:
    """Create and bind the five sockets of "Introduction" in the messaging document.

    Ports that are 0 in `info` are chosen here and are filled in in the result.

    Raises:
        BindError: an endpoint is taken or cannot be used.
    """
    endpoints = Endpoints(zmq.Context(), info)
    try:
        for channel in BOUND_CHANNELS:
            socket = _create(endpoints.context, channel)
            endpoints.sockets[channel] = socket
            if channel in MONITORED_CHANNELS:
                endpoints.monitors[channel] = monitored(socket, channel.value)
            _secure(socket, endpoints.info)
            endpoints.info = _bind(socket, endpoints.info, channel)
            endpoints.bound.append(channel)
    except BaseException:
        endpoints.close()
        raise
    return endpoints


def _create(context: zmq.Context[zmq.Socket[bytes]], channel: Channel) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.XPUB if channel is Channel.IOPUB else zmq.ROUTER)
    socket.linger = 1000
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_SIZE)
    if channel is Channel.IOPUB:
        # every subscription is told to us, so that each subscriber gets its iopub_welcome
        socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        socket.sndhwm = PIPE_MESSAGES
    else:
        # ROUTER_HANDOVER stays off: routing ids are public on IOPub, and with it on an outsider
        # without the key takes over a victim's replies.
        socket.sndhwm = UNBOUNDED
        socket.rcvhwm = UNBOUNDED
    if channel is Channel.STDIN:
        # an input_request that reaches nobody must be an error, not a cell that waits for ever
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    return socket


def _secure(socket: zmq.Socket[bytes], info: ConnectionInfo) -> None:
    # libzmq takes no IPv6 address without it
    socket.ipv6 = info.transport == "tcp" and ":" in info.ip
    if info.curve_secretkey and info.curve_publickey:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, info.curve_secretkey.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, info.curve_publickey.encode())
    if info.transport == "ipc" and hasattr(os, "getuid") and hasattr(zmq, "IPC_FILTER_UID"):
        socket.setsockopt(zmq.IPC_FILTER_UID, os.getuid())


def _bind(socket: zmq.Socket[bytes], info: ConnectionInfo, channel: Channel) -> ConnectionInfo:
    field_name = f"{channel.value}_port"
    port = getattr(info, field_name)
    if port == 0 and info.transport == "tcp":
        chosen = _bind_any_port(socket, info)
        return msgspec.structs.replace(info, **{field_name: chosen})
    if port == 0:
        info = msgspec.structs.replace(info, **{field_name: BOUND_CHANNELS.index(channel) + 1})
    endpoint = info.endpoint(channel)
    try:
        if _is_served(endpoint):
            raise zmq.ZMQError(zmq.EADDRINUSE)
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise BindError(error.errno or 0, _why(error, endpoint, channel)) from None
    return info


def _is_served(endpoint: str) -> bool:
    """Whether somebody listens on an ipc endpoint: libzmq would take the file away from him."""
    path = endpoint.removeprefix("ipc://")
    if path == endpoint or not os.path.exists(path):
        return False
    with socket_module.socket(socket_module.AF_UNIX, socket_module.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == 0


def _bind_any_port(socket: zmq.Socket[bytes], info: ConnectionInfo) -> int:
    endpoint = msgspec.structs.replace(info, shell_port=0).endpoint(Channel.SHELL)
    try:
        socket.bind(endpoint.removesuffix(":0") + ":*")
    except zmq.ZMQError as error:
        raise BindError(error.errno or 0, _why(error, endpoint, None)) from None
    last = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(last, bytes)
    return int(last.rstrip(b"\0").rpartition(b":")[2])


def _why(error: zmq.ZMQError, endpoint: str, channel: Channel | None) -> str:
    what = f"cannot bind {endpoint}" + (f" for the {channel.value} channel" if channel else "")
    if error.errno == zmq.EADDRINUSE:
        return f"{what}: it is in use, perhaps by another kernel; choose another port, or 0 for any"
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return f"{what}: this machine has no such address; use 127.0.0.1 or one of its own"
    return f"{what}: {os.strerror(error.errno or 0)}"
