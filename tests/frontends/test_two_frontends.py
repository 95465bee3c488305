"""Two frontends at one kernel."""

from __future__ import annotations

from queue import Empty

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend, is_idle
from tests.frontends.support.programs import KernelProgram, Program


@pytest.fixture(params=["host", "standalone"], scope="module")
def program(request: pytest.FixtureRequest, start_shared: Starter) -> Program:
    """A kernel, embedded or not."""
    return start_shared.host() if request.param == "host" else start_shared.kernel("qt")


@pytest.fixture
def pair(program: KernelProgram, start: Starter) -> tuple[Frontend, Frontend]:
    """Two frontends."""
    return start.frontend(program), start.frontend(program)


def assert_nothing_on(frontend: Frontend, channel: str) -> None:
    """No message waits; what was sent before the last reply would be here."""
    frontend.reply(frontend.client.kernel_info())
    with pytest.raises(Empty):
        getattr(frontend.client, f"get_{channel}_msg")(timeout=0.1)


def test_each_gets_its_own_replies(pair: tuple[Frontend, Frontend]) -> None:
    one, two = pair
    ids = [(f, f.start(f"{number}")) for number in range(20) for f in (one, two)]
    for frontend, msg_id in ids:
        assert frontend.reply(msg_id)["content"]["status"] == "ok"
    for frontend in pair:
        assert_nothing_on(frontend, "shell")


def test_both_see_all_of_iopub(pair: tuple[Frontend, Frontend]) -> None:
    one, two = pair
    msg_id = one.start("print('for all'); 1 + 1")
    own = [message["msg_type"] for message in one.outcome(msg_id).messages]
    seen = []
    while not seen or not is_idle(seen[-1], msg_id):
        message = two.client.get_iopub_msg(timeout=20)
        if message["parent_header"].get("msg_id") == msg_id:
            seen.append(message)
    assert [message["msg_type"] for message in seen] == own
    assert own == ["status", "execute_input", "stream", "execute_result", "status"]


def test_only_the_asker_is_asked(pair: tuple[Frontend, Frontend]) -> None:
    one, two = pair
    msg_id = one.start("input('who? ')")
    assert one.prompt() == "who? "
    assert_nothing_on(two, "stdin")
    # and nobody else can answer
    two.answer("the wrong one")
    two.reply(two.client.kernel_info())
    one.answer("the right one")
    assert one.outcome(msg_id).result == "'the right one'"


def test_getpass(pair: tuple[Frontend, Frontend]) -> None:
    one, _ = pair
    msg_id = one.start("import getpass; getpass.getpass('secret: ')")
    message = one.client.get_stdin_msg(timeout=20)
    assert message["content"] == {"prompt": "secret: ", "password": True}
    one.answer("xyzzy")
    assert one.outcome(msg_id).result == "'xyzzy'"


def test_the_second_waits_for_the_first(pair: tuple[Frontend, Frontend]) -> None:
    one, two = pair
    first = one.start("order = ['one']; name = input('go on?'); order.append('still one')")
    assert one.prompt() == "go on?"
    second = two.start("order.append('two'); order")
    # introspection is answered meanwhile
    assert two.reply(two.client.complete("orde"))["content"]["matches"] == ["order"]
    one.answer("")
    assert one.outcome(first).status == "ok"
    assert two.outcome(second).result == "['one', 'still one', 'two']"


def test_a_failing_cell_aborts_what_waits_of_both(pair: tuple[Frontend, Frontend]) -> None:
    one, two = pair
    failing = one.start("input('fail?'); 1 / 0")
    assert one.prompt() == "fail?"
    waiting = two.start("1")
    info = two.client.kernel_info()
    assert two.reply(info)["content"]["status"] == "ok"
    one.answer("")
    assert one.outcome(failing).ename == "ZeroDivisionError"
    assert two.outcome(waiting).status == "aborted"
    assert two.run("1").result == "1"


def test_a_frontend_that_dies_in_mid_cell(
    program: KernelProgram, start: Starter, pair: tuple[Frontend, Frontend]
) -> None:
    dying = start.frontend(program)
    msg_id = dying.start("print('begun', flush=True)\nfor i in range(20_000): print(i)")
    dying.wait_for(msg_id, "stream")
    dying.close()
    for frontend in pair:
        assert frontend.run("2 * 3").result == "6"
