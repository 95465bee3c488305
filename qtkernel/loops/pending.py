"""What waits inside a loop: posted callbacks and timers. Every backend keeps its books with these.

The rules that both keep:

* One round runs only what was there when the round began, so that a callback that posts itself
  again cannot starve the rest of the loop; and it ends after `BUDGET` seconds, because threads that
  post faster than the loop runs would double each round otherwise.
* Rounds nest. A callback may open a loop of its own (a modal dialog, ``input()``), and what the
  interrupted round has left must be served *there*. So an entry is taken off before it is run,
  one at a time, and the toolkit is told of the rest before, not after.
* Nothing raised by a callback goes further than the error handler.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable

from qtkernel.loops.base import Callback, ErrorHandler

BUDGET = 0.005
"""Seconds that one round of posted callbacks may take before the toolkit gets its turn."""

_log = logging.getLogger("qtkernel.loops")
_clock = time.monotonic


def run_guarded(callback: Callback, on_error: ErrorHandler) -> None:
    """Run `callback`; whatever it raises goes to `on_error`, and nothing further than that."""
    try:
        callback()
    except BaseException as error:
        report(error, on_error)


def report(error: BaseException, on_error: ErrorHandler) -> None:
    """Hand `error` to `on_error`, and to the log if that fails too."""
    try:
        on_error(error)
    except BaseException as failure:
        # no slot may let this out either: PyQt aborts the process
        _log.error("the error handler of an event loop failed", exc_info=failure)


class CallbackQueue:
    """Callbacks posted from any thread, and when to wake the loop for them.

    The loop is woken only if it may not look by itself. Producers append first and look at
    `_looks` second; the loop clears `_looks` first and looks at the queue second. In whichever
    order the two meet, one of them sees the other.
    """

    def __init__(self, wake: Callback, on_error: ErrorHandler) -> None:
        self._wake = wake
        self._on_error = on_error
        self._callbacks: deque[Callback] = deque()
        self._looks = False
        self._taken = 0

    def __len__(self) -> int:
        return len(self._callbacks)

    def put(self, callback: Callback) -> None:
        """Append `callback`, from any thread, and wake the loop if it needs that."""
        self._callbacks.append(callback)
        if not self._looks:
            self.wake()

    def wake(self) -> None:
        """Make the loop look."""
        self._looks = True
        try:
            self._wake()
        except BaseException:
            # a signal handler's exception got in between: the next one that posts tries again
            self._looks = False
            raise

    def will_look(self) -> None:
        """The loop is awake and will come by: posting need not wake it."""
        self._looks = True

    def may_sleep(self) -> bool:
        """From now on posting wakes the loop; False if something has been posted already."""
        self._looks = False
        return not self._callbacks

    def run(self, *, wake_for_rest: bool) -> None:
        """Run what is there now, or as much of it as `BUDGET` allows.

        With `wake_for_rest` the loop is woken once more before the first of several callbacks:
        should that open an event loop of the host's, the wake-up makes it serve the others.
        """
        last = self._taken + len(self._callbacks)
        if wake_for_rest and len(self._callbacks) > 1:
            self.wake()
        # a nested round takes from the same queue, and what it took counts for this round too
        deadline = _clock() + BUDGET
        while self._taken < last and self._callbacks and _clock() < deadline:
            # not popleft(): an exception of a signal handler right after it would lose a callback
            callback = self._callbacks[0]
            del self._callbacks[0]
            self._taken += 1
            run_guarded(callback, self._on_error)

    def clear(self) -> None:
        """Forget everything that has been posted."""
        self._callbacks.clear()


class Timer:
    """One waiting callback; the `TimerHandle` of every backend here."""

    __slots__ = ("callback", "deadline", "heap", "number")

    def __init__(self, deadline: float, number: int, callback: Callback, heap: TimerHeap) -> None:
        self.deadline = deadline
        self.number = number
        self.callback: Callback | None = callback
        self.heap = heap

    def __lt__(self, other: Timer) -> bool:
        return (self.deadline, self.number) < (other.deadline, other.number)

    def cancel(self) -> None:
        """Forget the callback; harmless when it has run already."""
        if self.callback is not None:
            self.callback = None
            self.heap.forget()


class TimerHeap:
    """Timers in the order of their deadlines (`time.monotonic`), ties in the order of the calls.

    `on_change` is called with the next deadline, None without any, each time that it changes:
    before a callback runs rather than after, so that a nested loop of the host's is on time too.
    """

    COMPACT_ABOVE = 64

    def __init__(
        self, on_error: ErrorHandler, on_change: Callable[[float | None], object] | None = None
    ) -> None:
        self._on_error = on_error
        self._on_change = on_change
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        self._announced: float | None = None

    def add(self, delay: float, callback: Callback) -> Timer:
        """Keep `callback` for `delay` seconds from now."""
        timer = Timer(_clock() + max(0.0, delay), next(self._numbers), callback, self)
        heapq.heappush(self._timers, timer)
        self._announce()
        return timer

    def forget(self) -> None:
        """One more timer has been cancelled."""
        self._cancelled += 1
        if self._cancelled > self.COMPACT_ABOVE and self._cancelled * 2 > len(self._timers):
            # a timeout for each request, always cancelled, must not pile up until it is due
            self._timers = [timer for timer in self._timers if timer.callback is not None]
            heapq.heapify(self._timers)
            self._cancelled = 0
        self._announce()

    def delay(self) -> float | None:
        """Seconds until the next timer is due, 0 if it is; None without timers."""
        deadline = self._deadline()
        return None if deadline is None else max(0.0, deadline - _clock())

    def run_due(self) -> None:
        """Run the timers that are due now, and none that these add."""
        now, end = _clock(), next(self._numbers)
        while self._deadline() is not None:
            timer = self._timers[0]
            callback = timer.callback
            if callback is None or timer.deadline > now or timer.number > end:
                break
            heapq.heappop(self._timers)
            timer.callback = None
            self._announce()
            run_guarded(callback, self._on_error)

    def fired(self) -> None:
        """The toolkit's own timer has fired: run what is due and announce the next deadline."""
        # what was announced is used up, even if it came early and nothing is due yet
        self._announced = None
        self.run_due()
        self._announce()

    def clear(self) -> None:
        """Forget every timer."""
        self._timers.clear()
        self._cancelled = 0
        self._announce()

    def _deadline(self) -> float | None:
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
            self._cancelled = max(0, self._cancelled - 1)
        return self._timers[0].deadline if self._timers else None

    def _announce(self) -> None:
        deadline = self._deadline()
        if deadline != self._announced:
            self._announced = deadline
            if self._on_change is not None:
                self._on_change(deadline)
