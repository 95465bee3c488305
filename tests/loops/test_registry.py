"""Backends by name, plug-ins, and the detection of the host's loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qtkernel.loops.aio import AsyncioLoop
from qtkernel.loops.base import EventLoop
from qtkernel.loops.errors import UnknownEventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.qt import QtLoop
from qtkernel.loops.registry import available, create, detect_host
from qtkernel.loops.tk import TkLoop

Errors = list[BaseException]
PLUG_IN = """
from qtkernel.loops.headless import HeadlessLoop

def create(on_error):
    loop = HeadlessLoop(on_error)
    loop.name = "moon"
    return loop

def broken(on_error):
    raise OSError("no moon tonight")
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed distribution "moonloop" with two event loops, one of which is broken."""
    (tmp_path / "moonloop.py").write_text(PLUG_IN)
    info = tmp_path / "moonloop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moonloop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[qtkernel.eventloops]\n"
        "moon = moonloop:create\nnew-moon = moonloop:broken\nno-moon = moonloop:missing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("moonloop", None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("qt", QtLoop), ("tk", TkLoop), ("headless", HeadlessLoop), ("asyncio", AsyncioLoop)],
)
@pytest.mark.usefixtures("app")
def test_create(
    name: str, kind: type[EventLoop], errors: Errors, run: Callable[[EventLoop], None]
) -> None:
    loop = create(name, errors.append)
    assert type(loop) is kind
    assert loop.name == name
    loop.call_soon_threadsafe(lambda: 1 / 0)
    loop.call_soon_threadsafe(loop.stop)
    run(loop)
    loop.close()
    assert [type(error) for error in errors] == [ZeroDivisionError]
    errors.clear()


def test_asyncio_takes_a_given_loop(errors: Errors) -> None:
    inner = asyncio.new_event_loop()
    loop = create("asyncio", errors.append, asyncio_loop=inner)
    assert isinstance(loop, AsyncioLoop)
    assert loop.asyncio_loop is inner
    loop.close()
    assert not inner.is_closed()
    inner.close()


@pytest.mark.usefixtures("plug_in")
def test_plug_ins(errors: Errors) -> None:
    names = available()
    assert names[:4] == ["qt", "tk", "headless", "asyncio"]
    assert {"moon", "new-moon", "no-moon"} <= set(names)
    loop = create("moon", errors.append)
    assert loop.name == "moon"
    loop.close()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("new-moon", r"'new-moon' of moonloop .*OSError: no moon tonight"),
        ("no-moon", r"'no-moon' of moonloop .*AttributeError"),
        ("sun", r"no event loop 'sun'; there are: qt, tk, headless, asyncio, moon"),
    ],
)
@pytest.mark.usefixtures("plug_in")
def test_what_cannot_be_created_says_why(name: str, message: str) -> None:
    with pytest.raises(UnknownEventLoop, match=message):
        create(name)


def test_qt_is_detected_first(app: Any, errors: Errors) -> None:
    async def host() -> EventLoop:
        return detect_host(errors.append)

    assert app is not None
    loop = asyncio.run(host())
    assert type(loop) is QtLoop
    loop.close()


def in_a_process(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_running_asyncio_loop_is_detected() -> None:
    said = in_a_process("""
        import asyncio
        from qtkernel.loops.registry import detect_host
        async def host():
            loop = detect_host()
            print(loop.name)
            loop.close()
        asyncio.run(host())
    """)
    assert said == "asyncio"


def test_a_tk_root_is_detected(screen: str) -> None:
    said = in_a_process(f"""
        import tkinter, threading
        from qtkernel.loops.registry import detect_host
        root = tkinter.Tk({screen!r})
        loop = detect_host()
        print(loop.name)
        loop.close()
        def elsewhere():
            try:
                detect_host()
            except BaseException as error:
                print(type(error).__name__)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    """)
    assert said.split() == ["tk", "WrongThread"]


def test_without_a_loop_the_error_says_what_to_create() -> None:
    said = in_a_process("""
        import sys
        import qtkernel.loops, qtkernel.qt
        from qtkernel.loops.registry import detect_host
        toolkits = {"PyQt5", "PyQt6", "PySide6", "tkinter", "qtpy", "zmq", "IPython"}
        assert not toolkits & set(sys.modules)
        try:
            detect_host()
        except RuntimeError as error:
            print(type(error).__name__, error)
        assert not toolkits & set(sys.modules)
    """)
    assert said.startswith("NoEventLoop")
    assert "QApplication" in said
    assert "loop=" in said
