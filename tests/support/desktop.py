"""A desktop for tests and pictures: a display, a window manager, a keyboard, a mouse, and eyes.

All of it from outside: programs on it are processes of their own, and there is no Qt in here, so
that what is seen and pressed does not depend on the program under test being alive.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.pixels import Image, Screen
from tests.support.xvfb import end_with_parent, virtual_display

PROGRAMS = {"Xvfb": "xvfb", "openbox": "openbox", "xdotool": "xdotool"}
"""What is needed, and the package that has it."""

PATIENCE = 30.0
"""Seconds that something which takes milliseconds may take on a loaded machine."""

LEFT, MIDDLE, RIGHT = 1, 2, 3


def missing() -> str:
    """What a desktop lacks here and how to get it; "" if nothing."""
    absent = [package for name, package in PROGRAMS.items() if shutil.which(name) is None]
    return f"no desktop for tests: apt-get install {' '.join(absent)}" if absent else ""


class Desktop:
    """A display with a window manager, its keyboard and its mouse.

    Attributes:
        display: its name, for DISPLAY.
    """

    def __init__(self, display: str, screen: Screen) -> None:
        self.display = display
        self._screen = screen
        self._environment = os.environ | {"DISPLAY": display}

    def environment(self) -> dict[str, str]:
        """The environment for programs that are to appear on it."""
        platform = {"DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb"}
        return {k: v for k, v in self._environment.items() if k != "WAYLAND_DISPLAY"} | platform

    # Keyboard

    def type(self, text: str, *, delay: int = 12) -> None:
        """Type `text`, a key every `delay` milliseconds; a line feed is Enter."""
        # xdotool's own line feed is a key that nobody has; --args: what follows are commands again
        words: list[str] = []
        for index, line in enumerate(text.split("\n")):
            words += ["key", "--delay", str(delay), "Return"] if index else []
            words += ["type", "--delay", str(delay), "--args", "1", "--", line] if line else []
        self._xdotool(*words)

    def key(self, *keys: str, delay: int = 12) -> None:
        """Press keys one after another, each as xdotool names it: "Tab", "ctrl+c"."""
        self._xdotool("key", "--delay", str(delay), *keys)

    # Mouse

    def move(self, x: int, y: int) -> None:
        """Move the pointer there."""
        self._xdotool("mousemove", str(x), str(y))

    def click(self, x: int, y: int, button: int = LEFT) -> None:
        """Move the pointer there and click."""
        self._xdotool("mousemove", str(x), str(y), "click", str(button))

    def double_click(self, x: int, y: int) -> None:
        """Move the pointer there and click twice."""
        where = ("mousemove", str(x), str(y))
        self._xdotool(*where, "click", "--repeat", "2", "--delay", "60", "1")

    def drag(self, start: tuple[int, int], *way: tuple[int, int]) -> None:
        """Press the button at `start`, move along `way`, and let go at its end."""
        x, y = start
        arguments = ["mousemove", str(x), str(y), "mousedown", "1"]
        for x, y in way:
            arguments += ["sleep", "0.05", "mousemove", str(x), str(y)]
        self._xdotool(*arguments, "sleep", "0.05", "mouseup", "1")

    # Windows

    def windows(self, pid: int, name: str = "") -> list[int]:
        """The visible windows of a process, those whose title has `name` (a regex) in it."""
        # without --all xdotool takes windows that meet any one of the conditions
        options = ["--all", "--onlyvisible", "--pid", str(pid), "--name", name]
        found = self._xdotool("search", *options, fails=True)
        return [int(line) for line in found.split()]

    def window(self, pid: int, name: str = "", patience: float = PATIENCE) -> int:
        """Wait for a visible window of a process; its id."""
        deadline = time.monotonic() + patience
        while not (found := self.windows(pid, name)):
            assert time.monotonic() < deadline, f"no window {name!r} of process {pid} has appeared"
            time.sleep(0.05)
        return found[0]

    def activate(self, window: int, patience: float = PATIENCE) -> None:
        """Raise a window and give it the keyboard; returns when it has it."""
        deadline = time.monotonic() + patience
        self._xdotool("windowactivate", str(window))
        while self._xdotool("getactivewindow", fails=True) != str(window):
            assert time.monotonic() < deadline, f"window {window} does not become active"
            time.sleep(0.02)
            self._xdotool("windowactivate", str(window), fails=True)

    def geometry(self, window: int) -> tuple[int, int, int, int]:
        """Where a window is: x, y, width, height, without its frame."""
        return self._screen.geometry(window)  # xdotool's adds the frame twice

    def resize(self, window: int, width: int, height: int) -> None:
        """Ask the window manager for another size."""
        self._xdotool("windowsize", str(window), str(width), str(height))

    def place(self, window: int, x: int, y: int) -> None:
        """Ask the window manager to put the window there."""
        self._xdotool("windowmove", str(window), str(x), str(y))

    def undecorate(self, window: int) -> None:
        """Ask the window manager to leave out the frame and title bar (_MOTIF_WM_HINTS)."""
        hints = ("-f", "_MOTIF_WM_HINTS", "32c", "-set", "_MOTIF_WM_HINTS", "2, 0, 0, 0, 0")
        subprocess.run(["xprop", "-id", str(window), *hints], env=self._environment, check=True)

    def close_window(self, window: int) -> None:
        """Close a window as a person does, with the window manager's key."""
        self.activate(window)
        self.key("alt+F4")

    # Eyes

    def look(self, rect: tuple[int, int, int, int] | None = None) -> Image:
        """What is on the screen now, at x, y, width, height; all of it by default.

        Takes 1 ms for a window of 900 x 600 on an idle machine; whoever has drawn it need not run.
        """
        return self._screen.look(rect)

    def screenshot(self, path: Path, rect: tuple[int, int, int, int] | None = None) -> None:
        """Write what is on the screen to a PNG file."""
        path.write_bytes(self.look(rect).png())

    def _xdotool(self, *arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode and not fails:
            raise RuntimeError(f"xdotool {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()


@contextlib.contextmanager
def desktop(size: str = "1280x800") -> Iterator[Desktop]:
    """A desktop of one's own for the time of the block.

    Raises:
        FileNotFoundError: something is not installed; `missing` says what.
    """
    if reason := missing():
        raise FileNotFoundError(reason)
    with virtual_display(size) as display, _window_manager(display):
        screen = Screen(display)
        try:
            yield Desktop(display, screen)
        finally:
            screen.close()


@contextlib.contextmanager
def _window_manager(display: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="qtk-desktop-") as home:
        ready = Path(home) / "ready"
        manager = subprocess.Popen(
            # it runs the startup command when it has taken the display over
            ["openbox", "--sm-disable", "--startup", f"touch {ready}"],
            env=os.environ | {"DISPLAY": display, "HOME": home} | _xdg(home),
            preexec_fn=end_with_parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not ready.exists():
                if manager.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"openbox did not start: {manager.poll()}")
                time.sleep(0.01)
            yield
        finally:
            manager.terminate()
            manager.wait()


def _xdg(home: str) -> dict[str, str]:
    """What openbox would write to the user's home."""
    return {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "CACHE")}
