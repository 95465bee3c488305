"""Where every thread of the process is right now: ``stack_request``, a message of our own.

An application whose GUI thread hangs answers nothing on the shell channel. The control thread
still does, and this tells what it waits for.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Mapping
from types import FrameType
from typing import Any

from qtkernel.kernel.queue import Request
from qtkernel.protocol import contents


class StackRequests:
    """The handler. Made on the kernel's own thread, which it lists first."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    async def stack_request(
        self, _request: Request, _content: contents.StackRequest
    ) -> Mapping[str, Any]:
        """Answered by a list ``threads``, each with `name`, `ident`, `kernel` and `stack`.

        `kernel` is True for the thread that runs cells; `stack` is a list of lines as in a
        traceback, the innermost call last.
        """
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        frames = sorted(sys._current_frames().items(), key=lambda item: item[0] != self._thread)
        return {
            "status": "ok",
            "threads": [
                {
                    # one that Python has not started, such as a QThread, has no name here
                    "name": names.get(ident, f"thread {ident}"),
                    "ident": ident,
                    "kernel": ident == self._thread,
                    "stack": _lines(frame),
                }
                for ident, frame in frames
            ],
        }


def _lines(frame: FrameType) -> list[str]:
    return [line for entry in traceback.format_stack(frame) for line in entry.splitlines()]
