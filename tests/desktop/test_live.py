"""What a cell prints is on the screen while it blocks the application, and nothing else moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from tests.desktop.application import Rect
from tests.desktop.bench import Bench
from tests.support.desktop import Desktop
from tests.support.pixels import Image

PRINTS = 15
PERIOD = 0.2

CELL = f"""import time
begun = time.monotonic()
painted, ticks = blinker.painted, clock.ticks
for number in range({PRINTS}):
    blinker.update()
    print('line', number)
    time.sleep(max(0, begun + {PERIOD} * (number + 1) - time.monotonic()))
say(f'over {{begun}}')
blinker.painted - painted, clock.ticks - ticks"""


class Watcher:
    """Looks at a part of the screen again and again, in a thread of its own."""

    def __init__(self, screen: Desktop, rect: Rect, see: Callable[[Image], Any]) -> None:
        self.seen: list[tuple[float, Any]] = []
        self._screen, self._rect, self._see = screen, rect, see
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            now = time.monotonic()
            found = self._see(self._screen.look(self._rect))
            if not self.seen or self.seen[-1][1] != found:
                self.seen.append((now, found))


def lowest(image: Image) -> int:
    """The lowest row with something in it."""
    rows = image.rows()
    return max((y for y, row in enumerate(rows) if row != rows[-1]), default=-1)


def test_lines_come_as_they_are_printed(bench: Bench) -> None:
    bench.run("1")
    bench.screen.key("ctrl+l")
    bench.wait_for("'Out' not in page_of(dock).toPlainText()")
    bench.ask(f"dock.show_input({CELL!r})")
    bench.wait_for("pending_input(dock)")
    step = bench.ask("line_height(dock)")
    page = bench.rect("page_of(dock).viewport()")
    above = CELL.count("\n") + 1
    bench.wait_until_seen(lambda: 0 < lowest(bench.screen.look(page)) < step * above + 6)
    with Watcher(bench.screen, page, lowest) as watcher:
        bench.screen.key("Return")
        begun = float(bench.wait_for_line("over ").split()[1])
    bench.wait_for_end(2)
    assert "Out[2]: (0, 0)" in bench.text(), "others were painted, or their events processed"
    # when the screen first reached so far down, with prompt and input above the first line
    late = []
    for number in range(PRINTS - 1):
        reached = [when for when, y in watcher.seen if y >= step * (above + number) + 6]
        assert reached, f"line {number} was never on the screen: {watcher.seen}"
        late.append(reached[0] - (begun + PERIOD * number))
    print(f"on the screen after {min(late) * 1000:.0f} to {max(late) * 1000:.0f} ms")
    # seen well before the next is printed, but for a machine that has something else to do
    assert sorted(late)[PRINTS // 2] < PERIOD, late
    assert max(late) < 5 * PERIOD, late


def test_the_last_text_before_a_long_wait_is_shown(bench: Bench) -> None:
    bench.screen.key("ctrl+l")
    step = bench.ask("line_height(dock)")
    page = bench.rect("page_of(dock).viewport()")
    bench.screen.type("import time; print('x\\n' * 6, end=''); say('waits'); time.sleep(4); 1\n")
    bench.wait_for_line("waits")
    since = time.monotonic()
    bottom = lowest(bench.screen.look(page))
    while bottom < 6 * step:
        assert time.monotonic() < since + 3, "the text is not there"
        bottom = lowest(bench.screen.look(page))
    print(f"on the screen after {(time.monotonic() - since) * 1000:.0f} ms")
    bench.wait_for_end(1)


def test_the_elapsed_time_moves(bench: Bench) -> None:
    code = "import time\nfor i in range(15): time.sleep(0.1); print(i)"
    elapsed = bench.rect(bench.part("elapsed"))
    bench.ask(f"dock.show_input({code!r})")
    with Watcher(bench.screen, elapsed, lambda image: image.pixels.tobytes()) as watcher:
        bench.screen.key("Return")
        bench.wait_for_end(1)
    assert len(watcher.seen) > 4


def test_tqdm_moves_in_place(bench: Bench) -> None:
    code = "import sys, time; say('begun')\nfor i in range(20): "
    code += "sys.stderr.write(f'\\r{i} of 20'); time.sleep(.05)"
    page = bench.rect("page_of(dock).viewport()")
    bench.ask(f"dock.show_input({code!r})")
    bench.screen.key("Return")
    bench.wait_for_line("begun")
    with Watcher(bench.screen, page, lambda image: image.pixels.tobytes()) as watcher:
        bench.wait_for_end(1)
    assert bench.text().count(" of 20") == 2, bench.text()  # the input, and one line
    assert len(watcher.seen) > 4  # as often as the machine has time
