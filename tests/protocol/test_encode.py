"""JSON for whatever a cell hands over: nothing raises, and only what is bad is replaced."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import types
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtkernel.protocol import BadMessage, from_json, to_json

# One of these beside a value makes msgspec refuse the whole, and takes the slow way.
SPOILER = "\ud800"


def both_ways(value: object) -> Any:
    """Encode on the fast and on the slow way; standard json must read the same from both."""
    fast = json.loads(to_json([value]))[0]
    slow = json.loads(to_json([value, SPOILER]))[0]
    assert fast == slow
    return fast


class Text(str):
    def __str__(self) -> str:
        raise RuntimeError("overridden")


class Number(int):
    def __repr__(self) -> str:
        raise RuntimeError("overridden")


class Real(float):
    pass


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: Any
    y: int = 2


class Record(msgspec.Struct, rename="camel"):
    some_value: Any = None


class ArrayLike:
    """What numpy, pandas and torch have in common."""

    dtype = "float64"

    def __init__(self, values: Any) -> None:
        self.values = values

    def tolist(self) -> Any:
        if isinstance(self.values, Exception):
            raise self.values
        return self.values

    def __repr__(self) -> str:
        return "ArrayLike()"


class Endless:
    dtype = None

    def tolist(self) -> Endless:
        return self


class Proxy:
    """Has every attribute that anybody asks for, as remote proxies and mocks do."""

    asked: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        if name == "__name__":
            raise AttributeError(name)  # pytest asks, for the names of its cases
        self.asked.append(name)
        return lambda: "answered"

    def __repr__(self) -> str:
        return "Proxy()"


class Silent:
    def __repr__(self) -> str:
        raise ValueError("no repr")


class Wrong:
    def __repr__(self) -> str:
        return 3  # type: ignore[return-value]


class BadPath:
    def __fspath__(self) -> str:
        raise OSError("gone")

    def __repr__(self) -> str:
        return "BadPath()"


class BadMapping(collections.UserDict[str, int]):
    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        return "BadMapping()"


class BadList(list[int]):
    def __iter__(self) -> Iterator[int]:
        raise RuntimeError("no")


UTC = datetime.UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2**70, 2**70),
        (1.5, 1.5),
        ("ä𝄞", "ä𝄞"),
        (float("nan"), None),
        (float("inf"), None),
        ([float("-inf")], [None]),
        (b"ab", "YWI="),
        (bytearray(b"ab"), "YWI="),
        (memoryview(b"ab"), "YWI="),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.timedelta(seconds=1), "PT1S"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.50"), "1.50"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        ((1, "a"), [1, "a"]),
        ({1}, [1]),
        (frozenset([1]), [1]),
        (collections.deque([1, 2]), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.UserDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        pytest.param(Text("t"), "t", id="Text"),
        pytest.param(Number(3), 3, id="Number"),
        (Real(1.5), 1.5),
        (Real("nan"), None),
        (Point(1), {"x": 1, "y": 2}),
        (Point({1: Proxy()}), {"x": {"1": "Proxy()"}, "y": 2}),
        (Record(some_value=1), {"someValue": 1}),
        (ArrayLike([1.0, [2.0]]), [1.0, [2.0]]),
        (ArrayLike(7), 7),
        (ArrayLike([float("nan")]), [None]),
        (ArrayLike(RuntimeError("on another device")), "ArrayLike()"),
        pytest.param(Proxy(), "Proxy()", id="Proxy"),
        ([1, Proxy(), {"k": Proxy()}], [1, "Proxy()", {"k": "Proxy()"}]),
        (BadPath(), "BadPath()"),
        (BadMapping(), "BadMapping()"),
        (1j, "1j"),
        (int, "<class 'int'>"),
        (Point, repr(Point)),
        (range(10**12), "range(0, 1000000000000)"),
    ],
)
def test_values(value: object, expected: object) -> None:
    assert both_ways(value) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a", "a"),
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (b"ab", "YWI="),
        (Level.HIGH, "3"),
        pytest.param(Text("t"), "t", id="Text"),
        pytest.param(Number(3), "3", id="Number"),
        ((1, 2), "(1, 2)"),
        pytest.param(Proxy(), "Proxy()", id="Proxy"),
        ("\ud800", "\ud800"),
        pytest.param(Text("\ud800"), "\ud800", id="Text with a surrogate"),
        (pathlib.PurePosixPath("a"), "a"),
        (pathlib.PurePosixPath("\ud800"), "\ud800"),
        (frozenset([1]), "frozenset({1})"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_keys(key: object, expected: str) -> None:
    assert both_ways({key: 1}) == {expected: 1}


def test_no_proxy_is_asked_anything() -> None:
    Proxy.asked.clear()
    assert both_ways({"a": Proxy()}) == {"a": "Proxy()"}
    assert Proxy.asked == []


def test_a_key_without_text() -> None:
    (name,) = both_ways({Silent(): 1})
    assert "Silent object" in name


@pytest.mark.parametrize("bad", [Silent(), Wrong()])
def test_a_failing_repr(bad: object) -> None:
    assert f"{type(bad).__name__} object" in both_ways({"a": bad})["a"]


@pytest.mark.parametrize("text", ["\ud800", "a\udfff\ud800b", chr(0xDC80)])
def test_lone_surrogates_survive(text: str) -> None:
    data = to_json({text: [text, pathlib.PurePosixPath(text), Point(text)]})
    assert data.isascii()
    assert json.loads(data) == {text: [text, text, {"x": text, "y": 2}]}
    assert from_json(data) == json.loads(data)


def test_a_struct_with_a_bad_field_keeps_its_names() -> None:
    assert json.loads(to_json(Record(some_value={True: "\ud800"}))) == {
        "someValue": {"true": "\ud800"}
    }


def test_cycles() -> None:
    cycle: list[Any] = [1]
    cycle.append({"back": cycle})
    assert json.loads(to_json(cycle)) == [1, {"back": "<circular reference to list>"}]


def test_the_same_thing_twice_is_no_cycle() -> None:
    shared = [1]
    assert both_ways([shared, {"again": shared}]) == [[1], {"again": [1]}]


def test_a_cycle_through_a_substitute_ends() -> None:
    assert "nested too deeply" in to_json({"a": Endless()}).decode()


def test_very_deep_nesting() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert b"<nested too deeply>" in to_json({"ok": 1, "deep": deep})
    assert json.loads(to_json({"ok": 1, "deep": deep}))["ok"] == 1


def test_the_slow_way_has_a_floor() -> None:
    deep: list[Any] = [SPOILER]
    for _ in range(300):
        deep = [deep]
    value, depth = json.loads(to_json(deep)), 0
    while isinstance(value, list):
        (value,), depth = value, depth + 1
    assert (value, depth) == ("<nested too deeply>", 101)


def test_near_the_end_of_the_stack() -> None:
    deep: list[Any] = [Proxy(), "\ud800"]
    for _ in range(90):
        deep = [deep]

    def descend() -> bytes:
        # as deep as it goes; the last call that can still encode is what counts
        try:
            return descend()
        except RecursionError:
            return to_json({"ok": 1, "deep": deep})

    assert b"<nested too deeply>" in descend()
    assert b"Proxy()" in to_json({"ok": 1, "deep": deep})


def test_more_digits_than_python_writes() -> None:
    assert "int object" in both_ways([10**5000])[0]
    (name,) = both_ways({10**5000: 1})
    assert "int object" in name


def test_a_list_subclass_that_cannot_be_walked() -> None:
    value = json.loads(to_json({"a": BadList([1]), "b": SPOILER}))
    assert value["b"] == SPOILER


def test_interrupts_pass() -> None:
    class Interrupted:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        to_json({"a": Interrupted()})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=15,
)


@given(value=json_values)
@settings(max_examples=80, deadline=None)
def test_both_ways_agree(value: object) -> None:
    both_ways(value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1}', {"a": 1}),
        (b'"\\ud800"', "\ud800"),
        (b'"\xff"', "\udcff"),
        (b'"\xed\xa0\x80"', "\udced\udca0\udc80"),
        (b"Infinity", float("inf")),
        (b"1e999", float("inf")),
        (b" [] ", []),
    ],
)
def test_from_json(data: bytes, expected: object) -> None:
    assert from_json(data) == expected


def test_from_json_nan() -> None:
    value = from_json(b"NaN")
    assert value != value


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"no", b'{"a":1}x', b"'a'", b'"\x01"', b"\x00", b"1" * 5000, b"[" * 100_000],
)
def test_from_json_refuses(data: bytes) -> None:
    with pytest.raises(BadMessage, match="JSON"):
        from_json(data)
