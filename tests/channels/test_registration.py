"""The handshake with a launcher, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from qtkernel.channels.registration import RegistrationFailed, register
from qtkernel.protocol import ConnectionInfo, Session
from qtkernel.protocol.registration import RegistrationInfo

INFO = ConnectionInfo(
    shell_port=1, control_port=2, stdin_port=3, iopub_port=4, hb_port=5, key="secret"
)
Frames = list[bytes]


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    """A context that ends, since all of its sockets are closed."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield context
    context.term()


class Launcher:
    """A launcher that answers once, on a thread of its own."""

    def __init__(self, answer: Callable[[Frames], list[Frames]]) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self.port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        self._answer = answer
        self.told: Frames = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._socket as socket:
            if socket.poll(10_000):
                self.told = socket.recv_multipart()
                for frames in self._answer(self.told):
                    socket.send_multipart(frames)
        self._context.term()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()


def registration(port: int) -> RegistrationInfo:
    return RegistrationInfo(kernel_id="k-1", registration_port=port, key="secret")


def signed(told: Frames, key: bytes = b"secret") -> Frames:
    return [told[0], *Session(key).pack_alone({"status": "ok"})]


def test_a_kernel_is_registered(context: zmq.Context[Any]) -> None:
    launcher = Launcher(lambda told: [signed(told)])
    register(context, registration(launcher.port), INFO)
    launcher.join()
    content = json.loads(Session(b"secret").unpack_alone(launcher.told))
    assert content == {
        "kernel_id": "k-1",
        "shell_port": "1",
        "control_port": "2",
        "stdin_port": "3",
        "iopub_port": "4",
        "hb_port": "5",
    }


def test_an_answer_with_another_key(context: zmq.Context[Any]) -> None:
    launcher = Launcher(lambda told: [signed(told, b"wrong")])
    with pytest.raises(RegistrationFailed, match=r"does not acknowledge this kernel.*another key"):
        register(context, registration(launcher.port), INFO)
    launcher.join()


def test_no_answer(context: zmq.Context[Any]) -> None:
    launcher = Launcher(lambda _told: [])
    with pytest.raises(RegistrationFailed, match=f"from tcp://127.0.0.1:{launcher.port} within"):
        register(context, registration(launcher.port), INFO, timeout=0.1)
    launcher.join()


def test_an_address_that_is_none(context: zmq.Context[Any]) -> None:
    info = RegistrationInfo(
        kernel_id="k", registration_ip="not an address", registration_port=5, key="k"
    )
    with pytest.raises(RegistrationFailed, match="cannot connect to tcp://not an address:5"):
        register(context, info, INFO, timeout=0.1)
