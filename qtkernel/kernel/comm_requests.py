"""The handlers of comm messages, on the shell channel. They run on the kernel's own thread.

All but comm_info_request are one-way: there is no reply to them in the protocol. They are answered
with busy and idle all the same, and output of their handlers belongs to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtkernel.interpreter import Interpreter
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.queue import Request
from qtkernel.protocol import contents

Reply = Mapping[str, Any]
_Comm = contents.CommOpen | contents.CommMsg | contents.CommClose


class CommRequests:
    """Comm messages, handed over to the interpreter."""

    def __init__(self, interpreter: Interpreter, interrupter: Interrupter) -> None:
        self._interpreter = interpreter
        self._interrupter = interrupter

    async def comm_info_request(
        self, _request: Request, content: contents.CommInfoRequest
    ) -> Reply:
        """Messaging document, "Comm info"."""
        names = self._interpreter.comms(content.target_name)
        comms = {comm_id: {"target_name": name} for comm_id, name in names.items()}
        return {"status": "ok", "comms": comms}

    async def comm_open(self, request: Request, content: contents.CommOpen) -> None:
        """Messaging document, "Opening a Comm": an unknown target is closed at once."""
        self._handle(request, content)

    async def comm_msg(self, request: Request, content: contents.CommMsg) -> None:
        """Messaging document, "Comm Messages"; one to a comm that is not there is ignored."""
        self._handle(request, content)

    async def comm_close(self, request: Request, content: contents.CommClose) -> None:
        """Messaging document, "Tearing Down Comms"; see `comm_msg`."""
        self._handle(request, content)

    def _handle(self, request: Request, content: _Comm) -> None:
        message = request.message.to_dict()
        # it may be missing, or null, and handlers do not expect that
        message["content"]["data"] = content.data
        with self._interrupter.span():
            self._interpreter.comm_message(message)
