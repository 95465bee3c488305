"""The control thread: it answers while the kernel's own thread is busy with a cell.

Besides the control channel it has the timers that must not wait for a cell: the one that flushes
streams and the one that repeats an interrupt.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from qtkernel.channels.router import RouterChannel
from qtkernel.loops.base import TimerHandle
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.untraced import leave_untraced


class ControlThread:
    """A thread with a HeadlessLoop and, if the kernel has sockets, the control channel."""

    def __init__(self) -> None:
        self.loop = HeadlessLoop()
        self._thread = leave_untraced(
            threading.Thread(target=self._run, name="qtkernel-control", daemon=True)
        )
        self._channel: RouterChannel | None = None

    def start(self, channel: RouterChannel | None) -> None:
        """Begin; a channel to serve belongs to the thread from here on."""
        self._channel = channel
        self._thread.start()

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        """Run `callback` on this thread, `delay` seconds from now. From any thread."""

        def set_timer() -> TimerHandle:
            return self.loop.call_later(delay, callback)

        self.loop.call_soon_threadsafe(set_timer)

    def close(self, timeout: float) -> None:
        """End the thread, after what it is doing now. Idempotent; it need not have begun."""
        if self._thread.ident is None:
            self.loop.close()
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout)

    def _run(self) -> None:
        if self._channel is not None:
            self._channel.attach(self.loop)
        self.loop.run()
        if self._channel is not None:
            self._channel.close()
            self._channel = None  # what outlives the kernel and knows us is not to keep it
        self.loop.close()
