"""The hash by which frontends find the file of a cell: ours is that of the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ipykernel.compiler import murmur2_x86  # noqa: TID251  (the other side)

from qtkernel.protocol.murmur import murmur2

SEED = 0xC70F6907


@given(st.text())
def test_any_text(code: str) -> None:
    assert murmur2(code.encode(), SEED) == murmur2_x86(code, SEED)


@given(st.binary(min_size=1000, max_size=1100), st.integers(0, 2**32 - 1))
def test_long_and_of_any_seed(data: bytes, seed: int) -> None:
    text = data.decode("latin-1")
    assert murmur2(text.encode(), seed) == murmur2_x86(text, seed)
