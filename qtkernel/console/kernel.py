"""The kernel as a console sees it; `qtkernel.EmbeddedKernel` has all of this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from qtkernel.kernel.live import Viewer
from qtkernel.protocol import Channel


class ConsolePort(Protocol):
    """The way of one console to the kernel: a frontend in the kernel's own process."""

    host_output: bool
    """Whether it gets what the host itself prints: ``{"qtkernel": {"origin": "host"}}`` in the
    metadata, an empty parent header."""
    on_message: Callable[[Channel, dict[str, Any]], object]
    """Gets every message, as jupyter_client has them, in the order in which the kernel sent them;
    called by the event loop."""
    on_closed: Callable[[], object]
    """Called when the kernel has been closed, and this with it."""

    viewer: Viewer | None
    """Shows what there is in the midst of a cell that blocks the event loop; None while nobody
    looks."""

    @property
    def session_id(self) -> str:
        """The session id in the headers of its messages."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""

    def send(self, channel: Channel, msg_type: str, content: Mapping[str, Any]) -> str:
        """Send a message; its id.

        Raises:
            RuntimeError: it is closed.
        """

    def deliver(self) -> None:
        """Hand over now what waits, instead of when the event loop comes to it."""

    def close(self) -> None:
        """Leave. Idempotent."""


class ConsoleKernel(Protocol):
    """A kernel in this process. Everything belongs to the GUI thread."""

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""

    @property
    def transport(self) -> str | None:
        """What its sockets are; None if it has none."""

    @property
    def attach_command(self) -> str:
        """The line that attaches a console from outside; RuntimeError without sockets."""

    @property
    def injected(self) -> Sequence[str]:
        """The names that the host has put into the namespace."""

    @property
    def busy(self) -> bool:
        """Whether a cell is under way."""

    @property
    def execution_count(self) -> int:
        """The number of the next cell."""

    def open_port(self) -> ConsolePort:
        """A way to it of one's own; RuntimeError if it is closed."""

    def on(self, event: Any, callback: Callable[..., object]) -> Callable[[], None]:
        """Call `callback` at each `event` ("busy", "idle", "executed", "restarted", "closed", ...).

        Returns:
            What takes it back.
        """

    @property
    def clients(self) -> Sequence[Any]:
        """The frontends that are attached from outside (`qtkernel.Client`)."""

    @property
    def capture(self) -> str:
        """Whose output frontends get: "cells" or "all"."""

    def interrupt(self) -> None:
        """Interrupt the running cell."""

    def restart(self) -> None:
        """Begin to restart in place; the event "restarted" tells when that is done."""
