"""Busy, what belongs to the request, the reply, idle: for every type of message."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from qtkernel._version import __version__
from qtkernel.protocol import BadMessage
from tests.support.pure_kernel import PORTS, PureKernel
from tests.support.recorder import Recorder
from tests.support.said import (
    ANYTHING,
    Said,
    around,
    cell_input,
    executed,
    failed,
    published,
    reply,
)

KERNEL_INFO = {
    "status": "ok",
    "protocol_version": "5.5",
    "implementation": "fake",
    "implementation_version": "1.0",
    "language_info": {"name": "fakish", "version": "7"},
    "banner": "A fake",
    "help_links": [{"text": "a", "url": "b"}],
    "debugger": False,
    "supported_features": ["a feature"],
    "qtkernel": {"loop": "manual"},
}

ANSWERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("kernel_info_request", {}, KERNEL_INFO),
    ("connect_request", {}, {"status": "ok", **PORTS}),
    (
        "version_request",
        {},
        {
            "status": "ok",
            "version": __version__,
            "protocol_version": [5, 5],
            "language": "fakish",
            "language_version": ANYTHING,
        },
    ),
    (
        "complete_request",
        {"code": "abc", "cursor_pos": 2},
        {
            "status": "ok",
            "matches": ["match"],
            "cursor_start": 0,
            "cursor_end": 2,
            "metadata": {"kind": "fake"},
        },
    ),
    (
        "inspect_request",
        {"code": "abc"},
        {"status": "ok", "found": True, "data": {"text/plain": "text"}, "metadata": {}},
    ),
    ("is_complete_request", {"code": "a"}, {"status": "complete"}),
    ("is_complete_request", {"code": "a:"}, {"status": "incomplete", "indent": "    "}),
    (
        "history_request",
        {"hist_access_type": "tail", "n": 2},
        {"status": "ok", "history": [[1, 1, "a"], [1, 2, "b"]]},
    ),
    ("object_info_request", {"oname": "x"}, {"status": "ok", "oname": "x", "found": True}),
    (
        "comm_info_request",
        {"target_name": "t"},
        {"status": "ok", "comms": {"c1": {"target_name": "t"}}},
    ),
]


@pytest.mark.parametrize(("msg_type", "content", "answer"), ANSWERS)
def test_each_request_is_answered_between_busy_and_idle(
    house: PureKernel, recorder: Recorder, msg_type: str, content: Any, answer: Any
) -> None:
    msg_id = house.ask(msg_type, content)
    reply_type = msg_type.replace("_request", "_reply")
    recorder.expect(around(msg_id, reply(msg_id, reply_type, answer)))


@pytest.mark.parametrize("msg_type", ["kernel_info_request", "connect_request", "version_request"])
def test_the_control_channel_tells_the_same(
    house: PureKernel, recorder: Recorder, msg_type: str
) -> None:
    house.ask(msg_type)
    on_shell = recorder.take()[1].content
    msg_id = house.control_request(msg_type)
    answer = reply(msg_id, msg_type.replace("_request", "_reply"), on_shell, "control")
    recorder.expect(around(msg_id, answer))


def test_a_cell(house: PureKernel, recorder: Recorder) -> None:
    house.interpreter.cell("print")(
        lambda: house.publisher.publish("stream", {"name": "stdout", "text": "hi"})
    )
    msg_id = house.run("print")
    said = published(msg_id, "stream", {"name": "stdout", "text": "hi"})
    recorder.expect(around(msg_id, cell_input(msg_id, "print", 1), said, executed(msg_id, 1)))


def test_streams_are_flushed_before_the_reply(house: PureKernel, recorder: Recorder) -> None:
    house.flushes.append(lambda: house.publisher.publish("stream", {"name": "stdout", "text": ""}))
    msg_id = house.run("x")
    recorder.expect(
        around(msg_id, cell_input(msg_id, "x", 1), published(msg_id, "stream"), executed(msg_id, 1))
    )


def test_the_header_comes_back_verbatim(house: PureKernel, recorder: Recorder) -> None:
    request = house.request("kernel_info_request")
    request.message.header_bytes = b'{ "msg_id":"m1",  "msg_type":"kernel_info_request","x":[1]}'
    house.kernel.receive(request)
    house.kernel.dispatch()
    parents = {message.parent_header_bytes for message in recorder.messages}
    assert parents == {request.message.header_bytes}
    recorder.take()


def test_the_reply_goes_the_way_that_the_request_came(house: PureKernel) -> None:
    house.ask("kernel_info_request", identities=(b"scheduler", b"engine", b"client"))
    (answer,) = [m for m in house.recorder.messages if m.msg_type == "kernel_info_reply"]
    assert answer.identities == [b"scheduler", b"engine", b"client"]
    assert answer.metadata == {"status": "ok", "started": ANYTHING}
    house.recorder.take()


def test_an_execute_reply_says_when_its_cell_was_begun(house: PureKernel) -> None:
    """JupyterLab shows how long cells take, and ipyparallel looks for the rest."""
    house.interpreter.cells["x"] = lambda: begun.append(datetime.now(UTC))
    begun: list[datetime] = []
    before = datetime.now(UTC)
    house.run("x")
    house.run("y")
    ran, other = [m.metadata for m in house.recorder.messages if m.msg_type == "execute_reply"]
    assert set(ran) == {"started", "dependencies_met", "status"}
    assert ran["dependencies_met"]
    assert before <= datetime.fromisoformat(ran["started"]) <= begun[0]
    assert datetime.fromisoformat(other["started"]) > begun[0]
    house.recorder.take()


def test_what_can_change_is_asked_at_each_kernel_info(
    house: PureKernel, recorder: Recorder
) -> None:
    for ask, channel in ((house.ask, "shell"), (house.control_request, "control")):
        house.about["loop"] = channel
        msg_id = ask("kernel_info_request")
        expected = KERNEL_INFO | {"qtkernel": {"loop": channel}}
        recorder.expect(around(msg_id, reply(msg_id, "kernel_info_reply", expected, channel)))


def test_the_topic_says_whose_message_and_of_what_type(house: PureKernel) -> None:
    house.run("x")
    topics = [m.identities[0].split(b".") for m in house.recorder.messages if m.identities]
    kernel = house.session.session_id.encode()
    assert [b"kernel", kernel, b"execute_input"] in topics
    assert [b"kernel", kernel, b"status"] in topics
    house.recorder.take()


# What goes wrong. Every request is answered.


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by zero"), KeyboardInterrupt(), SystemExit(3)]
)
def test_a_handler_that_raises_still_answers(
    house: PureKernel, recorder: Recorder, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    house.interpreter.failure = error
    msg_id = house.ask("complete_request", {"code": ""})
    recorder.expect(around(msg_id, _error_reply(msg_id, "complete", error)))
    assert "the handler of complete_request failed" in caplog.text
    house.interpreter.failure = None
    msg_id = house.ask("complete_request", {"code": ""})
    recorder.expect(around(msg_id, reply(msg_id, "complete_reply")))


def test_an_error_without_words_still_answers(
    house: PureKernel, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    house.interpreter.failure = Unspeakable()
    msg_id = house.ask("complete_request", {"code": ""})
    content = {"status": "error", "ename": "Unspeakable", "evalue": ANYTHING, "traceback": ANYTHING}
    recorder.expect(around(msg_id, reply(msg_id, "complete_reply", content)))
    assert caplog.records


@pytest.mark.parametrize("msg_type", ["foo_request", "no_suffix", "apply_request"])
def test_an_unknown_type_is_answered_with_what_is_known(
    house: PureKernel, recorder: Recorder, msg_type: str
) -> None:
    msg_id = house.ask(msg_type)
    (answer,) = [each for each in recorder.take() if each.channel == "shell"]
    assert answer.msg_type == msg_type.removesuffix("_request") + "_reply"
    assert answer.content["status"] == "error"
    assert answer.content["ename"] == "UnknownMessageType"
    assert answer.content["evalue"].startswith(f"{msg_type!r} is not a request")
    assert "execute_request" in answer.content["evalue"]
    assert answer.parent == msg_id


def test_an_unknown_one_way_message_gets_no_reply(house: PureKernel, recorder: Recorder) -> None:
    msg_id = house.ask("comm_future", {"comm_id": "1"})
    recorder.expect(around(msg_id))


@pytest.mark.parametrize(
    ("msg_type", "content", "field"),
    [
        ("execute_request", {}, "code"),
        ("execute_request", {"code": 1}, "code"),
        ("execute_request", {"code": "", "silent": "yes"}, "silent"),
        ("complete_request", {"code": "", "cursor_pos": -1}, "cursor_pos"),
        ("inspect_request", {"code": "", "detail_level": 2}, "detail_level"),
        ("history_request", {"hist_access_type": "all"}, "hist_access_type"),
        ("comm_info_request", [], "content"),
        ("is_complete_request", b"{", "content"),
    ],
)
def test_wrong_content_is_answered_and_names_the_field(
    house: PureKernel, recorder: Recorder, msg_type: str, content: Any, field: str
) -> None:
    msg_id = house.ask(msg_type, content)
    error = {"status": "error", "ename": "InvalidContent", "traceback": ANYTHING}
    more = {}
    if msg_type == "execute_request":
        more = {"execution_count": 1, "user_expressions": {}, "payload": []}
    (_, answer, _) = said = recorder.take()
    assert said == around(
        msg_id,
        reply(
            msg_id,
            msg_type.replace("_request", "_reply"),
            error | more | {"evalue": answer.content["evalue"]},
        ),
    )
    assert answer.content["evalue"].startswith(f'field "{field}": expected ')
    assert house.interpreter.ran == []


def test_a_signed_message_that_cannot_be_read_is_answered(
    house: PureKernel, recorder: Recorder
) -> None:
    msg_id = house.ask("execute_request", problem=BadMessage("the metadata is not JSON"))
    recorder.expect(around(msg_id, failed(msg_id, 1, "BadMessage", "the metadata is not JSON")))


def test_the_queue_goes_on_behind_a_reply_that_cannot_be_sent(
    house: PureKernel, recorder: Recorder
) -> None:
    """A socket may fail for one frontend; the others are still to be served."""

    def broken(_frames: object) -> None:
        raise OSError("gone")

    first = house.request("kernel_info_request")
    first.send = broken
    house.arriving.append(first)
    second = house.arrive("kernel_info_request")
    with pytest.raises(OSError, match="gone"):
        house.handle()
    house.loop.settle()
    said = recorder.take()
    assert said[:2] == around(first.message.msg_id)
    assert said[2:] == around(second, reply(second, "kernel_info_reply"))


# What the interpreter is asked


def test_without_a_position_it_is_about_the_end(house: PureKernel, recorder: Recorder) -> None:
    house.ask("complete_request", {"code": "a\U0001f600b"})
    house.ask("complete_request", {"code": "abc", "cursor_pos": 0})
    house.ask("complete_request", {"code": "abc", "cursor_pos": 99})
    house.ask("inspect_request", {"code": "abc", "detail_level": 1, "omit_sections": ["x"]})
    assert house.interpreter.queries == [
        ("a\U0001f600b", 3),
        ("abc", 0),
        ("abc", 3),
        ("abc", 3, 1, ["x"]),
    ]
    recorder.take()


def test_history_queries_arrive_as_asked(house: PureKernel, recorder: Recorder) -> None:
    house.ask("history_request", {"hist_access_type": "search", "pattern": None, "n": 5})
    house.ask(
        "history_request",
        {"hist_access_type": "range", "session": -1, "start": 2, "stop": 9, "output": True},
    )
    search, ranged = house.interpreter.queries
    assert (search.access, search.pattern, search.n, search.raw) == ("search", "*", 5, True)
    assert (ranged.session, ranged.start, ranged.stop, ranged.output) == (-1, 2, 9, True)
    recorder.take()


def test_the_cell_id_reaches_the_interpreter(house: PureKernel, recorder: Recorder) -> None:
    house.ask("execute_request", {"code": "x"}, metadata={"cellId": "abc"})
    assert house.interpreter.calls[0].cell_id == "abc"
    recorder.take()


def _error_reply(msg_id: str, name: str, error: BaseException) -> Said:
    content = {
        "status": "error",
        "ename": type(error).__name__,
        "evalue": str(error),
        "traceback": ANYTHING,
    }
    return reply(msg_id, f"{name}_reply", content)


def test_all_that_is_said_is_an_object_on_the_wire(house: PureKernel) -> None:
    house.run("x")
    for message in house.recorder.messages:
        assert isinstance(json.loads(message.content_bytes), dict)
        assert isinstance(json.loads(message.parent_header_bytes), dict)
    house.recorder.take()
