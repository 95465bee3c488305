"""Subshells (JEP 91): cells on threads of their own, beside what the kernel's thread does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend, Message, Outcome
from tests.frontends.support.programs import Program


class Subshell:
    """A child subshell, as a frontend uses it; with id None the parent."""

    def __init__(self, frontend: Frontend, subshell_id: str | None) -> None:
        self.frontend = frontend
        self.id = subshell_id

    def send(self, msg_type: str, content: dict[str, Any]) -> str:
        """Send a request; its msg_id."""
        message = self.frontend.client.session.msg(msg_type, content)
        if self.id is not None:
            message["header"]["subshell_id"] = self.id
        self.frontend.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def start(self, code: str, **more: Any) -> str:
        """Send a cell; its msg_id."""
        return self.send("execute_request", {"code": code} | more)

    def run(self, code: str, **more: Any) -> Outcome:
        """Run a cell to its end."""
        return self.frontend.outcome(self.start(code, **more))


def create(frontend: Frontend) -> Subshell:
    content = frontend.control("create_subshell_request")["content"]
    assert content["status"] == "ok"
    return Subshell(frontend, content["subshell_id"])


def children(frontend: Frontend) -> list[str]:
    content = frontend.control("list_subshell_request")["content"]
    assert content["status"] == "ok"
    return content["subshell_id"]  # type: ignore[no-any-return]


def delete(subshell: Subshell) -> dict[str, Any]:
    request = {"subshell_id": subshell.id}
    return subshell.frontend.control("delete_subshell_request", request)["content"]  # type: ignore[no-any-return]


def busy(frontend: Frontend) -> str:
    """A cell that keeps the parent's thread until `go` is set; its msg_id."""
    cell = frontend.start("import threading; go = threading.Event()\nwhile not go.is_set(): pass")
    frontend.wait_for(cell, "execute_input")
    return cell


@pytest.fixture(
    params=["host", *(pytest.param(gui, marks=pytest.mark.slow) for gui in ("headless", "qt"))]
)
def program(request: pytest.FixtureRequest, start: Starter) -> Program:
    """An application, and kernels of their own."""
    return start.host() if request.param == "host" else start.kernel(request.param)


@pytest.fixture
def frontend(program: Program, start: Starter) -> Frontend:
    """A frontend attached to it."""
    return start.frontend(program)


def test_a_child_runs_cells_while_the_parents_thread_is_busy(frontend: Frontend) -> None:
    blocking = busy(frontend)
    child = create(frontend)
    assert children(frontend) == [child.id]
    outcome = child.run("x = 6 * 7; print('hi'); display(x); x")
    assert outcome.result == "42"
    assert outcome.text() == "hi\n"
    (shown,) = outcome.contents("display_data")
    assert shown["data"]["text/plain"] == "42"
    assert outcome.reply["parent_header"]["subshell_id"] == child.id
    assert {m["parent_header"]["subshell_id"] for m in outcome.messages} == {child.id}
    assert "qtkernel-subshell" in child.run("threading.current_thread().name").result
    child.run("go.set()")
    assert frontend.outcome(blocking).status == "ok"
    # one namespace, and all is well with the parent
    assert frontend.run("x").result == "42"
    assert delete(child) == {"status": "ok"}
    assert children(frontend) == []


def test_every_kind_of_request_is_answered_by_a_child(frontend: Frontend) -> None:
    blocking = busy(frontend)
    child = create(frontend)
    for msg_type, content in (
        ("complete_request", {"code": "threading.Thr", "cursor_pos": 13}),
        ("inspect_request", {"code": "threading", "cursor_pos": 3}),
        ("is_complete_request", {"code": "x ="}),
        ("history_request", {"hist_access_type": "tail", "n": 5}),
        ("kernel_info_request", {}),
    ):
        reply = frontend.outcome(child.send(msg_type, content)).content
        assert reply["status"] in ("ok", "invalid", "incomplete"), reply
    child.run("go.set()")
    frontend.outcome(blocking)


