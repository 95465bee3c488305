"""Colours that can be read on whatever background the application has."""

from __future__ import annotations

import itertools

import pytest
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from qtkernel.console.theme import (
    ANSI,
    CONTRAST,
    NAMED,
    RGB,
    Theme,
    ansi_rgb,
    contrast,
    luminance,
    readable,
)

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
BACKGROUNDS: list[RGB] = [
    *(WHITE, BLACK, (30, 31, 34), (0, 43, 54), (253, 246, 227), (46, 52, 64)),
    *((118, 118, 118), (120, 120, 120), (255, 255, 0), (0, 0, 255), (150, 40, 40)),
]


def test_the_contrast_is_that_of_wcag() -> None:
    assert luminance(BLACK) == 0
    assert luminance(WHITE) == pytest.approx(1)
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast((118, 118, 118), WHITE) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("background", BACKGROUNDS, ids=str)
def test_every_colour_can_be_read_on_every_background(background: RGB) -> None:
    theme = Theme(background, readable((128, 128, 128), background))
    cube = itertools.product((0, 128, 255), repeat=3)
    for colour in (*ANSI, *NAMED.values(), *cube):
        assert contrast(theme.shown(colour), background) >= CONTRAST, (colour, background)


@pytest.mark.parametrize("background", BACKGROUNDS, ids=str)
def test_so_can_what_is_typed(background: RGB) -> None:
    style = Theme(background, BLACK).pygments_style()
    for token in (Keyword, Name.Builtin, Name.Class, String, Number, Comment, Operator.Word):
        colour = style.style_for_token(token)["color"]
        rgb = (int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16))
        assert contrast(rgb, background) >= CONTRAST, (token, colour)


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert readable((128, 0, 0), WHITE) == (128, 0, 0)
    assert readable((128, 0, 0), BLACK) != (128, 0, 0)


def test_it_is_dark_where_text_is_lighter() -> None:
    assert Theme(BLACK, WHITE).is_dark
    assert not Theme(WHITE, BLACK).is_dark


@pytest.mark.parametrize(
    ("code", "intense", "expected"),
    [
        (1, False, ANSI[1]),
        (1, True, ANSI[9]),
        (9, False, ANSI[9]),
        (16, False, (0, 0, 0)),
        (231, False, (255, 255, 255)),
        (196, False, (255, 0, 0)),
        (232, False, (8, 8, 8)),
        (255, False, (238, 238, 238)),
        ([1, 2, 3], False, (1, 2, 3)),
        (None, False, None),
        (256, False, None),
    ],
)
def test_escape_sequences_mean_colours(code: object, intense: bool, expected: RGB | None) -> None:
    assert ansi_rgb(code, intense) == expected
