"""An application whose event loop is driven by asyncio, with a kernel inside.

    python on_asyncio.py qasync|QtAsyncio|asyncio CONNECTION_FILE

A task of its own ticks all the time, in `ticks`. It ends when a cell sets `stop`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio import events
from typing import Any

import qtkernel


def say(text: str) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


async def tick(ticks: list[bool], loop: asyncio.AbstractEventLoop) -> None:
    """The host's own work: it needs its loop marked running, like most of asyncio."""
    while True:
        await asyncio.sleep(0.005)
        ticks.append(asyncio.get_running_loop() is loop)


def state() -> tuple[Any, ...]:
    """asyncio's global state."""
    policy = events._event_loop_policy  # type: ignore[attr-defined]
    return policy, asyncio._get_running_loop(), events._get_running_loop


async def application(more: dict[str, Any]) -> None:
    """Embed a kernel, work, and close it from within the loop."""
    loop = asyncio.get_running_loop()
    before = state()
    ticks: list[bool] = []
    ticking = asyncio.ensure_future(tick(ticks, loop))
    stop = asyncio.Event()
    namespace = {"host_loop": loop, "ticks": ticks, "stop": stop, "say": say, **more}
    kernel = qtkernel.embed(namespace, connection_file=sys.argv[2])
    say("ready")
    await stop.wait()
    kernel.close()
    say(f"ticks: {'fine' if not ticking.done() and all(ticks) else 'broken'}")
    say(f"state: {'same' if state() == before else state()}")
    ticking.cancel()


def main() -> None:
    """Run it."""
    kind = sys.argv[1]
    if kind == "asyncio":
        asyncio.run(application({}))
        say("ended")
        return
    from tests.support.binding import QtCore, QtWidgets

    app = QtWidgets.QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    more = {"app": app, "QtCore": QtCore, "QtWidgets": QtWidgets}
    if kind == "qasync":
        import qasync

        with qasync.QEventLoop(app) as loop:
            loop.run_until_complete(application(more))
    else:
        from importlib import import_module

        runner = import_module("PySide6.QtAsyncio")
        runner.run(application(more), handle_sigint=False, keep_running=False)
    say("ended")


if __name__ == "__main__":
    main()
