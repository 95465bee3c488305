"""Frontends in the kernel's own process: the same kernel, and no socket in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import qtkernel
from qtkernel.channels import inbox
from qtkernel.channels.inprocess import Port
from qtkernel.embed.embedded import EmbeddedKernel
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import Channel
from tests.conversations.conftest import Start

PATIENCE = 20.0

Said = tuple[str, str, dict[str, Any]]


class Ear:
    """What a port has been told, in order, and ways to wait for it."""

    def __init__(self, loop: EventLoop, port: Port) -> None:
        self.loop = loop
        self.port = port
        self.messages: list[tuple[Channel, dict[str, Any]]] = []
        self.on: Callable[[Channel, dict[str, Any]], object] = lambda *_: None
        port.on_message = self._take
        self._until: Callable[[], bool] = lambda: False

    def _take(self, channel: Channel, message: dict[str, Any]) -> None:
        self.messages.append((channel, message))
        self.on(channel, message)
        if self._until():
            self.loop.stop()

    def wait(self, until: Callable[[], bool]) -> None:
        """Run the loop until something is true, looking after each message."""
        if until():
            return
        self._until = until
        late = self.loop.call_later(PATIENCE, self.loop.stop)
        self.loop.run()
        late.cancel()
        self._until = lambda: False
        assert until(), self.said()

    def ask(self, msg_type: str, content: Any = None, channel: Channel = Channel.SHELL) -> Any:
        """Ask for something and wait for the reply's content."""
        msg_id = self.port.send(channel, msg_type, content or {})
        return self.reply(msg_id)

    def run(self, code: str, **more: Any) -> Any:
        """Run a cell, until its idle has come."""
        msg_id = self.port.send(Channel.SHELL, "execute_request", {"code": code} | more)
        self.wait(lambda: self.said(msg_id)[-1:] == ["iopub status idle"])
        return self.reply(msg_id)

    def reply(self, msg_id: str) -> Any:
        """The content of the reply to a request; waits for it."""

        def found() -> list[dict[str, Any]]:
            return [
                message["content"]
                for channel, message in self.messages
                if channel in (Channel.SHELL, Channel.CONTROL)
                and message["parent_header"]["msg_id"] == msg_id
            ]

        self.wait(lambda: bool(found()))
        return found()[0]

    def said(self, msg_id: str | None = None) -> list[str]:
        """What has come, in short."""
        return [
            " ".join([channel.value, message["msg_type"], *_words(message["content"])])
            for channel, message in self.messages
            if msg_id in (None, message["parent_header"].get("msg_id"))
        ]

    def text(self) -> str:
        """All that was printed."""
        return "".join(
            message["content"]["text"]
            for _, message in self.messages
            if message["msg_type"] == "stream"
        )


def _words(content: dict[str, Any]) -> Iterator[str]:
    for name in ("execution_state", "text", "code", "status", "prompt"):
        if name in content:
            yield str(content[name]).strip()


Inside = Callable[[], tuple[EmbeddedKernel, Ear]]


@pytest.fixture
def inside(loop: EventLoop, runtime_dir: Path) -> Iterator[Inside]:
    """Begin a kernel without sockets, and a frontend of it.

    In the test itself: pytest's own sys.stdout is another one in the set-up.
    """
    del runtime_dir
    begun: list[EmbeddedKernel] = []

    def begin() -> tuple[EmbeddedKernel, Ear]:
        begun.append(qtkernel.embed({"model": 1}, loop=loop, transport=None))
        return begun[-1], Ear(loop, begun[-1].open_port())

    yield begin
    for kernel in begun:
        kernel.close()


def test_all_that_a_cell_causes_comes_in_the_order_in_which_it_was_made(inside: Inside) -> None:
    _, ear = inside()
    ear.run("print('one'); import sys; print('two', file=sys.stderr); model + 1")
    assert ear.said() == [
        "iopub status busy",
        "iopub execute_input print('one'); import sys; print('two', file=sys.stderr); model + 1",
        "iopub stream one",
        "iopub stream two",
        "iopub execute_result",
        "shell execute_reply ok",
        "iopub status idle",
    ]


