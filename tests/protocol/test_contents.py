"""The contents of requests, and the words for what is wrong with one."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from qtkernel.protocol import (
    REQUESTS,
    BadMessage,
    CommOpen,
    CompleteRequest,
    ExecuteRequest,
    Header,
    HistoryRequest,
    InputReply,
    InspectRequest,
    InvalidContent,
    Message,
    ProtocolError,
    UnknownMessageType,
    decode,
)

MINIMAL: dict[str, dict[str, Any]] = {
    "execute_request": {"code": "a"},
    "inspect_request": {"code": "a"},
    "complete_request": {"code": "a"},
    "history_request": {"hist_access_type": "tail"},
    "is_complete_request": {"code": "a"},
    "kernel_info_request": {},
    "connect_request": {},
    "comm_info_request": {},
    "shutdown_request": {},
    "interrupt_request": {},
    "debug_request": {"command": "debugInfo"},
    "input_reply": {},
    "comm_open": {"comm_id": "c", "target_name": "t"},
    "comm_msg": {"comm_id": "c"},
    "comm_close": {"comm_id": "c"},
    "object_info_request": {"oname": "a"},
    "version_request": {},
    "stack_request": {},
    "usage_request": {},
    "create_subshell_request": {},
    "delete_subshell_request": {"subshell_id": "s"},
    "list_subshell_request": {},
}


def decoded(msg_type: str, **content: Any) -> Any:
    return decode(msg_type, json.dumps(content).encode())


def test_every_type_has_its_minimal_content_here() -> None:
    assert MINIMAL.keys() == REQUESTS.keys()


@pytest.mark.parametrize("msg_type", REQUESTS)
def test_minimal_content_is_legal(msg_type: str) -> None:
    content = decoded(msg_type, **MINIMAL[msg_type])
    assert type(content) is REQUESTS[msg_type]
    assert msg_type.replace("_", "") == type(content).__name__.lower()


@pytest.mark.parametrize("msg_type", REQUESTS)
def test_unknown_fields_are_ignored(msg_type: str) -> None:
    minimal = MINIMAL[msg_type]
    assert decoded(msg_type, **minimal, later={"x": 1}) == decoded(msg_type, **minimal)


@pytest.mark.parametrize("msg_type", REQUESTS)
def test_null_stands_for_the_default(msg_type: str) -> None:
    minimal = MINIMAL[msg_type]
    fields = (each.encode_name for each in msgspec.structs.fields(REQUESTS[msg_type]))
    nulls = {name: None for name in fields if name not in minimal}
    assert decoded(msg_type, **minimal, **nulls) == decoded(msg_type, **minimal)


@pytest.mark.parametrize("msg_type", [name for name, content in MINIMAL.items() if content])
def test_null_does_not_stand_for_what_is_required(msg_type: str) -> None:
    for name in MINIMAL[msg_type]:
        with pytest.raises(InvalidContent, match=rf'"{name}".*null'):
            decoded(msg_type, **{**MINIMAL[msg_type], name: None})
        without = {key: value for key, value in MINIMAL[msg_type].items() if key != name}
        with pytest.raises(InvalidContent, match=rf'"{name}".*missing'):
            decoded(msg_type, **without)


def test_execute_defaults() -> None:
    assert decoded("execute_request", code="a") == ExecuteRequest(
        code="a",
        silent=False,
        store_history=None,
        user_expressions={},
        allow_stdin=True,
        stop_on_error=True,
    )


@pytest.mark.parametrize(
    ("silent", "store_history", "stores"),
    [
        (False, None, True),
        (False, True, True),
        (False, False, False),
        (True, None, False),
        (True, True, False),
        (True, False, False),
    ],
)
def test_silent_forces_history_off(silent: bool, store_history: bool | None, stores: bool) -> None:
    content = decoded("execute_request", code="", silent=silent, store_history=store_history)
    assert content.stores_history is stores


@pytest.mark.parametrize("kind", ["complete_request", "inspect_request"])
def test_position_zero_and_none_differ(kind: str) -> None:
    assert decoded(kind, code="a", cursor_pos=0).cursor_pos == 0
    assert decoded(kind, code="a").cursor_pos is None


def test_every_field_arrives() -> None:
    assert decoded(
        "inspect_request", code="a", cursor_pos=1, detail_level=1, omit_sections=["x"]
    ) == InspectRequest(code="a", cursor_pos=1, detail_level=1, omit_sections=["x"])
    assert decoded("complete_request", code="a", cursor_pos=1) == CompleteRequest(
        code="a", cursor_pos=1
    )
    history: dict[str, Any] = {
        "hist_access_type": "search",
        "output": True,
        "raw": False,
        "session": -1,
        "start": 3,
        "stop": 4,
        "n": 5,
        "pattern": "a*",
        "unique": True,
    }
    assert decoded("history_request", **history) == HistoryRequest(**history)
    assert decoded("comm_open", comm_id="c", target_name="t", data={"x": [1]}) == CommOpen(
        comm_id="c", target_name="t", data={"x": [1]}
    )
    assert decoded("shutdown_request", restart=True).restart is True
    assert decoded("comm_info_request", target_name="t").target_name == "t"


def test_jupyter_clients_input_reply_has_no_status() -> None:
    assert decoded("input_reply", value="x") == InputReply(value="x", status="ok")


def test_defaults_are_not_shared() -> None:
    first = decoded("comm_msg", comm_id="c")
    first.data["x"] = 1
    assert decoded("comm_msg", comm_id="c").data == {}


@pytest.mark.parametrize(
    ("msg_type", "content", "sentence"),
    [
        ("execute_request", {"code": 1}, 'field "code": expected a string, got a number'),
        ("execute_request", {"code": ["a"]}, 'field "code": expected a string, got an array of'),
        ("execute_request", {}, 'field "code": expected a string, but it is missing'),
        (
            "execute_request",
            {"code": "a", "silent": "yes"},
            'field "silent": expected a boolean, got a string',
        ),
        (
            "execute_request",
            {"code": "a", "store_history": 1},
            'field "store_history": expected a boolean or null, got a number',
        ),
        (
            "execute_request",
            {"code": "a", "user_expressions": {"x": 1, "y": None, "z": True}},
            'field "user_expressions": expected an object of strings, '
            "got an object of booleans and nulls and numbers",
        ),
        (
            "execute_request",
            {"code": "a", "user_expressions": []},
            'field "user_expressions": expected an object of strings, got an array',
        ),
        (
            "complete_request",
            {"code": "a", "cursor_pos": -1},
            'field "cursor_pos": expected a whole number not below 0 or null, got -1',
        ),
        (
            "complete_request",
            {"code": "a", "cursor_pos": 1.5},
            'field "cursor_pos": expected a whole number not below 0 or null, got 1.5',
        ),
        (
            "complete_request",
            {"code": "a", "cursor_pos": True},
            'field "cursor_pos": expected a whole number not below 0 or null, got a boolean',
        ),
        (
            "inspect_request",
            {"code": "a", "detail_level": 2},
            'field "detail_level": expected one of 0, 1, got 2',
        ),
        (
            "inspect_request",
            {"code": "a", "omit_sections": [1]},
            'field "omit_sections": expected an array of strings, got an array of numbers',
        ),
        (
            "history_request",
            {"hist_access_type": "all"},
            'field "hist_access_type": expected one of "range", "search", "tail", got "all"',
        ),
        (
            "history_request",
            {"hist_access_type": "tail", "session": "x"},
            'field "session": expected a whole number, got a string',
        ),
        (
            "history_request",
            {"hist_access_type": "\ud800"},
            'field "hist_access_type": expected one of "range", "search", "tail", got "\\ud800"',
        ),
        (
            "comm_msg",
            {"comm_id": "c", "data": 1},
            'field "data": expected an object, got a number',
        ),
        ("input_reply", {"value": {}}, 'field "value": expected a string, got an object'),
    ],
)
def test_the_field_is_named(msg_type: str, content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidContent, match="^" + re.escape(sentence)) as caught:
        decoded(msg_type, **content)
    assert str(caught.value) == f'field "{caught.value.field}": {caught.value.problem}'


def test_only_a_piece_of_a_long_choice_is_quoted() -> None:
    with pytest.raises(InvalidContent) as caught:
        decoded("history_request", hist_access_type="x" * 10000)
    assert len(str(caught.value)) < 200


def test_what_was_typed_is_not_quoted() -> None:
    with pytest.raises(InvalidContent) as caught:
        decoded("input_reply", value=["hunter2"])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("data", [b"[]", b"null", b"3", b'"x"', b"", b"{", b"[" * 100_000])
def test_content_that_is_no_object(data: bytes) -> None:
    with pytest.raises(InvalidContent, match=r'^field "content": expected an object'):
        decode("execute_request", data)


@pytest.mark.parametrize("msg_type", ["no_such_request", "", "execute_reply", "x" * 10000])
def test_unknown_types(msg_type: str) -> None:
    with pytest.raises(UnknownMessageType, match="unknown message type") as caught:
        decode(msg_type, b"{}")
    assert isinstance(caught.value, ProtocolError)
    assert caught.value.msg_type == msg_type
    assert len(str(caught.value)) < 100


def test_what_msgspec_cannot_read_is_still_decoded() -> None:
    content = decode("execute_request", b'{"code":"x = \'\\ud800\'","user_expressions":null}')
    assert content == ExecuteRequest(code="x = '\ud800'")
    content = decode("execute_request", b'{"code":"","user_expressions":{"\\ud800":"\\ud801"}}')
    assert content == ExecuteRequest(code="", user_expressions={"\ud800": "\ud801"})
    assert decode("execute_request", b'{"code":"","\\ud800":1}') == ExecuteRequest(code="")
    opened = decode("comm_open", b'{"comm_id":"c","target_name":"t","data":{"n":NaN,"b":1e999}}')
    assert isinstance(opened, CommOpen)
    assert opened.data["b"] == float("inf")
    assert decode("execute_request", b'{"code":"\xff"}') == ExecuteRequest(code="\udcff")


def message(content: bytes) -> Message:
    return Message([], Header("m", "t"), b"{}", b"{}", {}, content, [])


@pytest.mark.parametrize("data", [b"[]", b"{", b"null"])
def test_content_dict_says_what_is_wrong(data: bytes) -> None:
    with pytest.raises(InvalidContent, match='"content": expected an object'):
        message(data).content_dict()


def test_bad_message_has_no_request_by_default() -> None:
    assert BadMessage("x").request is None
