"""A client that does as little as a client can: bare ZMQ sockets, and a clock beside them.

It costs every kernel the same. Requests are packed and signed before the clock starts. While it
runs, a message is decoded just far enough to know whether it is awaited; its signature and its
status are checked after the clock has stopped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import msgspec
import zmq

from qtkernel.protocol import DELIMITER, Channel, ConnectionInfo, Session

PATIENCE = 30.0
"""Seconds without any message after which a kernel counts as stuck."""

Frames = list[bytes]

_clock = time.perf_counter


class NoAnswer(RuntimeError):
    """The kernel did not answer, or not with status ok."""


class _Id(msgspec.Struct):
    msg_id: str = ""


class _State(msgspec.Struct):
    execution_state: str = ""


_id_of = msgspec.json.Decoder(_Id).decode
_state_of = msgspec.json.Decoder(_State).decode


@dataclass(frozen=True)
class Timing:
    """Seconds from the first byte of the first request to ..."""

    reply: float
    """... the last reply, in the client's hands."""
    idle: float
    """... the last status idle, in the client's hands."""


class Client:
    """One DEALER for shell and one SUB for iopub.

    Args:
        info: where the kernel is; TCP or ipc, without CurveZMQ.
    """

    def __init__(self, info: ConnectionInfo) -> None:
        self._session = Session(info.key.encode())
        self._context = zmq.Context[zmq.Socket[bytes]]()
        self._shell = self._connect(zmq.DEALER, info.endpoint(Channel.SHELL))
        self._iopub = self._connect(zmq.SUB, info.endpoint(Channel.IOPUB))
        self._iopub.subscribe(b"")
        self._poller = zmq.Poller()
        self._poller.register(self._shell, zmq.POLLIN)
        self._poller.register(self._iopub, zmq.POLLIN)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._context.destroy(linger=0)

    def _connect(self, kind: int, endpoint: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        # a full pipe drops messages, and a thousand pipelined cells are four thousand of them
        socket.rcvhwm = socket.sndhwm = 0
        socket.connect(endpoint)
        return socket

    def wait_until_ready(self, patience: float) -> None:
        """Return when the kernel answers on shell and is heard on iopub.

        Raises:
            NoAnswer: not within `patience` seconds.
        """
        request, msg_id = self._pack("kernel_info_request", {})
        self._shell.send_multipart(request)
        deadline = _clock() + patience
        if not self._shell.poll(int(patience * 1000)):
            raise NoAnswer(f"no kernel_info_reply within {patience:.0f} s")
        while not self._heard(msg_id):
            # The subscription may arrive after the request: ask again until the idle is heard.
            if _clock() > deadline:
                raise NoAnswer(f"nothing heard on iopub within {patience:.0f} s")
            request, msg_id = self._pack("kernel_info_request", {})
            self._shell.send_multipart(request)

    def _heard(self, msg_id: str) -> bool:
        while self._iopub.poll(200):
            if _is_idle_of(msg_id, self._iopub.recv_multipart()):
                while self._shell.poll(0):
                    self._shell.recv_multipart()
                return True
        return False

    def ask(self, msg_type: str, content: Mapping[str, Any], count: int = 1) -> Timing:
        """Send `count` equal requests at once and wait for the last one's reply and idle.

        Raises:
            NoAnswer: a reply is missing, out of order, not signed with the key, or not ok.
        """
        packed = [self._pack(msg_type, content) for _ in range(count)]
        last = packed[-1][1]
        replies: list[Frames] = []
        replied = idle = 0.0
        begun = _clock()
        for frames, _ in packed:
            self._shell.send_multipart(frames)
        while not (idle and len(replies) == count):
            ready = self._poller.poll(int(PATIENCE * 1000))
            if not ready:
                raise NoAnswer(f"{len(replies)} of {count} replies came for {msg_type}")
            for socket, _ in ready:
                frames = socket.recv_multipart()
                if socket is self._shell:
                    replies.append(frames)
                    replied = _clock()
                elif _is_idle_of(last, frames):
                    idle = _clock()
        self._check(replies, [msg_id for _, msg_id in packed])
        return Timing(replied - begun, idle - begun)

    def _pack(self, msg_type: str, content: Mapping[str, Any]) -> tuple[Frames, str]:
        frames = [bytes(frame) for frame in self._session.pack(msg_type, content)]
        return frames, _id_of(frames[2]).msg_id

    def _check(self, replies: list[Frames], asked: list[str]) -> None:
        for frames, msg_id in zip(replies, asked, strict=True):
            reply = self._session.unpack(frames)
            if _id_of(reply.parent_header_bytes).msg_id != msg_id:
                raise NoAnswer(f"a {reply.msg_type} is out of order")
            if reply.content_dict().get("status") != "ok":
                raise NoAnswer(f"a {reply.msg_type} says {reply.content_bytes.decode()}")


def _is_idle_of(msg_id: str, frames: Frames) -> bool:
    start = frames.index(DELIMITER)
    parent, content = frames[start + 3], frames[start + 5]
    # the text first: of four messages a cell one can be it, and only that one is decoded
    return (
        b'"idle"' in content
        and _id_of(parent).msg_id == msg_id
        and _state_of(content).execution_state == "idle"
    )
