"""The contract of `qtkernel.loops.base` for every backend: runs, exceptions, idling, closing."""

from __future__ import annotations

import gc
import os
import resource
import threading
from collections.abc import Callable

import pytest

from qtkernel.loops.base import EventLoop

Run = Callable[[EventLoop], None]
Pipe = tuple[int, int]


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


# run and stop


def test_runs_nest_and_stop_ends_the_innermost(loop: EventLoop, run: Run) -> None:
    seen: list[str] = []

    def enter(depth: int) -> None:
        seen.append(f"in {depth}")
        if depth < 3:
            loop.call_soon_threadsafe(lambda: enter(depth + 1))
        else:
            loop.call_later(0.01, loop.stop)
        loop.run()
        seen.append(f"out {depth}")
        loop.call_later(0.01, loop.stop)

    loop.call_soon_threadsafe(lambda: enter(1))
    run(loop)
    assert seen == ["in 1", "in 2", "in 3", "out 3", "out 2", "out 1"]


@pytest.mark.parametrize("timers", [False, True])
def test_a_nested_run_serves_what_the_interrupted_round_has_left(
    loop: EventLoop, run: Run, timers: bool
) -> None:
    seen: list[str] = []

    def nest() -> None:
        seen.append("nest")
        loop.run()
        seen.append("unnest")
        loop.call_soon_threadsafe(loop.stop)

    # one round: the last of it is what ends the first of it
    if timers:
        loop.call_later(0, nest)
        loop.call_later(0, lambda: seen.append("between"))
        loop.call_later(0, loop.stop)
    else:
        loop.call_soon_threadsafe(nest)
        loop.call_soon_threadsafe(lambda: seen.append("between"))
        loop.call_soon_threadsafe(loop.stop)
    run(loop)
    assert seen == ["nest", "between", "unnest"]


def test_a_reader_that_a_nested_run_has_served_is_not_called_again(
    loop: EventLoop, run: Run, pipe: Pipe
) -> None:
    """Whoever trusts the call and reads would block for ever."""
    other = os.pipe()
    for fd in (pipe[0], other[0]):
        os.set_blocking(fd, False)
    nested: list[int] = []
    blocked: list[int] = []

    def read(fd: int) -> None:
        try:
            os.read(fd, 1)
        except BlockingIOError:
            blocked.append(fd)
        if not nested:
            nested.append(fd)
            loop.call_later(0.02, loop.stop)
            loop.run()
            # not from outside: two stops in one round are one
            loop.call_later(0.05, loop.stop)

    loop.add_reader(pipe[0], lambda: read(pipe[0]))
    loop.add_reader(other[0], lambda: read(other[0]))
    os.write(pipe[1], b"x")
    os.write(other[1], b"x")
    run(loop)
    loop.remove_reader(other[0])
    for fd in other:
        os.close(fd)
    assert nested
    assert blocked == []


def test_a_reader_is_served_while_its_own_callback_is_nested(
    loop: EventLoop, run: Run, pipe: Pipe
) -> None:
    seen: list[bytes] = []

    def read() -> None:
        seen.append(os.read(pipe[0], 1))
        if len(seen) == 1:
            os.write(pipe[1], b"b")
            loop.run()
        loop.stop()

    loop.add_reader(pipe[0], read)
    os.write(pipe[1], b"a")
    run(loop)
    assert seen == [b"a", b"b"]


def test_run_can_be_called_again_after_stop(loop: EventLoop, run: Run) -> None:
    seen: list[int] = []
    for number in range(3):
        loop.stop()  # without effect: nothing runs
        loop.call_soon_threadsafe(lambda number=number: (seen.append(number), loop.stop()))
        run(loop)
    assert seen == [0, 1, 2]


def test_stopping_twice_ends_one_run(loop: EventLoop, run: Run) -> None:
    seen: list[str] = []

    def nest() -> None:
        loop.call_soon_threadsafe(lambda: (loop.stop(), loop.stop()))
        loop.run()
        seen.append("nested run ended")
        loop.call_later(0.02, lambda: (seen.append("outer run still runs"), loop.stop()))

    loop.call_soon_threadsafe(nest)
    run(loop)
    assert seen == ["nested run ended", "outer run still runs"]


