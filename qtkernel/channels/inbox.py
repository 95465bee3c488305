"""What waits for one frontend in the kernel's process: in order, merged, and bounded.

While a cell blocks the kernel's thread nobody reads this. What is kept is bounded (`BYTE_BUDGET`):
beyond it the oldest text is dropped, and one notice stands in its place.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qtkernel.protocol import DELIMITER, Channel
from qtkernel.protocol.encode import from_json

BYTE_BUDGET = 16 << 20
"""Bytes that may wait for a frontend; a console keeps far less than that of text."""

MERGED_TEXT = 1 << 18
"""Characters of one request's output that are handed over as one message, at most."""

_NOTICE = (
    "[qtkernel] Output came faster than it could be shown while the application was busy: "
    "some of it was dropped here.\n"
)

Frames = Sequence[Any]


class Inbox:
    """A queue of messages. Any thread may put, the frontend's own takes.

    A signal handler may take in the midst of anything on that thread. So the lock is reentrant,
    and every state in between is one that `take` can live with.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._lock = threading.RLock()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, channel: Channel, msg_type: str, frames: Frames) -> None:
        """Add a message."""
        # copied: whose buffer it is may go on writing into it before it is handed over
        kept = [bytes(frame) for frame in frames]
        waiting = _Waiting(channel, msg_type == "stream", kept, sum(map(len, kept)))
        with self._lock:
            self._waiting.append(waiting)
            self._size += waiting.size
            if self._size > BYTE_BUDGET:
                self._drop_oldest_text()

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()

    def take(self) -> tuple[Channel, dict[str, Any]] | None:
        """The next message, None if there is none; text of one request is merged."""
        with self._lock:
            if not self._waiting:
                return None
            first = self._pop()
            message = first.as_dict()
            if first.is_stream:
                self._merge_following(message)
            return first.channel, message

    def _pop(self) -> _Waiting:
        waiting = self._waiting.popleft()
        self._size -= waiting.size
        return waiting

    def _merge_following(self, message: dict[str, Any]) -> None:
        content, parent = message["content"], message["parent_header"]
        texts, length = [content["text"]], 0
        while self._waiting and self._waiting[0].is_stream and length < MERGED_TEXT:
            following = self._waiting[0].as_dict()
            if (
                following["content"]["name"] != content["name"]
                or following["parent_header"] != parent
                or following["metadata"] != message["metadata"]
            ):
                break
            self._pop()
            texts.append(following["content"]["text"])
            length += len(texts[-1])
        content["text"] = "".join(texts)

    def _drop_oldest_text(self) -> None:
        kept: list[_Waiting] = []
        dropped = False
        try:
            while self._waiting and self._size > BYTE_BUDGET // 2:
                each = self._pop()
                if not each.is_stream and not isinstance(each, _Notice):
                    kept.append(each)
                elif not dropped:
                    dropped = True
                    kept.append(each.notice())
        finally:
            self._size += sum(each.size for each in kept)
            self._waiting.extendleft(reversed(kept))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that has not been handed over."""

    channel: Channel
    is_stream: bool
    frames: Frames
    size: int
    """Bytes."""

    def as_dict(self) -> dict[str, Any]:
        """The message as jupyter_client's Session has it; its dates are still text."""
        start = self.frames.index(DELIMITER) + 2
        names = ("header", "parent_header", "metadata", "content")
        parts = zip(names, self.frames[start : start + len(names)], strict=True)
        message: dict[str, Any] = {name: from_json(part) for name, part in parts}
        message["msg_id"] = message["header"]["msg_id"]
        message["msg_type"] = message["header"]["msg_type"]
        message["buffers"] = [memoryview(part) for part in self.frames[start + len(names) :]]
        return message

    def notice(self) -> _Waiting:
        """What stands in the place of this text, and of more, that has been dropped."""
        return _Notice(self.channel, False, self.frames, len(_NOTICE))


class _Notice(_Waiting):
    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        message = _Waiting.as_dict(self)
        message["content"] = {"name": "stderr", "text": _NOTICE}
        return message
