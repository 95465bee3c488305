"""The guest: an asyncio loop for cells with top-level await, stepped by the host's event loop.

How it works. asyncio's own loop waits in exactly one place, its selector's `select`. The guest's
selector notes there how long asyncio would wait, polls instead, and asks the loop to stop, so that
``run_forever`` is one iteration, public API only. What it noted says when the next one is due:

* 0: there is more to do; the step is posted again, so that the GUI has its turn in between;
* some seconds: a deadline; the host's `call_later`;
* None: nothing; the guest sleeps until its selector's descriptor, which the host watches, is
  readable, or until somebody schedules a callback on it.

So there is no thread, no polling and no wake-up while it idles, and between two steps no asyncio
loop is marked running: ``asyncio.run()`` works in a cell that does not await.

A task that opens a nested event loop of the host's (a dialog, ``input()``) keeps the other tasks
waiting until that ends: asyncio cannot be entered twice. The host's loop is not disturbed by it.

Out of a step the loop is an ordinary one that waits in its selector: ``run_until_complete`` works
in a cell, blocking the GUI as it says, and a standalone kernel on ``--gui=asyncio`` runs it at the
top, after `GuestLoop.unhost`. Tasks survive the way there and back. So is a run inside a run, which
only nest_asyncio makes possible.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import selectors
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVarTuple

from qtkernel.loops.base import Callback, EventLoop, TimerHandle
from qtkernel.loops.current import marked_running

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

POLL_INTERVAL = 0.010
"""Seconds between steps while tasks wait, where selectors have no descriptor (Windows)."""

CLOSE_TIMEOUT = 1.0
"""Seconds that `GuestLoop.close` gives cancelled tasks and asynchronous generators to end."""

_Ts = TypeVarTuple("_Ts")


class GuestLoop:
    """An asyncio loop without a thread of its own, at home in any `EventLoop`.

    Every method belongs to the host's thread. What a task raises that asyncio lets through
    (KeyboardInterrupt, SystemExit) goes to the host's `on_error`, besides being the task's result.

    Args:
        host: steps the loop; None: nobody yet, `rehost` comes later.
        selector: for platforms and tests; the best of the platform is the default.
    """

    def __init__(
        self, host: EventLoop | None, *, selector: selectors.BaseSelector | None = None
    ) -> None:
        self._selector = _PolledSelector(selector or selectors.DefaultSelector())
        self._fd = self._selector.fileno()
        self._loop = _GuestAsyncioLoop(self._selector, self)
        self._selector.on_register = self.registration_came
        self._host: EventLoop | None = None
        self._watching = False
        self._posted = False
        self._timer: TimerHandle | None = None
        self._deadline = math.inf
        self._work_left = False
        self._close_wanted = False
        self._around: Callable[[], AbstractContextManager[None]] = nullcontext
        if host is not None:
            self.rehost(host)

    @property
    def asyncio_loop(self) -> asyncio.SelectorEventLoop:
        """The guest itself, to create tasks on."""
        return self._loop

    @property
    def host(self) -> EventLoop | None:
        """Who steps the guest; None while nobody does."""
        return self._host

    def put_around(self, around: Callable[[], AbstractContextManager[None]]) -> None:
        """Enter what `around` makes for each step: all that runs in one is code of cells."""
        self._around = around

    def rehost(self, host: EventLoop) -> None:
        """Move to another host; tasks go on there. The old host may be running, or closed."""
        self.unhost()
        self._check_open()
        self._host = host
        if not self._loop.is_running():
            self._watch()
        self._post()

    def unhost(self) -> None:
        """Leave the host. The loop can be run as any asyncio loop now, or be hosted again."""
        self._unwatch()
        self._cancel_timer()
        self._host = None
        self._posted = False

    def close(self) -> None:
        """Cancel what runs, end asynchronous generators and close the loop. Idempotent.

        Waits `CLOSE_TIMEOUT` at most. Called by one of the loop's own callbacks it happens when
        the current step, or run, ends.
        """
        self.unhost()
        if self._loop.is_closed():
            return
        if self._loop.is_running():
            self._close_wanted = True
            self._loop.stop()
            return
        with self._around(), marked_running(None):
            self._loop.run_until_complete(_wind_up(self._loop))
        self._loop.close()

    # what the loop below tells

    def work_came(self) -> None:
        """A callback has been scheduled. From any thread, once it is there.

        The selector's descriptor tells of those of other threads, but not always: one that comes
        between a step's select and its reading of the byte that woke it is left for the next step,
        of which nothing tells any more (seen once in some 10,000).
        """
        self._work_left = True
        if not self._loop.is_running():
            self._post()

    def registration_came(self) -> None:
        """A descriptor has been registered: from now on it may be readable at any time."""
        if self._fd is None and not self._loop.is_running():
            self._post()

    def timer_came(self, deadline: float) -> None:
        """A callback has been scheduled for `deadline`, in the loop's own time."""
        if self._loop.is_running():
            self._deadline = min(self._deadline, deadline)
        elif deadline < self._deadline or self._timer is None:
            self._park(deadline)

    def run_began(self) -> None:
        """The loop begins to run, for a step or in earnest."""
        self._cancel_timer()
        self._work_left = False

    def run_ended(self) -> None:
        """The loop has run: arrange for the next step."""
        self._selector.polls = False
        if self._close_wanted:
            self._close_wanted = False
            self.close()
        elif self._host is not None:
            self._watch()
            self._arrange_next()

    @contextlib.contextmanager
    def nested_run(self) -> Iterator[None]:
        """A run of the loop inside a run of it waits, although the outer one may be a step."""
        loop: Any = self._loop
        stopping, polls = loop._stopping, self._selector.polls
        loop._stopping = self._selector.polls = False
        try:
            yield
        finally:
            loop._stopping, self._selector.polls = stopping or loop._stopping, polls

    def _arrange_next(self) -> None:
        timeout = self._selector.timeout
        if self._work_left or timeout == 0:
            self._post()
            return
        deadline = self._deadline
        if timeout is not None:
            deadline = min(deadline, self._selector.polled_at + timeout)
        if self._fd is None and self._has_business():
            deadline = min(deadline, self._loop.time() + POLL_INTERVAL)
        if deadline < math.inf:
            self._park(deadline)

    def _has_business(self) -> bool:
        # one registration is the loop's own, for call_soon_threadsafe
        return bool(asyncio.all_tasks(self._loop)) or len(self._selector.get_map()) > 1

    def _post(self) -> None:
        host = self._host  # which another thread than this may be about to leave
        if host is not None and not self._posted:
            self._posted = True
            host.call_soon_threadsafe(self._posted_step)

    def _posted_step(self) -> None:
        self._posted = False
        self._step()

    def _timer_step(self) -> None:
        self._timer = None
        self._step()

    def _step(self) -> None:
        """Run one iteration of the loop, without waiting."""
        if self._host is None or self._loop.is_closed():
            return  # a step that was posted before the guest moved out
        if self._loop.is_running():
            # One of its tasks has opened a nested loop of the host's. The descriptor stays
            # readable until that ends, and would keep the nested loop spinning. The run that is
            # under way looks again when it ends.
            self._unwatch()
            return
        self._selector.polls = True
        # a cell inside asyncio.run() may have opened the host's nested loop
        with self._around(), marked_running(None):
            self._loop.run_forever()

    def _park(self, deadline: float) -> None:
        self._cancel_timer()
        if self._host is not None:
            self._deadline = deadline
            delay = max(0.0, deadline - self._loop.time())
            self._timer = self._host.call_later(delay, self._timer_step)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._deadline = math.inf

    def _watch(self) -> None:
        if self._host is not None and self._fd is not None and not self._watching:
            self._watching = True
            self._host.add_reader(self._fd, self._step)

    def _unwatch(self) -> None:
        if self._host is not None and self._fd is not None and self._watching:
            self._watching = False
            self._host.remove_reader(self._fd)

    def _check_open(self) -> None:
        if self._loop.is_closed():
            raise RuntimeError("the guest loop is closed")


