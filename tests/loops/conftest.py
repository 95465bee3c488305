"""One `loop` fixture over every backend, and what the tests of `qtkernel.loops` share."""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from qtkernel.loops.aio import AsyncioLoop
from qtkernel.loops.base import EventLoop
from qtkernel.loops.coroutines import GuestLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.qt import QtLoop
from qtkernel.loops.tk import TkLoop
from tests.support.xvfb import display

PATIENCE = 20.0
"""Seconds after which a loop that should have been stopped fails its test."""

Errors = list[BaseException]


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """A display, for tests that open windows of Tk."""
    with display() as name:
        if name is None:
            pytest.skip("there is neither a display nor Xvfb")
        yield name


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The one QApplication of the session."""
    from tests.support.binding import QtWidgets

    # Qt says in a warning that it has not been set
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["tests"])


@pytest.fixture
def errors() -> Iterator[Errors]:
    """What reached `on_error`; a test that expects something there clears it."""
    caught: Errors = []
    yield caught
    assert caught == []


@pytest.fixture
def root(screen: str) -> Iterator[Any]:
    """A host's Tk window."""
    import tkinter

    window = tkinter.Tk(screen)
    window.withdraw()
    yield window
    with contextlib.suppress(tkinter.TclError):  # the test has destroyed it
        window.destroy()
    del window
    gc.collect()


def _headless(_: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    return HeadlessLoop(on_error)


def _qt(request: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    return QtLoop(request.getfixturevalue("app"), on_error)


def _qt_owning(request: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    return QtLoop(request.getfixturevalue("app"), on_error, owns_app=True)


def _tk(_: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    return TkLoop(None, on_error)


def _tk_root(request: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    return TkLoop(request.getfixturevalue("root"), on_error)


def _tk_polling(_: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    return TkLoop(None, on_error, polling=True)


def _asyncio(_: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    return AsyncioLoop.owning(on_error)


def _asyncio_select(_: pytest.FixtureRequest, on_error: Any) -> EventLoop:
    # as on Windows, where a selector has no descriptor of its own
    return AsyncioLoop.owning(on_error, selector=selectors.SelectSelector())


BACKENDS: dict[str, Callable[[pytest.FixtureRequest, Any], EventLoop]] = {
    "headless": _headless,
    "qt": _qt,
    "qt-owning": _qt_owning,
    "tk": _tk,
    "tk-root": _tk_root,
    "tk-polling": _tk_polling,
    "asyncio": _asyncio,
    "asyncio-select": _asyncio_select,
}


@pytest.fixture(params=list(BACKENDS))
def make_loop(request: pytest.FixtureRequest, errors: Errors) -> Callable[[], EventLoop]:
    """Create a loop of the backend that the test runs with."""
    create = BACKENDS[request.param]
    return lambda: create(request, errors.append)


@pytest.fixture
def loop(make_loop: Callable[[], EventLoop]) -> Iterator[EventLoop]:
    """A loop of each backend in turn."""
    created = make_loop()
    yield created
    created.close()


@pytest.fixture
def run() -> Callable[[EventLoop], None]:
    """Run a loop until it is stopped, which must happen within `PATIENCE`."""

    def run_until_stopped(loop: EventLoop) -> None:
        expired = []
        guard = loop.call_later(PATIENCE, lambda: (expired.append(True), loop.stop()))
        loop.run()
        guard.cancel()
        assert not expired, "nobody stopped the loop"

    return run_until_stopped


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The read and the write end of a pipe."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(fd)


@pytest.fixture(params=["descriptor", "no descriptor"])
def guest(loop: EventLoop, request: pytest.FixtureRequest) -> Iterator[GuestLoop]:
    """A guest on each backend, with the best selector and with one as on Windows."""
    selector = selectors.SelectSelector() if request.param == "no descriptor" else None
    created = GuestLoop(loop, selector=selector)
    yield created
    created.close()


@pytest.fixture
def drive(
    guest: GuestLoop, loop: EventLoop, run: Callable[[EventLoop], None]
) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine on the guest while the host's loop runs; its result."""

    def drive_to_its_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
        task = guest.asyncio_loop.create_task(coroutine)
        task.add_done_callback(lambda _: loop.stop())
        run(loop)
        return task.result()

    return drive_to_its_end