# exceptions


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_a_callback_raises_goes_to_on_error_and_the_loop_lives_on(
    loop: EventLoop, run: Run, pipe: Pipe, errors: list[BaseException], kind: type[BaseException]
) -> None:
    def fail(where: str) -> None:
        raise kind(where)

    def fail_reading() -> None:
        os.read(pipe[0], 1)
        fail("reader")

    os.write(pipe[1], b"x")
    loop.add_reader(pipe[0], fail_reading)
    loop.call_soon_threadsafe(lambda: fail("soon"))
    loop.call_later(0.01, lambda: fail("later"))
    loop.call_later(0.05, loop.stop)
    run(loop)
    assert {type(error) for error in errors} == {kind}
    assert sorted(str(error) for error in errors) == ["later", "reader", "soon"]
    errors.clear()


def test_an_exception_does_not_lose_the_callbacks_behind_it(
    loop: EventLoop, run: Run, errors: list[BaseException]
) -> None:
    seen: list[int] = []
    for number in range(5):
        loop.call_soon_threadsafe(lambda: 1 / 0)
        loop.call_soon_threadsafe(lambda number=number: seen.append(number))
    loop.call_soon_threadsafe(loop.stop)
    run(loop)
    assert seen == [0, 1, 2, 3, 4]
    assert len(errors) == 5
    errors.clear()


# idling and closing


def test_an_idle_loop_causes_no_wake_ups(
    loop: EventLoop, run: Run, pipe: Pipe, request: pytest.FixtureRequest
) -> None:
    if "polling" in request.node.name:
        pytest.skip("polls by nature")
    loop.add_reader(pipe[0], lambda: None)
    counts: list[int] = []

    def count() -> None:
        counts.append(resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw)

    loop.call_later(0.1, count)  # what the start has caused is over
    loop.call_later(0.6, lambda: (count(), loop.stop()))
    run(loop)
    assert counts[1] - counts[0] <= 3


def test_close_is_idempotent_and_forgets_what_is_pending(
    make_loop: Callable[[], EventLoop], pipe: Pipe, run: Run
) -> None:
    seen: list[str] = []
    closed = make_loop()
    os.write(pipe[1], b"x")
    closed.add_reader(pipe[0], lambda: seen.append("reader"))
    closed.call_soon_threadsafe(lambda: seen.append("soon"))
    timer = closed.call_later(0, lambda: seen.append("later"))
    closed.close()
    closed.close()
    timer.cancel()
    closed.call_soon_threadsafe(lambda: seen.append("after close"))
    assert closed.remove_reader(pipe[0]) is False
    closed.stop()
    for refused in (closed.run, lambda: closed.call_later(0, closed.stop)):
        with pytest.raises(RuntimeError, match="closed"):
            refused()
    other = make_loop()
    other.call_later(0.03, other.stop)
    run(other)
    other.close()
    assert seen == []


def test_close_inside_nested_runs_ends_them_all(
    make_loop: Callable[[], EventLoop], pipe: Pipe
) -> None:
    loop = make_loop()
    seen: list[str] = []

    def close() -> None:
        loop.close()
        seen.append("closed")

    def nest() -> None:
        loop.run()
        seen.append("nested run ended")

    def close_in_a_reader() -> None:
        loop.remove_reader(pipe[0])
        close()

    loop.add_reader(pipe[0], close_in_a_reader)
    loop.call_soon_threadsafe(nest)
    loop.call_later(0.01, lambda: os.write(pipe[1], b"x"))
    loop.run()
    assert seen == ["closed", "nested run ended"]


def test_threads_may_post_while_the_loop_closes(make_loop: Callable[[], EventLoop]) -> None:
    failures: list[BaseException] = []
    stopping = threading.Event()
    current: list[EventLoop] = [make_loop()]

    def post() -> None:
        try:
            while not stopping.wait(0.0001):
                for _ in range(10):
                    current[0].call_soon_threadsafe(lambda: None)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        old = current[0]
        current[0] = make_loop()
        old.call_later(0.002, old.stop)
        old.run()
        old.close()
    stopping.set()
    for thread in threads:
        thread.join()
    current[0].close()
    assert failures == []


def test_nothing_is_left_behind_by_200_loops(make_loop: Callable[[], EventLoop]) -> None:
    def once() -> None:
        read, write = os.pipe()
        loop = make_loop()
        os.write(write, b"x")
        loop.add_reader(read, loop.stop)
        loop.call_later(5, loop.stop)
        loop.run()
        loop.call_soon_threadsafe(loop.stop)
        loop.close()
        os.close(read)
        os.close(write)

    once()
    gc.collect()
    before, objects = open_fds(), len(gc.get_objects())
    for _ in range(200):
        once()
    gc.collect()
    assert open_fds() == before
    assert len(gc.get_objects()) - objects < 200
