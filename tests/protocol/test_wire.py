"""Round trips with ourselves and with jupyter_client, and a fuzz of both sides of the signature."""

from __future__ import annotations

import collections
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_client.session import Session as PeerSession

from qtkernel.protocol import (
    DELIMITER,
    REQUESTS,
    BadSignature,
    Message,
    ProtocolError,
    Session,
    decode,
    from_json,
)

KEY = b"a secret"
ROUNDS = 4000
SEED = 20260601

any_text = st.text(st.characters(exclude_categories=()))
utf8_text = st.text()


def json_values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | text,
        lambda inner: st.lists(inner) | st.dictionaries(text, inner),
        max_leaves=12,
    )


def json_objects(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(text, json_values(text), max_size=5)


identity = st.binary(max_size=255).filter(lambda data: data != DELIMITER)


@given(
    msg_type=any_text,
    content=json_objects(any_text),
    metadata=json_objects(any_text),
    identities=st.lists(identity, max_size=5),
    buffers=st.lists(st.binary(), max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_what_is_packed_is_unpacked(
    msg_type: str,
    content: dict[str, Any],
    metadata: dict[str, Any],
    identities: list[bytes],
    buffers: list[bytes],
) -> None:
    session = Session(KEY)
    frames = session.pack(
        msg_type, content, metadata=metadata, identities=identities, buffers=buffers
    )
    message = session.unpack(frames)
    assert message.msg_type == msg_type
    assert message.content_dict() == content
    assert message.metadata == metadata
    assert message.identities == identities
    assert [bytes(each) for each in message.buffers] == buffers


@given(content=json_objects(any_text), metadata=json_objects(any_text))
@settings(max_examples=80, deadline=None)
def test_jupyter_client_reads_ours(content: dict[str, Any], metadata: dict[str, Any]) -> None:
    ours, theirs = Session(KEY), PeerSession(key=KEY)
    request = Session(KEY).unpack(theirs.serialize(theirs.msg("execute_request", {}), [b"id"]))
    frames = ours.pack(
        "stream",
        content,
        parent_header=request.header_bytes,
        metadata=metadata,
        identities=request.identities,
        buffers=[b"buffer"],
    )
    identities, rest = theirs.feed_identities(frames)
    message = theirs.deserialize(rest)
    assert identities == [b"id"]
    assert message["msg_type"] == "stream"
    assert message["content"] == content
    assert message["metadata"] == metadata
    assert message["parent_header"]["msg_id"] == request.msg_id
    assert message["header"]["date"].tzinfo is not None
    assert [bytes(each) for each in message["buffers"]] == [b"buffer"]


@given(content=json_objects(utf8_text), metadata=json_objects(utf8_text))
@settings(max_examples=80, deadline=None)
def test_ours_reads_jupyter_client(content: dict[str, Any], metadata: dict[str, Any]) -> None:
    theirs = PeerSession(key=KEY)
    sent = theirs.msg("execute_request", content, metadata=metadata)
    message = Session(KEY).unpack(theirs.serialize(sent, [b"id"]))
    assert message.msg_id == sent["msg_id"]
    assert message.header.session == theirs.session
    assert message.content_dict() == content
    assert message.metadata == metadata


def test_jupyter_client_writes_undecodable_file_names_as_bytes() -> None:
    theirs = PeerSession(key=KEY)
    sent = theirs.msg("comm_open", {"comm_id": "c", "target_name": "t\udc80"})
    message = Session(KEY).unpack(theirs.serialize(sent))
    assert b"t\x80" in message.content_bytes
    opened = decode("comm_open", message.content_bytes)
    assert opened.target_name == "t\udc80"


def base_frames(session: Session, chance: random.Random) -> list[bytes]:
    frames = session.pack(
        chance.choice([*REQUESTS, "no_such_request"]),
        {"code": "print('ä')", "cursor_pos": 3, "comm_id": "c", "data": {"x": [1, None]}},
        parent_header=b'{"msg_id":"p","msg_type":"q"}',
        metadata={"cellId": "c"},
        identities=[b"id"],
        buffers=[b"buffer"],
    )
    return [bytes(each) for each in frames]


def mutate(frames: list[bytes], chance: random.Random) -> list[bytes]:
    """Do one to three small wrongs to a message."""
    frames = list(frames)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(frames)) if frames else 0
        frame = frames[at] if frames else b""
        where = chance.randrange(len(frame) + 1)
        replacements: list[list[bytes]] = [
            [],
            [b""],
            [frame, frame],
            [frame[:where]],
            [frame[:where] + bytes([chance.randrange(256)]) + frame[where + 1 :]],
            [frame[:where] + chance.choice([b"{", b"}", b'"', b"\\ud800", b"\xff", b" ", b"null"])],
            [frame[:where] + chance.randbytes(3) + frame[where:]],
            [frame.swapcase()],
            [chance.choice([DELIMITER, b"null", b"[]", b"1e999", b"[" * 3000])],
            [chance.choice(frames or [b""])],
        ]
        frames[at : at + 1] = chance.choice(replacements)
    return frames


def signed_parts(frames: list[bytes]) -> list[bytes]:
    start = frames.index(DELIMITER)
    return frames[start + 2 : start + 6]


def parts_of(message: Message) -> list[bytes]:
    return [message.header_bytes, message.parent_header_bytes, message.content_bytes]


def test_no_altered_message_gets_in() -> None:
    chance = random.Random(SEED)
    session = Session(KEY)
    outcomes: collections.Counter[str] = collections.Counter()
    for _ in range(ROUNDS):
        frames = base_frames(session, chance)
        header, parent, metadata, content = signed_parts(frames)
        try:
            message = session.unpack(mutate(frames, chance))
        except ProtocolError as error:
            outcomes[type(error).__name__] += 1
        else:
            # only what the signature does not cover can have changed
            assert parts_of(message) == [header, parent, content]
            assert message.metadata == from_json(metadata)
            outcomes["accepted"] += 1
    # the fuzz is worth something only if it went everywhere; no nonsense gets as far as to JSON
    assert set(outcomes) == {"accepted", "BadFrames", "BadSignature"}
    assert min(outcomes.values()) > ROUNDS / 20


def test_no_signed_nonsense_does_harm() -> None:
    chance = random.Random(SEED + 1)
    session, peer = Session(KEY), PeerSession(key=KEY)
    outcomes: collections.Counter[str] = collections.Counter()
    for _ in range(ROUNDS):
        parts = mutate(signed_parts(base_frames(session, chance)), chance)
        frames = [b"id", DELIMITER, peer.sign(parts[:4]), *parts]
        try:
            message = session.unpack(frames)
            message.content_dict()
            decode(message.msg_type, message.content_bytes)
        except ProtocolError as error:
            outcomes[type(error).__name__] += 1
        else:
            outcomes["accepted"] += 1
    assert outcomes.keys() >= {
        "accepted",
        "BadFrames",
        "BadMessage",
        "InvalidContent",
        "UnknownMessageType",
    }
    assert BadSignature.__name__ not in outcomes or outcomes["BadSignature"] < ROUNDS / 4


@pytest.mark.parametrize("size", [1, 1000])
def test_truncation_at_every_byte(size: int) -> None:
    session = Session(KEY)
    frames = [bytes(each) for each in session.pack("x", {"code": "a" * size})]
    for part in range(1, 6):
        for end in range(len(frames[part])):
            cut = [*frames[:part], frames[part][:end], *frames[part + 1 :]]
            with pytest.raises(BadSignature):
                session.unpack(cut)
    session.unpack(frames)
