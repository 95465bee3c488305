"""The client's end of the connection to a debug adapter, driven by the control thread's loop."""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
from collections.abc import Callable, Container, Mapping
from typing import Any

from qtkernel.interpreter import Pending
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import dap
from qtkernel.protocol.dap import DapMessage

_CHUNK = 65536

_log = logging.getLogger("qtkernel.kernel")


class _Asked:
    """A request that has been sent."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.answered = Pending()
        self.response: DapMessage = dap.failure(0, command, "the debugger has ended")


class DebugConnection:
    """Sends requests and sorts out what comes. Everything belongs to the loop's thread.

    Reading is driven by the loop. Sending blocks, but not for long: the other end is a thread that
    does nothing but read.

    Args:
        end: of the stream; belongs to the connection from here on.
        on_event: gets every event.
        on_lost: called when the other end has gone away, after all requests have been answered.
    """

    def __init__(
        self,
        end: socket.socket,
        loop: EventLoop,
        on_event: Callable[[DapMessage], object],
        on_lost: Callable[[], object],
    ) -> None:
        self._end = end
        self._loop = loop
        self._on_event = on_event
        self._on_lost = on_lost
        self._deframer = dap.Deframer()
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._open = True
        loop.add_reader(end.fileno(), self._read)

    async def request(self, command: str, arguments: Mapping[str, Any]) -> DapMessage:
        """Send a request and wait for its response; one that says so if the connection ends."""
        asked = self._send(command, arguments)
        await asked.answered
        return asked.response

    def post(self, command: str, arguments: Mapping[str, Any]) -> None:
        """Send a request whose response nobody waits for."""
        self._send(command, arguments)

    def waits_for(self, commands: Container[str]) -> bool:
        """Whether one of these has been asked and not answered."""
        return any(asked.command in commands for asked in self._asked.values())

    def give_up(self, commands: Container[str], reason: str) -> None:
        """Answer by a failure what has been asked of these commands."""
        for number, asked in list(self._asked.items()):
            if asked.command in commands:
                del self._asked[number]
                asked.response = dap.failure(0, asked.command, reason)
                asked.answered.resolve()

    def hang_up(self) -> None:
        """Answer all that has been asked, by a failure, and say no more. Idempotent.

        What the other end still says is not read; `close` it when that has noticed. (Closed at
        once, pydevd's threads wait for one another: its end takes 0.5 s instead of 0.1.)
        """
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._end.fileno())
        with contextlib.suppress(OSError):  # it is gone already
            self._end.shutdown(socket.SHUT_WR)
        asked, self._asked = self._asked, {}
        for each in asked.values():
            each.answered.resolve()

    def close(self) -> None:
        """Close. Idempotent."""
        self.hang_up()
        self._end.close()

    def _send(self, command: str, arguments: Mapping[str, Any]) -> _Asked:
        asked = _Asked(command)
        number = next(self._numbers)
        if self._open:
            self._asked[number] = asked
            try:
                self._end.sendall(dap.frame(dap.request(number, command, arguments)))
            except OSError:
                self._lose()
        else:
            asked.answered.resolve()
        return asked

    def _read(self) -> None:
        try:
            data = self._end.recv(_CHUNK)
            messages = self._deframer.feed(data)
        except (OSError, dap.BadFraming):
            _log.warning("the connection to the debugger is broken", exc_info=True)
            self._lose()
            return
        for message in messages:
            self._take(message)
        if not data:
            self._lose()

    def _take(self, message: DapMessage) -> None:
        if message.get("type") == "event":
            self._on_event(message)
            return
        asked = self._asked.pop(message.get("request_seq", 0), None)
        if asked is not None:
            asked.response = message
            asked.answered.resolve()

    def _lose(self) -> None:
        if self._open:
            self.hang_up()
            self._on_lost()
