"""Signing and verifying: what goes in comes out."""

from __future__ import annotations

import getpass
import json
from datetime import datetime, timedelta

import pytest
import zmq

from qtkernel.protocol import (
    ExecuteRequest,
    Header,
    Session,
)
from tests.protocol.signing import HEADER, KEY, signed, together


class TestConstruction:
    def test_an_empty_key_is_refused_with_the_reason(self) -> None:
        with pytest.raises(ValueError, match=r"key is empty.*signed"):
            Session(b"")

    def test_another_signature_scheme_is_refused_by_name(self) -> None:
        with pytest.raises(ValueError, match="hmac-md5"):
            Session(KEY, signature_scheme="hmac-md5")

    def test_no_memory_is_no_protection(self) -> None:
        with pytest.raises(ValueError, match="digest_history"):
            Session(KEY, digest_history=0)

    def test_attributes(self) -> None:
        session = Session(KEY, session_id="s", username="u")
        assert (session.key, session.session_id, session.username) == (KEY, "s", "u")

    def test_two_sessions_differ(self) -> None:
        assert Session(KEY).session_id != Session(KEY).session_id

    def test_the_login_name_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOGNAME", "ada")
        assert Session(KEY).username == "ada"

    def test_a_user_without_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> str:
            raise KeyError("getpwuid(): uid not found: 4242")

        monkeypatch.setattr(getpass, "getuser", fail)
        assert Session(KEY).username == ""


class TestPack:
    def test_layout(self) -> None:
        session = Session(KEY, session_id="s", username="u")
        frames = session.pack(
            "status",
            {"execution_state": "busy"},
            parent_header=HEADER,
            metadata={"a": 1},
            identities=[b"topic"],
            buffers=[b"123"],
        )
        assert frames[0] == b"topic"
        assert frames[4:] == [HEADER, b'{"a":1}', b'{"execution_state":"busy"}', b"123"]
        assert frames[1:7] == signed(*map(bytes, frames[3:7]))

    def test_header(self) -> None:
        session = Session(KEY, session_id="s", username="u")
        header = json.loads(bytes(session.pack("status", {})[2]))
        date = datetime.fromisoformat(header.pop("date"))
        assert date.utcoffset() == timedelta(0)
        assert header.pop("msg_id").startswith("s_")
        assert header == {
            "msg_type": "status",
            "session": "s",
            "username": "u",
            "version": "5.5",
        }

    def test_the_date_ends_in_z(self, session: Session) -> None:
        assert json.loads(bytes(session.pack("status", {})[2]))["date"].endswith("Z")

    @pytest.mark.parametrize(
        "content",
        [{"code": "a"}, b'{"code":"a"}'],
    )
    def test_content_as_dict_or_bytes(self, session: Session, content: object) -> None:
        assert session.pack("execute_request", content)[5] == b'{"code":"a"}'

    def test_content_as_struct(self, session: Session) -> None:
        content = json.loads(bytes(session.pack("x", ExecuteRequest(code="a"))[5]))
        assert content["code"] == "a"

    @pytest.mark.parametrize("content", [None, [], "text", b"[]", b""])
    def test_content_that_is_no_object(self, session: Session, content: object) -> None:
        with pytest.raises(TypeError, match="content of status"):
            session.pack("status", content)

    def test_no_parent_is_an_empty_object(self, session: Session) -> None:
        assert session.pack("status", {}, parent_header=b"")[3] == b"{}"

    def test_a_name_that_utf8_cannot_hold(self, session: Session) -> None:
        frames = session.pack("\ud800_reply", {})
        assert session.unpack(frames).msg_type == "\ud800_reply"

    def test_buffers_are_not_copied(self, session: Session) -> None:
        data = bytearray(b"abc")
        (buffer,) = session.pack("x", {}, buffers=[data])[6:]
        data[0] = ord("z")
        assert bytes(buffer) == b"zbc"

    def test_a_buffer_with_gaps_is_made_one_run(self, session: Session) -> None:
        (buffer,) = session.pack("x", {}, buffers=[memoryview(b"a-b-c-")[::2]])[6:]
        assert buffer == b"abc"
        assert memoryview(buffer).contiguous

    @pytest.mark.usefixtures("fast_switches")
    def test_ids_are_unique_across_threads(self, session: Session) -> None:
        drawn = together(8, lambda: [session.new_msg_id() for _ in range(500)])
        assert len({each for ids in drawn for each in ids}) == 4000


