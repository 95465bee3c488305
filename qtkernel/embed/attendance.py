"""Who is attached, put together: the registry, a gate for each channel, and who wants to know."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from qtkernel.channels.router import RouterChannel
from qtkernel.kernel.clients import Client, Clients, Connection
from qtkernel.kernel.events import EventName, Events
from qtkernel.kernel.gate import Gate
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request
from qtkernel.loops.base import EventLoop, TimerHandle

OnAttach = Callable[[Client], object]


class Attendance:
    """The clients of one kernel. It belongs to the kernel's own thread, but for `at_control`.

    Args:
        loop: the kernel's loop, which may change.
        on_attach: see `qtkernel.embed`.
    """

    def __init__(
        self,
        loop: Callable[[], EventLoop],
        publisher: Publisher,
        events: Events,
        on_attach: OnAttach | None,
    ) -> None:
        self._thread = threading.get_ident()
        self._loop = loop
        self._publisher = publisher
        self._events = events
        self.clients = Clients(
            self._call_soon, self._call_later, on_attach and self._asking(on_attach)
        )
        self.clients.on_attached = lambda client: self._emit("attached", client)
        self.clients.on_detached = lambda client: self._emit("detached", client)

    def at_shell(
        self, accept: Callable[[Request], object], refuse: Callable[[Request], object]
    ) -> Gate:
        """Make the gate of the kernel's own thread."""
        return Gate(self.clients, self._heard, accept, refuse)

    def at_control(
        self, accept: Callable[[Request], object], refuse: Callable[[Request], object]
    ) -> Gate:
        """Make a gate of the control thread."""

        clients = self.clients

        def heard(request: Request, connection: Connection) -> None:
            message = request.message  # and not the way back, which is the kernel's
            self._call_soon(lambda: clients.heard(message, connection))

        return Gate(clients, heard, accept, refuse)

    def lost(self, connection: Connection) -> None:
        """A connection is gone. From any thread."""
        clients = self.clients
        if threading.get_ident() == self._thread:
            clients.lost(connection)
        else:
            self._call_soon(lambda: clients.lost(connection))

    def _heard(self, request: Request, connection: Connection) -> None:
        self.clients.heard(request.message, connection)

    def _asking(self, on_attach: OnAttach) -> OnAttach:
        def ask(client: Client) -> object:
            # the application's own code: what it prints is not a cell's
            with self._publisher.request(None):
                return on_attach(client)

        return ask

    def _emit(self, event: EventName, *arguments: Any) -> None:
        with self._publisher.request(None):
            self._events.emit(event, *arguments)

    def _call_soon(self, callback: Callable[[], None]) -> None:
        self._loop().call_soon_threadsafe(callback)

    def _call_later(self, delay: float, callback: Callable[[], None]) -> TimerHandle:
        return self._loop().call_later(delay, callback)


def receiver(gate: Gate, channel: Callable[[], RouterChannel]) -> Callable[..., None]:
    """What a channel delivers its messages to."""

    def receive(message: Any, problem: Any) -> None:
        connection = channel().connection
        assert connection is not None
        gate.receive(Request(message, channel().send, problem), connection)

    return receive
