"""Which request the code belongs to that is running here and now."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import CodeType
from typing import Any

import pytest

from qtkernel.kernel.attribution import Attribution, steps_request
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.turns import Turns
from qtkernel.protocol import Message
from tests.support.pure_kernel import PureKernel


class Bench:
    """An attribution on a loop, and cells of which it is told as the shell tells it."""

    def __init__(self, house: PureKernel) -> None:
        self.loop = HeadlessLoop()
        self.attribution = Attribution(self.loop.turns)
        self.seen: list[Message | None] = []
        self.names: dict[str, Any] = {"note": self.note, "loop": self.loop}
        self._house = house

    def note(self) -> None:
        """What a host's function or print() does: ask whose it is."""
        self.seen.append(self.attribution.current())

    def code(self, text: str) -> CodeType:
        """The code of a cell, always under the same file name."""
        code = compile(text, "<cell>", "exec")
        self.attribution.claim_code(code)
        return code

    @steps_request
    def cell(self, text: str, **names: Any) -> Message:
        """Run a cell as the kernel does; its request."""
        message = self._house.message("execute_request", {"code": text})
        self.names |= names
        with self.attribution.request(message):
            exec(self.code(text), self.names)
        return message

    def in_loop(self, *callbacks: Callable[[], object]) -> None:
        """Have the loop call something, one after the other."""
        for callback in callbacks:
            self.loop.call_soon_threadsafe(callback)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.loop.run()

    def known(self) -> int:
        """How many code objects are remembered."""
        gc.collect()
        return len(self.attribution._codes)


@pytest.fixture
def bench(house: PureKernel) -> Iterator[Bench]:
    made = Bench(house)
    yield made
    made.loop.close()


def in_thread(target: Callable[[], object], claim: Attribution | None = None) -> None:
    """Run something in a thread, and wait for it."""
    thread = threading.Thread(target=target)
    if claim is not None:
        claim.claim_thread(thread)
    thread.start()
    thread.join()


# Slots


def test_a_slot_belongs_to_the_cell_that_has_defined_it(bench: Bench) -> None:
    one = bench.cell("def slot_1(): note()")
    two = bench.cell("slot_2 = lambda: [note() for _ in range(2)]")
    three = bench.cell("class Window:\n    def slot(self): note()")
    bench.in_loop(bench.names["slot_1"], bench.names["slot_2"], bench.names["Window"]().slot)
    assert bench.seen == [one, two, two, three]


def test_what_a_slot_calls_is_the_slot_s(bench: Bench) -> None:
    bench.cell("def function(): note()")
    two = bench.cell("def slot(): function()")
    bench.in_loop(bench.names["slot"])
    assert bench.seen == [two]


def test_a_function_belongs_to_the_cell_that_calls_it(bench: Bench) -> None:
    bench.cell("def function(): note()")
    two = bench.cell("function()")
    assert bench.seen == [two]


def test_a_cell_that_is_run_again_has_new_functions(bench: Bench) -> None:
    one = bench.cell("def slot(): note()")
    old = bench.names["slot"]
    two = bench.cell("def slot(): note()")
    bench.in_loop(old, bench.names["slot"])
    assert bench.seen == [one, two]


def test_the_host_s_slot_is_the_host_s(bench: Bench) -> None:
    bench.cell("def function(): note()")
    bench.in_loop(bench.note)
    assert bench.seen == [None]


# Loops in loops


def test_the_host_s_slot_in_a_cell_s_nested_loop(bench: Bench) -> None:
    one = bench.cell("def slot_1(): note()")
    two = bench.cell(
        "note()\nin_loop(slot_1, note)\nnote()\nin_loop(note)\nnote(); note()",
        in_loop=bench.in_loop,
    )
    assert bench.seen == [two, one, None, two, None, two, two]


def test_after_a_nested_loop_a_request_is_known_without_a_walk(house: PureKernel) -> None:
    """It was: 20 frames, 4 us, for each write of a cell that calls processEvents()."""
    walks = []

    class Counting(Turns):
        def frames(self, frame: Any) -> Iterator[Any]:
            walks.append(frame)
            return super().frames(frame)

    attribution = house.publisher.attribution
    turns = attribution.turns = Counting(complete=True)
    seen: list[Message | None] = []

    @house.interpreter.cell("spin")
    def spin() -> None:
        turns.count += 1  # a nested loop has been entered, and left again
        seen.extend(attribution.current() for _ in range(5))

    msg_id = house.run("spin")
    assert [message.msg_id for message in seen if message] == [msg_id] * 5
    assert len(walks) == 1
    house.recorder.take()


def test_a_backend_that_sees_not_every_loop(bench: Bench, house: PureKernel) -> None:
    """The stack decides, also when no turn was counted."""
    bench.attribution.turns = Turns(complete=False)
    one = bench.cell("note()\nin_loop(note)\nnote()", in_loop=bench.in_loop)
    with bench.attribution.request(house.message("a", {})):
        bench.note()  # nothing on the stack says that this is a request's
    assert bench.seen == [one, None, one, None]


def test_another_loop_with_the_same_count(bench: Bench, house: PureKernel) -> None:
    """After %gui: what was noted on the old loop says nothing on the new one."""
    with bench.attribution.request(house.message("a", {})):
        bench.attribution.turns = Turns(complete=True)
        assert bench.attribution.turns.count == bench.loop.turns.count
        bench.note()
    assert bench.seen == [None]


# Tasks