class _PolledSelector(selectors.BaseSelector):
    """A selector that, while it `polls`, notes the timeout and stops the loop; it never waits."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self.loop: asyncio.AbstractEventLoop | None = None
        self.on_register: Callback = lambda: None
        self.polls = False
        self.timeout: float | None = None
        self.polled_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not self.polls or self.loop is None:
            # the run that ends does not say what is left to do: look again
            self.timeout = 0.0
            return self._selector.select(timeout)
        self.timeout = timeout
        self.polled_at = self.loop.time()
        self.loop.stop()
        return self._selector.select(0)

    def fileno(self) -> int | None:
        fileno = getattr(self._selector, "fileno", None)
        return None if fileno is None else int(fileno())

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> selectors.SelectorKey:
        key = self._selector.register(fileobj, events, data)
        self.on_register()
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._selector.unregister(fileobj)

    def modify(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> selectors.SelectorKey:
        return self._selector.modify(fileobj, events, data)

    def close(self) -> None:
        self._selector.close()

    def get_key(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._selector.get_key(fileobj)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._selector.get_map()


class _GuestAsyncioLoop(asyncio.SelectorEventLoop):
    """asyncio's selector loop, telling its `GuestLoop` what comes in from outside a step."""

    is_guest = True

    def __init__(self, selector: _PolledSelector, guest: GuestLoop) -> None:
        super().__init__(selector)
        selector.loop = self
        self._guest = guest
        # Of the instance: nest_asyncio puts others into the class of the loop that it is given,
        # which tell the guest nothing. Those are for what is nested.
        self.run_forever = self._run_forever  # type: ignore[method-assign]
        self.run_until_complete = self._run_until_complete  # type: ignore[method-assign]

    def call_soon(
        self,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = super().call_soon(callback, *args, context=context)
        self._guest.work_came()
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = super().call_soon_threadsafe(callback, *args, context=context)
        self._guest.work_came()
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = super().call_at(when, callback, *args, context=context)
        self._guest.timer_came(when)
        return handle

    def _run_forever(self) -> None:
        if self._is_refused():
            self._run_nested(type(self).run_forever)
            return
        self._guest.run_began()
        try:
            asyncio.BaseEventLoop.run_forever(self)
        except BaseException:
            # the rest of this iteration is still to be run
            self._guest.work_came()
            raise
        finally:
            self._guest.run_ended()

    def _run_until_complete(self, future: Any) -> Any:
        if self._is_refused():
            return self._run_nested(type(self).run_until_complete, future)
        return asyncio.BaseEventLoop.run_until_complete(self, future)

    def _is_refused(self) -> bool:
        """Whether asyncio refuses to run the loop now."""
        return self.is_closed() or self.is_running() or asyncio._get_running_loop() is not None

    def _run_nested(self, run: Callable[..., Any], *args: Any) -> Any:
        """Let asyncio complain; or nest_asyncio, whose `run` may be the class's, run it inside."""
        if getattr(run, "__module__", None) == asyncio.BaseEventLoop.__module__:
            return run(self, *args)
        inside = self.is_running()
        if not inside:
            self._guest.run_began()
        try:
            with self._guest.nested_run():
                return run(self, *args)
        finally:
            if not inside:
                self._guest.run_ended()


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in tasks:
        task.cancel()
    if tasks:
        ended, _ = await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)
        for task in ended:
            if not task.cancelled() and (error := task.exception()) is not None:
                message = "a task failed when the loop was closed"
                loop.call_exception_handler({"message": message, "exception": error, "task": task})
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(loop.shutdown_asyncgens(), CLOSE_TIMEOUT)
