"""The same conversations with this kernel and with ipykernel; each difference is intended.

What is played is in `tests.conversations.comparison` (executing, failing, asking, others), what may
differ in `tests.conversations.comparison.intended`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conversations.comparison import asking, executing, failing, others
from tests.conversations.comparison.differing import Difference, compare
from tests.conversations.comparison.intended import INTENDED
from tests.conversations.comparison.peer import Peer
from tests.conversations.comparison.record import Recorded, record
from tests.conversations.comparison.rules import Intended
from tests.conversations.comparison.talk import CONVERSATIONS, Talk

_PLAYED = (asking, executing, failing, others)
"""They register their conversations."""

KERNELS = ("headless --subshells", "qt")
"""How ours are started."""

SLOW = ("completion_by_jedi",)

FAST = [name for name in CONVERSATIONS if name not in SLOW]

DIFFERENCES_PAGE = Path(__file__).parents[2] / "docs" / "differences.md"


class Comparison:
    """The kernels, and what has been said to and by them."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._peers: dict[str, Peer] = {}
        self._said: dict[tuple[str, str], list[Recorded]] = {}

    def peer(self, name: str) -> Peer:
        """A kernel, started when it is first asked for."""
        if name not in self._peers:
            self._peers[name] = self._stack.enter_context(
                Peer(name, self._directory / name.split()[0])
            )
        return self._peers[name]

    def said(self, name: str, conversation: str) -> list[Recorded]:
        """What was said in a conversation; it is played once for each kernel."""
        if (name, conversation) not in self._said:
            number = [*CONVERSATIONS].index(conversation) + 1
            talk = Talk(self.peer(name), 1000 * number)
            CONVERSATIONS[conversation](talk)
            self._said[name, conversation] = [record(each) for each in talk.exchanges]
        return self._said[name, conversation]

    def differences(self, name: str, conversation: str) -> list[Difference]:
        """Where our kernel and ipykernel differ in a conversation."""
        theirs = self.said("ipykernel", conversation)
        return list(compare(conversation, theirs, self.said(name, conversation)))


@pytest.fixture(scope="module")
def comparison() -> Iterator[Comparison]:
    """The kernels of this module."""
    # a short path, because the names of Unix sockets must be short
    with (
        tempfile.TemporaryDirectory(prefix="qtk-", ignore_cleanup_errors=True) as directory,
        ExitStack() as stack,
    ):
        yield Comparison(Path(directory), stack)


def intended(difference: Difference) -> Intended | None:
    """The first entry that recognises a difference."""
    return next((entry for entry in INTENDED if entry.recognises(difference)), None)


def _as_parameter(conversation: str) -> object:
    # jedi reads much source code at first: 6 s for each kernel
    marks = [pytest.mark.slow] if conversation in SLOW else []
    return pytest.param(conversation, marks=marks)


@pytest.mark.parametrize("conversation", [_as_parameter(each) for each in CONVERSATIONS])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_conversation(comparison: Comparison, kernel: str, conversation: str) -> None:
    differences = comparison.differences(kernel, conversation)
    unintended = [str(each) for each in differences if intended(each) is None]
    assert not unintended, f"{len(unintended)} differences:\n" + "\n".join(unintended[:20])


def test_everything_is_said_under_the_right_request(comparison: Comparison) -> None:
    """The comparison is by request: what belongs to none would be compared with nothing."""
    stray = [
        (conversation, title, name)
        for conversation in FAST
        for title, requests in comparison.said(KERNELS[0], conversation)
        for name, _, channels in requests
        if name == "none" and any(channels.values()) and conversation != "greeting"
    ]
    assert stray == []


def test_each_intended_difference_still_occurs(comparison: Comparison) -> None:
    seen = {
        id(intended(each))
        for conversation in FAST
        for kernel in KERNELS
        for each in comparison.differences(kernel, conversation)
    }
    unseen = [each.title for each in INTENDED if id(each) not in seen]
    assert unseen == []


def test_the_page_tells_of_each_intended_difference() -> None:
    text = DIFFERENCES_PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^### (.*)$", text)
    assert sorted(headings) == sorted({entry.title for entry in INTENDED})
    words = " ".join(text.split())
    assert [each.reason for each in INTENDED if each.reason not in words] == []


def test_our_kernels_say_nothing_on_stderr(comparison: Comparison) -> None:
    for kernel in KERNELS:
        for conversation in FAST:
            comparison.said(kernel, conversation)
        comparison.peer(kernel).check()
