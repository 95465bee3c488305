"""An event loop of our own: a selector, a heap of timers and a descriptor to wake it.

The control, IOPub and subshell threads run one each, and so does a standalone kernel without a
toolkit. `qtkernel.loops.tk` and `qtkernel.loops.aio` hang one on their toolkit instead of
running it: they wait for `HeadlessLoop.fileno` and `HeadlessLoop.on_deadline`, and `step`.

Signals: the selector retries after a signal handler (PEP 475), so handlers run while the loop
waits. What a handler raises there, a KeyboardInterrupt say, goes to `on_error` as if a callback
had raised it, and the loop lives on. A handler that wants the loop to *do* something posts it with
`call_soon_threadsafe`, or calls `stop`; both wake it.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable

from qtkernel.loops.base import Callback, ErrorHandler, log_error
from qtkernel.loops.pending import CallbackQueue, Timer, TimerHeap, report, run_guarded
from qtkernel.loops.turns import Turns, runs_events
from qtkernel.loops.wakeup import WakeUp


class _Run:
    """One `run` on the stack."""

    __slots__ = ("stopped",)

    def __init__(self) -> None:
        self.stopped = False


class HeadlessLoop:
    """The seam over a selector.

    It belongs to the thread that runs it; before it runs, any one thread may prepare it.
    `selector` is for platforms and tests; the best of the platform is the default.
    """

    name = "headless"

    def __init__(
        self,
        on_error: ErrorHandler = log_error,
        *,
        on_deadline: Callable[[float | None], object] | None = None,
        selector: selectors.BaseSelector | None = None,
    ) -> None:
        self.turns = Turns(complete=True)
        self._on_error = on_error
        self._selector = selector or selectors.DefaultSelector()
        self._wakeup = WakeUp()
        self._selector.register(self._wakeup.fd, selectors.EVENT_READ, self._wakeup.drain)
        self._queue = CallbackQueue(self._wakeup.signal, on_error)
        self._timers = TimerHeap(on_error, on_deadline)
        self._runs: list[_Run] = []
        self._polls = 0
        self._closed = False

    @property
    def runs(self) -> bool:
        """Whether a `run` is under way."""
        return bool(self._runs)

    def add_reader(self, fd: int, callback: Callback) -> None:
        """See `EventLoop.add_reader`."""
        self._check_open()
        if fd in self._selector.get_map():
            raise ValueError(f"descriptor {fd} has a reader already")
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def remove_reader(self, fd: int) -> bool:
        """See `EventLoop.remove_reader`."""
        if self._closed or fd == self._wakeup.fd or fd not in self._selector.get_map():
            return False
        self._selector.unregister(fd)
        return True

    def call_soon_threadsafe(self, callback: Callback) -> None:
        """See `EventLoop.call_soon_threadsafe`."""
        if not self._closed:
            self._queue.put(callback)

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """See `EventLoop.call_later`."""
        self._check_open()
        return self._timers.add(delay, callback)

    @runs_events
    def run(self) -> None:
        """See `EventLoop.run`."""
        self._check_open()
        run = _Run()
        self.turns.count += 1
        self._runs.append(run)
        try:
            while not run.stopped:
                # two loops: where a signal handler may raise is then nearly always inside the try
                try:
                    self._serve(run)
                except BaseException as error:
                    report(error, self._on_error)
        finally:
            self._runs.pop()
            self._rest()

    def stop(self) -> None:
        """See `EventLoop.stop`. Stopping a run that has not returned yet once more is one stop."""
        if self._runs:
            self._runs[-1].stopped = True
            # from a signal handler the loop may be asleep
            self._queue.wake()

    def close(self) -> None:
        """See `EventLoop.close`. Every `run` under way returns."""
        if self._closed:
            return
        self._closed = True
        for run in self._runs:
            run.stopped = True
        self._queue.clear()
        self._timers.clear()
        self._selector.close()
        self._wakeup.close()

    def fileno(self) -> int | None:
        """The descriptor that is readable when `step` has something to do, timers excepted.

        None where the platform's selector has none (Windows).
        """
        fileno = getattr(self._selector, "fileno", None)
        return None if fileno is None else int(fileno())

    @property
    def wakeup_fd(self) -> int:
        """What `call_soon_threadsafe` makes readable, for who watches without `fileno`."""
        return self._wakeup.fd

    def watched(self) -> list[int]:
        """Every descriptor that has a reader, the wake-up included."""
        return [key.fd for key in self._selector.get_map().values()]

    @runs_events
    def step(self) -> None:
        """Serve what there is without waiting: for who hangs this loop on a toolkit's."""
        try:
            if not self._closed:
                self._queue.run(wake_for_rest=True)
            if not self._closed:
                self._poll(0.0, hung=True)
        except BaseException as error:
            report(error, self._on_error)
        finally:
            self._rest()

    @runs_events
    def fire(self) -> None:
        """The toolkit's timer for the announced deadline has fired: serve the timers."""
        self._timers.fired()

    def _serve(self, run: _Run) -> None:
        while not run.stopped:
            self._queue.run(wake_for_rest=False)
            self._timers.run_due()
            if not run.stopped:
                self._poll(self._timers.delay(), hung=False)

    def _poll(self, timeout: float | None, *, hung: bool) -> None:
        """Wait for `timeout` seconds at most (None: without end) and call what is readable.

        When `hung` on a toolkit, a callback may open the toolkit's own nested loop, which has to
        be woken for what the callback has posted before.
        """
        if not self._queue.may_sleep():
            timeout = 0.0
        events = self._selector.select(timeout)
        if not hung:
            self._queue.will_look()
        self._polls += 1
        poll = self._polls
        for key, _ in events:
            if self._closed or self._selector.get_map().get(key.fd) is not key:
                continue  # removed by a callback before it
            run_guarded(key.data, self._on_error)
            if self._polls != poll:
                # A nested run has looked since: the rest of this look is out of date, and a
                # callback for a descriptor that has been read would block.
                break

    def _rest(self) -> None:
        """Nobody looks any more until we are run again: posting has to wake from here on."""
        if not self._closed and not self._queue.may_sleep():
            self._queue.wake()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the event loop is closed")
