"""The contract of `qtkernel.loops.base` for every backend: posted callbacks, readers, timers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from qtkernel.loops.base import EventLoop

Run = Callable[[EventLoop], None]
Pipe = tuple[int, int]


# call_soon_threadsafe


def test_callbacks_run_in_the_order_of_the_calls(loop: EventLoop, run: Run) -> None:
    seen: list[int] = []
    for number in range(100):
        loop.call_soon_threadsafe(lambda number=number: seen.append(number))
    loop.call_soon_threadsafe(loop.stop)
    assert seen == []
    run(loop)
    assert seen == list(range(100))


def test_a_callback_never_runs_inside_the_call_that_registers_it(
    loop: EventLoop, run: Run, pipe: Pipe
) -> None:
    seen: list[str] = []

    def see(what: str) -> None:
        seen.append(what)
        if len(seen) == 4:
            loop.stop()

    def register() -> None:
        os.write(pipe[1], b"x")
        loop.call_soon_threadsafe(lambda: see("soon"))
        loop.call_later(0, lambda: see("later"))
        loop.add_reader(pipe[0], lambda: (see("reader"), loop.remove_reader(pipe[0])))
        see("registered")

    loop.call_soon_threadsafe(register)
    run(loop)
    assert seen[0] == "registered"
    assert sorted(seen[1:]) == ["later", "reader", "soon"]


def test_four_threads_post_and_nothing_is_lost_or_reordered(  # noqa: C901
    loop: EventLoop, run: Run
) -> None:
    seen: dict[int, list[int]] = {number: [] for number in range(4)}
    home = threading.get_ident()
    strangers: list[int] = []
    remaining = [4]

    def finished() -> None:
        remaining[0] -= 1
        if remaining[0] == 0:
            loop.stop()

    def receive(sender: int, number: int) -> None:
        if threading.get_ident() != home:
            strangers.append(sender)
        seen[sender].append(number)

    def post(sender: int) -> None:
        for number in range(1000):
            loop.call_soon_threadsafe(partial(receive, sender, number))
            if number % 100 == 0:
                time.sleep(0.001)  # lets the loop fall asleep, so that it has to be woken
        loop.call_soon_threadsafe(finished)

    threads = [threading.Thread(target=post, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    run(loop)
    for thread in threads:
        thread.join()
    assert seen == {number: list(range(1000)) for number in range(4)}
    assert strangers == []


def test_ping_pong_with_a_thread_is_never_stuck(
    loop: EventLoop, run: Run, request: pytest.FixtureRequest
) -> None:
    """Each call finds the loop asleep or just about to be: the race that loses wake-ups."""
    turn = threading.Semaphore(0)
    rounds = 30 if "polling" in request.node.name else 300

    def answer() -> None:
        for _ in range(rounds):
            loop.call_soon_threadsafe(turn.release)
            assert turn.acquire(timeout=10)
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=answer)
    thread.start()
    run(loop)
    thread.join()


def test_a_callback_that_posts_itself_does_not_starve_the_loop(
    loop: EventLoop, run: Run, pipe: Pipe
) -> None:
    seen: set[str] = set()

    def again() -> None:
        if seen == {"timer", "reader"}:
            loop.stop()
        else:
            loop.call_soon_threadsafe(again)

    def read() -> None:
        os.read(pipe[0], 1)
        seen.add("reader")

    loop.add_reader(pipe[0], read)
    loop.call_later(0.005, lambda: (seen.add("timer"), os.write(pipe[1], b"x")))
    loop.call_soon_threadsafe(again)
    run(loop)


def test_a_callback_that_posts_itself_runs_once_a_round(
    loop: EventLoop, run: Run, pipe: Pipe
) -> None:
    rounds = [0]

    def again() -> None:
        rounds[0] += 1
        loop.call_soon_threadsafe(again)

    os.write(pipe[1], b"x")
    loop.add_reader(pipe[0], loop.stop)
    loop.call_soon_threadsafe(again)
    run(loop)
    # the descriptor was readable from the beginning
    assert rounds[0] < 50


def test_a_flood_leaves_the_loop_its_turn(loop: EventLoop, run: Run) -> None:
    """Each callback posts two more: a round that only ends with its callbacks doubles each time."""
    running = [True]

    def flood() -> None:
        for _ in range(2 if running[0] else 0):
            loop.call_soon_threadsafe(flood)

    def end() -> None:
        running[0] = False
        loop.stop()

    late = time.monotonic()
    loop.call_soon_threadsafe(flood)
    loop.call_later(0.2, end)
    run(loop)
    assert time.monotonic() - late < 0.5


def test_a_timer_that_sets_itself_again_does_not_starve_the_loop(loop: EventLoop, run: Run) -> None:
    def again() -> None:
        loop.call_later(0, again)

    again()
    loop.call_later(0.02, lambda: loop.call_soon_threadsafe(loop.stop))
    run(loop)


# readers


def test_a_reader_runs_as_long_as_its_descriptor_is_readable(
    loop: EventLoop, run: Run, pipe: Pipe
) -> None:
    seen: list[bytes] = []

    def read() -> None:
        seen.append(os.read(pipe[0], 1))
        if len(seen) == 5:
            loop.stop()

    os.write(pipe[1], b"abcde")
    loop.add_reader(pipe[0], read)
    run(loop)
    assert b"".join(seen) == b"abcde"


def test_a_descriptor_has_one_reader(loop: EventLoop, pipe: Pipe) -> None:
    loop.add_reader(pipe[0], lambda: None)
    with pytest.raises(ValueError, match="already"):
        loop.add_reader(pipe[0], lambda: None)
    assert loop.remove_reader(pipe[0]) is True
    assert loop.remove_reader(pipe[0]) is False
    loop.add_reader(pipe[0], lambda: None)


def test_a_reader_can_replace_itself(loop: EventLoop, run: Run, pipe: Pipe) -> None:
    seen: list[str] = []

    def second() -> None:
        os.read(pipe[0], 1)
        seen.append("second")
        loop.stop()

    def first() -> None:
        seen.append("first")
        loop.remove_reader(pipe[0])
        loop.add_reader(pipe[0], second)

    os.write(pipe[1], b"x")
    loop.add_reader(pipe[0], first)
    run(loop)
    assert seen == ["first", "second"]


def test_a_removed_reader_does_not_run_though_it_was_ready(
    loop: EventLoop, run: Run, pipe: Pipe
) -> None:
    read, write = os.pipe()
    calls: list[int] = []

    def one_of_them(fd: int, other: int) -> None:
        calls.append(fd)
        loop.remove_reader(other)
        loop.remove_reader(fd)
        loop.call_later(0.03, loop.stop)

    loop.add_reader(pipe[0], lambda: one_of_them(pipe[0], read))
    loop.add_reader(read, lambda: one_of_them(read, pipe[0]))
    os.write(pipe[1], b"x")
    os.write(write, b"x")
    run(loop)
    os.close(read)
    os.close(write)
    assert len(calls) == 1


def test_a_reader_added_in_a_callback_is_served(loop: EventLoop, run: Run, pipe: Pipe) -> None:
    os.write(pipe[1], b"x")
    loop.call_soon_threadsafe(lambda: loop.add_reader(pipe[0], loop.stop))
    run(loop)


def test_a_descriptor_number_can_be_used_again(loop: EventLoop, run: Run) -> None:
    for _ in range(3):
        read, write = os.pipe()
        os.write(write, b"x")
        loop.add_reader(read, loop.stop)
        run(loop)
        loop.remove_reader(read)
        os.close(read)
        os.close(write)


# timers


def test_timers_run_in_the_order_of_their_deadlines(loop: EventLoop, run: Run) -> None:
    seen: list[str] = []
    loop.call_later(0.06, lambda: (seen.append("last"), loop.stop()))
    loop.call_later(0.03, lambda: seen.append("middle"))
    loop.call_later(0.03, lambda: seen.append("middle, called second"))
    loop.call_later(-1, lambda: seen.append("first"))
    run(loop)
    assert seen == ["first", "middle", "middle, called second", "last"]


def test_a_timer_is_never_early_and_hardly_late(loop: EventLoop, run: Run) -> None:
    delays: list[float] = []

    def measure(left: int) -> None:
        begin = time.monotonic()

        def done() -> None:
            delays.append(time.monotonic() - begin)
            if left:
                measure(left - 1)
            else:
                loop.stop()

        loop.call_later(0.005, done)

    measure(10)
    run(loop)
    assert min(delays) >= 0.005
    assert sorted(delays)[5] < 0.015


def test_a_cancelled_timer_does_not_run(loop: EventLoop, run: Run) -> None:
    seen: list[str] = []
    first = loop.call_later(0.01, lambda: seen.append("cancelled"))
    second = loop.call_later(0.02, lambda: seen.append("cancelled in a callback"))
    loop.call_later(0.015, second.cancel)
    third = loop.call_later(0.03, lambda: seen.append("kept"))
    first.cancel()
    first.cancel()
    loop.call_later(0.04, lambda: (third.cancel(), loop.stop()))
    run(loop)
    assert seen == ["kept"]


def test_an_earlier_timer_overtakes_a_later_one(loop: EventLoop, run: Run) -> None:
    begin = time.monotonic()
    late = loop.call_later(5, lambda: None)
    loop.call_soon_threadsafe(lambda: loop.call_later(0.01, loop.stop))
    run(loop)
    late.cancel()
    assert time.monotonic() - begin < 2


def test_very_long_delays_are_possible(loop: EventLoop, run: Run) -> None:
    loop.call_later(100 * 24 * 3600, loop.stop)
    loop.call_later(0.01, loop.stop)
    run(loop)
