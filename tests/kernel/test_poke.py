"""A function called in the midst of a cell: with real signals and real system calls."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qtkernel.kernel import poke as poke_module
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.poke import Heed, Poker
from tests.support.pure_kernel import PureKernel

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no directed signals there")
linux_only = pytest.mark.skipif(
    not poke_module._SLEEP, reason="which system call a thread is in is known on Linux only"
)

PATIENCE = 20.0
"""Seconds for what takes milliseconds."""

LONG = 1.0
"""Seconds that a cell blocks: long enough for another thread to come in, also on a busy machine."""


class House:
    """A kernel, its poker, and what has been called in its cells."""

    def __init__(self) -> None:
        self.kernel = PureKernel()
        self.poker = Poker(self.kernel.interrupter.is_cell)
        self.called: list[float] = []
        self.refused = 0
        self.ended = 0.0

    def call(self) -> None:
        """What a poke calls."""
        assert threading.current_thread() is threading.main_thread()
        self.called.append(time.monotonic())

    def run(self, cell: Callable[[], Any], *during: Callable[[], object]) -> Any:
        """Run a cell, and on another thread what is to happen meanwhile; what it returns."""
        results = []

        def whole() -> None:
            begun.set()
            results.append(cell())
            self.ended = time.monotonic()

        begun = threading.Event()
        thread = threading.Thread(target=lambda: [each() for each in (begun.wait, *during)])
        self.kernel.interpreter.cell("cell")(whole)
        self.poker.take()
        thread.start()
        try:
            self.kernel.run("cell")
        finally:
            thread.join()
            self.poker.give_back()
        return results[0]

    def poke(self, *, worth_a_risk: bool = True) -> None:
        """Poke, from the thread that this is called on."""
        self.poker.poke(self.call, worth_a_risk=worth_a_risk)
        if self.poker._callback is None and not self.called:
            self.refused += 1

    def until(self, heed: Heed) -> Callable[[], None]:
        """Waits until the cell's thread is like that, and stays so: a page fault is a call, too."""

        def wait() -> None:
            deadline = time.monotonic() + PATIENCE
            seen = 0
            while seen < 10:
                now = poke_module._heed(self.poker._thread, self.poker._native_id)
                seen = seen + 1 if now is heed else 0
                assert time.monotonic() < deadline
                time.sleep(0.01)

        return wait


@pytest.fixture
def house() -> Iterator[House]:
    """No handler of ours may be left behind."""
    house = House()
    yield house
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
    assert poke_module._taken == []


def test_a_cell_that_sleeps_goes_on_sleeping(house: House) -> None:
    began = time.monotonic()
    house.run(lambda: time.sleep(LONG), house.poke)
    assert len(house.called) == 1
    assert house.called[0] < house.ended
    assert house.ended - began >= LONG


def test_a_cell_that_computes(house: House) -> None:
    def compute() -> int:
        count = 0
        while not house.called:
            count += 1
        return count

    assert house.run(compute, lambda: house.poke(worth_a_risk=False)) > 0


def test_a_cell_that_waits_for_a_process(house: House) -> None:
    """In Python's own waitpid(), which must be ended for the handler to run."""
    wait = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    process = subprocess.Popen(wait, stdin=subprocess.PIPE)

    where = vars(subprocess)

    def poke() -> None:
        deadline = time.monotonic() + PATIENCE
        while sys._current_frames()[threading.main_thread().ident or 0].f_globals is not where:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        while not house.called and time.monotonic() < deadline:
            # again: one that comes between Python's last look and the system call wakes nothing
            house.poke(worth_a_risk=False)
            time.sleep(0.05)
        in_time.append(len(house.called))
        assert process.stdin is not None
        process.stdin.close()

    in_time: list[int] = []
    assert house.run(process.wait, poke) == 0
    assert in_time == [1]


@linux_only
def test_a_c_library_s_call_does_not_fail(house: House) -> None:
    """Called by Python with SIGINT in its midst, read() returned -1, and errno was EINTR."""
    libc = ctypes.CDLL(None, use_errno=True)
    reader, writer = os.pipe()
    buffer = ctypes.create_string_buffer(3)

    def poke() -> None:
        house.until(Heed.MAY_HARM)()
        house.poke(worth_a_risk=False)
        assert house.refused == 1
        house.poke()
        house.until(Heed.MAY_HARM)()  # it goes on by itself
        house.poker.poke(lambda: pytest.fail("one is under way"), worth_a_risk=True)
        house.until(Heed.MAY_HARM)()
        os.write(writer, b"abc")

    try:
        assert house.run(lambda: libc.read(reader, buffer, 3), poke) == 3
    finally:
        os.close(reader)
        os.close(writer)
    assert buffer.raw == b"abc"
    assert len(house.called) == 1


