"""Commands from cells of a real host: its window lives on, and an interrupt ends them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HostProgram

LARGEST_GAP = 0.15  # seconds; the timer is set to 5 ms
ATTEMPTS = 3  # a machine that is busy with something else is not our fault each time


@pytest.fixture(scope="module")
def host(start_shared: Starter) -> HostProgram:
    return start_shared.host()


@pytest.fixture
def frontend(host: HostProgram, attach: Callable[[HostProgram], Frontend]) -> Frontend:
    return attach(host)


COMMANDS = {
    "!": "!echo begins; sleep 1; echo done",
    "x = !": "x = !sleep 1; echo done\nprint('\\n'.join(x))",
    "%%bash": "%%bash\nsleep 1; echo done",
    "!!": "print(get_ipython().getoutput('sleep 1; echo done')[0])",
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_the_application_lives_while_a_command_runs(
    frontend: Frontend, host: HostProgram, kind: str
) -> None:
    gaps = []
    for _ in range(ATTEMPTS):
        host.ask("start over")
        outcome = frontend.run(COMMANDS[kind])
        assert outcome.text().endswith("done\n")
        gaps.append(json.loads(host.ask("gap"))[0])
        if gaps[-1] < LARGEST_GAP:
            break
    assert min(gaps) < LARGEST_GAP


def test_a_flood_of_output_leaves_the_application_alive(
    frontend: Frontend, host: HostProgram
) -> None:
    gaps = []
    for _ in range(ATTEMPTS):
        host.ask("start over")
        lines = frontend.run("!seq 300000").text().split()
        assert lines == [str(n) for n in range(1, 300_001)]
        gaps.append(json.loads(host.ask("gap"))[0])
        if gaps[-1] < LARGEST_GAP:
            break
    assert min(gaps) < LARGEST_GAP


def test_others_are_answered_and_cells_wait_their_turn(frontend: Frontend) -> None:
    running = frontend.start("!sleep 1; echo first")
    waiting = frontend.start("print('second')")
    assert frontend.outcome(frontend.client.complete("firs", 4)).content["matches"] == ["first"]
    assert frontend.outcome(running).text() == "first\n"
    assert frontend.outcome(waiting).text() == "second\n"


@pytest.mark.parametrize(
    "code",
    [
        "!echo begins; sleep 60",
        "!echo begins; sleep 60 | cat",
        "%%bash\necho begins; sleep 60",
        "print('begins'); x = !sleep 60",
        "!trap '' INT; echo begins; sleep 60",
    ],
    ids=["!", "pipe", "%%bash", "x = !", "deaf to SIGINT"],
)
def test_an_interrupt_ends_the_command_and_the_cell(frontend: Frontend, code: str) -> None:
    msg_id = frontend.start(code + "\nprint('never')" if code[0] == "!" else code)
    frontend.wait_for_text(msg_id, "begins\n")
    frontend.interrupt()
    outcome = frontend.outcome(msg_id)
    assert outcome.ename == "KeyboardInterrupt"
    assert "never" not in outcome.text()
    assert "commands.py" not in "\n".join(outcome.content["traceback"])
    assert frontend.run("!echo alive").text() == "alive\n"


def test_a_command_in_a_slot_while_one_in_a_cell_runs(frontend: Frontend) -> None:
    """The inner ends last; the outer goes on when it has."""
    outcome = frontend.run(
        "ip = get_ipython()\n"
        "def inner():\n    ip.system('sleep 1; echo inner')\n"
        "QtCore.QTimer.singleShot(50, inner)\n"
        "!sleep 0.3; echo outer\n"
        "print('after')"
    )
    assert sorted(outcome.text().split()) == ["after", "inner", "outer"]
    assert frontend.run("1").result == "1"


def test_a_question_while_a_command_runs(frontend: Frontend) -> None:
    msg_id = frontend.start(
        "def ask():\n    print(input('inner'))\n"
        "QtCore.QTimer.singleShot(50, ask)\n"
        "!sleep 0.5; echo outer"
    )
    frontend.prompt()
    frontend.wait_for_text(msg_id, "outer\n")
    frontend.answer("asked")
    assert frontend.outcome(msg_id).text() == "outer\nasked\n"


def test_the_end_of_the_kernel_ends_the_command(start: Starter) -> None:
    host = start.host()
    frontend = start.frontend(host)
    msg_id = frontend.start("!echo begins; sleep 60")
    frontend.wait_for_text(msg_id, "begins\n")
    host.ask("close")
    assert frontend.reply(msg_id)["content"]["ename"] == "CommandsClosed"
