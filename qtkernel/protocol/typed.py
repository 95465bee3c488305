"""Plain values into structs, and in words what does not fit.

msgspec's own messages speak of Python types and JSON paths; a frontend's author and the reader of
a connection file get a sentence in JSON's words instead, which names the field.
"""

from __future__ import annotations

import json
from types import NoneType
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from qtkernel.protocol.errors import QUOTED, InvalidContent

StructType = TypeVar("StructType", bound=msgspec.Struct)

# JSON's words: one of them, and several
_WORDS: dict[type, tuple[str, str]] = {
    str: ("a string", "strings"),
    bool: ("a boolean", "booleans"),
    int: ("a number", "numbers"),
    float: ("a number", "numbers"),
    NoneType: ("null", "nulls"),
    dict: ("an object", "objects"),
    list: ("an array", "arrays"),
}
_EXPECTED: dict[type, tuple[str, str]] = {
    inspect.StrType: _WORDS[str],
    inspect.BoolType: _WORDS[bool],
    inspect.IntType: ("a whole number", "whole numbers"),
    inspect.NoneType: _WORDS[NoneType],
    inspect.AnyType: ("anything", "anything"),
}
_quote = json.JSONEncoder().encode


def to_struct(value: object, kind: type[StructType]) -> StructType:
    """Make a `kind` of a decoded JSON value.

    Unknown members are ignored; null stands for a field that has a default and is not there.

    Raises:
        InvalidContent: a field is missing or of the wrong type; field "content" where `value`
            is no object at all.
    """
    if not isinstance(value, dict):
        raise InvalidContent("content", f"expected an object, got {_came(value, '')}")
    fields = msgspec.structs.fields(kind)
    # Without the unknown ones: msgspec cannot compare a name that has a lone surrogate in it, and
    # fails with UnicodeEncodeError, a ValueError as ValidationError is.
    names = (field.encode_name for field in fields)
    members = {name: value[name] for name in names if name in value}
    try:
        return msgspec.convert(members, kind)
    except ValueError:
        pass
    for field in fields:
        _check(field, members)
    return msgspec.convert(members, kind)


def _check(field: msgspec.structs.FieldInfo, members: dict[str, Any]) -> None:
    """Say what is wrong with one field, or take out a null that stands for nothing."""
    name = field.encode_name
    expected = _expected(inspect.type_info(field.type))
    if name not in members:
        if field.required:
            raise InvalidContent(name, f"expected {expected}, but it is missing")
        return
    if members[name] is None and not field.required:
        del members[name]
        return
    try:
        msgspec.convert(members[name], field.type)
    except ValueError:
        came = _came(members[name], expected)
        raise InvalidContent(name, f"expected {expected}, got {came}") from None


def _expected(info: inspect.Type, number: int = 0) -> str:
    """A type in words: one of them (`number` 0) or several (1)."""
    match info:
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(_quote, values))
        case inspect.UnionType(types=types):
            return " or ".join(_expected(each) for each in types)
        case inspect.IntType(ge=int() as least):
            return f"a whole number not below {least}"
        case inspect.DictType(value_type=inspect.AnyType()):
            return _WORDS[dict][number]
        case inspect.DictType(value_type=inner):
            return f"{_WORDS[dict][number]} of {_expected(inner, 1)}"
        case inspect.ListType(item_type=inner):
            return f"{_WORDS[list][number]} of {_expected(inner, 1)}"
    return _EXPECTED[type(info)][number]


def _came(value: Any, expected: str) -> str:
    """A value in words. It is quoted only where it is of the right kind but not a right one.

    Elsewhere the kind says enough, and a quoted string might be somebody's password.
    """
    choice = expected.startswith("one of")
    if isinstance(value, str) and choice:
        return _quote(value[:QUOTED])
    if type(value) in (int, float) and (choice or "number" in expected):
        return repr(value)
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        kinds = sorted({_WORDS[type(each)][1] for each in inner})
        return _WORDS[type(value)][0] + (" of " + " and ".join(kinds) if kinds else "")
    return _WORDS[type(value)][0]
