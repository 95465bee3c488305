"""Whatever is printed, in whatever pieces: it stays above the prompt, and nothing fails."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtkernel.console.escapes import Control, Parser
from qtkernel.console.output import OutputArea
from tests.console.conftest import Script, Sit, play

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["\n", "\r", "\b", "\r\n", "\t", "\x0c", "\x07", "\x1b", "\x1b[", "[2K", "0m"]
            + [f"\x1b[{n}{letter}" for n in ("", 0, 1, 2, 3, 99, "1;31") for letter in "ABCDFGHJKm"]
            + [
                "\x1b]0;t\x07",
                "\u2028",
                "\u2029",
                "\ufdd0",
                "\x85",
                "\x0b",
                "\U0001f40d",
                "e\u0301",
            ]
        ),
        st.text(max_size=6),
    ),
    max_size=25,
)
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["text", "host", "clear", "clear later", "note", "all"]), PIECES),
    max_size=8,
)


def test_any_output_leaves_the_prompt_alone(sit: Sit) -> None:
    user = sit()
    area = user.console.area
    user.console.input_buffer = "typed"

    @settings(max_examples=120, deadline=None)
    @given(actions=ACTIONS, owners=st.lists(st.sampled_from("ab"), min_size=8, max_size=8))
    def check(actions: list[tuple[str, list[str]]], owners: list[str]) -> None:
        for (action, pieces), owner in zip(actions, owners, strict=False):
            act(area, action, pieces, owner)
            assert user.typed == "typed"
            assert user.text.endswith("In [1]: typed")
            above = user.text.removesuffix("In [1]: typed")
            assert not above or above.endswith("\n\n")
            assert area.end == max(len(above.encode("utf-16-le", "surrogatepass")) // 2 - 2, 0)

    check()


def act(area: OutputArea, action: str, pieces: list[str], owner: str) -> None:
    if action in ("text", "host"):
        for piece in pieces:
            area.text(piece, "host" if action == "host" else owner, host=action == "host")
            area.flush()
    elif action == "all":
        area.clear_all()
    elif action == "note":
        area.note("said", area.host_format, owner)
    else:
        area.clear(owner, wait=action == "clear later")


@given(pieces=PIECES, cuts=st.lists(st.integers(0, 60)))
def test_where_a_text_is_cut_makes_no_difference(pieces: list[str], cuts: list[int]) -> None:
    def outcome(parts: list[str]) -> list[str | Control]:
        parser = Parser()
        found: list[str | Control] = []
        for part in parts:
            for each in parser.parse(part):
                if isinstance(each, str) and found and isinstance(found[-1], str):
                    found[-1] += each
                else:
                    found.append(each)
        return found

    text = "".join(pieces).replace("\r", "")  # those are carried out piece by piece
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    parts = [text[start:end] for start, end in itertools.pairwise(places)]
    assert outcome(parts) == outcome([text])


def test_the_console_lives_on_after_all_bytes(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run("import sys; sys.stdout.write(bytes(range(256)).decode('latin-1') * 3); 0")
        yield user.at_prompt(2)
        user.type("1 + 1\n")
        yield user.at_prompt(3)

    play(user, script())
    assert user.output(2) == "Out[2]: 2"