def test_the_numbers_of_cells_differ_and_state_is_not_mixed_up(frontend: Frontend) -> None:
    one, two = create(frontend), create(frontend)
    parent = Subshell(frontend, None)
    # three cells under way at once, each showing a result, an error and a payload of its own
    frontend.run(
        "import threading; barrier = threading.Barrier(3)\n"
        "def work(name):\n"
        "    barrier.wait(20)\n"
        "    get_ipython().set_next_input(name)\n"
        "    barrier.wait(20)\n"
        "    display(name)\n"
        "    return name"
    )
    cells = {name: shell.start(f"work({name!r})") for name, shell in
             (("parent", parent), ("one", one), ("two", two))}  # fmt: skip
    numbers = set()
    for name, cell in cells.items():
        outcome = frontend.outcome(cell)
        assert outcome.result == repr(name)
        (announced,) = outcome.contents("execute_input")
        (result,) = outcome.contents("execute_result")
        number = outcome.content["execution_count"]
        assert announced["execution_count"] == result["execution_count"] == number
        numbers.add(number)
        assert [each["text"] for each in outcome.content["payload"]] == [name]
    assert len(numbers) == 3
    cells = {name: shell.start(f"barrier.wait(20); raise ValueError({name!r})") for name, shell in
             (("parent", parent), ("one", one), ("two", two))}  # fmt: skip
    for name, cell in cells.items():
        outcome = frontend.outcome(cell)
        assert (outcome.ename, outcome.content["evalue"]) == ("ValueError", name)


def test_an_error_aborts_what_waits_in_the_same_subshell_only(frontend: Frontend) -> None:
    one, two = create(frontend), create(frontend)
    frontend.run("import threading; go = threading.Event()")
    failing = one.start("go.wait(20); 1/0")
    frontend.wait_for(failing, "execute_input")
    waiting, other = one.start("'not run'"), two.start("'run'")
    parent = frontend.start("'run, too'")
    assert frontend.outcome(other).result == "'run'"
    assert frontend.outcome(parent).result == "'run, too'"
    frontend.run("go.set()")
    assert frontend.outcome(failing).ename == "ZeroDivisionError"
    assert frontend.outcome(waiting).status == "aborted"
    assert one.run("'goes on'").result == "'goes on'"


def test_input_in_a_child(frontend: Frontend) -> None:
    child = create(frontend)
    cell = child.start("name = input('who? ')", allow_stdin=True)
    assert frontend.prompt() == "who? "
    # the parent goes on meanwhile
    assert frontend.run("1 + 1").result == "2"
    frontend.answer("Ada")
    assert frontend.outcome(cell).status == "ok"
    assert frontend.run("name").result == "'Ada'"
    refused = child.run("input()", allow_stdin=False)
    assert refused.ename == "StdinNotImplementedError"


def test_await_in_a_child(frontend: Frontend) -> None:
    blocking = busy(frontend)
    child = create(frontend)
    assert child.run("import asyncio; await asyncio.sleep(0.01); 'slept'").result == "'slept'"
    assert child.run("asyncio.run(asyncio.sleep(0, 'ran'))").result == "'ran'"
    child.run("go.set()")
    assert frontend.outcome(blocking).status == "ok"
    # and in both at once
    frontend.run("import asyncio, threading; flag = threading.Event()")
    first = frontend.start("while not flag.is_set(): await asyncio.sleep(0.01)\n'parent'")
    frontend.wait_for(first, "execute_input")
    assert child.run("await asyncio.sleep(0.01); flag.set(); 'child'").result == "'child'"
    assert frontend.outcome(first).result == "'parent'"


@pytest.mark.parametrize(
    "code",
    [
        "print('on'); \nwhile True: pass",
        "print('on'); import asyncio; await asyncio.sleep(100)",
        "print('on'); input('never')",
    ],
)
def test_an_interrupt_is_for_children_too(frontend: Frontend, code: str) -> None:
    child = create(frontend)
    parent = frontend.start("print('on'); import time; time.sleep(100)")
    cell = child.start(code, allow_stdin=True)
    frontend.wait_for_text(parent, "on\n")
    frontend.wait_for_text(cell, "on\n")
    frontend.interrupt()
    assert frontend.outcome(cell).ename == "KeyboardInterrupt"
    assert frontend.outcome(parent).ename == "KeyboardInterrupt"
    assert child.run("'alive'").result == "'alive'"
    assert frontend.run("'alive'").result == "'alive'"


