"""The event-loop seam: everything the kernel ever asks of a toolkit.

Seven methods under asyncio's names. A backend is whatever has them; there is no base class to
inherit. The contract that every backend keeps (``tests/loops`` runs the same tests over all):

* Every method but `call_soon_threadsafe` is called on the loop's own thread only.
* A callback is never run from inside the call that registered it.
* An exception in a callback never leaves the loop (PyQt aborts the process when one leaves a
  slot): the backend hands it to its `on_error` and goes on. That includes KeyboardInterrupt and
  SystemExit.
* `run` nests: called inside a callback it blocks that callback and goes on serving all others.
  `stop` ends the innermost `run`.
* A reader's callback runs again as long as its descriptor is readable (level-triggered). What
  hangs on ``zmq.FD``, which is edge-triggered, is the business of `qtkernel.channels`.
* An idle loop causes no wake-ups.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

Callback = Callable[[], object]
ErrorHandler = Callable[[BaseException], object]


class TimerHandle(Protocol):
    """What `EventLoop.call_later` returns."""

    def cancel(self) -> None:
        """Forget the callback; harmless when it has run already."""


class EventLoop(Protocol):
    """The seam between the kernel and a toolkit's event loop.

    After `close`, `call_soon_threadsafe` and `remove_reader` do nothing and the others raise
    RuntimeError.
    """

    name: str
    """The name that ``--gui`` and ``%gui`` know it by."""

    def add_reader(self, fd: int, callback: Callback) -> None:
        """Call `callback` whenever `fd` is readable.

        One callback a descriptor: ValueError if it has one.
        """

    def remove_reader(self, fd: int) -> bool:
        """Stop watching `fd`; False if it was not watched."""

    def call_soon_threadsafe(self, callback: Callback) -> None:
        """Run `callback` on the loop's thread soon, in the order of the calls; from any thread.

        After `close` it does nothing: a thread that outlives the loop must not be made to fail.
        """

    def call_later(self, delay: float, callback: Callback) -> TimerHandle:
        """Run `callback` once, `delay` seconds from now (at once for zero and less)."""

    def run(self) -> None:
        """Serve callbacks until `stop`. Nests."""

    def stop(self) -> None:
        """End the innermost `run`; without effect when none is running."""

    def close(self) -> None:
        """Forget every reader, timer and callback and release what the loop took. Idempotent."""


_log = logging.getLogger("qtkernel.loops")


def log_error(error: BaseException) -> None:
    """The default `ErrorHandler`: the traceback goes to the log ``qtkernel.loops``."""
    _log.error("a callback of the kernel's event loop failed", exc_info=error)
