"""One kernel of the comparison: its process, and a frontend made of bare sockets.

The frontend can say anything, also what no client library would: contents that are null or of the
wrong type, lone surrogates, headers that lack a field.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import zmq

from qtkernel.protocol import DELIMITER, Channel, read_connection_file
from tests.frontends.support.programs import Home, KernelProgram, Program, next_number, wait_until
from tests.protocol.signing import signed

PATIENCE = 30.0
"""Seconds that anything may take."""

ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen", "PYTHONWARNINGS": "", "TERM": "dumb"}


@dataclass(frozen=True)
class Wired:
    """A message as it was on the wire."""

    channel: Channel
    topic: bytes
    header: dict[str, Any]
    parent_header: dict[str, Any]
    metadata: dict[str, Any]
    content: Any
    buffers: tuple[bytes, ...]

    @property
    def msg_type(self) -> str:
        """The message's type."""
        return str(self.header["msg_type"])

    @property
    def parent_id(self) -> str:
        """The msg_id of the request that it belongs to; "" if it names none."""
        return str(self.parent_header.get("msg_id", ""))

    def ends(self, msg_id: str) -> bool:
        """Whether it is the idle of a request."""
        idle = self.msg_type == "status" and self.content["execution_state"] == "idle"
        return idle and self.parent_id == msg_id


Condition = Callable[[Wired], object]


@dataclass(frozen=True)
class Sent:
    """A message that the frontend has sent."""

    msg_id: str
    msg_type: str
    channel: Channel
    content: Any
    header_bytes: bytes


class Peer:
    """A kernel in a process of its own, and one frontend of it.

    Args:
        name: ``ipykernel``, or the event loop of a qtkernel and more arguments.
    """

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        directory.mkdir()
        home = Home(directory, None)
        startup = home.ipython / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "first.py").write_text("__import__('sys').of_startup = True\n")
        if name == "ipykernel":
            self.program = _start_ipykernel(home)
        else:
            loop, *more = name.split()
            self.program = KernelProgram(home, loop, more, environment=ENVIRONMENT)
        info = read_connection_file(self.program.connection_file)
        self._key = info.key.encode()
        self.session = uuid.uuid4().hex
        self._context: zmq.Context[Any] = zmq.Context()
        self._sockets: dict[Channel, Any] = {}
        self.greeting: list[Wired] = []
        for channel in (Channel.SHELL, Channel.CONTROL, Channel.STDIN, Channel.IOPUB):
            kind = zmq.SUB if channel is Channel.IOPUB else zmq.DEALER
            self._sockets[channel] = self._connect(kind, info.endpoint(channel))
        self._sockets[Channel.IOPUB].setsockopt(zmq.SUBSCRIBE, b"")
        self.greeting = self._greeting()

    def _connect(self, kind: int, endpoint: str) -> Any:
        socket = self._context.socket(kind)
        socket.linger = 0
        if kind == zmq.DEALER:
            # the question of input() goes to the address that the request came from
            socket.setsockopt(zmq.IDENTITY, self.session.encode())
        socket.connect(endpoint)
        return socket

    def _greeting(self) -> list[Wired]:
        """What a subscriber hears, but for the kernel's `starting`, which it can have missed."""
        heard = []
        while not heard or heard[-1].msg_type != "iopub_welcome":
            heard.append(self.receive(Channel.IOPUB))
        return [message for message in heard if message.msg_type != "status"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)
        self.program.stop()

    def check(self) -> None:
        """Fail if our kernel has said something on stderr, where it should say nothing."""
        if self.name != "ipykernel":
            assert self.program.unexpected() == [], str(self.program)

    # Sending

    def send(
        self,
        msg_type: str,
        content: object,
        *,
        channel: Channel = Channel.SHELL,
        metadata: object = None,
        parent_header: object = None,
        buffers: Sequence[bytes] = (),
        header: Mapping[str, Any] | None = None,
        raw: bytes | None = None,
    ) -> Sent:
        """Send a message.

        Args:
            header: fields beside the usual ones, or instead of them.
            raw: the content, if it is to be no JSON.
        """
        fields = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": msg_type,
            "session": self.session,
            "username": "somebody",
            "date": "2026-01-02T03:04:05.678901Z",
            "version": "5.4",
        } | dict(header or {})
        parts = [
            _json(fields),
            _json({} if parent_header is None else parent_header),
            _json({} if metadata is None else metadata),
            _json(content) if raw is None else raw,
        ]
        self._sockets[channel].send_multipart(signed(*parts, *buffers, key=self._key))
        return Sent(str(fields["msg_id"]), msg_type, channel, content, parts[0])

    # Receiving

    def receive(self, channel: Channel) -> Wired:
        """The next message on a channel; its signature is right."""
        socket = self._sockets[channel]
        came = socket.poll(int(PATIENCE * 1000))
        assert came, f"nothing (more) came on {channel.value} from\n{self.program}"
        frames = socket.recv_multipart()
        at = frames.index(DELIMITER)
        parts = frames[at + 2 : at + 6]
        assert frames[at : at + 6] == signed(*parts, key=self._key)
        header, parent_header, metadata, content = (json.loads(part) for part in parts)
        return Wired(
            channel,
            b"|".join(frames[:at]) if channel is Channel.IOPUB else b"",
            header,
            parent_header,
            metadata,
            content,
            tuple(frames[at + 6 :]),
        )

    def waiting(self, channel: Channel) -> bool:
        """Whether a message is there."""
        return bool(self._sockets[channel].poll(0))


def _start_ipykernel(home: Home) -> Program:
    path = home.runtime / f"kernel-ipykernel-{next_number()}.json"
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(path)]
    program = Program(home, command, expected=lambda _line: True, environment=ENVIRONMENT)
    program.connection_file = path
    # it is written in place: what is there at first may be half of it
    wait_until(lambda: _complete(path), PATIENCE, f"{path} written by\n{program}")
    return program


def _complete(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text())["shell_port"])
    except (OSError, ValueError):
        return False


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
