"""An event loop that a test turns by hand. It checks the contract of `EventLoop` as it goes.

Time is virtual: a run that has nothing to do jumps to the next timer. One without a timer either
would wait for ever, which fails the test, unless it was said that another thread will post.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable

from qtkernel.loops.base import Callback
from qtkernel.loops.turns import Turns, runs_events

PATIENCE = 20.0
"""Real seconds that another thread has to post something."""


class Stuck(AssertionError):
    """The loop would wait for ever."""


class ManualTimer:
    """A `TimerHandle`."""

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualLoop:
    """The seven methods, and `turn` and `advance` for the test."""

    name = "manual"

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.readers: dict[int, Callback] = {}
        self.now = 0.0
        self.closed = False
        self.quits = False
        """The application has ended its loop: every run returns, as with ``app.quit()``."""
        self.threads_post = False
        """Another thread is going to post: wait for it instead of failing."""
        self._thread = threading.get_ident()
        self._posted: deque[Callback] = deque()
        self._something = threading.Condition()
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._numbers = itertools.count()
        self._runs: list[list[bool]] = []
        self.turns = Turns(complete=True)

    # The seam

    def add_reader(self, fd: int, callback: Callback) -> None:
        self._check()
        if fd in self.readers:
            raise ValueError(f"descriptor {fd} has a reader already")
        self.readers[fd] = callback

    def remove_reader(self, fd: int) -> bool:
        assert threading.get_ident() == self._thread, "only call_soon_threadsafe is threadsafe"
        return self.readers.pop(fd, None) is not None

    def call_soon_threadsafe(self, callback: Callback) -> None:
        with self._something:
            if not self.closed:
                self._posted.append(callback)
                self._something.notify()

    def call_later(self, delay: float, callback: Callback) -> ManualTimer:
        self._check()
        timer = ManualTimer(callback)
        heapq.heappush(self._timers, (self.now + max(0.0, delay), next(self._numbers), timer))
        return timer

    @runs_events
    def run(self) -> None:
        self._check()
        stopped = [False]
        self._runs.append(stopped)
        try:
            while not stopped[0] and not self.quits:
                if not self.turn() and not self._next_timer():
                    self._wait_for_a_thread()
        finally:
            self._runs.pop()

    def stop(self) -> None:
        if self._runs:
            self._runs[-1][0] = True

    def close(self) -> None:
        self.closed = True
        self._posted.clear()
        self._timers.clear()
        self.readers.clear()

    # The test

    def turn(self) -> int:
        """Run what has been posted, and not what that posts; how many there were."""
        count = len(self._posted)
        for _ in range(count):
            if self._posted and not (self._runs and self._runs[-1][0]):
                self._guarded(self._posted.popleft())
        return count

    def settle(self) -> None:
        """Run what has been posted until nothing is left."""
        while self.turn():
            pass

    def advance(self, seconds: float) -> None:
        """Let time pass, and run the timers that become due."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            if self._timers[0][2].callback is None:
                heapq.heappop(self._timers)  # cancelled: the next one may be due after the end
                continue
            self._next_timer()
            self.settle()
        self.now = end

    def nested(self, *inside: Callable[[], object]) -> None:
        """What a dialog does: run a nested loop, do `inside` in it, and end it."""
        for callback in inside:
            self.call_soon_threadsafe(callback)
        self.call_soon_threadsafe(lambda: self.call_soon_threadsafe(self.stop))
        self.run()

    def _next_timer(self) -> bool:
        while self._timers:
            when, _, timer = heapq.heappop(self._timers)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                self.now = max(self.now, when)
                self._guarded(callback)
                return True
        return False

    def _wait_for_a_thread(self) -> None:
        if not self.threads_post:
            raise Stuck("the loop waits, and nothing will ever happen")
        with self._something:
            if not self._something.wait_for(lambda: self._posted, PATIENCE):
                raise Stuck("no thread has posted anything")

    def _guarded(self, callback: Callback) -> None:
        try:
            callback()
        except Stuck:
            raise
        except BaseException as error:
            self.errors.append(error)

    def _check(self) -> None:
        assert threading.get_ident() == self._thread, "only call_soon_threadsafe is threadsafe"
        if self.closed:
            raise RuntimeError("the event loop is closed")
