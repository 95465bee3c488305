"""The application of hosts/bench.py for tests: its screen, its keyboard, and what it says."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.frontends.support.programs import Home, Program, next_number, wait_until
from tests.support.desktop import PATIENCE, Desktop
from tests.support.pixels import Image

SCRIPT = Path(__file__).with_name("hosts") / "bench.py"

Rect = tuple[int, int, int, int]


class Bench(Program):
    """An application with a console, and somebody in front of it."""

    def __init__(self, home: Home, screen: Desktop) -> None:
        file = home.runtime / f"kernel-bench-{next_number()}.json"
        environment = {"QT_QPA_PLATFORM": "xcb"}
        super().__init__(home, [sys.executable, str(SCRIPT), str(file)], environment=environment)
        self.connection_file = file
        self.screen = screen
        self.window = 0

    def begin(self) -> None:
        """Wait until there is a prompt, and click there."""
        self.wait_for_line("ready")
        self.window = self.screen.window(self.pid, "bench")
        self.screen.activate(self.window)
        self.wait_for("is_quiet(dock)")
        self.enter()

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

    def text(self, dock: str = "dock") -> str:
        """What is in a console."""
        return str(self.ask(f"page_of({dock}).toPlainText()"))

    def rect(self, widget: str) -> Rect:
        """Where a widget is on the screen."""
        x, y, width, height = self.ask(f"rect({widget})")
        return x, y, width, height

    def part(self, name: str, dock: str = "dock") -> str:
        """An expression for a part of a dock."""
        return f"part({dock}, {name!r})"

    # Hands and eyes

    def click(self, widget: str) -> None:
        """Click into the middle of a widget."""
        self.screen.click(*middle(self.rect(widget)))

    def enter(self, dock: str = "dock") -> None:
        """Click into a console, until it has the keyboard: its window may still be moving."""
        deadline = time.monotonic() + PATIENCE
        focused = f"page_of({dock}).hasFocus() and page_of({dock}).isActiveWindow()"
        while True:
            self.click(f"page_of({dock})")
            with suppress(AssertionError):
                self.wait_for(focused, 1)
                return
            assert time.monotonic() < deadline, f"a click does not put the keyboard into {dock}"

    def run(self, typed: str) -> str:
        """Type at the prompt and press Enter; the status of the cell that has ended then."""
        ended = self.ask("len(self.ended)")
        self.screen.type(f"{typed}\n")
        return self.wait_for_end(ended + 1)

    def wait_for_end(self, count: int) -> str:
        """Wait until so many cells have ended, and the console shows it; the last one's status."""
        self.wait_for(f"len(self.ended) >= {count} and is_quiet(dock)")
        return str(self.ask("self.ended[-1][2]"))

    def ended_at(self) -> float:
        """When the latest cell ended, on this machine's monotonic clock."""
        return float(self.ask("self.ended[-1][0]"))

    def look(self, widget: str = "page_of(dock).viewport()") -> Image:
        """What is on the screen where a widget is."""
        return self.screen.look(self.rect(widget))

    def wait_until_seen(self, seen: Callable[[], bool]) -> None:
        """Wait until something is on the screen."""
        wait_until(seen, PATIENCE, "it is not on the screen")


def middle(rect: Rect) -> tuple[int, int]:
    """The middle of a rectangle."""
    x, y, width, height = rect
    return x + width // 2, y + height // 2
