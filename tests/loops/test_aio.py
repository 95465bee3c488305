"""What only asyncio does: a host that runs its own loop, and loops that cannot watch sockets."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from qtkernel.loops.aio import AsyncioLoop


def test_it_lives_in_a_running_loop(errors: list[BaseException]) -> None:
    read, write = os.pipe()

    async def host() -> list[str]:
        seen: list[str] = []
        done = asyncio.Event()
        loop = AsyncioLoop(asyncio.get_running_loop(), errors.append)
        loop.add_reader(read, lambda: (seen.append("reader"), os.read(read, 1), done.set()))
        loop.call_soon_threadsafe(lambda: seen.append("soon"))
        loop.call_later(0.02, lambda: os.write(write, b"x"))
        await done.wait()
        await asyncio.to_thread(loop.call_soon_threadsafe, done.clear)
        loop.call_soon_threadsafe(lambda: seen.append("last"))
        await asyncio.sleep(0.02)
        loop.close()
        return seen

    assert asyncio.run(host()) == ["soon", "reader", "last"]
    os.close(read)
    os.close(write)


def test_a_nested_run_serves_the_seam_while_tasks_wait(errors: list[BaseException]) -> None:
    seen: list[str] = []

    async def host() -> None:
        loop = AsyncioLoop(asyncio.get_running_loop(), errors.append)
        done = asyncio.Event()

        def cell() -> None:
            asyncio.get_running_loop().call_soon(lambda: seen.append("task"))
            loop.call_later(0.03, lambda: (seen.append("seam"), loop.stop()))
            loop.run()
            seen.append("cell ended")
            done.set()

        loop.call_soon_threadsafe(cell)
        await done.wait()
        await asyncio.sleep(0)
        loop.close()

    asyncio.run(host())
    assert seen == ["seam", "cell ended", "task"]


def test_stop_does_not_stop_the_hosts_own_run(errors: list[BaseException]) -> None:
    async def host() -> str:
        loop = AsyncioLoop(asyncio.get_running_loop(), errors.append)
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.sleep(0.02)
        loop.close()
        return "still running"

    assert asyncio.run(host()) == "still running"


def test_stop_of_the_asyncio_loop_ends_a_hosts_run_and_no_standalone_one(
    errors: list[BaseException],
) -> None:
    inner = asyncio.new_event_loop()
    seen: list[str] = []
    hosted = AsyncioLoop(inner, errors.append)
    hosted.call_soon_threadsafe(inner.stop)
    hosted.call_later(0.01, lambda: seen.append("too late"))
    hosted.run()
    hosted.close()
    assert seen == []
    standalone = AsyncioLoop(inner, errors.append, outlives_stop=True)
    standalone.call_soon_threadsafe(inner.stop)
    standalone.call_later(0.01, lambda: (seen.append("outlived"), standalone.stop()))
    standalone.run()
    standalone.close()
    inner.close()
    assert seen == ["outlived"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_asyncio_lets_through_goes_to_on_error(
    errors: list[BaseException], kind: type[BaseException]
) -> None:
    def fail() -> None:
        raise kind

    loop = AsyncioLoop.owning(errors.append)
    loop.asyncio_loop.call_soon(fail)
    loop.call_later(0.02, loop.stop)
    loop.run()
    loop.close()
    assert loop.asyncio_loop.is_closed()
    assert [type(error) for error in errors] == [kind]
    errors.clear()


def test_close_after_the_host_has_closed_its_loop(errors: list[BaseException]) -> None:
    inner = asyncio.new_event_loop()
    loop = AsyncioLoop(inner, errors.append)
    inner.close()
    loop.close()


def test_a_loop_that_cannot_watch_sockets_is_refused_with_the_remedy() -> None:
    class Proactor(asyncio.SelectorEventLoop):
        def add_reader(self, *_: Any) -> None:
            raise NotImplementedError

    inner = Proactor()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(RuntimeError, match=r"Proactor cannot .*WindowsSelectorEventLoopPolicy"):
        AsyncioLoop(inner)
    assert len(os.listdir("/proc/self/fd")) == before
    inner.close()
