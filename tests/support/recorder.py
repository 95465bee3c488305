"""A list in the place of the sockets: what the kernel sends, in order, over all channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtkernel.protocol import Message, Session
from tests.support.said import Said, said


class Recorder:
    """Keeps what is sent on any channel. Whatever no test has asked for fails it at the end."""

    def __init__(self, key: bytes) -> None:
        self._session = Session(key)
        self._unread: list[Said] = []
        self.messages: list[Message] = []

    def on(self, channel: str) -> Callable[[Sequence[Any]], None]:
        """A `send` for `channel`."""

        def send(frames: Sequence[Any]) -> None:
            # unpacking verifies the signature, as every client does
            message = self._session.unpack([bytes(frame) for frame in frames])
            self.messages.append(message)
            self._unread.append(said(channel, message))

        return send

    def take(self) -> list[Said]:
        """All that has been said since the last time."""
        unread, self._unread = self._unread, []
        return unread

    def expect(self, *expected: Said | list[Said]) -> None:
        """Compare all that has been said since the last time with a whole ordered exchange."""
        flat: list[Said] = []
        for part in expected:
            flat.extend(part if isinstance(part, list) else [part])
        assert self.take() == flat

    def expect_silence(self) -> None:
        """Nothing more has been said."""
        assert self._unread == []