class TestUnpack:
    def test_all_parts(self, session: Session) -> None:
        frames = signed(HEADER, b'{"msg_id":"p"}', b'{"a":1}', b'{"code":"x"}', b"b1", b"b2")
        message = session.unpack([b"id1", b"id2", *frames])
        assert message.identities == [b"id1", b"id2"]
        assert message.header == Header("m1", "execute_request")
        assert (message.msg_id, message.msg_type) == ("m1", "execute_request")
        assert message.header_bytes == HEADER
        assert message.parent_header_bytes == b'{"msg_id":"p"}'
        assert message.metadata == {"a": 1}
        assert message.content_bytes == b'{"code":"x"}'
        assert message.content_dict() == {"code": "x"}
        assert [bytes(each) for each in message.buffers] == [b"b1", b"b2"]
        assert all(isinstance(each, memoryview) for each in message.buffers)

    def test_zmq_frames(self, session: Session) -> None:
        frames = [zmq.Frame(each) for each in (b"id", *signed(HEADER, b"{}", b"{}", b"{}", b"buf"))]
        message = session.unpack(frames)
        assert type(message.header_bytes) is bytes
        assert message.header_bytes == HEADER
        assert message.identities == [b"id"]
        assert type(message.identities[0]) is bytes
        assert bytes(message.buffers[0]) == b"buf"

    def test_the_header_stays_verbatim(self, session: Session) -> None:
        header = b'{ "later" : [1.0],\n"msg_type":"x", "msg_id":"m",  "date":"2026-01-01"}'
        assert session.unpack(signed(header)).header_bytes == header

    def test_header_fields_of_another_type(self, session: Session) -> None:
        header = b'{"msg_id":"m","msg_type":"t","username":null,"version":5,"session":"s"}'
        assert session.unpack(signed(header)).header == Header("m", "t", session="s")

    def test_a_lone_surrogate_in_the_header(self, session: Session) -> None:
        header = b'{"msg_id":"\\ud800","msg_type":"t"}'
        message = session.unpack(signed(header))
        assert message.msg_id == "\ud800"
        assert message.header_bytes == header

    def test_subshell_id(self, session: Session) -> None:
        header = b'{"msg_id":"m","msg_type":"t","subshell_id":"sub"}'
        assert session.unpack(signed(header)).header.subshell_id == "sub"
        header = b'{"msg_id":"m","msg_type":"t","subshell_id":null}'
        assert session.unpack(signed(header)).header.subshell_id is None

    @pytest.mark.parametrize("parent", [b"null", b"{}", b'{"\\ud800":1}', b" {} "])
    def test_parent_headers(self, session: Session, parent: bytes) -> None:
        assert session.unpack(signed(parent=parent)).parent_header_bytes == parent


def test_cells_may_replace_what_they_like(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AssertionError("a replaced function was called")

    for target in (
        "hmac.new",
        "hmac.compare_digest",
        "hmac.digest",
        "json.dumps",
        "json.loads",
        "json.JSONEncoder",
        "json.JSONDecoder",
        "time.time",
        "time.time_ns",
        "os.urandom",
        "secrets.token_hex",
        "datetime.datetime",
    ):
        monkeypatch.setattr(target, broken)
    frames = session.pack("x\ud800", {"lone": "\ud800"}, metadata={"nan": float("nan")})
    assert session.unpack(frames).content_dict() == {"lone": "\ud800"}
