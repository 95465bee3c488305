"""What a terminal makes of text: runs of characters, and what is said in between.

ECMA-48's control sequences as far as programs use them in a log: colours, erasing, and moving
about in the last lines, which is what progress bars do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ESCAPE = (
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI ... final
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # OSC (titles, links): nothing of it is shown
    r"|\x1b[ -/]+[0-~]|\x1b[0-Z\\^-~]"  # character sets, keypads
)
_CONTROL = re.compile(rf"({_ESCAPE}|\r\n|[\x00-\x08\x0b-\x1f\x7f])")
_INCOMPLETE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,2000}\x1b?|[ -/]*)?$")
_CSI = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


@dataclass(frozen=True, slots=True)
class Control:
    """Something that is not a character: its final letter, or the control character itself."""

    name: str
    numbers: tuple[int, ...] = ()

    def count(self) -> int:
        """How often; missing and 0 mean once."""
        return (self.numbers[0] if self.numbers else 0) or 1


class Parser:
    """Splits a text that comes in pieces; a sequence may begin in one and end in the next."""

    def __init__(self) -> None:
        self._rest = ""

    def parse(self, text: str) -> Iterator[str | Control]:
        """The runs of characters (line feeds included) and the controls of this piece."""
        text = self._rest + text
        found = _INCOMPLETE.search(text)
        self._rest = found[0] if found else ""
        text = overlaid(text[: len(text) - len(self._rest)])
        for index, part in enumerate(_CONTROL.split(text)):
            if index % 2 == 0:
                if part:
                    yield part
            elif part == "\r\n":
                yield "\n"
            elif len(part) == 1:
                yield Control(part)
            elif (csi := _CSI.fullmatch(part)) is not None:
                numbers = tuple(int(number[:6] or 0) for number in csi[1].split(";") if csi[1])
                yield Control(csi[2], numbers)


def overlaid(text: str) -> str:
    """The text with each line's carriage returns carried out, but for the first.

    A progress bar's thousand updates arrive as one message: only the outcome is worth drawing.
    """
    if "\r" not in text or "\x1b" in text or "\b" in text:
        return text
    return "\n".join(_overlaid_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def _overlaid_line(line: str) -> str:
    first, *others = line.split("\r")
    shown = ""
    for other in others:
        shown = other + shown[len(other) :]
    return f"{first}\r{shown}" if others else line
