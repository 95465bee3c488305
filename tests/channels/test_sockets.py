"""Binding: real ports filled in, errors that a person can read, who may connect."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import pytest
import zmq

from qtkernel.channels.sockets import BOUND_CHANNELS, BindError, Endpoints, bind_all, new_curve_keys
from qtkernel.protocol import Channel, ConnectionInfo, new_key


def test_ports_left_open_are_filled_in(endpoints: Endpoints, info: ConnectionInfo) -> None:
    ports = endpoints.info.ports()
    assert len(set(ports.values())) == 5
    assert all(port > 1024 for port in ports.values())
    assert msgspec.structs.replace(endpoints.info, **info.ports()) == info
    for port in ports.values():
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_only_the_loopback_interface_is_served(endpoints: Endpoints) -> None:
    for channel in BOUND_CHANNELS:
        last = endpoints.sockets[channel].getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(last, bytes)
        assert last.startswith(b"tcp://127.0.0.1:")


def test_a_port_in_use_is_named_with_its_channel(info: ConnectionInfo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = msgspec.structs.replace(info, stdin_port=port)
        with pytest.raises(BindError) as caught:
            bind_all(taken)
    assert str(caught.value.strerror) == (
        f"cannot bind tcp://127.0.0.1:{port} for the stdin channel: it is in use, perhaps by "
        "another kernel; choose another port, or 0 for any"
    )
    assert isinstance(caught.value, OSError)


def test_what_was_bound_before_an_error_is_free_again(info: ConnectionInfo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        shell_port = free.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as server:
        wishes = msgspec.structs.replace(
            info, shell_port=shell_port, hb_port=server.getsockname()[1]
        )
        with pytest.raises(BindError):
            bind_all(wishes)
    socket.create_server(("127.0.0.1", shell_port)).close()


@pytest.mark.parametrize(
    ("ip", "why"),
    [
        ("192.0.2.1", "this machine has no such address; use 127.0.0.1 or one of its own"),
        ("no such host", ""),
    ],
)
def test_a_bad_address_is_said_in_a_sentence(info: ConnectionInfo, ip: str, why: str) -> None:
    with pytest.raises(BindError) as caught:
        bind_all(msgspec.structs.replace(info, ip=ip))
    assert f"cannot bind tcp://{ip}:" in str(caught.value)
    assert why in str(caught.value)


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_ipv6(info: ConnectionInfo) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6 loopback here")
    bound = bind_all(msgspec.structs.replace(info, ip="::1"))
    assert all(bound.info.ports().values())
    bound.close()


# Unix sockets

needs_unix_sockets = pytest.mark.skipif(os.name != "posix", reason="there are no Unix sockets")


@pytest.fixture
def ipc(info: ConnectionInfo, tmp_path: Path) -> ConnectionInfo:
    return msgspec.structs.replace(info, transport="ipc", ip=str(tmp_path / "s"))


@needs_unix_sockets
def test_ipc_binds_a_file_for_each_channel_and_takes_it_away(
    ipc: ConnectionInfo, tmp_path: Path
) -> None:
    bound = bind_all(ipc)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"s-{n}" for n in range(1, 6)]
    bound.close()
    assert list(tmp_path.iterdir()) == []


@needs_unix_sockets
def test_ipc_does_not_take_the_socket_of_a_kernel_that_lives(ipc: ConnectionInfo) -> None:
    """libzmq removes the file and binds: the kernel that was there would be out of reach."""
    bound = bind_all(ipc)
    with pytest.raises(BindError, match="it is in use"):
        bind_all(bound.info)
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.connect(bound.info.endpoint(Channel.SHELL))
    dealer.send(b"x")
    assert bound.sockets[Channel.SHELL].poll(5000)
    context.destroy(linger=0)
    bound.close()


@needs_unix_sockets
def test_ipc_takes_the_socket_of_one_that_is_dead(ipc: ConnectionInfo, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s-1"))
    bound = bind_all(ipc)
    bound.close()


@needs_unix_sockets
def test_ipc_in_a_directory_that_is_not_there(ipc: ConnectionInfo, tmp_path: Path) -> None:
    with pytest.raises(BindError, match="for the shell channel: No such file or directory"):
        bind_all(msgspec.structs.replace(ipc, ip=str(tmp_path / "nowhere" / "s")))


# CurveZMQ


@pytest.fixture
def curve() -> ConnectionInfo:
    public, secret = new_curve_keys()
    return ConnectionInfo(key=new_key(), curve_publickey=public, curve_secretkey=secret)


@pytest.mark.parametrize("keys", ["none", "right", "wrong server key"])
def test_with_curve_only_who_has_the_server_s_key_gets_in(curve: ConnectionInfo, keys: str) -> None:
    bound = bind_all(curve)
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    if keys != "none":
        server_key = curve.curve_publickey if keys == "right" else new_curve_keys()[0]
        assert server_key is not None
        public, secret = zmq.curve_keypair()
        dealer.setsockopt(zmq.CURVE_PUBLICKEY, public)
        dealer.setsockopt(zmq.CURVE_SECRETKEY, secret)
        dealer.setsockopt(zmq.CURVE_SERVERKEY, server_key.encode())
    monitor = dealer.get_monitor_socket(
        zmq.EVENT_HANDSHAKE_SUCCEEDED
        | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | zmq.EVENT_DISCONNECTED
    )
    dealer.connect(bound.info.endpoint(Channel.SHELL))
    dealer.send(b"hello")
    assert monitor.poll(10_000), "the handshake ends, one way or the other"
    came = bool(bound.sockets[Channel.SHELL].poll(5000 if keys == "right" else 200))
    assert came is (keys == "right")
    dealer.disable_monitor()
    monitor.close()
    context.destroy(linger=0)
    bound.close()


def test_new_curve_keys_are_new() -> None:
    pairs = {new_curve_keys() for _ in range(3)}
    assert len(pairs) == 3
    assert all(len(key) == 40 for pair in pairs for key in pair)


# Options


def test_what_the_sockets_are_set_to(endpoints: Endpoints) -> None:
    for channel in BOUND_CHANNELS:
        bound = endpoints.sockets[channel]
        assert bound.getsockopt(zmq.MAXMSGSIZE) == 1 << 30
        if channel is not Channel.IOPUB:
            # a reply that is dropped is a frontend that waits for ever
            assert (bound.sndhwm, bound.rcvhwm) == (0, 0)


def test_a_second_client_of_the_same_identity_does_not_get_the_first_one_s_replies(
    endpoints: Endpoints,
) -> None:
    """ROUTER_HANDOVER is off: routing ids are public on IOPub."""
    context = zmq.Context()
    first, second = (context.socket(zmq.DEALER) for _ in range(2))
    shell = endpoints.sockets[Channel.SHELL]
    for dealer in (first, second):
        dealer.linger = 0
        dealer.setsockopt(zmq.IDENTITY, b"same")
        dealer.connect(endpoints.info.endpoint(Channel.SHELL))
        if dealer is first:
            dealer.send(b"here I am")
            assert shell.recv_multipart() == [b"same", b"here I am"]
    assert second.poll(200) == 0  # time enough to take over
    shell.send_multipart([b"same", b"secret"])
    assert first.poll(5000)
    assert second.poll(200) == 0
    context.destroy(linger=0)
