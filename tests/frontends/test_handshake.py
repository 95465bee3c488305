"""A kernel that is started with a registration file chooses its ports and tells its launcher."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupyter_client.session
import pytest
import zmq
from jupyter_client.blocking.client import BlockingKernelClient

from tests.frontends.conftest import Starter
from tests.frontends.support.programs import Program

KEY = b"the launcher's secret"


class Launcher:
    """What a launcher of protocol 5.6 does, with jupyter_client's signatures."""

    def __init__(self, directory: Path, transport: str) -> None:
        self.session = jupyter_client.session.Session(key=KEY)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.ROUTER)
        self.transport = transport
        if transport == "tcp":
            self.ip, port = "127.0.0.1", self.socket.bind_to_random_port("tcp://127.0.0.1")
        else:
            self.ip, port = str(directory / "r"), 7
            self.socket.bind(f"ipc://{self.ip}-7")
        self.file = directory / "registration.json"
        self.file.touch(0o600)
        members = {
            "kernel_id": "k-1",
            "transport": transport,
            "registration_ip": self.ip,
            "registration_port": port,
            "signature_scheme": "hmac-sha256",
            "key": KEY.decode(),
        }
        self.file.write_text(json.dumps(members))

    def receive(self) -> tuple[bytes, dict[str, Any]]:
        """Wait for a kernel: its identity, and what it says."""
        assert self.socket.poll(30_000), "no kernel has registered"
        identity, delimiter, signature, content = self.socket.recv_multipart()
        assert (delimiter, signature) == (b"<IDS|MSG>", self.session.sign([content]))
        return identity, json.loads(content)

    def acknowledge(self, identity: bytes, key: bytes = KEY) -> None:
        """Tell a kernel that it may stay."""
        signature = jupyter_client.session.Session(key=key).sign([b"{}"])
        self.socket.send_multipart([identity, b"<IDS|MSG>", signature, b"{}"])

    def client(self, told: dict[str, Any]) -> BlockingKernelClient:
        """Connect to a kernel by what it has told."""
        ports = {name: int(port) for name, port in told.items() if name.endswith("_port")}
        assert len(set(ports.values())) == 5
        client = BlockingKernelClient()
        client.load_connection_info(
            {
                "transport": self.transport,
                "ip": self.ip,
                "key": KEY.decode(),
                "signature_scheme": "hmac-sha256",
                **ports,
            }
        )
        return client

    def close(self) -> None:
        """Go away."""
        self.socket.close(linger=0)
        self._context.term()


@pytest.fixture(params=["tcp", "ipc"])
def launcher(request: pytest.FixtureRequest, start: Starter) -> Iterator[Launcher]:
    """One of each kind."""
    launcher = Launcher(start.home.directory, request.param)
    yield launcher
    launcher.close()


def started(start: Starter, launcher: Launcher, **options: Any) -> Program:
    command = [sys.executable, "-m", "qtkernel", "--gui=headless", "-f", str(launcher.file)]
    return start.program(command, **options)


def test_a_kernel_registers_and_serves(start: Starter, launcher: Launcher) -> None:
    program = started(start, launcher)
    identity, told = launcher.receive()
    assert told.pop("kernel_id") == "k-1"
    # the file for other frontends is there by now, and the launcher's own is left alone
    (file,) = start.home.runtime.glob("kernel-qtkernel-*.json")
    assert json.loads(file.read_text())["key"] == KEY.decode()
    launcher.acknowledge(identity)
    client = launcher.client(told)
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        reply = client.execute("6 * 7", reply=True, timeout=30)
        assert reply["content"]["status"] == "ok"
    finally:
        client.stop_channels()
    other = start.frontend_of(file)
    assert other.run("1 + 1").result == "2"
    other.shutdown()
    assert program.wait() == 0
    assert not file.exists()
    assert "registration_port" in launcher.file.read_text()


def test_a_kernel_that_is_not_acknowledged_ends(start: Starter, launcher: Launcher) -> None:
    program = started(start, launcher, expected=lambda line: "error" in line)
    identity, _ = launcher.receive()
    launcher.acknowledge(identity, b"another key")
    assert program.wait() == 2
    (line,) = program.stderr
    assert "does not acknowledge this kernel" in line
    assert not list(start.home.runtime.iterdir())
