"""Interrupts of cells on threads that get no signals."""

from __future__ import annotations

import contextlib
import cProfile
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from qtkernel.kernel.thread_interrupt import ThreadInterrupter
from qtkernel.loops.headless import HeadlessLoop

PATIENCE = 20.0


@pytest.fixture
def interrupter() -> Iterator[ThreadInterrupter]:
    """On a loop that nobody runs."""
    loop = HeadlessLoop()
    yield ThreadInterrupter(loop)
    loop.close()


class Worker:
    """A thread that runs cells."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.outcome: object = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self._work()
        except BaseException as error:
            self.outcome = error

    def join(self) -> object:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.outcome


def spin(begun: threading.Event) -> None:
    begun.set()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        pass


def test_a_loop_in_python_is_interrupted_where_it_is(interrupter: ThreadInterrupter) -> None:
    begun = threading.Event()

    def cell() -> tuple[object, bool]:
        interrupter.begin()
        try:
            interrupter.call(lambda: spin(begun))
            return "ended", interrupter.end()
        except KeyboardInterrupt:
            return "interrupted", interrupter.end()

    worker = Worker(cell)
    assert begun.wait(PATIENCE)
    assert interrupter.interrupt()
    assert worker.join() == ("interrupted", False)


def test_with_nothing_running_it_is_dropped(interrupter: ThreadInterrupter) -> None:
    assert not interrupter.interrupt()
    interrupter.begin()
    assert not interrupter.end()


def test_one_that_comes_before_the_code_is_raised_in_it(interrupter: ThreadInterrupter) -> None:
    def cell() -> object:
        interrupter.begin()
        interrupter.interrupt()
        try:
            interrupter.call(lambda: spin(threading.Event()))
        finally:
            interrupter.end()
        return "ended"

    assert isinstance(Worker(cell).join(), KeyboardInterrupt)


def test_one_that_comes_behind_the_code_is_told_at_the_end(interrupter: ThreadInterrupter) -> None:
    interrupter.begin()
    interrupter.call(lambda: None)
    assert interrupter.interrupt()
    assert interrupter.end()
    assert not interrupter.end()


def test_a_thread_that_is_blocked_is_told(interrupter: ThreadInterrupter) -> None:
    begun, told = threading.Event(), threading.Event()

    def cell() -> bool:
        interrupter.begin()

        def wait() -> bool:
            with interrupter.blocked(told.set):
                begun.set()
                return told.wait(PATIENCE)

        found = interrupter.call(wait)
        return found and interrupter.end()

    worker = Worker(cell)
    assert begun.wait(PATIENCE)
    interrupter.interrupt()
    assert worker.join() is True


def test_no_interrupt_is_raised_out_of_a_cell(interrupter: ThreadInterrupter) -> None:
    """Short cells, and interrupts all the time: each is a cell's, or of nobody."""
    stop = threading.Event()

    def cells() -> tuple[int, int]:
        raised = told = 0
        deadline = time.monotonic() + PATIENCE
        while raised + told < 200 and time.monotonic() < deadline:
            try:
                interrupter.begin()
                try:
                    interrupter.call(lambda: sum(range(200)))
                except KeyboardInterrupt:
                    raised += 1
            finally:
                told += interrupter.end()
            sum(range(20))  # what is between two cells
        return raised, told

    def interrupt() -> None:
        while not stop.is_set():
            interrupter.interrupt()

    worker, pest = Worker(cells), Worker(interrupt)
    outcome = worker.join()
    stop.set()
    pest.join()
    assert isinstance(outcome, tuple), outcome
    assert sum(outcome) >= 200


def test_nothing_is_left_that_a_profiler_would_wait_for(interrupter: ThreadInterrupter) -> None:
    """In Python 3.11 it hung where an interrupt had been sent that nobody has seen."""
    for _ in range(50):
        interrupter.begin()
        begun = threading.Event()

        def cell(begun: threading.Event = begun) -> None:
            begun.set()
            interrupter.interrupt()  # on its way when the code ends

        with contextlib.suppress(KeyboardInterrupt):
            interrupter.call(cell)
        interrupter.end()
    profiler = cProfile.Profile()
    assert profiler.runctx("x = 1", {}, {}) is profiler
