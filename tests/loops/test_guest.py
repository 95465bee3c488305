"""The guest asyncio loop over every host: what people write after `await`."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from qtkernel.loops.base import EventLoop
from qtkernel.loops.coroutines import GuestLoop

Run = Callable[[EventLoop], None]
Drive = Callable[[Coroutine[Any, Any, Any]], Any]


def test_sleep_and_gather(drive: Drive) -> None:
    async def cell() -> list[int]:
        async def one(number: int) -> int:
            await asyncio.sleep(0.002 * number)
            return number

        return await asyncio.gather(*(one(number) for number in range(5)))

    assert drive(cell()) == [0, 1, 2, 3, 4]


def test_a_tcp_echo(drive: Drive) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def cell() -> int:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for number in range(20):
                writer.write(b"%d" % number)
                assert await reader.read(100) == b"%d" % number
            writer.close()
            await writer.wait_closed()
        return number

    assert drive(cell()) == 19


def test_a_subprocess(drive: Drive) -> None:
    async def cell() -> tuple[bytes, int | None]:
        program = "import sys; print(sys.stdin.read()[::-1])"
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=pipe, stdout=pipe
        )
        out, _ = await process.communicate(b"olleh")
        return out, process.returncode

    assert drive(cell()) == (b"hello\n", 0)


def test_a_thread(drive: Drive) -> None:
    async def cell() -> bool:
        return await asyncio.to_thread(threading.get_ident) != threading.get_ident()

    assert drive(cell())


def test_timeout_and_cancel(drive: Drive) -> None:
    async def cell() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return "done"

    assert drive(cell()) == "done"


def test_a_thread_s_callback_between_two_looks_is_not_left_behind(
    drive: Drive, guest: GuestLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop: Any = guest.asyncio_loop
    came = asyncio.Event()

    def read_late() -> None:
        # the step has counted what it will run: the callback comes, and its byte is read here
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(came.set,))
        thread.start()
        thread.join()
        loop._read_from_self()
        # nothing is readable now. Mostly the kernel says once more that something is
        guest._unwatch()
        monkeypatch.setattr(guest, "_watch", lambda: None)

    async def cell() -> str:
        loop._remove_reader(loop._ssock.fileno())
        loop._add_reader(loop._ssock.fileno(), read_late)
        loop._write_to_self()  # as of a callback that has been run
        await came.wait()
        return "came"

    assert drive(cell()) == "came"


def test_threads_wake_the_guest(drive: Drive) -> None:
    async def cell() -> int:
        here = asyncio.get_running_loop()
        counted = asyncio.Event()
        seen: list[int] = []

        def count() -> None:
            seen.append(threading.get_ident())
            if len(seen) == 100:
                counted.set()

        def post() -> None:
            for _ in range(100):
                here.call_soon_threadsafe(count)

        threading.Thread(target=post).start()
        await counted.wait()
        return len(set(seen))

    assert drive(cell()) == 1
