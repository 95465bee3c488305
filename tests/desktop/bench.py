"""The application of hosts/bench.py for tests: its screen, its keyboard, and what it says."""

from __future__ import annotations

import time
from contextlib import suppress

from tests.desktop.application import Application
from tests.frontends.support.programs import Home, next_number
from tests.support.desktop import PATIENCE, Desktop
from tests.support.pixels import Image


class Bench(Application):
    """An application with a console, and somebody in front of it."""

    def __init__(self, home: Home, screen: Desktop) -> None:
        file = home.runtime / f"kernel-bench-{next_number()}.json"
        super().__init__(home, screen, "bench.py", [str(file)])
        self.connection_file = file

    def begin(self) -> None:
        """Wait until there is a prompt, and click there."""
        self.wait_for_line("ready")
        self.window = self.screen.window(self.pid, "bench")
        self.screen.activate(self.window)
        self.wait_for("is_quiet(dock)")
        self.enter()

    def text(self, dock: str = "dock") -> str:
        """What is in a console."""
        return str(self.ask(f"page_of({dock}).toPlainText()"))

    def part(self, name: str, dock: str = "dock") -> str:
        """An expression for a part of a dock."""
        return f"part({dock}, {name!r})"

    # Hands and eyes

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
        return super().look(widget)
