"""The variables of the namespace for a debugger's panel, while nothing has stopped.

Debug Adapter Protocol, "Variables". What lies inside of an object is asked for by a reference that
was given with it; they last until the names are listed again.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from qtkernel.interpreter import OWN_REFERENCES

MAX_CHILDREN = 300
"""What is shown of one object, unless a frontend asks for a part of its own choice."""

_ATOMS = (bool, int, float, complex, str, bytes, bytearray, type(None), range)

Variable = Mapping[str, Any]


class Variables:
    """Lists names and what is inside of objects. It belongs to the kernel's own thread."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._repr = reprlib.Repr()
        self._repr.maxstring = self._repr.maxother = self._repr.maxlong = 1000
        self._repr.maxlist = self._repr.maxtuple = self._repr.maxdict = 20
        self._repr.maxset = self._repr.maxfrozenset = self._repr.maxarray = 20
        self._repr.maxlevel = 3

    def names(self, namespace: Mapping[str, Any], start: int, count: int) -> list[Variable]:
        """The names of a namespace. References that were given before are void."""
        self._objects.clear()
        members = ((name, name, value) for name, value in list(namespace.items()))
        return self._describe(members, start, count or len(namespace))

    def inside(self, reference: int, start: int, count: int) -> list[Variable]:
        """What is inside of an object. LookupError: there is no such reference."""
        owner, expression = self._objects[reference]
        return self._describe(_members(owner, expression), start, count or MAX_CHILDREN)

    def value(self, value: Any, expression: str) -> dict[str, Any]:
        """A value as DAP describes it, without a name."""
        return {
            "type": type(value).__name__,
            "value": self._text(value),
            "variablesReference": self._reference(value, expression),
        }

    def _describe(
        self, members: Iterator[tuple[str, str, Any]], start: int, count: int
    ) -> list[Variable]:
        return [
            {"name": name, "evaluateName": expression, **self.value(value, expression)}
            for name, expression, value in islice(members, start, start + count)
        ]

    def _text(self, value: Any) -> str:
        try:
            return self._repr.repr(value)
        except Exception as error:
            return f"<{type(value).__name__} whose repr() raised {type(error).__name__}>"

    def _reference(self, value: Any, expression: str) -> int:
        """0 if there is nothing inside."""
        if isinstance(value, _ATOMS) or next(_members(value, expression), None) is None:
            return 0
        reference = OWN_REFERENCES + len(self._objects)
        self._objects[reference] = (value, expression)
        return reference


def _members(owner: Any, expression: str) -> Iterator[tuple[str, str, Any]]:
    """Names, expressions and values; nothing of the object's own runs but its iteration."""
    if isinstance(owner, dict):
        for key, value in list(owner.items()):
            shown = reprlib.repr(key)
            yield shown, f"{expression}[{shown}]", value
    elif isinstance(owner, list | tuple | set | frozenset):
        indexed = expression if isinstance(owner, list | tuple) else f"list({expression})"
        for index, value in enumerate(owner):
            yield f"[{index}]", f"{indexed}[{index}]", value
    else:
        yield from _attributes(owner, expression)


def _attributes(owner: Any, expression: str) -> Iterator[tuple[str, str, Any]]:
    try:
        attributes: Any = getattr(owner, "__dict__", None)
    except Exception:  # the class's own
        return
    if isinstance(attributes, Mapping):
        for name, value in list(attributes.items()):
            yield str(name), f"{expression}.{name}", value
