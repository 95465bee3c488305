"""Subshells: more threads that run cells in the same namespace (JEP 91).

The parent subshell is the kernel itself, on its own thread. A child has a thread and a queue of its
own; shell requests say in their header whose they are. Comm messages are always the parent's: a
widget's handlers touch the application's windows. Interrupts are for all that run, shutdown is for
the kernel.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from qtkernel.kernel.kernel import error_content
from qtkernel.kernel.queue import Request
from qtkernel.protocol import Message, ProtocolError, contents

Reply = Mapping[str, Any]
T = TypeVar("T")

_clock = time.monotonic


class UnknownSubshellError(ProtocolError):
    """There is no such subshell. Named as ipykernel names it."""

    def __init__(self, subshell_id: str | None) -> None:
        super().__init__(f"there is no subshell {subshell_id!r}; list_subshell_request lists them")


class Subshell(Protocol):
    """A child. Its methods may be called from any thread."""

    def put(self, request: Request) -> None:
        """Take a request that is for it."""

    def interrupt(self) -> object:
        """Interrupt its cell, if one runs."""

    def end(self) -> None:
        """Interrupt its cell, answer what waits, and end, as soon as that is possible."""

    def join(self, timeout: float) -> object:
        """Wait until it has ended, for so many seconds at most."""


class Handover(Generic[T]):
    """What one thread reads on its way to the one that handles it. Any thread may put.

    Args:
        call_soon: runs a callback on the loop of the thread that handles; from any thread.
        deliver: takes each item there, in order.
        drained: called when all that was there has been delivered.
    """

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        deliver: Callable[[T], object],
        drained: Callable[[], object],
    ) -> None:
        self._call_soon = call_soon
        self._deliver = deliver
        self._drained = drained
        self._items: deque[T] = deque()
        self._posted = False

    def put(self, item: T) -> None:
        """Add an item."""
        self._items.append(item)
        self.loop_changed(again=False)

    def loop_changed(self, *, again: bool = True) -> None:
        """Go on, on another loop: what was posted to the old one may never run."""
        if again or not self._posted:
            self._posted = True
            self._call_soon(self._look)

    def deliver(self) -> None:
        """Deliver what is there, on the thread that handles it."""
        while self._items:
            self._deliver(self._items.popleft())

    def _look(self) -> None:
        self._posted = False
        self.deliver()
        self._drained()


def is_for_child(message: Message) -> bool:
    """Whether a message goes to a child subshell."""
    return message.header.subshell_id is not None and not message.msg_type.startswith("comm_")


class Subshells:
    """The child subshells of one kernel. The handlers belong to the control thread.

    Args:
        create: makes a child, and starts its thread.
        parent: takes the requests for the parent, on the kernel's thread.
        refuse: answers the request for a child that is not there, on whatever thread.
        first: called before the first child is made.
    """

    def __init__(
        self,
        create: Callable[[str], Subshell],
        parent: Callable[[Request], object],
        refuse: Callable[[Request], object],
        first: Callable[[], object] = lambda: None,
    ) -> None:
        self._create = create
        self._parent = parent
        self._refuse = refuse
        self._first: Callable[[], object] | None = first
        self._children: dict[str, Subshell] = {}
        self._closed = False

    def accept(self, request: Request) -> None:
        """Take a request of the shell channel: a child's on any thread, else on the kernel's."""
        message = request.message
        if not is_for_child(message):
            self._parent(request)
            return
        child = self._children.get(str(message.header.subshell_id))
        if child is not None:
            child.put(request)
            return
        request.problem = UnknownSubshellError(message.header.subshell_id)
        self._refuse(request)

    async def create_subshell_request(
        self, _request: Request, _content: contents.CreateSubshellRequest
    ) -> Reply:
        """JEP 91, "Create subshell"."""
        if self._closed:
            return error_content("RuntimeError", "the kernel is closing: it makes no subshell")
        if self._first is not None:
            first, self._first = self._first, None
            first()
        subshell_id = str(uuid.uuid4())
        self._children[subshell_id] = self._create(subshell_id)
        return {"status": "ok", "subshell_id": subshell_id}

    async def delete_subshell_request(
        self, _request: Request, content: contents.DeleteSubshellRequest
    ) -> Reply:
        """JEP 91, "Delete subshell". Answered at once; a cell that runs is interrupted.

        Its thread ends when the cell does: nothing ends a call of the system's that blocks.
        """
        child = self._children.pop(content.subshell_id, None)
        if child is None:
            raise UnknownSubshellError(content.subshell_id)
        child.end()
        return {"status": "ok"}

    async def list_subshell_request(
        self, _request: Request, _content: contents.ListSubshellRequest
    ) -> Reply:
        """JEP 91, "List subshells": the children, oldest first."""
        return {"status": "ok", "subshell_id": list(self._children)}

    def interrupt(self) -> None:
        """Interrupt all cells of children. From any thread."""
        for child in tuple(self._children.values()):
            child.interrupt()

    def end_all(self, timeout: float) -> None:
        """End all children, and wait for that so many seconds at most. From any thread."""
        ended = []
        for subshell_id in tuple(self._children):
            child = self._children.pop(subshell_id, None)
            if child is not None:
                child.end()
                ended.append(child)
        deadline = _clock() + timeout
        for child in ended:
            child.join(max(0.0, deadline - _clock()))

    def close(self, timeout: float) -> None:
        """End all children, for good."""
        self._closed = True
        self.end_all(timeout)