@linux_only
@pytest.mark.parametrize("name", ["usleep", "poll", "select"])
def test_a_c_library_s_sleep_is_left_alone(house: House, name: str) -> None:
    libc = ctypes.CDLL(None)
    milliseconds = round(LONG * 1000)
    timeval = (ctypes.c_long * 2)(milliseconds // 1000, 0)
    sleep = {
        "usleep": lambda: libc.usleep(milliseconds * 1000),
        "poll": lambda: libc.poll(None, 0, milliseconds),
        "select": lambda: libc.select(0, None, None, None, timeval),
    }[name]
    began = time.monotonic()
    assert house.run(sleep, house.until(Heed.HARMS), house.poke) == 0
    assert house.ended - began >= LONG
    assert house.refused == 1
    assert house.called == []


def test_the_cell_s_own_handlers_are_not_called(house: House) -> None:
    seen: list[int] = []

    def cell() -> None:
        before = signal.signal(signal.SIGINT, lambda number, _frame: seen.append(number))
        time.sleep(LONG)
        signal.signal(signal.SIGINT, before)

    house.run(cell, house.poke)
    assert len(house.called) == 1
    assert seen == []


def test_the_cell_s_own_handler_of_this_signal_is_respected(house: House) -> None:
    seen: list[int] = []
    ready = threading.Event()

    def cell() -> None:
        ours = signal.signal(signal.SIGURG, lambda number, _frame: seen.append(number))
        ready.set()
        time.sleep(LONG)
        signal.signal(signal.SIGURG, ours)

    house.run(cell, ready.wait, house.poke)
    assert house.called == []
    assert seen == []


def test_the_host_s_own_handler_of_this_signal_stays(house: House) -> None:
    def handler(*_: object) -> None:
        pytest.fail("it has been sent the host's signal")

    signal.signal(signal.SIGURG, handler)
    try:
        house.run(lambda: time.sleep(0.3), house.poke)
        assert signal.getsignal(signal.SIGURG) is handler
    finally:
        signal.signal(signal.SIGURG, signal.SIG_DFL)
    assert house.called == []


def test_two_kernels_share_the_signal(house: House) -> None:
    other = House()
    house.poker.take()
    other.run(lambda: time.sleep(LONG), other.poke, house.poke)
    assert len(other.called) == 1
    assert house.called == []  # its cell is not what runs there
    assert signal.getsignal(signal.SIGURG) is not signal.SIG_DFL
    house.poker.give_back()


def test_what_a_nested_loop_runs_is_not_the_cell(house: House) -> None:
    loop = house.kernel.loop

    def slot() -> None:
        poked.set()
        time.sleep(LONG)

    def when_in_slot() -> None:
        assert poked.wait(PATIENCE)
        house.poke()

    poked = threading.Event()
    house.run(lambda: loop.nested(slot), when_in_slot)
    assert house.called == []


@pytest.mark.parametrize("module", ["qtkernel.shell.streams", "qtconsole.console_widget"])
def test_our_own_code_is_not_the_cell(house: House, module: str) -> None:
    """It may be in the middle of what a viewer does."""
    inside = threading.Event()
    names: dict[str, Any] = {"__name__": module, "inside": inside, "sleep": time.sleep}
    exec(f"def ours(): inside.set(); sleep({LONG})", names)
    house.run(names["ours"], inside.wait, house.poke)
    assert house.called == []


def test_with_nothing_running_none_is_sent(house: House) -> None:
    house.poke()
    assert house.poker._callback is None
    assert house.refused == 1


def test_a_kernel_on_another_thread_has_no_signals() -> None:
    pokers = []

    def make() -> None:
        poker = Poker(Interrupter(lambda: PureKernel().loop).is_cell)
        poker.take()
        pokers.append(poker)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert poke_module._taken == []
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
    pokers[0].give_back()
