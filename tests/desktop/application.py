"""A program of its own on the tests' desktop: its screen, its keyboard, and what it says."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.frontends.support.programs import Home, Program, next_number, wait_until
from tests.support.desktop import PATIENCE, Desktop
from tests.support.pixels import Image

HOSTS = Path(__file__).with_name("hosts")

Rect = tuple[int, int, int, int]


class Application(Program):
    """A script in hosts/, which answers questions (`hosts.ear`), and somebody in front of it."""

    def __init__(
        self,
        home: Home,
        screen: Desktop,
        script: str,
        arguments: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        expected: Callable[[str], bool] = lambda _line: False,
    ) -> None:
        command = [sys.executable, str(HOSTS / script), *arguments]
        platform = {"QT_QPA_PLATFORM": "xcb"} | (environment or {})
        super().__init__(home, command, environment=platform, expected=expected)
        self.screen = screen
        self.window = 0

    # What it says

    def ask(self, expression: str, timeout: float = PATIENCE) -> Any:
        """The value of an expression in the application, evaluated by its own event loop."""
        number = next_number()
        self.write_line(f"{number} {json.dumps(expression)}")
        answer = self.wait_for_line(f"{number}: ", timeout).partition(": ")[2]
        status, value = json.loads(answer)
        assert status == "ok", f"{expression}: {value}"
        return value

    def wait_for(self, expression: str, timeout: float = PATIENCE) -> Any:
        """Wait until an expression is true; its value."""
        deadline = time.monotonic() + timeout
        while not (value := self.ask(expression)):
            assert time.monotonic() < deadline, f"{expression}: not so. {self.text()}"
            time.sleep(0.02)
        return value

    def text(self) -> str:
        """What to tell when something does not happen."""
        return ""

    def rect(self, widget: str) -> Rect:
        """Where a widget is on the screen."""
        x, y, width, height = self.ask(f"rect({widget})")
        return x, y, width, height

    # Hands and eyes

    def click(self, widget: str) -> None:
        """Click into the middle of a widget."""
        self.screen.click(*middle(self.rect(widget)))

    def wait_until_seen(self, seen: Callable[[], bool]) -> None:
        """Wait until something is on the screen."""
        wait_until(seen, PATIENCE, "it is not on the screen")

    def look(self, widget: str) -> Image:
        """What is on the screen where a widget is."""
        return self.screen.look(self.rect(widget))


def middle(rect: Rect) -> tuple[int, int]:
    """The middle of a rectangle."""
    x, y, width, height = rect
    return x + width // 2, y + height // 2
