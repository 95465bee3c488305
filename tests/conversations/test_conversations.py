"""Whole exchanges over real sockets, in one process: every part is the real one."""

from __future__ import annotations

import re
import signal
import threading
import time
from typing import Any

import pytest

from qtkernel.protocol import Channel
from tests.conversations.conftest import Start
from tests.support.bare_client import BareClient
from tests.support.said import (
    ANYTHING,
    Said,
    aborted,
    around,
    cell_input,
    executed,
    failed,
    published,
    stream,
)


def result(parent: str, count: int, text: str) -> Said:
    content = {"execution_count": count, "data": {"text/plain": text}, "metadata": {}}
    return published(parent, "execute_result", content)


def error(parent: str, ename: str) -> Said:
    return published(parent, "error", {"ename": ename, "evalue": ANYTHING, "traceback": ANYTHING})


def test_a_cell(start: Start) -> None:
    def script(client: BareClient) -> None:
        msg_id, heard, answer = client.run("print('hello')\n6 * 7")
        assert heard == around(
            msg_id,
            cell_input(msg_id, "print('hello')\n6 * 7", 1),
            stream(msg_id, "hello\n"),
            result(msg_id, 1, "42"),
        )
        assert answer == executed(msg_id, 1)

    start().talk(script)


def test_cells_run_in_the_loop_s_thread_and_the_host_s_namespace(start: Start) -> None:
    conversation = start({"model": [1]})
    conversation.talk(lambda c: c.run("import threading\nmodel.append(threading.get_ident())"))
    assert conversation.namespace["model"] == [1, threading.get_ident()]


def test_an_error_aborts_what_is_there(start: Start) -> None:
    conversation = start()
    kernel = conversation.kernel._assembly.kernel

    def others() -> None:
        """In the cell: wait until the two behind it have arrived."""
        deadline = time.monotonic() + 20
        while len(kernel._queue) < 2 and time.monotonic() < deadline:
            kernel.drain()

    conversation.namespace["others"] = others
    code = "others(); 1/0"

    def script(client: BareClient) -> None:
        ids = [client.execute(each) for each in (code, "2", "3")]
        answers = [client.said() for _ in ids]
        assert answers == [
            failed(ids[0], 1, "ZeroDivisionError"),
            aborted(ids[1], 2),
            aborted(ids[2], 2),
        ]
        heard = client.output(ids[2])
        assert heard == [
            *around(ids[0], cell_input(ids[0], code, 1), error(ids[0], "ZeroDivisionError")),
            *around(ids[1]),
            *around(ids[2]),
        ]
        msg_id, _, answer = client.run("4")
        assert answer == executed(msg_id, 2)

    conversation.talk(script)


def test_while_a_cell_awaits_the_others_are_served(start: Start) -> None:
    def script(client: BareClient) -> None:
        first = client.execute("import asyncio\nevent = asyncio.Event()\nawait event.wait()")
        client.published_until(lambda each: each.msg_type == "execute_input")
        second = client.execute("'second'")
        for msg_type, content in (
            ("complete_request", {"code": "eve"}),
            ("kernel_info_request", {}),
            ("is_complete_request", {"code": "1"}),
        ):
            msg_id = client.send(msg_type, content)
            answer = client.said()
            assert (answer.parent, answer.content["status"][:2]) in ((msg_id, "ok"), (msg_id, "co"))
        conversation.loop.call_soon_threadsafe(lambda: conversation.namespace["event"].set())
        assert client.said() == executed(first, 1)
        assert client.said() == executed(second, 2)

    conversation = start()
    conversation.talk(script)


def test_input_keeps_the_loop_alive(start: Start) -> None:
    conversation = start()

    def script(client: BareClient) -> None:
        msg_id = client.execute("name = input('name? ')")
        question = client.said(Channel.STDIN)
        assert question == Said(
            "stdin", "input_request", {"prompt": "name? ", "password": False}, msg_id
        )
        ticked = threading.Event()
        conversation.loop.call_soon_threadsafe(ticked.set)
        assert ticked.wait(10)
        assert client.ask("kernel_info_request")["status"] == "ok"
        client.send("input_reply", {"value": "me"}, Channel.STDIN)
        assert client.said() == executed(msg_id, 1)

    conversation.talk(script)
    assert conversation.namespace["name"] == "me"


