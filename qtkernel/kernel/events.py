"""What an application can be told of its kernel, by plain callbacks.

`qtkernel.embed.signals` makes Qt's signals of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

EventName = Literal["busy", "idle", "executed", "attached", "detached", "restarted", "closed"]
"""What can happen.

* ``busy()``: a cell begins, and none was under way. ``idle()``: the last one that was has ended.
  A cell that awaits, or waits for input, is under way.
* ``executed(Executed)``: a cell has ended.
* ``attached(Client)``, ``detached(Client)``: a frontend has come, has gone.
* ``restarted()``: what cells have made is gone, the host's own names are as they were.
* ``closed()``: the kernel is closed, and everything has been given back.
"""

EVENTS: tuple[str, ...] = get_args(EventName)

_log = logging.getLogger("qtkernel.kernel")


@dataclass(frozen=True, slots=True)
class Executed:
    """A cell that has ended."""

    code: str
    execution_count: int
    status: Literal["ok", "error"]
    ename: str | None = None
    """The class of the exception that ended it."""
    evalue: str | None = None
    session: str = ""
    """Of the frontend that asked for it: the session id in the headers of its messages."""
    silent: bool = False
    """Whether the frontend ran it for itself, and shows nothing of it."""


class _Entry:
    """One call of `Events.on`; the same callback may be given twice."""

    __slots__ = ("callback", "connected")

    def __init__(self, callback: Callable[..., object]) -> None:
        self.callback = callback
        self.connected = True


class Events:
    """Callbacks for events. Everything happens on the kernel's own thread."""

    def __init__(self) -> None:
        self._callbacks: dict[str, list[_Entry]] = {name: [] for name in EVENTS}

    def on(self, event: str, callback: Callable[..., object]) -> Callable[[], None]:
        """Call `callback` whenever `event` happens, in the order of these calls.

        Returns:
            What takes it back; harmless the second time.

        Raises:
            ValueError: there is no such event.
            TypeError: `callback` cannot be called.
        """
        callbacks = self._callbacks.get(event)
        if callbacks is None:
            raise ValueError(f"no event {event!r}; there are: {', '.join(EVENTS)}")
        if not callable(callback):
            raise TypeError(f"the callback for {event!r} cannot be called: {callback!r}")
        entry = _Entry(callback)
        callbacks.append(entry)

        def disconnect() -> None:
            entry.connected = False
            if entry in callbacks:
                callbacks.remove(entry)

        return disconnect

    def wanted(self, event: EventName) -> bool:
        """Whether anybody wants to know of `event`."""
        return bool(self._callbacks[event])

    def emit(self, event: EventName, *arguments: Any) -> None:
        """Call whoever wants to know; what a callback raises is logged, and the others called."""
        for entry in tuple(self._callbacks[event]):
            try:
                if entry.connected:
                    entry.callback(*arguments)
            except BaseException:  # the application's, in the middle of a request of the kernel's
                _log.exception("a callback for the event %r failed", event)

    def clear(self) -> None:
        """Forget all callbacks."""
        for callbacks in self._callbacks.values():
            callbacks.clear()
