"""The callbacks that IPython calls before and after a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.events import EventManager, available_events

from qtkernel.shell.figures import INLINE


class CellEvents(EventManager):  # type: ignore[misc]
    """IPython's, but an interrupt is not lost in a callback.

    IPython takes a KeyboardInterrupt for a failure of the callback that it has hit, says so, and
    runs the cell. Whoever asks for it means the cell: seen with ``while True: pass``, which then
    nobody interrupted (3 of 48 interrupts right after ``execute_input``, on a busy machine).
    """

    def __init__(self, shell: Any) -> None:
        super().__init__(shell, available_events)

    def register(self, event: str, function: Callable[..., Any]) -> None:
        """Have `function` called at `event`."""
        if getattr(function, "__module__", None) == INLINE:
            # it has just been imported, by matplotlib itself, and shows the figures of everybody
            function = getattr(self.shell.figures.serve_inline(), function.__name__)
        super().register(event, function)

    def trigger(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Call the callbacks for `event`. Their exceptions are shown, and stop nothing."""
        for callback in tuple(self.callbacks[event]):
            try:
                callback(*args, **kwargs)
            except Exception:
                # IPython's words, by which tools know it
                print(  # noqa: T201
                    f"Error in callback {callback} (for {event}), "
                    f"with arguments args {args},kwargs {kwargs}:"
                )
                self.shell.showtraceback()