def test_without_sockets_there_is_nothing_to_connect_to(inside: Inside, runtime_dir: Path) -> None:
    kernel, ear = inside()
    assert list(runtime_dir.iterdir()) == []
    assert [each.name for each in threading.enumerate() if each.name.startswith("qtkernel")] == [
        "qtkernel-control"
    ]
    assert kernel.transport is None
    assert kernel.clients == ()
    for name in ("connection_file", "attach_command"):
        with pytest.raises(RuntimeError, match="transport=None"):
            getattr(kernel, name)
    assert "without sockets" in repr(kernel)
    assert ear.ask("connect_request") == {"status": "ok"}
    assert ear.ask("kernel_info_request")["status"] == "ok"


@pytest.mark.parametrize(
    "wish", [{"connection_file": "x.json"}, {"ip": "127.0.0.1"}, {"curve": True}]
)
def test_what_is_for_sockets_is_refused_without_them(loop: EventLoop, wish: Any) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wish))} is for sockets"):
        qtkernel.embed({}, loop=loop, transport=None, **wish)


def test_a_request_is_handled_by_the_loop_and_not_by_send(inside: Inside) -> None:
    kernel, ear = inside()
    ear.port.send(Channel.SHELL, "execute_request", {"code": "ran = True"})
    assert "ran" not in kernel.user_ns
    ear.ask("kernel_info_request")
    assert kernel.user_ns["ran"]


def test_wrong_content_is_answered_with_the_field(inside: Inside) -> None:
    _, ear = inside()
    assert "code" in ear.ask("execute_request", {"code": 3})["evalue"]


def test_the_control_channel_answers_while_a_cell_runs(inside: Inside) -> None:
    kernel, ear = inside()
    begun = threading.Event()
    kernel.push({"begun": begun})

    def interrupt() -> None:
        begun.wait(PATIENCE)
        ear.port.send(Channel.CONTROL, "interrupt_request", {})

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    reply = ear.run("begun.set()\nimport time\ntime.sleep(60)")
    interrupter.join()
    assert reply["ename"] == "KeyboardInterrupt"


def test_input_is_answered_and_completion_goes_on_meanwhile(inside: Inside) -> None:
    _, ear = inside()

    def answer(_channel: Channel, message: dict[str, Any]) -> None:
        if message["msg_type"] == "input_request":
            ear.port.send(Channel.SHELL, "complete_request", {"code": "mod", "cursor_pos": 3})
        elif message["msg_type"] == "complete_reply":
            assert "model" in message["content"]["matches"]
            ear.port.send(Channel.STDIN, "input_reply", {"value": "six"})

    ear.on = answer
    ear.run("print(input('number? '))", allow_stdin=True)
    assert ear.text() == "six\n"


def test_only_who_is_asked_answers(inside: Inside, loop: EventLoop) -> None:
    kernel, ear = inside()
    other = Ear(loop, kernel.open_port())

    def answer(_channel: Channel, message: dict[str, Any]) -> None:
        if message["msg_type"] == "input_request":
            other.port.send(Channel.STDIN, "input_reply", {"value": "theirs"})
            ear.port.send(Channel.STDIN, "input_reply", {"value": "mine"})

    ear.on = answer
    ear.run("print(input())", allow_stdin=True)
    assert ear.text() == "mine\n"
    assert other.messages == []


def test_a_port_that_closes_ends_its_question_and_its_waiting_cells(
    inside: Inside, loop: EventLoop
) -> None:
    kernel, ear = inside()
    first = Ear(loop, kernel.open_port())
    seen: list[str] = []
    kernel.on("executed", lambda executed: seen.append(executed.ename or executed.code))

    def leave(_channel: Channel, message: dict[str, Any]) -> None:
        if message["msg_type"] == "input_request":
            first.port.send(Channel.SHELL, "execute_request", {"code": "never = 1"})
            ear.port.send(Channel.SHELL, "execute_request", {"code": "others = 1"})
            # when both are there
            loop.call_soon_threadsafe(lambda: loop.call_soon_threadsafe(first.port.close))

    first.on = leave
    first.port.send(Channel.SHELL, "execute_request", {"code": "input()", "allow_stdin": True})
    ear.wait(lambda: "others" in kernel.user_ns)
    assert seen == ["StdinClosed", "others = 1"]
    assert "never" not in kernel.user_ns
    with pytest.raises(RuntimeError, match="closed"):
        first.port.send(Channel.SHELL, "kernel_info_request", {})


def test_an_error_aborts_what_has_been_sent(inside: Inside) -> None:
    _, ear = inside()
    ear.port.send(Channel.SHELL, "execute_request", {"code": "1 / 0"})
    second = ear.port.send(Channel.SHELL, "execute_request", {"code": "2"})
    assert ear.reply(second)["status"] == "aborted"


