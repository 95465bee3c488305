"""What only the headless loop does: signals while it waits, and threads of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.pending import TimerHeap, report, run_guarded
from qtkernel.loops.wakeup import WakeUp

Run = Callable[[EventLoop], None]


@pytest.fixture
def loop(errors: list[BaseException]) -> Iterator[HeadlessLoop]:
    """A headless loop on the main thread."""
    created = HeadlessLoop(errors.append)
    yield created
    created.close()


@pytest.fixture
def handler() -> Iterator[Callable[[Any], None]]:
    """Install a handler for SIGUSR1 for the time of the test."""
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda function: signal.signal(signal.SIGUSR1, function)
    signal.signal(signal.SIGUSR1, before)


def send_soon() -> threading.Timer:
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    return timer


def test_what_a_signal_handler_raises_while_waiting_goes_to_on_error(
    loop: HeadlessLoop, run: Run, errors: list[BaseException], handler: Any
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    handler(interrupt)
    sender = send_soon()
    loop.call_later(0.15, loop.stop)
    run(loop)
    sender.join()
    assert [type(error) for error in errors] == [KeyboardInterrupt]
    errors.clear()


@pytest.mark.parametrize("how", ["stop", "post"])
def test_a_signal_handler_can_wake_the_loop(
    loop: HeadlessLoop, run: Run, handler: Any, how: str
) -> None:
    def handle(*_: object) -> None:
        if how == "stop":
            loop.stop()
        else:
            loop.call_soon_threadsafe(loop.stop)

    handler(handle)
    sender = send_soon()
    run(loop)
    sender.join()


def test_a_loop_prepared_here_runs_in_a_thread(errors: list[BaseException]) -> None:
    loop = HeadlessLoop(errors.append)
    seen: list[bool] = []
    loop.call_soon_threadsafe(lambda: seen.append(threading.current_thread() is thread))
    thread = threading.Thread(target=loop.run)
    thread.start()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert seen == [True]


def test_posting_to_a_loop_that_is_awake_writes_nothing(loop: HeadlessLoop, run: Run) -> None:
    readable: list[bool] = []

    def post() -> None:
        loop.call_soon_threadsafe(loop.stop)
        try:
            os.read(loop.wakeup_fd, 8)
        except BlockingIOError:
            readable.append(False)
        else:
            readable.append(True)

    loop.call_later(0.01, post)
    run(loop)
    assert readable == [False]


def test_a_failing_error_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: BaseException) -> None:
        raise SystemExit("the handler")

    run_guarded(lambda: 1 / 0, fail)
    report(ValueError(), fail)
    assert [record.exc_info[1].code for record in caplog.records] == ["the handler"] * 2


def test_cancelled_timers_do_not_pile_up(errors: list[BaseException]) -> None:
    heap = TimerHeap(errors.append)
    kept = heap.add(1000, lambda: None)
    for _ in range(10_000):
        heap.add(2000, lambda: None).cancel()
    assert len(heap._timers) < 200
    assert heap.delay() == pytest.approx(1000, abs=5)
    kept.cancel()
    assert heap.delay() is None


def test_a_toolkits_timer_that_fires_early_is_set_again(errors: list[BaseException]) -> None:
    """As it does for delays that are too long for it."""
    announced: list[float | None] = []
    heap = TimerHeap(errors.append, announced.append)
    timer = heap.add(1000, lambda: None)
    heap.fired()
    assert announced == [timer.deadline, timer.deadline]
    timer.cancel()
    assert announced[2:] == [None]


@pytest.mark.parametrize("eventfd", [True, False])
def test_a_wake_up_is_readable_until_drained(
    monkeypatch: pytest.MonkeyPatch, eventfd: bool
) -> None:
    import select

    if not eventfd:
        monkeypatch.delattr(os, "eventfd", raising=False)
    wakeup = WakeUp()
    for _ in range(20_000):  # more than a pipe holds
        wakeup.signal()
    assert select.select([wakeup.fd], [], [], 0)[0]
    while select.select([wakeup.fd], [], [], 0)[0]:
        wakeup.drain()
    wakeup.drain()
    wakeup.close()
    wakeup.close()
    # the number belongs to somebody else now
    read, write = os.pipe()
    os.set_blocking(read, False)
    wakeup.signal()
    with pytest.raises(BlockingIOError):
        os.read(read, 8)
    os.close(read)
    os.close(write)
