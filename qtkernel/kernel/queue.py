"""What may run now, what waits, and what is aborted.

Requests run in the order of arrival, with one exception: while a cell is under way (it awaits, or
sits in a nested event loop) execute_requests wait for it, in order, and everything else goes on.

After an error every execute_request that is *already there* is aborted, and nothing else
(messaging document, "Execution errors": stop_on_error).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtkernel.protocol import Message, ProtocolError

Send = Callable[[list[Any]], object]


@dataclass(slots=True, eq=False)
class Request:
    """A message from a frontend, with the way back to it."""

    message: Message
    send: Send
    problem: ProtocolError | None = None
    """What is wrong with a message that is signed and still cannot be read."""
    aborted: bool = False

    @property
    def msg_type(self) -> str:
        """The message's type."""
        return self.message.header.msg_type


class RequestQueue:
    """The requests that have been read and not yet begun."""

    def __init__(self) -> None:
        self._arrived: deque[Request] = deque()
        self._waiting: deque[Request] = deque()

    def __len__(self) -> int:
        return len(self._arrived) + len(self._waiting)

    def put(self, request: Request) -> None:
        """Add a request that has just been read."""
        self._arrived.append(request)

    def take(self, executing: bool) -> Request | None:
        """The next request that may run, given whether a cell is under way; None if none may.

        One that is aborted waits for no cell: it is only to be answered.
        """
        if self._waiting and (not executing or self._waiting[0].aborted):
            return self._waiting.popleft()
        while self._arrived:
            request = self._arrived.popleft()
            if not executing or request.msg_type != "execute_request" or request.aborted:
                return request
            self._waiting.append(request)
        return None

    def abort_executes(self, session: str | None = None) -> None:
        """Mark every execute_request that is here; `take` still returns them, to be answered.

        Args:
            session: mark those of this frontend alone.
        """
        for request in (*self._waiting, *self._arrived):
            if request.msg_type == "execute_request" and (
                session is None or request.message.header.session == session
            ):
                request.aborted = True

    def clear(self) -> None:
        """Forget everything."""
        self._arrived.clear()
        self._waiting.clear()
