"""What a conversation is made of: exchanges with one kernel, each recorded to its end.

An exchange is one or several requests and everything that they lead to, on every channel. It is
over when each of its requests is idle and a kernel_info_request that is sent after that (the
*fence*) has been answered on each channel that was used: what has not come by then never comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from qtkernel.protocol import Channel
from tests.conversations.comparison.peer import Condition, Peer, Sent, Wired

_FORGET = (
    "Out.clear(); [globals().pop(n) for n in [*globals()] if n.strip('_i').isdigit() or"
    " n[0] != '_' and n not in ('In', 'Out', 'exit', 'quit', 'open', 'get_ipython')]"
)

CHANNELS = (Channel.SHELL, Channel.CONTROL, Channel.STDIN, Channel.IOPUB)


@dataclass
class Exchange:
    """Requests and what they have led to, in the order of arrival on each channel."""

    title: str
    peer: Peer
    sent: list[Sent] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """The msg_ids of messages that need not be followed by busy and idle."""
    heard: list[Wired] = field(default_factory=list)

    def send(
        self, msg_type: str, content: object = None, *, unread: bool = False, **more: Any
    ) -> Sent:
        """Send a message of this exchange.

        Args:
            unread: it may be dropped without busy and idle.
        """
        sent = self.peer.send(msg_type, {} if content is None else content, **more)
        self.sent.append(sent)
        if unread:
            self.silent.add(sent.msg_id)
        return sent

    def execute(self, code: str, **content: Any) -> Sent:
        """Send a cell as notebooks do."""
        return self.send("execute_request", notebook_cell(code) | content)

    def execute_in(self, subshell_id: str, code: str) -> Sent:
        """Send a cell to a subshell."""
        header = {"subshell_id": subshell_id}
        return self.send("execute_request", notebook_cell(code), header=header)

    def answer(self, value: str, **content: Any) -> Wired:
        """Wait for a question of input(), and answer it."""
        question = self.until(Channel.STDIN, lambda message: message.msg_type == "input_request")
        reply = {"value": value, "status": "ok"} | content
        header = question.header
        self.peer.send("input_reply", reply, channel=Channel.STDIN, parent_header=header)
        return question

    def until(self, channel: Channel, condition: Condition) -> Wired:
        """Wait for a message; all that come before it belong to the exchange as well."""
        while True:
            message = self.peer.receive(channel)
            self.heard.append(message)
            if condition(message):
                return message

    def until_printed(self, text: str) -> None:
        """Wait until a cell has printed `text`."""
        self.until(
            Channel.IOPUB,
            lambda message: message.msg_type == "stream" and text in message.content["text"],
        )

    def finish(self) -> None:
        """Wait for the end of each request."""
        waiting = {sent.msg_id for sent in self.sent} - self.silent
        waiting -= {m.parent_id for m in self.heard if m.ends(m.parent_id)}
        while waiting:
            message = self.until(Channel.IOPUB, lambda _message: True)
            if message.ends(message.parent_id):
                waiting.discard(message.parent_id)
        for channel in (Channel.SHELL, Channel.CONTROL):
            if any(sent.channel is channel for sent in self.sent):
                self._fence(channel)
        while self.peer.waiting(Channel.STDIN):
            self.heard.append(self.peer.receive(Channel.STDIN))

    def _fence(self, channel: Channel) -> None:
        fence = self.peer.send("kernel_info_request", {}, channel=channel).msg_id
        before = len(self.heard)
        self.until(channel, lambda message: message.parent_id == fence)
        self.until(Channel.IOPUB, lambda message: message.ends(fence))
        kept = [message for message in self.heard[before:] if message.parent_id != fence]
        self.heard[before:] = kept


def notebook_cell(code: str) -> dict[str, Any]:
    """The content of an execute_request with every field that there is."""
    return {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }


class Talk:
    """A conversation with one kernel."""

    def __init__(self, peer: Peer, first_count: int) -> None:
        self.peer = peer
        self.exchanges: list[Exchange] = []
        self._next_count = first_count
        self.count_anew()

    def count_anew(self) -> None:
        """Forget what cells have made, and have both kernels count from the same number on.

        It is a number that no cell has had: the history keeps a line for each.
        """
        code = f"{_FORGET}; get_ipython().execution_count = {self._next_count}"
        self._next_count += 50
        exchange = Exchange("count anew", self.peer)
        exchange.execute(code, silent=True, store_history=False)
        exchange.finish()

    @contextmanager
    def exchange(self, title: str) -> Iterator[Exchange]:
        """Send what you like; it is recorded to the end."""
        exchange = Exchange(title, self.peer)
        yield exchange
        exchange.finish()
        self.exchanges.append(exchange)

    def request(
        self, msg_type: str, content: object = None, title: str = "", **more: Any
    ) -> Exchange:
        """One request."""
        with self.exchange(title or msg_type) as exchange:
            exchange.send(msg_type, content, **more)
        return exchange

    def control(
        self, msg_type: str, content: object = None, title: str = "", **more: Any
    ) -> Exchange:
        """One request on the control channel."""
        return self.request(
            msg_type, content, title or f"{msg_type} on control", channel=Channel.CONTROL, **more
        )

    def execute(self, code: str, title: str = "", **content: Any) -> Exchange:
        """One cell."""
        with self.exchange(title or code) as exchange:
            exchange.execute(code, **content)
        return exchange


Conversation = Callable[[Talk], None]

CONVERSATIONS: dict[str, Conversation] = {}
"""All of them, by name."""


def conversation(script: Conversation) -> Conversation:
    """Have a function played to both kernels."""
    assert script.__name__ not in CONVERSATIONS
    CONVERSATIONS[script.__name__] = script
    return script
