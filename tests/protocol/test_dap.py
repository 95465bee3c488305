"""The framing of the Debug Adapter Protocol: whatever pieces a stream comes in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtkernel.protocol import dap
from qtkernel.protocol.dap import BadFraming, Deframer, frame

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
messages = st.dictionaries(st.text(max_size=5), json_values, max_size=4)


@given(sent=st.lists(messages, max_size=5), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_a_stream_may_be_cut_anywhere(sent: list[dict[str, Any]], cuts: list[int]) -> None:
    stream = b"".join(map(frame, sent))
    deframer, came, at = Deframer(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        came += deframer.feed(stream[at:cut])
        at = max(at, cut)
    assert came == sent


def test_the_length_is_in_bytes() -> None:
    assert frame({"a": "ä𝒳"}).startswith(b"Content-Length: 14\r\n\r\n")


def test_other_headers_and_other_spellings_are_read_over() -> None:
    stream = b"Content-Type: x\r\ncontent-LENGTH:2\r\n\r\n{}"
    assert Deframer().feed(stream) == [{}]


def test_nothing_comes_before_it_is_complete() -> None:
    deframer = Deframer()
    stream = frame({"seq": 1})
    for index in range(len(stream) - 1):
        assert deframer.feed(stream[index : index + 1]) == []
    assert deframer.feed(stream[-1:]) == [{"seq": 1}]


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b"Content-Type: x\r\n\r\n{}", "without Content-Length"),
        (b"Content-Length: -1\r\n\r\n{}", "without Content-Length"),
        (b"Content-Length: many\r\n\r\n{}", "without Content-Length"),
        (b"\r\n\r\n", "without Content-Length"),
        (b"x" * (dap.MAX_HEADER + 1), "more than 1024 bytes"),
        (b"Content-Length: 2\r\n\r\n[]", "not a JSON object"),
        (b"Content-Length: 2\r\n\r\n{x", "not JSON"),
    ],
)
def test_what_is_not_of_this_protocol_is_refused(stream: bytes, words: str) -> None:
    with pytest.raises(BadFraming, match=words):
        Deframer().feed(stream)


def test_a_failure_says_why_in_both_places() -> None:
    failure = dap.failure(3, "next", "nothing has stopped", seq=4)
    assert failure["success"] is False
    assert (failure["request_seq"], failure["command"], failure["seq"]) == (3, "next", 4)
    assert failure["message"] == failure["body"]["error"]["format"] == "nothing has stopped"
