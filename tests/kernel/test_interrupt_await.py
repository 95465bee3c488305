"""Interrupting a cell that awaits: KeyboardInterrupt at the await, as in synchronous code."""

from __future__ import annotations

import _thread
import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from qtkernel.kernel.interrupt import Interrupter
from qtkernel.loops.aio import AsyncioLoop

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no directed signals there")

Errors = list[BaseException]


@pytest.fixture
def errors() -> Errors:
    """What asyncio lets through to its loop."""
    return []


@pytest.fixture
def loop(errors: Errors) -> Iterator[AsyncioLoop]:
    created = AsyncioLoop.owning(errors.append)
    yield created
    created.close()


@pytest.fixture
def interrupter(loop: AsyncioLoop) -> Interrupter:
    return Interrupter(lambda: loop)


@pytest.fixture
def drive(loop: AsyncioLoop, interrupter: Interrupter) -> Callable[..., asyncio.Task[Any]]:
    """Run a cell's coroutine as the shell does, from begin to end; the task it was."""

    def run(cell: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        tasks = []

        def start() -> None:
            interrupter.begin()
            task = loop.asyncio_loop.create_task(interrupter.drive(cell))
            wait = interrupter.waiting(lambda: loop.asyncio_loop.call_soon(task.cancel))
            wait.__enter__()
            task.add_done_callback(lambda _: (wait.__exit__(None, None, None), loop.stop()))
            tasks.append(task)

        loop.call_soon_threadsafe(start)
        loop.run()
        assert interrupter.end() is False
        return tasks[0]

    return run


def interrupt(interrupter: Interrupter) -> None:
    # not Thread.start, which waits for the thread: the interrupt would hit that wait
    _thread.start_new_thread(interrupter.interrupt, ())


def test_the_await_raises_and_except_and_finally_run(
    interrupter: Interrupter, drive: Callable[..., asyncio.Task[Any]], errors: Errors
) -> None:
    seen = []

    async def cell() -> str:
        try:
            interrupt(interrupter)
            await asyncio.sleep(60)
        except KeyboardInterrupt:
            seen.append("except")
            await asyncio.sleep(0.001)  # it may await again
            return "value"
        finally:
            seen.append("finally")
        return "not reached"

    task = drive(cell())
    assert task.result() == "value"
    assert seen == ["except", "finally"]
    assert errors == []


def test_uncaught_it_is_the_task_s_result(
    interrupter: Interrupter, drive: Callable[..., asyncio.Task[Any]], errors: Errors
) -> None:
    async def cell() -> None:
        interrupt(interrupter)
        await asyncio.sleep(60)

    task = drive(cell())
    assert isinstance(task.exception(), KeyboardInterrupt)
    assert [type(error) for error in errors] == [KeyboardInterrupt]  # asyncio lets it through


def test_a_step_that_runs_is_hit_like_synchronous_code(
    interrupter: Interrupter, drive: Callable[..., asyncio.Task[Any]], errors: Errors
) -> None:
    async def cell() -> str:
        await asyncio.sleep(0)
        try:
            interrupt(interrupter)
            while True:
                pass
        except KeyboardInterrupt:
            return "hit"

    assert drive(cell()).result() == "hit"
    assert errors == []


def test_deep_inside_of_other_awaits(
    interrupter: Interrupter, drive: Callable[..., asyncio.Task[Any]]
) -> None:
    seen = []

    async def inner() -> None:
        try:
            interrupt(interrupter)
            await asyncio.sleep(60)
        finally:
            seen.append("inner")

    async def cell() -> str:
        try:
            await inner()
        except KeyboardInterrupt:
            return "outer"
        return "not reached"

    assert drive(cell()).result() == "outer"
    assert seen == ["inner"]


def test_twice(interrupter: Interrupter, drive: Callable[..., asyncio.Task[Any]]) -> None:
    async def cell() -> int:
        hits = 0
        for _ in range(2):
            try:
                interrupt(interrupter)
                await asyncio.sleep(60)
            except KeyboardInterrupt:
                hits += 1
        return hits

    assert drive(cell()).result() == 2


def test_a_cancellation_of_the_cell_s_own_stays_one(
    drive: Callable[..., asyncio.Task[Any]], loop: AsyncioLoop
) -> None:
    async def cell() -> str:
        task = asyncio.current_task()
        assert task is not None
        loop.asyncio_loop.call_soon(task.cancel)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "cancelled"
        return "not reached"

    assert drive(cell()).result() == "cancelled"


def test_values_and_errors_pass_through(drive: Callable[..., asyncio.Task[Any]]) -> None:
    async def cell() -> list[Any]:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.get_loop().call_soon(future.set_result, 7)
        got: list[Any] = [await future]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(60), 0.001)
        return got

    before = signal.getsignal(signal.SIGINT)
    assert drive(cell()).result() == [7]
    assert signal.getsignal(signal.SIGINT) is before
