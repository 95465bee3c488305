"""JSON, both ways, for whatever a cell hands over.

msgspec does nearly everything, ten times faster than the standard json. What it refuses takes a
second, slower way:

* out: a value that JSON does not know becomes what stands for it (a path its text, an array its
  list, a set a list) or, failing that, its repr. Only the value that is at fault is replaced, and
  nothing raises: a bad repr must never cost a reply.
* in: standard json reads what msgspec does not (lone surrogate escapes, NaN), and bytes that are
  not UTF-8 come in as Python's surrogate escapes, which is how jupyter_client writes them out.

NaN and the infinities become null, since JSON has no word for them; bytes become base64 text, as
mime bundles want it; lone surrogates become ``\\udXXX`` escapes.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import os
from collections.abc import Mapping, Set
from typing import Any

import msgspec

from qtkernel.protocol.errors import BadMessage

# How deep the slow way follows containers, at three Python frames a level. Far beyond any mime
# bundle, and far below the depth at which Python's own recursion limit would answer for us.
MAX_DEPTH = 100

TOO_DEEP = "<nested too deeply>"

Plain = str | int | float | bool | None | list[Any] | dict[str, Any]


def _exact(value: Any) -> Any:
    """The builtin value inside an instance of a subclass, past any method it overrides."""
    for builtin, extract in _EXTRACT:
        if issubclass(type(value), builtin):
            return extract(value)
    return None


_EXTRACT: tuple[tuple[type, Any], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)


def _name(value: Any) -> str:
    """The text for a member's name that is one of `_VALUES`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _safe_repr(value)


# msgspec knows these as values, so it asks for a substitute only where one is a member's name
_VALUES = (type(None), bool, tuple, frozenset, set, list, dict)


def _substitute(value: Any) -> Any:
    """What stands for a value that msgspec does not know. One step: the result may need more."""
    try:
        kind = type(value)
        if kind in _VALUES:
            return _name(value)
        exact = _exact(value)
        if exact is not None:
            return exact
        # Asked of the type and only beside a dtype: numpy, pandas and torch answer, a mock or a
        # remote proxy that has every attribute does not.
        if hasattr(kind, "dtype") and hasattr(kind, "tolist"):
            return value.tolist()
        if issubclass(kind, os.PathLike):
            return os.fspath(value)
        if issubclass(kind, Mapping):
            return dict(value)
        if issubclass(kind, Set | collections.deque):
            return list(value)
    except Exception:
        return _safe_repr(value)
    return _safe_repr(value)


def _safe_repr(value: Any) -> str:
    """The repr, or where that fails the one that every object has."""
    try:
        return str.__str__(repr(value))
    except Exception:
        return object.__repr__(value)


_encode = msgspec.json.Encoder(enc_hook=_substitute).encode
_decode = msgspec.json.Decoder().decode
# Instances of our own: a cell may replace json.dumps and json.loads in the module.
_standard_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_standard_decode = json.JSONDecoder().decode


def to_json(obj: object) -> bytes:
    """Encode `obj` as JSON, in UTF-8; see the module's docstring for what becomes what.

    Never raises for a bad object; KeyboardInterrupt out of an object's own methods passes, since
    this runs inside cells.
    """
    try:
        return _encode(obj)
    except Exception:
        return _standard_encode(_plain(obj, 0, set())).encode("ascii")


def from_json(data: bytes) -> Any:
    """Decode JSON.

    Raises:
        BadMessage: `data` is not JSON, or is nested beyond Python's recursion limit.
    """
    try:
        return _decode(data)
    except (ValueError, RecursionError):
        pass
    try:
        return _standard_decode(data.decode("utf-8", "surrogateescape"))
    except RecursionError:
        raise BadMessage("JSON that is nested too deeply") from None
    except ValueError as error:
        raise BadMessage(f"not JSON: {error}") from None


def _plain(value: Any, depth: int, path: set[int]) -> Plain:
    """Rebuild `value` from what standard json can write; `path` is the ids of its containers."""
    try:
        if depth > MAX_DEPTH:
            return TOO_DEEP
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value  # type: ignore[no-any-return]
        if kind is float:
            return value if math.isfinite(value) else None
        if kind is int:
            int.__repr__(value)  # raises for more digits than Python is allowed to write
            return value  # type: ignore[no-any-return]
        if issubclass(kind, dict | list | tuple | set | frozenset):
            return _plain_container(value, depth, path)
        return _plain_leaf(value, depth, path)
    except RecursionError:
        # our caller is close to the limit itself: the container above has the room to go on
        return TOO_DEEP
    except Exception:
        return _safe_repr(value)


def _plain_container(value: Any, depth: int, path: set[int]) -> Plain:
    if id(value) in path:
        return f"<circular reference to {type(value).__name__}>"
    path.add(id(value))
    try:
        if isinstance(value, dict):
            # the list is made in one step, so that another thread's write cannot come between
            items = list(dict.items(value))
            return {_plain_key(key): _plain(item, depth + 1, path) for key, item in items}
        return [_plain(item, depth + 1, path) for item in list(value)]
    finally:
        path.discard(id(value))


def _plain_leaf(value: Any, depth: int, path: set[int]) -> Plain:
    """Whatever is no container: as msgspec writes it, so that both ways agree."""
    try:
        return _decode(_encode(value))  # type: ignore[no-any-return]
    except (TypeError, ValueError, RecursionError):
        members = _members(value)
        return _plain(_substitute(value) if members is None else members, depth + 1, path)


def _members(value: Any) -> dict[str, Any] | None:
    """The fields of a struct or dataclass, one of which is what msgspec stumbled over."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        return {field.encode_name: getattr(value, field.name) for field in fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _plain_key(key: Any) -> str:
    """A member's name: as msgspec and json write it, else its text."""
    if type(key) is str:
        return key
    try:
        (name,) = _decode(_encode({key: None}))
        return str(name)
    except (TypeError, ValueError):
        pass
    substitute = _substitute(key)
    return substitute if type(substitute) is str else _safe_repr(key)
