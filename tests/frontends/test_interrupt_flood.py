"""Interrupts by the thousand, into nothing and into short cells, with a second frontend at work."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.programs import HostProgram

FULL = pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])

# each takes up to some milliseconds
SHORT = [
    "n = sum(range({size}))",
    "for i in range({size}): pass",
    "for i in range({size} // 400): print(i)",
    "import time; time.sleep({size} / 20e6)",
    "import asyncio\nawait asyncio.sleep({size} / 20e6)",
    "import asyncio\nfor _ in range({size} // 1000): await asyncio.sleep(0)",
    "display({size})",
    "for _ in range({size} // 4000): app.processEvents()",
    "QtCore.QTimer.singleShot({size} // 20000, (loop := QtCore.QEventLoop()).quit)\nloop.exec()",
    "import threading; (t := threading.Thread(target=lambda: range({size}))).start(); t.join()",
]


@pytest.mark.parametrize("count", [100, FULL])
def test_interrupts_while_idle(start: Starter, count: int) -> None:
    host = start.host()
    host.ask("slots")
    frontend, other = start.frontend(host), start.frontend(host)
    for _ in range(count):
        frontend.interrupt()
    for each in (frontend, other):
        assert each.run("1").result == "1"
    assert_unhurt(host)


@pytest.mark.parametrize("count", [100, FULL])
def test_interrupts_into_short_cells(start: Starter, count: int) -> None:
    host = start.host()
    host.ask("slots")
    frontend = start.frontend(host)
    other = start.frontend(host)
    random_numbers = random.Random(count)
    endings = []
    for number in range(count):
        code = random_numbers.choice(SHORT).format(size=random_numbers.randrange(1, 120_000))
        msg_id = frontend.start(code, stop_on_error=False)
        # waits for its turn, and may be the one that is hit; if so it must not abort the rest
        others = other.start("6 * 7", stop_on_error=False)
        completion = other.client.complete("tick", 4)
        # anywhere in the cell, before it or after it: the moment is what is tried out
        time.sleep(random_numbers.random() * 0.01)
        frontend.interrupt()
        content = frontend.outcome(msg_id).content
        endings.append(content.get("ename", content["status"]))
        # the cell has been answered: nothing may be left for the next
        assert frontend.run(str(number)).result == str(number), code
        assert other.outcome(others).content.get("ename", "ok") in ("ok", "KeyboardInterrupt")
        assert "ticker" in other.outcome(completion).content["matches"]
    assert set(endings) <= {"ok", "KeyboardInterrupt"}
    assert endings.count("KeyboardInterrupt") > count / 50
    assert_unhurt(host)


def assert_unhurt(host: HostProgram) -> None:
    """No slot was hit, the handler is the host's own, and (the fixture sees to it) stderr empty."""
    assert json.loads(host.ask("raised")) == [True, []]
    assert host.ask("sigint") == "own"
