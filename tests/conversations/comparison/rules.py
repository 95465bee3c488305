"""How an intended difference is recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.conversations.comparison.differing import MISSING, Difference

Rule = Callable[[Difference], object]
"""Whether a difference in the right place is also of the right kind."""


@dataclass(frozen=True)
class Intended:
    """A difference that is meant.

    Attributes:
        title: a heading in docs/differences.md.
        reason: why it is so.
        rule: for what the two say.
        where: shell-style patterns for attributes of `Difference`.
    """

    title: str
    reason: str
    rule: Rule
    where: dict[str, str] = field(default_factory=dict)

    def recognises(self, difference: Difference) -> bool:
        """Whether it is this difference."""
        return difference.lies_in(**self.where) and bool(self.rule(difference))


def values(theirs: object, ours: object) -> Rule:
    """Exactly these two."""
    return lambda d: (d.theirs, d.ours) == (theirs, ours)


def one_apart(step: int) -> Rule:
    """Two numbers; theirs is `step` more than ours."""
    return lambda d: MISSING not in (d.theirs, d.ours) and d.theirs - d.ours == step


def saying(theirs: str, ours: str) -> Rule:
    """Each of the two has these words."""
    return lambda d: theirs in str(d.theirs) and ours in str(d.ours)


def answered(d: Difference) -> bool:
    """We answer what ipykernel leaves without an answer; until then it may not even be busy."""
    return d.theirs is MISSING and d.path == "" and d.their_reply == {} and d.our_reply != {}


def refused(d: Difference) -> bool:
    """We have refused the content and named the field; so nothing was done with it."""
    if d.our_reply.get("ename") not in ("InvalidContent", "BadMessage"):
        return False
    if d.channel == "iopub":
        return d.path == "" and d.ours is MISSING
    return d.path.startswith("content") and d.their_reply != {}


def not_on_this_channel(d: Difference) -> bool:
    """Only the shell channel serves it."""
    if d.channel == "iopub":
        return d.theirs is not MISSING and d.ours is MISSING
    return d.path == "content" and d.our_reply.get("ename") == "UnknownMessageType"


def error_instead_of_text(d: Difference) -> bool:
    """An error message, which the reply repeats, where ipykernel writes to stderr."""
    if not d.our_reply.get("ename", "").endswith(("ExceptionGroup", "UsageError")):
        return False
    if d.channel == "shell":
        return d.path.startswith("content.traceback.") or d.path == "content"
    if d.message == "stream stderr":
        return d.path == "" and d.ours is MISSING
    return d.theirs is MISSING and d.ours["content"]["ename"] == d.our_reply["ename"]


def unhandled(d: Difference) -> bool:
    """An error message with a heading instead of what Python prints."""
    if d.message == "error":
        heading = d.ours is not MISSING and d.ours["content"]["traceback"][0]
        return d.theirs is MISSING and str(heading).startswith("Unhandled exception")
    text = "Traceback (most recent call last):"
    return d.message == "stream stderr" and d.ours is MISSING and text in str(d.theirs)


_CANNOT_ANSWER = "input() was called, but the frontend that runs this cell cannot answer it"

_NO_SUBSHELL = "there is no subshell '{}'; list_subshell_request lists them"

_WORDS = {
    "raw_input was called, but this frontend does not support input requests.": _CANNOT_ANSWER,
    "getpass was called, but this frontend does not support input requests.": _CANNOT_ANSWER,
    "Kernel.raw_input()": "Asking._input()",
    "Unknown subshell_id 'nobody'": _NO_SUBSHELL.format("nobody"),
    # in the metadata of ipykernel's replies there is another id, before it
    "Unknown subshell_id '<id 1>'": _NO_SUBSHELL.format("<id 0>"),
    "not <class 'int'>": "not int",
    "not <class 'bytes'>": "not bytes",
    "Background processes not supported.": "a command in the background would have nobody to read "
    "its output: use subprocess.Popen(), or %%bash --bg",
    "Command 'b'exit 3\\n''": "Command 'exit 3\n'",
}
"""Of the same errors: theirs, ours."""


def own_words(d: Difference) -> bool:
    if MISSING in (d.theirs, d.ours) or not d.path.startswith(("content.ev", "content.tr")):
        return False
    if d.ours == f"{d.theirs}the input was ended by the frontend":
        return True
    return any(
        theirs in d.theirs and d.theirs.replace(theirs, ours) == d.ours
        for theirs, ours in _WORDS.items()
    )


def usage(d: Difference) -> bool:
    """The same fields, and a status. A host's load that is 0 is not told by ipykernel."""
    kinds = [{name: type(value) for name, value in each.items()} for each in (d.theirs, d.ours)]
    for each in kinds:
        assert each.pop("host_cpu_percent", float) is float
    return kinds[0] | {"status": str} == kinds[1]


def number_before(d: Difference) -> bool:
    """ipykernel's has not counted the cell, but has published another number before."""
    uncounted = d.content.get("silent") or not d.content.get("store_history", True)
    return bool((uncounted or not str(d.content.get("code", "")).strip()) and one_apart(-1)(d))


def null(d: Difference) -> bool:
    """Counted and kept as if the field were not there, where ipykernel takes null for False."""
    if d.exchange != "store_history null":
        return False
    return d.path == "content.execution_count" and bool(one_apart(-1)(d))


def a_link(d: Difference) -> bool:
    """The text or the address of a link, or a whole one that only one of the two has."""
    return d.path.endswith((".url", ".text")) or MISSING in (d.theirs, d.ours)
