"""What was said, as trees that can be compared: without what differs from run to run.

Only these are replaced, each by a word that says what it was, and only where it has the form that
it must have: message, session, comm and display ids (numbered, so that it shows which are the
same), dates, ports, the process's id and home in paths, where cells' files are, memory addresses,
measured times. Frames of the kernels' own code are left out of tracebacks. Adjacent stream messages
of one name are one: when they are flushed is a matter of time. ipykernel's remark that a flush has
taken it too long, on a busy machine, is left out. Everything else is compared as it stands.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.conversations.comparison.peer import Peer, Wired
from tests.conversations.comparison.talk import CHANNELS, Exchange

Tree = Any
"""What JSON has."""

Channels = dict[str, list[Tree]]
"""The messages on each channel."""

Recorded = tuple[str, list[tuple[str, Tree, Channels]]]
"""An exchange: its title, and for each request what it is, its content and what was said."""

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_HEX = r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}"
_ID = re.compile(rf"{_HEX}|[0-9a-f]{{16}}")
_MESSAGE_ID = re.compile(rf"{_HEX}(_\d+){{0,2}}")
_ADDRESS = re.compile(r"0x[0-9a-f]{6,16}\b")
_QUOTED_ID = re.compile(rf"(?<=')({_HEX})(?=')")
_MEASURED = re.compile(r"(?m)^(CPU times|Wall time): .*$")
_OWN_FRAME = re.compile(r"\s*(\x1b\[36m)?File \S*/(site-packages/ipykernel|qtkernel/shell)/")
_TOO_BUSY = {"IOStream.flush timed out"}
_PORT = re.compile(r"[a-z]+_port")


def record(exchange: Exchange) -> Recorded:
    """All that was said in an exchange; at the end what belongs to none of its requests."""
    words = _Words(exchange.peer)
    requests = {sent.msg_id: sent for sent in exchange.sent}
    records: list[Channels] = [
        {channel.value: [] for channel in CHANNELS} for _ in (*requests, None)
    ]
    places = dict(zip(requests, records, strict=False))
    for message in exchange.heard:
        if message.msg_type == "stream" and set(_lines(message)) == _TOO_BUSY:
            continue
        sent = requests.get(message.parent_id)
        tree = _tree(message, words, None if sent is None else sent.header_bytes)
        _add(places.get(message.parent_id, records[-1])[message.channel.value], tree)
    names = [f"{number} {sent.msg_type}" for number, sent in enumerate(exchange.sent)]
    contents = [sent.content for sent in exchange.sent]
    return exchange.title, list(zip([*names, "none"], [*contents, {}], records, strict=True))


def _lines(stream: Wired) -> list[str]:
    return str(stream.content["text"]).splitlines()


class _Words:
    """Replaces what must differ, in the messages of one exchange."""

    def __init__(self, peer: Peer) -> None:
        pid = peer.program.pid
        self._home = str(peer.program.home.directory)
        self._cells = re.compile(rf"/tmp/ipykernel_{pid}\d*/(?=\d*\.py|$)")
        self._ids: dict[str, str] = {}

    def tree(self, tree: Tree, key: str = "") -> Tree:
        """The same tree with its strings, keys included, replaced where they must differ."""
        if isinstance(tree, str):
            return self._text(tree)
        if isinstance(tree, list):
            lines = tree if key != "traceback" else [each for each in tree if not _own(each)]
            return [self.tree(each) for each in lines]
        if isinstance(tree, dict):
            return {self._text(name): self.tree(value, name) for name, value in tree.items()}
        return "<port>" if _PORT.fullmatch(key) and isinstance(tree, int) else tree

    def _text(self, text: str) -> str:
        if _DATE.fullmatch(text):
            return "<date>"
        if _ID.fullmatch(text):
            return self._id(text)
        text = _QUOTED_ID.sub(lambda match: self._id(match[0]), text)
        text = self._cells.sub("<cells>/", text).replace(self._home, "<home>")
        return _MEASURED.sub(r"\1: <time>", _ADDRESS.sub("<address>", text))

    def _id(self, text: str) -> str:
        return self._ids.setdefault(text, f"<id {len(self._ids)}>")


def _own(line: Tree) -> bool:
    """Whether a line of a traceback is about a kernel's own code."""
    return isinstance(line, str) and _OWN_FRAME.match(line) is not None


def _tree(message: Wired, words: _Words, request: bytes | None) -> Tree:
    return {
        "msg_type": message.msg_type,
        "topic": _ID.sub("<id>", message.topic.decode()),
        "header": {key: _header_field(key, value) for key, value in message.header.items()},
        "parent_header": _parent(message.parent_header, request),
        "metadata": words.tree(message.metadata),
        "content": words.tree(message.content),
        "buffers": [buffer.hex() for buffer in message.buffers],
    }


def _header_field(key: str, value: Tree) -> Tree:
    patterns = {"msg_id": _MESSAGE_ID, "session": _MESSAGE_ID, "date": _DATE}
    pattern = patterns.get(key)
    return f"<{key}>" if pattern is not None and pattern.fullmatch(str(value)) else value


def _parent(parent_header: dict[str, Any], request: bytes | None) -> Tree:
    if request is None:
        # of nobody, or of a request that is over
        return "an earlier request's" if parent_header else parent_header
    return "the request's" if parent_header == json.loads(request) else parent_header


def _add(messages: list[Tree], tree: Tree) -> None:
    last = messages[-1] if messages else None
    if last is not None and name_of(last) == name_of(tree) and tree["msg_type"] == "stream":
        last["content"]["text"] += tree["content"]["text"]
    else:
        messages.append(tree)


def name_of(tree: Tree) -> str:
    """What kind of message it is, for those that must be told apart: ``status busy``."""
    content = tree["content"]
    keys = {"status": "execution_state", "stream": "name"}
    key = keys.get(tree["msg_type"])
    return f"{tree['msg_type']} {content[key]}" if key else str(tree["msg_type"])
