"""Where the tour plays: a display, and the demo application on it as a child process."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from demo_app.look import RESOURCES

TIMEOUT = 60.0
"""Seconds for any one step."""


class TourError(Exception):
    """Something did not happen that had to; the text says what."""


def wait_for(app: subprocess.Popen[bytes], connection_file: Path) -> None:
    """Return when the application has written its connection file (it does so in one step)."""
    deadline = time.monotonic() + TIMEOUT
    while not connection_file.exists():
        if app.poll() is not None:
            raise TourError(f"the application ended with {app.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise TourError(f"no connection file after {TIMEOUT:g} s")
        time.sleep(0.02)


def wait_for_end(app: subprocess.Popen[bytes], timeout: float | None = TIMEOUT) -> None:
    """Wait until the application has ended by itself; TourError if it failed or hangs."""
    try:
        status = app.wait(timeout)
    except subprocess.TimeoutExpired:
        raise TourError(f"the application was still there after {timeout:g} s") from None
    if status != 0:
        raise TourError(f"the application ended with exit code {status}")


@contextlib.contextmanager
def display() -> Iterator[dict[str, str]]:
    """The environment for the application: the display there is, or else one of its own."""
    environment = dict(os.environ)
    xvfb = shutil.which("Xvfb")
    if any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        yield environment
        return
    if xvfb is None:
        yield environment | {"QT_QPA_PLATFORM": "offscreen"}
        return
    command = (xvfb, "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-displayfd", "1")
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="ascii"
    )
    try:
        assert server.stdout is not None
        number = server.stdout.readline().strip()
        # where Qt's X11 libraries are missing, the pictures can still be made
        platform = "xcb;offscreen" if number else "offscreen"
        yield environment | {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": platform}
    finally:
        server.terminate()
        server.communicate()


@contextlib.contextmanager
def application(
    environment: dict[str, str], connection_file: Path, transport: str | None
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The demo application as a child in its own session; gone at the end, whatever happens."""
    command = [sys.executable, "-m", "demo_app", "--connection-file", str(connection_file)]
    command += ["--transport", transport] if transport else []
    app = subprocess.Popen(command, cwd=RESOURCES.parent, env=environment, start_new_session=True)
    try:
        wait_for(app, connection_file)
        yield app, connection_file
    finally:
        if app.poll() is None:
            app.kill()
            app.wait()