def test_an_unknown_subshell_is_an_error_at_once(frontend: Frontend) -> None:
    nobody = Subshell(frontend, "nobody")
    assert nobody.run("1").content["ename"] == "UnknownSubshellError"
    blocking = busy(frontend)
    child = create(frontend)
    outcome = nobody.run("go.set()")
    assert (outcome.status, outcome.content["ename"]) == ("error", "UnknownSubshellError")
    assert "nobody" in outcome.content["evalue"]
    assert delete(nobody)["ename"] == "UnknownSubshellError"
    assert "execution_count" in outcome.content
    child.run("go.set()")
    frontend.outcome(blocking)


def test_deleted_while_it_runs(frontend: Frontend) -> None:
    child = create(frontend)
    cell = child.start("print('on')\nwhile True: pass")
    frontend.wait_for_text(cell, "on\n")
    waiting = child.start("'never'")
    # it has been read when this has been answered
    frontend.outcome(Subshell(frontend, "nobody").start("1"))
    assert delete(child) == {"status": "ok"}
    assert children(frontend) == []
    assert frontend.outcome(cell).ename == "KeyboardInterrupt"
    assert frontend.outcome(waiting).status == "aborted"
    assert child.run("1").content["ename"] == "UnknownSubshellError"


def test_the_namespace_and_output_of_many_cells_at_once(frontend: Frontend) -> None:
    shells = [Subshell(frontend, None), create(frontend), create(frontend)]
    cells = []
    for index in range(10):
        for number, shell in enumerate(shells):
            cells.append((shell.start(f"print({index}, {number})\n{index}, {number}"),
                          (index, number)))  # fmt: skip
    for cell, expected in cells:
        outcome = frontend.outcome(cell)
        assert outcome.result == str(expected)
        assert outcome.text() == f"{expected[0]} {expected[1]}\n"


def test_threads_of_a_child_write_under_its_cell(frontend: Frontend) -> None:
    child = create(frontend)
    outcome = child.run(
        "import threading, sys\n"
        "thread = threading.Thread(target=print, args=('from a thread',))\n"
        "thread.start(); thread.join()"
    )
    assert outcome.text() == "from a thread\n"


def test_comm_messages_are_always_the_parents(frontend: Frontend) -> None:
    child = create(frontend)
    frontend.run(
        "import threading; heard = []\n"
        "def opened(comm, message): heard.append(threading.current_thread().name)\n"
        "get_ipython().kernel.comm_manager.register_target('t', opened)"
    )
    content = {"comm_id": "c", "target_name": "t", "data": {}}
    message = child.send("comm_open", content)
    frontend.wait_for(message, "status")
    # what comes behind it is handled behind it
    assert frontend.run("heard").result == "['MainThread']"


@pytest.mark.parametrize("restart", [True, False])
def test_the_end_of_the_kernel_ends_children(
    program: Program, frontend: Frontend, restart: bool
) -> None:
    child = create(frontend)
    cell = child.start("print('on')\nwhile True: pass")
    frontend.wait_for_text(cell, "on\n")
    answer: Message = frontend.shutdown(restart=restart)
    assert answer["content"]["status"] == "ok"
    if "qtkernel" in program.arguments:
        assert program.wait() == 0
        return
    if restart:
        assert frontend.outcome(cell).ename == "KeyboardInterrupt"
        assert children(frontend) == []
        assert frontend.run("1 + 1").result == "2"


def test_closing_the_kernel_in_an_application(start: Starter) -> None:
    host = start.host()
    frontend = start.frontend(host)
    child = create(frontend)
    cell = child.start("print('on')\nwhile True: pass")
    frontend.wait_for_text(cell, "on\n")
    assert host.ask("close") == "done"
    assert json.loads(host.ask("report"))
    assert frontend.reply(cell)["content"]["ename"] == "KeyboardInterrupt"
    assert host.ask("quit") == "done"
    assert host.wait() == 0


def test_they_are_advertised_where_the_application_says_so(start: Starter) -> None:
    frontend = start.frontend(start.kernel("headless", "--subshells"))
    info = frontend.outcome(frontend.client.kernel_info()).content
    assert info["supported_features"] == ["kernel subshells", "debugger"]
