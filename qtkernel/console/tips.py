"""What a calltip says of an object: how it is called, and what it is for."""

from __future__ import annotations

import re
from typing import Final

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_DULL: Final = re.compile(r"^(?:File|Type|String form|Length|Subclasses|Namespace): .*\n?", re.M)
_HEADING: Final = re.compile(
    r"^(?:Signature|Init signature|Docstring|Init docstring):[ \t]*\n?", re.M
)


def tip_of(inspected: str) -> str:
    """The part of IPython's ``object?`` that helps to write a call."""
    text = _DULL.sub("", _COLOUR.sub("", inspected))
    return _HEADING.sub("", text).rstrip()