def test_a_frontend_without_stdin(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from qtkernel.kernel import stdin

    monkeypatch.setattr(stdin, "CONNECT_PATIENCE", 0.2)

    def script(client: BareClient) -> str:
        return str(client.ask("execute_request", {"code": "input()"})["ename"])

    assert start().talk(script, stdin=False) == "StdinClosed"


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\ntime.sleep(60)",
        "input()",
        "import asyncio\nawait asyncio.sleep(60)",
    ],
)
def test_an_interrupt(start: Start, code: str) -> None:
    before = signal.getsignal(signal.SIGINT)

    def script(client: BareClient) -> None:
        msg_id = client.execute(code)
        client.published_until(lambda each: each.msg_type == "execute_input")
        if code == "input()":
            client.said(Channel.STDIN)
        asked = client.send("interrupt_request", {}, Channel.CONTROL)
        assert client.said(Channel.CONTROL).parent == asked
        assert client.said() == failed(msg_id, 1, "KeyboardInterrupt")
        msg_id, _, answer = client.run("1")
        assert answer == executed(msg_id, 2)

    start().talk(script)
    assert signal.getsignal(signal.SIGINT) is before


INTERRUPTED = {
    "time.sleep(60)": "time.sleep(60)",
    "input()": "input()",
    "def f():\n    input()\nf()": "input()",
    "try:\n    time.sleep(60)\nfinally:\n    1 / 0": "1 / 0",
}


@pytest.mark.parametrize("code", list(INTERRUPTED))
def test_where_an_interrupted_cell_was(start: Start, code: str) -> None:
    def script(client: BareClient) -> None:
        client.run("import time, sys, traceback")
        client.execute(code)
        client.published_until(lambda each: each.msg_type == "execute_input")
        if "input" in code:
            client.said(Channel.STDIN)
        else:
            time.sleep(0.2)
        client.send("interrupt_request", {}, Channel.CONTROL)
        shown = "\n".join(client.said().content["traceback"])
        # without the colours of its parts
        shown = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert re.findall("^-+> [0-9]+ +(.*)", shown, re.MULTILINE)[-1] == INTERRUPTED[code]
        assert "Interrupter" not in shown
        assert "hidden" not in shown
        # where a debugger begins
        code_there = "traceback.extract_tb(sys.last_traceback)[-1].line"
        asked = {"code": "", "user_expressions": {"line": code_there}}
        line = client.ask("execute_request", asked)["user_expressions"]["line"]
        assert line["data"]["text/plain"] == repr(INTERRUPTED[code])

    start().talk(script)


def test_a_defect_of_the_kernel_is_shown_where_it_is(start: Start) -> None:
    conversation = start()
    conversation.kernel._assembly.stdin._session = None
    answer = conversation.talk(lambda c: c.ask("execute_request", {"code": "input()"}))
    assert "_frames" in "".join(answer["traceback"])


def test_control_answers_while_a_cell_is_busy(start: Start) -> None:
    def script(client: BareClient) -> None:
        client.execute("while True: pass")
        client.published_until(lambda each: each.msg_type == "execute_input")
        asked = client.send("kernel_info_request", {}, Channel.CONTROL)
        answer = client.said(Channel.CONTROL)
        assert (answer.parent, answer.content["status"]) == (asked, "ok")
        client.send("interrupt_request", {}, Channel.CONTROL)
        client.said()

    start().talk(script)


def test_output_of_a_busy_cell_comes_while_it_runs(start: Start) -> None:
    conversation = start({"go": threading.Event()})

    def script(client: BareClient) -> None:
        msg_id = client.execute("print('early')\ngo.wait(20)\nprint('late')")
        heard = client.published_until(lambda each: each.msg_type == "stream")
        assert heard[-1] == stream(msg_id, "early\n")
        conversation.namespace["go"].set()
        assert client.output(msg_id)[0] == stream(msg_id, "late\n")

    conversation.talk(script)


