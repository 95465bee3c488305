"""The guest asyncio loop over every host: the rules of a step, moving house, and the end."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from qtkernel.loops.aio import AsyncioLoop
from qtkernel.loops.base import EventLoop
from qtkernel.loops.coroutines import GuestLoop
from qtkernel.loops.headless import HeadlessLoop

Run = Callable[[EventLoop], None]
Drive = Callable[[Coroutine[Any, Any, Any]], Any]


def test_the_host_has_its_turn_between_two_iterations(
    guest: GuestLoop, loop: EventLoop, run: Run
) -> None:
    turns = [0]

    async def busy() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    guest.asyncio_loop.create_task(busy())
    loop.call_later(0.05, loop.stop)
    run(loop)
    assert turns[0] > (5 if getattr(loop, "_polling", False) is False else 1)


def test_no_loop_is_marked_running_between_steps(
    guest: GuestLoop, loop: EventLoop, run: Run
) -> None:
    async def sleep() -> None:
        await asyncio.sleep(60)

    task = guest.asyncio_loop.create_task(sleep())
    marks: list[Any] = []

    def synchronous_cell() -> None:
        host = loop.asyncio_loop if isinstance(loop, AsyncioLoop) else None
        marks.append(asyncio._get_running_loop() is host)
        if host is None:
            marks.append(asyncio.run(asyncio.sleep(0, result=True)))

    loop.call_later(0.03, synchronous_cell)
    loop.call_later(0.06, loop.stop)
    run(loop)
    assert all(marks)
    assert marks
    assert not task.done()


def test_an_iteration_is_one_iteration(guest: GuestLoop, loop: EventLoop, run: Run) -> None:
    """Callbacks scheduled by callbacks wait for the next step, as in asyncio."""
    seen: list[str] = []
    inner = guest.asyncio_loop

    def first() -> None:
        inner.call_soon(lambda: (seen.append("second"), loop.stop()))
        loop.call_soon_threadsafe(lambda: seen.append("host"))
        seen.append("first")

    inner.call_soon(first)
    run(loop)
    assert seen[0] == "first"
    assert set(seen[1:]) <= {"host", "second"}


def test_a_sleeping_guest_causes_no_wake_ups(loop: EventLoop, run: Run, request: Any) -> None:
    if "polling" in request.node.name:
        pytest.skip("polls by nature")
    guest = GuestLoop(loop)
    sleeping = guest.asyncio_loop.create_task(asyncio.sleep(60))
    counts: list[int] = []

    def count() -> None:
        counts.append(resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw)

    loop.call_later(0.1, count)
    loop.call_later(0.4, lambda: (count(), loop.stop()))
    run(loop)
    assert counts[1] - counts[0] <= 3
    assert not sleeping.done()
    guest.close()


def test_a_nested_host_loop_inside_a_task(guest: GuestLoop, loop: EventLoop, run: Run) -> None:
    """The guest cannot be entered twice: what comes meanwhile is made up for, without spinning."""
    seen: list[str] = []
    times: list[float] = []
    inner = guest.asyncio_loop

    async def opens_a_dialog() -> None:
        inner.call_soon(lambda: seen.append("asyncio callback"))
        # as data for a socket would: the guest's descriptor is readable all the time
        inner.call_soon_threadsafe(lambda: seen.append("threadsafe"))
        loop.call_later(0.05, lambda: seen.append("host timer"))
        loop.call_later(0.2, loop.stop)
        begin = time.process_time()
        loop.run()
        times.append(time.process_time() - begin)
        seen.append("dialog closed")

    task = inner.create_task(opens_a_dialog())
    task.add_done_callback(lambda _: loop.call_later(0.05, loop.stop))
    run(loop)
    task.result()
    assert seen == ["host timer", "dialog closed", "asyncio callback", "threadsafe"]
    assert times[0] < 0.1


def test_what_interrupts_a_task_reaches_on_error_and_the_guest_lives_on(
    guest: GuestLoop, loop: EventLoop, run: Run, errors: list[BaseException]
) -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt("stop")

    seen: list[str] = []
    task = guest.asyncio_loop.create_task(interrupted())
    guest.asyncio_loop.call_soon(lambda: seen.append("behind it"))
    loop.call_later(0.06, loop.stop)
    run(loop)
    assert isinstance(task.exception(), KeyboardInterrupt)
    assert [str(error) for error in errors] == ["stop"]
    assert seen == ["behind it"]
    errors.clear()


def test_an_interrupted_iteration_is_finished_by_the_next(
    guest: GuestLoop, loop: EventLoop, run: Run, errors: list[BaseException]
) -> None:
    """Two descriptors are readable; the callback of the first reads both and is interrupted."""
    ends = (os.pipe(), os.pipe())
    seen: list[int] = []

    def interrupted(number: int) -> None:
        seen.append(number)
        if len(seen) == 1:
            for read, _ in ends:
                os.read(read, 1)
            raise KeyboardInterrupt
        loop.stop()

    for number, (read, _) in enumerate(ends):
        guest.asyncio_loop.add_reader(read, interrupted, number)
    # both within one callback, when the guest sleeps already: one iteration finds both
    loop.call_later(0.05, lambda: [os.write(write, b"x") for _, write in ends])
    guard = loop.call_later(1, loop.stop)
    run(loop)
    guard.cancel()
    for read, write in ends:
        guest.asyncio_loop.remove_reader(read)
        os.close(read)
        os.close(write)
    assert [type(error) for error in errors] == [KeyboardInterrupt]
    errors.clear()
    assert sorted(seen) == [0, 1]


@pytest.mark.parametrize("where", ["between steps", "in a reader"])
def test_a_timer_set_while_the_guest_sleeps(
    guest: GuestLoop, loop: EventLoop, run: Run, where: str, pipe: tuple[int, int]
) -> None:
    inner = guest.asyncio_loop
    begin = time.monotonic()

    def reader() -> None:
        os.read(pipe[0], 1)
        inner.call_later(0.01, loop.stop)

    if where == "in a reader":
        inner.add_reader(pipe[0], reader)
        loop.call_later(0.05, lambda: os.write(pipe[1], b"x"))
    else:
        # a synchronous cell, long after the guest has gone to sleep
        loop.call_later(0.05, lambda: inner.call_later(0.01, loop.stop))
    guard = loop.call_later(1, loop.stop)
    run(loop)
    guard.cancel()
    inner.remove_reader(pipe[0])
    assert 0.06 <= time.monotonic() - begin < 0.9


def test_run_until_complete_works_in_a_synchronous_cell(
    guest: GuestLoop, loop: EventLoop, run: Run
) -> None:
    if isinstance(loop, AsyncioLoop):
        pytest.skip("asyncio does not run inside asyncio")
    results: list[str] = []

    def cell() -> None:
        results.append(guest.asyncio_loop.run_until_complete(asyncio.sleep(0.02, "blocked")))
        task = guest.asyncio_loop.create_task(asyncio.sleep(0.02, "stepped"))
        task.add_done_callback(lambda done: (results.append(done.result()), loop.stop()))

    loop.call_soon_threadsafe(cell)
    run(loop)
    assert results == ["blocked", "stepped"]


def test_tasks_survive_a_change_of_hosts(
    make_loop: Callable[[], EventLoop], run: Run, errors: list[BaseException]
) -> None:
    ticks: list[str] = []
    where = ["a"]
    first, second = make_loop(), HeadlessLoop(errors.append)
    guest = GuestLoop(first)

    async def tick() -> None:
        while True:
            ticks.append(where[0])
            await asyncio.sleep(0.002)

    task = guest.asyncio_loop.create_task(tick())
    first.call_later(0.05, first.stop)
    run(first)
    for _ in range(3):
        where[0] = "b"
        guest.rehost(second)
        second.call_later(0.03, second.stop)
        run(second)
        where[0] = "c"
        guest.unhost()
        assert guest.host is None
        top = AsyncioLoop(guest.asyncio_loop, errors.append, outlives_stop=True)
        top.call_later(0.03, top.stop)
        run(top)
        top.close()
        where[0] = "a"
        guest.rehost(first)
        first.call_later(0.05, first.stop)
        run(first)
    assert not task.done()
    guest.close()
    assert task.cancelled()
    first.close()
    second.close()
    # each stay has had its ticks, in order
    stays = [mark for index, mark in enumerate(ticks) if index == 0 or ticks[index - 1] != mark]
    assert "".join(stays) == "a" + "bca" * 3


def test_close_ends_tasks_and_generators(loop: EventLoop, run: Run) -> None:
    ended: list[str] = []
    guest = GuestLoop(loop)

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            ended.append("generator")

    async def cell() -> None:
        generator = numbers()
        assert await anext(generator) == 1
        kept.append(generator)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append("task")

    kept: list[Any] = []
    guest.asyncio_loop.create_task(cell())
    loop.call_later(0.06, loop.stop)
    run(loop)
    guest.close()
    guest.close()
    assert ended == ["task", "generator"]
    assert guest.asyncio_loop.is_closed()


def test_close_does_not_wait_for_ever(run: Run, errors: list[BaseException]) -> None:
    loop = HeadlessLoop(errors.append)
    guest = GuestLoop(loop)
    stop = [False]

    async def stubborn() -> None:
        while not stop[0]:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    task = guest.asyncio_loop.create_task(stubborn())
    loop.call_later(0.03, loop.stop)
    run(loop)
    begin = time.monotonic()
    guest.close()
    assert time.monotonic() - begin < 3
    stop[0] = True
    task._log_destroy_pending = False  # asyncio's own word for "we know"
    task.get_coro().close()
    loop.close()


def test_a_task_may_close_its_own_loop(loop: EventLoop, run: Run) -> None:
    guest = GuestLoop(loop)

    async def cell() -> None:
        guest.close()

    guest.asyncio_loop.create_task(cell())
    loop.call_later(0.06, loop.stop)
    run(loop)
    assert guest.asyncio_loop.is_closed()
    with pytest.raises(RuntimeError, match="closed"):
        guest.rehost(loop)


def test_nothing_is_left_behind(loop: EventLoop, run: Run) -> None:
    def once() -> None:
        guest = GuestLoop(loop)
        task = guest.asyncio_loop.create_task(asyncio.sleep(0))
        task.add_done_callback(lambda _: loop.stop())
        run(loop)
        guest.close()

    once()
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        once()
    assert len(os.listdir("/proc/self/fd")) == before