def test_a_task_belongs_to_the_cell_that_has_started_it(bench: Bench) -> None:
    async def main() -> tuple[Message, Message]:
        one = bench.cell(
            "import asyncio\n"
            "async def work():\n    await asyncio.sleep(0)\n    note()\n"
            "task_1 = asyncio.ensure_future(work())"
        )
        two = bench.cell("task_2 = asyncio.ensure_future(work())")
        await asyncio.gather(bench.names["task_1"], bench.names["task_2"])
        return one, two

    one, two = asyncio.run(main())
    assert bench.seen == [one, two]


def test_a_task_of_the_host_s(bench: Bench) -> None:
    """Its own words are its own; for a function of a cell the cell speaks."""

    async def main() -> Message:
        begun = asyncio.Event()

        async def host() -> None:
            await begun.wait()
            bench.note()
            bench.names["function"]()

        task = asyncio.ensure_future(host())
        await asyncio.sleep(0)
        one = bench.cell("def function(): note()\nbegun.set()", begun=begun)
        await task
        return one

    assert asyncio.run(main()) == bench.seen.pop()
    assert bench.seen == [None]


def test_a_task_of_a_function_of_the_host_s_in_another_turn(bench: Bench) -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        bench.note()

    async def main() -> Message:
        one = bench.cell("import asyncio; task = asyncio.ensure_future(work())", work=work)
        bench.loop.turns.count += 1
        await bench.names["task"]
        return one

    assert asyncio.run(main()) == bench.seen.pop()


# Threads


def test_a_thread_belongs_to_the_cell_that_has_started_it(bench: Bench) -> None:
    one = bench.cell("in_thread(note, attribution)", in_thread=in_thread, **vars(bench))
    two = bench.cell("def function(): note()\nin_thread(function)")
    three = bench.cell("in_thread(function, attribution)")
    in_thread(bench.note)
    assert bench.seen == [one, two, three, None]


def test_a_newer_function_in_an_older_thread(bench: Bench) -> None:
    bench.cell("thread = Thread(target=lambda: function()); claim(thread)",
               Thread=threading.Thread, claim=bench.attribution.claim_thread)  # fmt: skip
    two = bench.cell("def outer(run): run()\nthread._target = outer; thread._args = (note,)")
    bench.names["thread"].start()
    bench.names["thread"].join()
    assert bench.seen == [two]


def test_what_is_carried_into_a_pool(bench: Bench) -> None:
    with ThreadPoolExecutor(1) as pool:
        submit = "submit(carried(note)).result()"
        one = bench.cell(submit, submit=pool.submit, carried=bench.attribution.carried)
        two = bench.cell(submit)
        pool.submit(bench.note).result()
    assert bench.seen == [one, two, None]
    assert bench.attribution.carried(print) is print, "nobody's is left alone"


# Two kernels


def test_two_kernels_know_their_own_cells_only(bench: Bench, house: PureKernel) -> None:
    other = Bench(house)
    one = bench.cell("def slot(): note(); other()", other=other.note)
    two = other.cell("def slot(): note(); other()", other=bench.note)
    bench.in_loop(bench.names["slot"], other.names["slot"])
    assert bench.seen == [one, None]
    assert other.seen == [None, two]
    other.cell("in_loop(note)", in_loop=bench.in_loop, note=bench.note)
    other.cell("note()")
    assert bench.seen[2:] == [None, None]
    other.loop.close()


# Exceptions


def caught(function: Callable[[], object]) -> BaseException:
    """What a function raises."""
    with pytest.raises(ZeroDivisionError) as info:
        function()
    return info.value


def test_a_traceback_belongs_to_the_outermost_cell_in_it(bench: Bench) -> None:
    one = bench.cell("def function(): 1 / 0")
    two = bench.cell("def slot(): function()")
    of = bench.attribution.of_traceback
    assert of(caught(bench.names["slot"]).__traceback__) is two
    assert of(caught(bench.names["function"]).__traceback__) is one
    assert of(caught(lambda: 1 / 0).__traceback__) is None
    assert of(None) is None


def test_a_traceback_in_a_thread_may_belong_to_whoever_has_started_that(bench: Bench) -> None:
    bench.cell("def function(): 1 / 0")
    found: list[object] = []

    def work() -> None:
        found.append(bench.attribution.of_traceback(caught(bench.names["function"]).__traceback__))

    claim = bench.attribution.claim_thread
    thread = threading.Thread(target=work)
    two = bench.cell("claim(thread)", thread=thread, claim=claim)
    thread.start()
    thread.join()
    older = threading.Thread(target=work)
    bench.cell("claim(thread)", thread=older, claim=claim)
    three = bench.cell("def function(): 1 / 0")
    older.start()
    older.join()
    assert found == [two, three]


def test_a_thread_that_is_over_still_tells(bench: Bench) -> None:
    thread = threading.Thread(target=bench.note)
    one = bench.cell("claim(thread)", thread=thread, claim=bench.attribution.claim_thread)
    thread.start()
    thread.join()
    assert bench.attribution.of_thread(thread) is one
    assert bench.attribution.of_thread(threading.current_thread()) is None
    assert bench.attribution.of_thread(None) is None


# What is kept


def test_a_cell_that_leaves_nothing_behind_is_forgotten(bench: Bench) -> None:
    for _ in range(10):
        bench.cell("x = [n for n in range(3)]\nclass A:\n    y = 1\nfor n in x: note()")
    assert bench.known() == 0
    bench.cell("def f():\n    def inner(): pass\n    return inner")
    assert bench.known() == 2
    bench.cell("def f(): pass")
    assert bench.known() == 1
    bench.cell("del f")
    assert bench.known() == 0


def test_code_that_nobody_asked_for_is_not_claimed(bench: Bench) -> None:
    code = bench.code("def f(): pass")
    assert code.co_consts
    assert bench.known() == 0
