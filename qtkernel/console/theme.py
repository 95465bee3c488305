"""The colours of a console: the host's own palette decides, whatever it is.

Every colour is asked for by what it is for, or as what a cell has written (ANSI), and is shown as
that colour made light or dark enough for the background: a contrast of `CONTRAST` at least. So any
palette gets a console that can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pygments.style import Style
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Token

CONTRAST: Final = 4.5
"""Of text to its background (WCAG 2, level AA)."""

RGB = tuple[int, int, int]

ANSI: Final[tuple[RGB, ...]] = (
    *((46, 52, 54), (194, 30, 30), (58, 128, 10), (158, 110, 0)),
    *((36, 96, 184), (134, 60, 150), (0, 122, 132), (136, 138, 133)),
    *((108, 112, 108), (222, 54, 48), (82, 162, 24), (188, 140, 0)),
    *((60, 130, 220), (170, 92, 186), (20, 150, 160), (211, 215, 207)),
)
"""The sixteen colours that escape sequences number, from black to bright white."""

NAMED: Final[Mapping[str, RGB]] = {
    "in": (28, 104, 176),
    "out": (190, 72, 30),
    "note": (120, 124, 128),
    "host": (140, 100, 40),
    "keyword": (128, 52, 168),
    "name": (20, 104, 172),
    "builtin": (0, 116, 128),
    "string": (52, 122, 16),
    "number": (166, 84, 0),
    "comment": (122, 124, 120),
}
"""What is not a cell's: prompts, the console's and the host's own words, and syntax."""

_STEP = 0.04  # of the way to black or white
_REMEMBERED = 4096  # colours; a picture made of coloured blocks can have any number
_CUBE = (0, 95, 135, 175, 215, 255)  # xterm's, for the colours 16 to 231


def luminance(colour: RGB) -> float:
    """How light a colour is, from 0 to 1 (WCAG 2, "relative luminance")."""
    red, green, blue = (_linear(value / 255) for value in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: RGB, other: RGB) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2, "contrast ratio")."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: RGB, background: RGB, least: float = CONTRAST) -> RGB:
    """`colour`, as little lighter or darker as gives it enough contrast to `background`."""
    end = 255 if contrast((255, 255, 255), background) > contrast((0, 0, 0), background) else 0
    way = 0.0
    shown = colour
    while contrast(shown, background) < least and way < 1:
        way = min(way + _STEP, 1.0)
        shown = mixed(colour, (end, end, end), way)
    return shown


class Theme:
    """Colours for text on one background. Components are from 0 to 255."""

    def __init__(self, background: RGB, text: RGB) -> None:
        self.background = background
        self.text = text
        self._shown: dict[RGB, RGB] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Theme) and (self.background, self.text) == (
            other.background,
            other.text,
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def is_dark(self) -> bool:
        """Whether text is lighter than its background."""
        return luminance(self.text) > luminance(self.background)

    def shown(self, colour: RGB) -> RGB:
        """What a colour that was asked for looks like here."""
        found = self._shown.get(colour)
        if found is None:
            found = readable(colour, self.background)
            if len(self._shown) < _REMEMBERED:
                self._shown[colour] = found
        return found

    def named(self, name: str) -> RGB:
        """One of `NAMED`, as it looks here."""
        return self.shown(NAMED[name])

    def style_sheet(self) -> str:
        """The style of prompts, as qtconsole's HTML names them."""
        return "\n".join(
            f".{name}-prompt {{ color: {hexadecimal(self.named(name))}; }}\n"
            f".{name}-prompt-number {{ font-weight: bold; }}"
            for name in ("in", "out")
        )

    def pygments_style(self) -> Any:
        """The style of what is typed."""
        colours = {name: hexadecimal(self.named(name)) for name in NAMED}
        styles = {
            Token: "",
            Comment: f"italic {colours['comment']}",
            Keyword: f"bold {colours['keyword']}",
            Keyword.Constant: colours["keyword"],
            Operator.Word: f"bold {colours['keyword']}",
            Name.Builtin: colours["builtin"],
            Name.Function: colours["name"],
            Name.Class: f"bold {colours['name']}",
            Name.Decorator: colours["builtin"],
            Name.Namespace: colours["name"],
            Name.Exception: colours["builtin"],
            String: colours["string"],
            Number: colours["number"],
        }
        return type("ConsoleStyle", (Style,), {"styles": styles, "name": "qtkernel"})


def ansi_rgb(colour: Any, intense: bool = False) -> RGB | None:
    """The colour that an escape sequence means.

    Args:
        colour: a number from 0 to 255, three components, or None for the usual one.
        intense: whether it was asked for as bold: the first eight are brighter then.
    """
    if isinstance(colour, tuple | list) and len(colour) >= 3:
        return int(colour[0]), int(colour[1]), int(colour[2])
    if not isinstance(colour, int) or not 0 <= colour <= 255:
        return None
    if colour < 16:
        return ANSI[colour + 8 if intense and colour < 8 else colour]
    if colour > 231:
        grey = (colour - 232) * 10 + 8
        return grey, grey, grey
    red, rest = divmod(colour - 16, 36)
    green, blue = divmod(rest, 6)
    return _CUBE[red], _CUBE[green], _CUBE[blue]


def rgb_of(colour: Any) -> RGB:
    """The components of a QColor."""
    return colour.red(), colour.green(), colour.blue()


def hexadecimal(colour: RGB) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def mixed(one: RGB, other: RGB, share: float) -> RGB:
    """A colour between two: `share` of the way from `one` to `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.03928 else float(((value + 0.055) / 1.055) ** 2.4)
