"""Two recordings side by side: where they differ, one `Difference` for each place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Any

from tests.conversations.comparison.record import Recorded, Tree, name_of


class Missing:
    """Stands for what is not there."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


@dataclass(frozen=True)
class Difference:
    """A place where the kernels differ.

    Attributes:
        content: of the request.
        message: its type; of a status its state, too, of a stream its name.
        path: the keys to the place, joined by dots; "" if the whole message is missing.
        theirs: what ipykernel says; `MISSING` if nothing.
        ours: what qtkernel says.
        their_reply: the content of ipykernel's reply to the request; {} if it has sent none.
        our_reply: of ours.
    """

    conversation: str
    exchange: str
    request: str
    content: Any
    channel: str
    message: str
    path: str
    theirs: Any
    ours: Any
    their_reply: dict[str, Any]
    our_reply: dict[str, Any]

    def __str__(self) -> str:
        return (
            f"{self.conversation} / {self.exchange!r} / {self.request} / {self.channel} "
            f"{self.message} / {self.path}\n    ipykernel: {self.theirs!r}\n"
            f"    qtkernel:  {self.ours!r}"
        )

    def lies_in(self, **patterns: str) -> bool:
        """Whether each named attribute matches its shell-style pattern."""
        return all(fnmatchcase(getattr(self, name), p) for name, p in patterns.items())


def compare(
    conversation: str, theirs: Sequence[Recorded], ours: Sequence[Recorded]
) -> Iterator[Difference]:
    """Differences of a conversation that both kernels have had."""
    for (exchange, requests), (_, our_requests) in zip(theirs, ours, strict=True):
        pairs = zip(requests, our_requests, strict=True)
        for (request, content, channels), (_, _, our_channels) in pairs:
            replies = _reply(channels), _reply(our_channels)
            for channel, messages in channels.items():
                for found in compare_messages(messages, our_channels[channel]):
                    yield Difference(
                        conversation, exchange, request, content, channel, *found, *replies
                    )


def _reply(channels: dict[str, list[Tree]]) -> dict[str, Any]:
    replies = [*channels["shell"], *channels["control"]]
    return replies[0]["content"] if replies else {}


def compare_messages(
    theirs: Sequence[Tree], ours: Sequence[Tree]
) -> Iterator[tuple[str, str, Any, Any]]:
    """Differences of two sequences of messages: message, path, theirs, ours."""
    names = [[name_of(each) for each in side] for side in (theirs, ours)]
    matcher = SequenceMatcher(a=names[0], b=names[1], autojunk=False)
    for kind, left, left_end, right, right_end in matcher.get_opcodes():
        if kind == "equal":
            for one, other in zip(theirs[left:left_end], ours[right:right_end], strict=True):
                for path, value, other_value in compare_trees(one, other):
                    yield name_of(one), path, value, other_value
            continue
        for each in theirs[left:left_end]:
            yield name_of(each), "", each, MISSING
        for each in ours[right:right_end]:
            yield name_of(each), "", MISSING, each


def compare_trees(theirs: Tree, ours: Tree, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Differences of two trees: path, theirs, ours."""
    if (
        isinstance(theirs, dict)
        and isinstance(ours, dict)
        and not _of_two_kinds(path, theirs, ours)
    ):
        pairs = [(key, theirs.get(key, MISSING), ours.get(key, MISSING)) for key in theirs | ours]
    elif isinstance(theirs, list) and isinstance(ours, list):
        pairs = list(_aligned(theirs, ours))
    else:
        # 1, 1.0 and True are equal in Python, and not in JSON
        if type(theirs) is not type(ours) or theirs != ours:
            yield path, theirs, ours
        return
    for key, one, other in pairs:
        yield from compare_trees(one, other, f"{path}.{key}" if path else key)


def _aligned(theirs: list[Tree], ours: list[Tree]) -> Iterator[tuple[str, Tree, Tree]]:
    """Elements of two lists that are to be compared; with `MISSING` where one has more."""
    texts = [[json.dumps(each) for each in side] for side in (theirs, ours)]
    matcher = SequenceMatcher(a=texts[0], b=texts[1], autojunk=False)
    for kind, left, left_end, right, right_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        pairs = zip_longest(theirs[left:left_end], ours[right:right_end], fillvalue=MISSING)
        for number, (one, other) in enumerate(pairs, left):
            yield str(number), one, other


def _of_two_kinds(path: str, theirs: Tree, ours: Tree) -> bool:
    """Whether one is an error and the other is not: then their other fields say nothing."""
    return path == "content" and theirs.get("status") != ours.get("status")