def test_each_frontend_sees_its_own(start: Start) -> None:
    """A console inside, a frontend outside: two sessions of one kernel."""
    conversation = start({})
    ear = Ear(conversation.loop, conversation.kernel.open_port())

    def outside(client: Any) -> Any:
        return client.ask("execute_request", {"code": "print('outside')"})

    assert conversation.talk(outside)["status"] == "ok"
    ear.run("print('inside')")
    assert ear.text() == "inside\n"
    assert conversation.kernel.clients != ()
    ear.port.close()


def test_the_host_s_own_output_comes_if_it_is_wanted(inside: Inside) -> None:
    _, ear = inside()
    print("nobody's")
    ear.port.host_output = True
    print("the host's")
    ear.wait(lambda: "stream" in " ".join(ear.said()))
    assert ear.text() == "the host's\n"
    message = ear.messages[-1][1]
    assert message["metadata"] == {"qtkernel": {"origin": "host"}}
    assert message["parent_header"] == {}
    ear.port.host_output = False
    print("nobody's again")
    ear.run("0")
    assert ear.text() == "the host's\n"


def test_text_of_one_cell_is_merged(inside: Inside) -> None:
    _, ear = inside()
    ear.run("import sys\nfor each in range(100):\n    print(each)\n    sys.stdout.flush()")
    assert sum(message["msg_type"] == "stream" for _, message in ear.messages) == 1
    assert ear.text() == "".join(f"{each}\n" for each in range(100))


def test_what_a_port_keeps_is_bounded(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ear = inside()
    monkeypatch.setattr(inbox, "BYTE_BUDGET", 1 << 20)
    ear.run(
        "import sys\nprint('first')\nsys.stdout.flush()\n"
        "for each in range(64):\n    print(f'{each:02}' * 32768)\n    sys.stdout.flush()\n"
        "print('last')"
    )
    text = ear.text()
    assert len(text) < 2 << 20
    assert text.count("some of it was dropped here") == 1
    assert text.endswith("63\nlast\n")
    assert ear.said()[-2:] == ["shell execute_reply ok", "iopub status idle"]


def test_closing_the_kernel_hands_over_what_waits_and_says_so(
    inside: Inside,
) -> None:
    kernel, ear = inside()
    said: list[str] = []
    ear.port.on_closed = lambda: said.extend(ear.said())
    ear.port.send(Channel.SHELL, "execute_request", {"code": "1"})
    kernel.close()
    assert said == ["iopub status busy", "shell execute_reply aborted", "iopub status idle"]
    assert ear.port.closed
    with pytest.raises(RuntimeError, match="closed"):
        kernel.open_port()


def test_a_frontend_that_fails_gets_the_next_message_all_the_same(
    inside: Inside, caplog: pytest.LogCaptureFixture
) -> None:
    _, ear = inside()

    def fail(_channel: Channel, message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            raise ZeroDivisionError

    ear.on = fail
    assert ear.run("print(1)")["status"] == "ok"
    assert "ZeroDivisionError" in caplog.text


def test_a_restart_is_told_of(inside: Inside, loop: EventLoop) -> None:
    kernel, ear = inside()
    ear.run("mine = 1")
    assert kernel.execution_count == 2
    told: list[bool] = []
    kernel.on("restarted", lambda: (told.append("mine" in kernel.user_ns), loop.stop()))
    kernel.restart()
    late = loop.call_later(PATIENCE, loop.stop)
    loop.run()
    late.cancel()
    assert told == [False]
    assert kernel.execution_count == 1
    assert kernel.user_ns["model"] == 1


def test_an_interrupt_by_the_host(inside: Inside) -> None:
    kernel, ear = inside()
    kernel.interrupt()  # nothing runs: nothing happens
    kernel.push({"kernel": kernel})
    began = time.monotonic()
    reply = ear.run("kernel.interrupt()\nimport time\ntime.sleep(60)")
    assert reply["ename"] == "KeyboardInterrupt"
    assert time.monotonic() - began < PATIENCE


def test_the_injected_names_are_the_host_s(inside: Inside) -> None:
    kernel, ear = inside()
    ear.run("mine = 1; _hidden = 2")
    kernel.push({"window": 2})
    assert kernel.injected == ("model", "window")
