"""An asyncio loop behind the seam: for hosts that run asyncio, and for ``--gui=asyncio``.

What hangs on the asyncio loop is a `HeadlessLoop`: `add_reader` for its selector's descriptor and
one `call_later` for its next deadline.

asyncio does not nest. A `run` inside a callback therefore runs the headless loop alone: everything
that came through the seam is served, while the tasks of the asyncio loop wait until it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import time

from qtkernel.loops.base import Callback, ErrorHandler, log_error
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.pending import Timer, report


class AsyncioLoop:
    """The seam over `asyncio_loop`, which is running or about to.

    Args:
        outlives_stop: this is a standalone kernel: a cell that calls the asyncio loop's own
            ``stop()`` does not end the outermost `run`.
        selector: for platforms and tests; the best of the platform is the default.

    Raises:
        RuntimeError: the loop cannot watch descriptors (Windows' Proactor loop).
    """

    name = "asyncio"

    def __init__(
        self,
        asyncio_loop: asyncio.AbstractEventLoop,
        on_error: ErrorHandler = log_error,
        *,
        outlives_stop: bool = False,
        selector: selectors.BaseSelector | None = None,
    ) -> None:
        self.asyncio_loop = asyncio_loop
        self._on_error = on_error
        self._outlives_stop = outlives_stop
        self._closes_loop = False
        self._outermost = False
        self._stopped = False
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._core = HeadlessLoop(on_error, on_deadline=self._set_timer, selector=selector)
        self.turns = self._core.turns  # asyncio itself does not nest
        fd = self._core.fileno()
        # Windows' selector has no descriptor of its own: there asyncio watches every reader
        self._watches_each = fd is None
        try:
            asyncio_loop.add_reader(self._core.wakeup_fd if fd is None else fd, self._core.step)
        except NotImplementedError:
            self._core.close()
            raise RuntimeError(
                f"{type(asyncio_loop).__name__} cannot watch sockets; before it is created, call "
                "asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())"
            ) from None

    @classmethod
    def owning(
        cls, on_error: ErrorHandler = log_error, *, selector: selectors.BaseSelector | None = None
    ) -> AsyncioLoop:
        """A standalone kernel's loop, over a new asyncio loop that `close` closes."""
        loop = cls(asyncio.SelectorEventLoop(), on_error, outlives_stop=True, selector=selector)
        loop._closes_loop = True
        return loop

    def add_reader(self, fd: int, callback: Callback) -> None:
        """See `EventLoop.add_reader`."""
        self._core.add_reader(fd, callback)
        if self._watches_each:
            self.asyncio_loop.add_reader(fd, self._core.step)

    def remove_reader(self, fd: int) -> bool:
        """See `EventLoop.remove_reader`."""
        removed = self._core.remove_reader(fd)
        if removed and self._watches_each:
            self.asyncio_loop.remove_reader(fd)
        return removed

    def call_soon_threadsafe(self, callback: Callback) -> None:
        """See `EventLoop.call_soon_threadsafe`."""
        self._core.call_soon_threadsafe(callback)

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """See `EventLoop.call_later`."""
        return self._core.call_later(delay, callback)

    def run(self) -> None:
        """See `EventLoop.run`. Nested, and inside any other asyncio loop, tasks wait meanwhile."""
        if self._closed:
            raise RuntimeError("the event loop is closed")
        if self._outermost or asyncio._get_running_loop() is not None:
            self._core.run()
            return
        self._outermost, self._stopped = True, False
        try:
            self._run_asyncio()
        finally:
            self._outermost = False

    def stop(self) -> None:
        """See `EventLoop.stop`. Stopping a run that has not returned yet once more is one stop."""
        if self._core.runs:
            self._core.stop()
        elif self._outermost:
            self._stopped = True
            self.asyncio_loop.stop()
            # from a signal handler asyncio may be waiting
            self._core.call_soon_threadsafe(_nothing)

    def close(self) -> None:
        """See `EventLoop.close`. Every `run` under way returns; a host's asyncio loop lives on."""
        if self._closed:
            return
        self._closed = True
        if not self.asyncio_loop.is_closed():
            self._unhang()
        self._core.close()
        if self._outermost:
            self._stopped = True
            self.asyncio_loop.stop()
        elif self._closes_loop:
            self.asyncio_loop.close()

    def _run_asyncio(self) -> None:
        while not (self._stopped or self.asyncio_loop.is_closed()):
            try:
                self.asyncio_loop.run_forever()
            except BaseException as error:
                # asyncio lets KeyboardInterrupt and SystemExit of a task through
                report(error, self._on_error)
            else:
                if not self._outlives_stop:
                    break
        if self._closed and self._closes_loop:
            self.asyncio_loop.close()

    def _unhang(self) -> None:
        self._set_timer(None)
        fd = self._core.fileno()
        watched = [fd] if fd is not None else self._core.watched()
        with contextlib.suppress(RuntimeError):
            # uvloop refuses what a host's transport has taken over meanwhile
            for descriptor in watched:
                self.asyncio_loop.remove_reader(descriptor)

    def _set_timer(self, deadline: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None and not self._closed:
            delay = max(0.0, deadline - time.monotonic())
            self._timer = self.asyncio_loop.call_later(delay, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._core.fire()


def _nothing() -> None:
    pass