def test_two_frontends(start: Start) -> None:
    conversation = start()
    arrived = threading.Event()
    channel = conversation.kernel._assembly.outside.stdin
    deliver = channel._deliver

    def tapped(*message: Any) -> None:
        deliver(*message)
        arrived.set()

    channel._deliver = tapped

    def script(one: BareClient) -> None:
        with BareClient(conversation.info) as two:
            first = one.execute("a = input('1')")
            assert one.said(Channel.STDIN).content["prompt"] == "1"
            second = two.execute("b = input('2')")
            assert two.hears_nothing(Channel.STDIN)
            two.send("input_reply", {"value": "not asked"}, Channel.STDIN)
            assert arrived.wait(20), "what comes later than the question is its answer"
            one.send("input_reply", {"value": "one"}, Channel.STDIN)
            assert two.said(Channel.STDIN).content["prompt"] == "2"
            two.send("input_reply", {"value": "two"}, Channel.STDIN)
            assert (one.said(), two.said()) == (executed(first, 1), executed(second, 2))
            both = [client.output(second) for client in (one, two)]
            assert [s for s in both[0] if s.msg_type != "iopub_welcome"] == both[1]

    conversation.talk(script)
    assert (conversation.namespace["a"], conversation.namespace["b"]) == ("one", "two")


def test_many_requests_at_once_are_answered_in_order(start: Start) -> None:
    def script(client: BareClient) -> None:
        ids = [client.execute(f"n = {n}") for n in range(300)]
        answers = [client.said() for _ in ids]
        assert [answer.parent for answer in answers] == ids
        assert [answer.content["execution_count"] for answer in answers] == list(range(1, 301))

    start().talk(script)


def test_requests_one_after_the_other(start: Start) -> None:
    def script(client: BareClient) -> None:
        for n in range(1, 201):
            msg_id = client.execute("pass")
            assert client.said() == executed(msg_id, n)

    start().talk(script)


def test_old_clients(start: Start) -> None:
    def script(client: BareClient) -> list[Any]:
        return [
            client.ask("object_info_request", {"oname": "print"})["found"],
            client.ask("version_request")["protocol_version"],
            client.ask("connect_request")["hb_port"],
        ]

    assert start().talk(script) == [True, [5, 5], 5]


def test_what_is_signed_wrongly_gets_no_answer_and_does_no_harm(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = start()

    def script(client: BareClient) -> None:
        stranger = BareClient(conversation.info, key="another key")
        stranger.execute("evil = True")
        msg_id, _, answer = client.run("1")
        assert answer == executed(msg_id, 1)
        assert stranger.hears_nothing(Channel.SHELL)
        stranger.close()

    conversation.talk(script)
    assert "evil" not in conversation.namespace
    assert "the signature does not match" in caplog.text


def test_a_thread_of_a_cell_writes_to_the_frontends(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    def script(client: BareClient) -> None:
        msg_id, heard, _ = client.run(
            "import threading\nt = threading.Thread(target=print, args=('thread',))\n"
            "t.start()\nt.join()"
        )
        assert [s for s in heard if s.msg_type == "stream"] == [stream(msg_id, "thread\n")]

    start().talk(script)
    assert capfd.readouterr().out == ""


def test_a_broken_display_costs_nothing_but_itself(start: Start) -> None:
    def script(client: BareClient) -> None:
        code = "class Bad:\n    def _repr_mimebundle_(self, **k):\n        return {'x/y': object()}"
        client.run(code)
        msg_id, heard, answer = client.run("display(Bad())\n'\\ud800'")
        assert answer == executed(msg_id, 2)
        assert [s.msg_type for s in heard][2:-1] == ["display_data", "execute_result"]

    start().talk(script)


@pytest.mark.parametrize("curve", [False, True])
def test_over_tcp(start: Start, curve: bool) -> None:
    import zmq

    conversation = start(transport="tcp", curve=curve)
    keys = zmq.curve_keypair() if curve else None
    answer = conversation.talk(lambda c: c.run("1")[2], curve_keys=keys)
    assert answer.content["status"] == "ok"


def test_with_curve_a_client_without_keys_hears_nothing(start: Start) -> None:
    import zmq

    conversation = start(transport="tcp", curve=True)

    def script(client: BareClient) -> None:
        stranger = BareClient(conversation.info)
        stranger.execute("evil = True")
        msg_id, _, answer = client.run("'evil' in dir()")
        assert answer == executed(msg_id, 1)
        assert stranger.hears_nothing(Channel.IOPUB)
        stranger.close()

    conversation.talk(script, curve_keys=zmq.curve_keypair())
    assert "evil" not in conversation.namespace
