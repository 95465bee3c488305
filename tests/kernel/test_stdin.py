"""input() in a cell: whom it asks, whose answer counts, and all the ways in which it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from qtkernel.interpreter import StdinNotAllowed
from qtkernel.kernel.stdin import CONNECT_PATIENCE, StdinClosed
from tests.support.pure_kernel import PureKernel
from tests.support.said import Said, around, executed, failed, reply, status


def question(parent: str, prompt: str = "? ", password: bool = False) -> Said:
    return Said("stdin", "input_request", {"prompt": prompt, "password": password}, parent)


@pytest.fixture(autouse=True)
def answers(house: PureKernel) -> list[str]:
    """What the cell ``input`` has been answered."""
    taken: list[str] = []
    house.interpreter.cell("input")(lambda: taken.append(house.requests.read_input("? ", False)))
    return taken


def asking(house: PureKernel, *inside: Callable[[], object], **more: Any) -> tuple[str, list[Said]]:
    """Run the cell ``input``, and `inside` while it waits; what was said from the cell on."""
    for callback in inside:
        house.loop.call_soon_threadsafe(callback)
    msg_id = house.run("input", **more)
    said = house.recorder.take()
    assert [each.msg_type for each in said[:2]] == ["status", "execute_input"]
    return msg_id, said[2:]


def test_the_answer_is_the_value(house: PureKernel, answers: list[str]) -> None:
    msg_id, said = asking(house, lambda: house.answer("forty-two"))
    assert answers == ["forty-two"]
    assert said == [question(msg_id), executed(msg_id, 1), status(msg_id, "idle")]


def test_what_was_printed_before_is_on_its_way_before_the_question(house: PureKernel) -> None:
    settled: list[list[str]] = []
    recorder = house.recorder
    house.publisher.wait = lambda: settled.append([said.msg_type for said in recorder.take()])
    house.interpreter.cell("input")(
        lambda: [house.publisher.publish("stream", {}), house.requests.read_input("? ", False)]
    )
    house.loop.call_soon_threadsafe(lambda: house.answer("x"))
    house.run("input")
    assert settled == [["status", "execute_input", "stream"]]
    assert recorder.take()[0].msg_type == "input_request"


def test_the_question_goes_to_the_full_routing_prefix(
    house: PureKernel, answers: list[str]
) -> None:
    prefix = [b"scheduler", b"engine", b"client"]
    house.loop.call_soon_threadsafe(lambda: house.answer("x", identities=prefix))
    house.ask("execute_request", {"code": "input"}, identities=prefix)
    assert answers == ["x"]
    (asked,) = [m for m in house.recorder.messages if m.msg_type == "input_request"]
    assert asked.identities == prefix
    house.recorder.take()


def test_a_password_is_asked_for_as_one(house: PureKernel) -> None:
    house.interpreter.cell("input")(lambda: house.requests.read_input("pw", True))
    msg_id, said = asking(house, lambda: house.answer("secret"))
    assert said[0] == question(msg_id, "pw", True)


def test_stale_answers_and_other_clients_are_not_heard(
    house: PureKernel, answers: list[str]
) -> None:
    house.answer("stale")
    asking(
        house,
        lambda: house.answer("not mine", identities=[b"other"]),
        lambda: house.stdin.receive(house.message("execute_request", {})),
        lambda: house.answer("mine"),
        lambda: house.answer("twice"),
    )
    assert answers == ["mine"]


def test_what_arrived_before_the_question_is_stale(house: PureKernel, answers: list[str]) -> None:
    in_the_socket = [lambda: house.answer("stale")]

    def read() -> None:
        while in_the_socket:
            in_the_socket.pop()()

    house.stdin.drain = read
    asking(house, read, lambda: house.answer("mine"))
    assert answers == ["mine"]


@pytest.mark.parametrize(
    ("content", "ename"),
    [
        ({"value": "\x04"}, "EOFError"),
        ({"status": "error", "value": ""}, "EOFError"),
        ({"value": 5}, "EOFError"),
    ],
)
def test_an_end_of_file(
    house: PureKernel, answers: list[str], content: dict[str, Any], ename: str
) -> None:
    msg_id, said = asking(house, lambda: house.answer(content=content))
    assert answers == []
    assert said == [question(msg_id), failed(msg_id, 1, ename), status(msg_id, "idle")]


def test_an_empty_content_is_an_empty_line(house: PureKernel, answers: list[str]) -> None:
    asking(house, lambda: house.stdin.receive(house.message("input_reply", {})))
    assert answers == [""]


def test_a_frontend_that_cannot_answer_is_not_asked(house: PureKernel) -> None:
    msg_id, said = asking(house, allow_stdin=False)
    name = StdinNotAllowed.__name__
    assert said == [failed(msg_id, 1, name), status(msg_id, "idle")]


def test_outside_of_a_cell_nobody_is_asked(house: PureKernel) -> None:
    with pytest.raises(StdinNotAllowed):
        house.requests.read_input("", False)
    house.run("a cell that has ended")
    house.recorder.take()
    with pytest.raises(StdinNotAllowed):
        house.requests.read_input("", False)


def test_an_interrupt_ends_the_wait(house: PureKernel, answers: list[str]) -> None:
    msg_id, said = asking(house, lambda: house.control_request("interrupt_request"))
    assert answers == []
    ours = [each for each in said if each.parent == msg_id]
    assert ours == [
        question(msg_id),
        failed(msg_id, 1, "KeyboardInterrupt"),
        status(msg_id, "idle"),
    ]
    assert not house.interrupter.pending


def test_an_interrupted_cell_may_ask_again(house: PureKernel) -> None:
    answers = []

    @house.interpreter.cell("input")
    def cell() -> None:
        with pytest.raises(KeyboardInterrupt):
            house.requests.read_input("1", False)
        house.loop.call_soon_threadsafe(lambda: house.answer("b"))
        answers.append(house.requests.read_input("2", False))

    _, said = asking(house, lambda: house.control_request("interrupt_request"))
    assert answers == ["b"]
    assert said[-2].content["status"] == "ok"


def test_other_requests_are_answered_while_it_waits(house: PureKernel) -> None:
    ids = {}

    def ask() -> None:
        ids["info"] = house.ask("kernel_info_request")
        ids["cell"] = house.run("next")

    msg_id, said = asking(house, ask, lambda: house.answer("x"))
    assert said == [
        question(msg_id),
        *around(ids["info"], reply(ids["info"], "kernel_info_reply")),
        executed(msg_id, 1),
        status(msg_id, "idle"),
        status(ids["cell"], "busy"),
        *said[7:],
    ]
    assert house.interpreter.ran == ["input", "next"]


def test_a_frontend_without_a_stdin_channel_ends_it(house: PureKernel) -> None:
    house.unreachable = True
    msg_id, said = asking(house)
    assert said == [failed(msg_id, 1, "StdinClosed"), status(msg_id, "idle")]
    assert issubclass(StdinClosed, EOFError)
    assert house.loop.now == pytest.approx(CONNECT_PATIENCE, abs=0.5)


def test_a_frontend_may_connect_late(house: PureKernel, answers: list[str]) -> None:
    house.unreachable = True

    def connect() -> None:
        house.unreachable = False
        house.loop.call_later(0.2, lambda: house.answer("late"))

    house.loop.call_later(1.0, connect)
    msg_id, said = asking(house)
    assert answers == ["late"]
    assert said[0] == question(msg_id)
    assert len(house.asked) == 1


def test_the_application_ends_its_loop(house: PureKernel) -> None:
    def quit_application() -> None:
        house.loop.quits = True

    msg_id, said = asking(house, quit_application)
    assert said == [question(msg_id), failed(msg_id, 1, "StdinClosed"), status(msg_id, "idle")]


def test_the_kernel_is_closed(house: PureKernel) -> None:
    msg_id, said = asking(house, house.stdin.close)
    assert said == [question(msg_id), failed(msg_id, 1, "StdinClosed"), status(msg_id, "idle")]


def test_after_the_end_nobody_is_asked(house: PureKernel) -> None:
    house.stdin.close()
    msg_id, said = asking(house)
    assert said == [failed(msg_id, 1, "StdinClosed"), status(msg_id, "idle")]


# Questions inside of questions: a slot of the cell's that asks, too


def nested(house: PureKernel, answers: list[str]) -> Callable[[], None]:
    """Ask a second question while the first one is open, as a slot of the cell would."""

    def ask_inside() -> None:
        with house.publisher.request(house.requests._cells[0][0]):
            answers.append("inner " + house.requests.read_input("inner", False))

    return ask_inside


def test_the_innermost_question_is_answered_first(house: PureKernel, answers: list[str]) -> None:
    house.loop.call_soon_threadsafe(nested(house, answers))
    house.loop.call_soon_threadsafe(lambda: house.answer("one"))
    house.loop.call_soon_threadsafe(lambda: house.answer("two"))
    house.run("input")
    assert answers == ["inner one", "two"]
    house.recorder.take()


def test_closing_ends_all_of_them(house: PureKernel, answers: list[str]) -> None:
    house.loop.call_soon_threadsafe(nested(house, answers))
    house.loop.call_soon_threadsafe(house.stdin.close)
    house.run("input")
    assert answers == []
    assert [type(error) for error in house.loop.errors] == [StdinClosed]
    house.loop.errors.clear()
    assert house.recorder.take()[-2].content["ename"] == "StdinClosed"


# From a thread of the cell's


def test_a_thread_asks_and_its_cell_lets_the_loop_run(house: PureKernel) -> None:
    answers: list[str] = []
    house.loop.threads_post = True

    @house.interpreter.cell("input")
    def cell() -> None:
        def ask() -> None:
            answers.append(house.requests.read_input("? ", False))
            house.loop.call_soon_threadsafe(house.loop.stop)

        thread = threading.Thread(target=ask)
        thread.start()
        house.loop.run()
        thread.join()

    def answer_when_asked() -> None:
        if house.asked:
            house.answer("x")
        else:
            house.loop.call_soon_threadsafe(answer_when_asked)

    asking(house, answer_when_asked)
    assert answers == ["x"]


def test_a_thread_that_asks_when_all_is_over_does_not_wait_for_ever(house: PureKernel) -> None:
    errors: list[BaseException] = []
    message = house.message("execute_request", {})

    def ask() -> None:
        try:
            house.stdin.read(message, "? ", False)
        except EOFError as error:
            errors.append(error)

    house.stdin.close()
    house.loop.close()
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(5)
    assert [type(error) for error in errors] == [StdinClosed]


def test_a_frontend_that_is_gone_answers_nothing(house: PureKernel) -> None:
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            house.requests.read_input("? ", False)
        except EOFError as error:
            errors.append(error)

    house.interpreter.cell("input")(ask)
    asking(
        house,
        lambda: house.stdin.frontend_gone("somebody else"),
        lambda: errors.append(EOFError("it waits on")),
        lambda: house.stdin.frontend_gone("frontend"),
    )
    assert [type(error) for error in errors] == [EOFError, StdinClosed]


def test_a_thread_whose_question_was_posted_and_never_asked_is_woken(house: PureKernel) -> None:
    """The kernel closes after the thread has posted, and before the loop has asked."""
    errors: list[BaseException] = []
    message = house.message("execute_request", {})
    posted = threading.Event()
    post = house.loop.call_soon_threadsafe

    def note(callback: Callable[[], object]) -> None:
        post(callback)
        posted.set()

    house.loop.call_soon_threadsafe = note  # type: ignore[method-assign]

    def ask() -> None:
        try:
            house.stdin.read(message, "? ", False)
        except EOFError as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    assert posted.wait(5)
    house.stdin.close()
    house.loop.close()
    thread.join(5)
    assert [type(error) for error in errors] == [StdinClosed]
