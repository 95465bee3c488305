"""The gate of a channel: what a frontend asks for before it has been let in, and if it is not.

Not for security: whoever has the key can still read all that is published (IOPub).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from qtkernel.kernel.clients import Clients, Connection
from qtkernel.kernel.queue import Request
from qtkernel.protocol import ProtocolError


class AttachRefused(ProtocolError):
    """The application does not want this frontend to be attached."""


class Gate:
    """Lets requests through to one channel. It belongs to the thread of that channel.

    Args:
        clients: who is attached, and may be.
        heard: tells `clients` of a frontend; at once on the kernel's own thread, else soon.
        accept: takes the requests of frontends that are let in.
        refuse: answers the others, which have `AttachRefused` as their problem.
    """

    def __init__(
        self,
        clients: Clients,
        heard: Callable[[Request, Connection], object],
        accept: Callable[[Request], object],
        refuse: Callable[[Request], object],
    ) -> None:
        self._clients = clients
        self._heard = heard
        self._accept = accept
        self._refuse = refuse
        self._held: deque[Request] = deque()

    def receive(self, request: Request, connection: Connection) -> None:
        """Take a request that has come by `connection`."""
        session = request.message.header.session
        if session not in connection.speakers:
            connection.speakers.add(session)
            self._heard(request, connection)
        self.look()
        self._pass(request)

    def look(self) -> None:
        """Let through what was held, where that is decided now."""
        for _ in range(len(self._held)):
            self._pass(self._held.popleft())

    def _pass(self, request: Request) -> None:
        admitted = self._clients.admitted(request.message.header.session)
        if admitted is None:
            self._held.append(request)
        elif admitted:
            self._accept(request)
        else:
            request.problem = AttachRefused(
                "the application has refused this frontend; ask whoever uses it"
            )
            self._refuse(request)
