"""The order in which a message is judged: frames, signature, replay, and JSON last."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qtkernel.protocol import (
    DELIMITER,
    BadFrames,
    BadMessage,
    BadSignature,
    ReplayedMessage,
    Session,
)
from qtkernel.protocol import session as module
from tests.protocol.signing import HEADER, KEY, signed, together


class TestFrames:
    """Counts and sizes come before anything that costs time."""

    @pytest.mark.parametrize(
        "frames",
        [
            [],
            [b"id"],
            [DELIMITER],
            [b"id", DELIMITER, b"signature"],
            signed()[:-1],
            signed()[1:],
            [b""] * 100,
            [b"x" * 256, *signed()],
            [b"id"] * 33 + signed(),
            signed(header=HEADER + b" " * 65536),
            signed(parent=b" " * 65537),
        ],
    )
    def test_refused(self, session: Session, frames: list[bytes]) -> None:
        with pytest.raises(BadFrames):
            session.unpack(frames)

    def test_as_many_and_as_large_as_allowed(self, session: Session) -> None:
        message = session.unpack(
            [b"i" * 255] * 32 + signed(HEADER + b" " * (65536 - len(HEADER)), b"{}" + b" " * 65534)
        )
        assert len(message.identities) == 32

    def test_an_empty_identity(self, session: Session) -> None:
        assert session.unpack([b"", *signed()]).identities == [b""]

    def test_sizes_come_before_the_signature(self, session: Session) -> None:
        frames = signed(header=b" " * 65537, key=b"another")
        with pytest.raises(BadFrames, match="header"):
            session.unpack(frames)


class TestSignature:
    @pytest.mark.parametrize(
        "change",
        [
            lambda _: b"",
            lambda signature: signature[:-1],
            lambda signature: signature + b"0",
            lambda signature: signature.upper(),
            lambda signature: signature[:-1] + b"g",
            lambda signature: signature[:-1] + b"\xff",
        ],
    )
    def test_the_shape_is_judged_first(
        self, session: Session, change: Callable[[bytes], bytes]
    ) -> None:
        frames = signed(content=b'{"code":"abc"}')
        frames[1] = change(frames[1])
        with pytest.raises(BadSignature, match="64 lower-case hex digits"):
            session.unpack(frames)

    @pytest.mark.parametrize("change", [lambda signature: signature[::-1], lambda _: b"0" * 64])
    def test_another_signature(self, session: Session, change: Callable[[bytes], bytes]) -> None:
        frames = signed(content=b'{"code":"abc"}')
        frames[1] = change(frames[1])
        with pytest.raises(BadSignature, match="does not match"):
            session.unpack(frames)

    @pytest.mark.parametrize("part", [2, 3, 4, 5])
    def test_each_part_is_signed(self, session: Session, part: int) -> None:
        frames = signed()
        frames[part] += b" "
        with pytest.raises(BadSignature, match="does not match"):
            session.unpack(frames)

    def test_another_key(self, session: Session) -> None:
        with pytest.raises(BadSignature):
            session.unpack(signed(key=b"another"))

    def test_comes_before_json(self, session: Session) -> None:
        with pytest.raises(BadSignature):
            session.unpack(signed(b"no json", b"no json", b"no json", b"no json", key=b"another"))


class TestReplay:
    def test_the_same_message_twice(self, session: Session) -> None:
        session.unpack(signed())
        with pytest.raises(ReplayedMessage):
            session.unpack([b"from elsewhere", *signed()])

    def test_an_outsider_cannot_block_a_message(self, session: Session) -> None:
        original = signed(content=b'{"code":"good"}')
        forged = [*original[:-1], b'{"code":"evil"}']
        with pytest.raises(BadSignature):
            session.unpack(forged)
        assert session.unpack(original).content_bytes == b'{"code":"good"}'

    @pytest.mark.parametrize("part", ["header", "parent", "metadata", "content"])
    def test_comes_before_json(self, session: Session, part: str) -> None:
        frames = signed(**{part: b"no json"})
        with pytest.raises(BadMessage):
            session.unpack(frames)
        with pytest.raises(ReplayedMessage):
            session.unpack(frames)

    def test_the_memory_is_bounded_and_the_oldest_goes_first(self) -> None:
        session = Session(KEY, digest_history=2)
        first, second, third = (signed(content=b'{"n":%d}' % n) for n in range(3))
        for frames in (first, second, third):
            session.unpack(frames)
        for frames in (second, third):
            with pytest.raises(ReplayedMessage):
                session.unpack(frames)
        session.unpack(first)
        with pytest.raises(ReplayedMessage):
            session.unpack(third)
        session.unpack(second)

    def test_looking_and_remembering_are_one_step(self) -> None:
        taken = module._Taken(2)
        locked: list[bool] = []

        class Watched(bytes):
            # sets ask for the hash on each access; a switch of threads in between would be seen
            def __hash__(self) -> int:
                locked.append(taken._lock.locked())
                return super().__hash__()

        taken.take(Watched(b"1"))
        assert len(locked) > 1
        assert all(locked)

    @pytest.mark.usefixtures("fast_switches")
    def test_one_thread_of_many_gets_it(self, session: Session) -> None:
        for n in range(30):
            frames = signed(content=b'{"n":%d}' % n)
            results = together(8, lambda frames=frames: session.unpack(frames))
            refused = [each for each in results if isinstance(each, ReplayedMessage)]
            assert len(refused) == 7


class TestSignedNonsense:
    """Who has the key but not the format gets something that can be answered."""

    @pytest.mark.parametrize(
        "header",
        [
            b"",
            b"no json",
            b"[]",
            b"null",
            b"{}",
            b'{"msg_id":"m"}',
            b'{"msg_type":"t"}',
            b'{"msg_id":1,"msg_type":"t"}',
            b'{"msg_id":"m","msg_type":null}',
            b"[" * 20000 + b"]" * 20000,
        ],
    )
    def test_header(self, session: Session, header: bytes) -> None:
        with pytest.raises(BadMessage) as caught:
            session.unpack(signed(header))
        assert caught.value.request is None

    @pytest.mark.parametrize(
        "parts",
        [
            {"parent": b"[]"},
            {"parent": b"no json"},
            {"parent": b""},
            {"metadata": b"[]"},
            {"metadata": b"null"},
            {"metadata": b"{"},
            {"content": b"[]"},
            {"content": b"null"},
            {"content": b""},
            {"content": b"  "},
        ],
    )
    def test_other_parts(self, session: Session, parts: dict[str, bytes]) -> None:
        with pytest.raises(BadMessage) as caught:
            session.unpack([b"id", *signed(**parts)])
        request = caught.value.request
        assert request is not None
        assert (request.identities, request.header_bytes) == ([b"id"], HEADER)
        assert (request.metadata, request.content_bytes) == ({}, b"{}")

    def test_content_is_not_parsed_here(self, session: Session) -> None:
        assert session.unpack(signed(content=b' {"code": ')).content_bytes == b' {"code": '
