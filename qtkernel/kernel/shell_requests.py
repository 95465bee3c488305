"""The handlers of the shell channel, each under the name of its message type.

They run on the kernel's own thread, where the interpreter lives.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from qtkernel.interpreter import (
    ErrorInfo,
    ExecuteResult,
    HistoryQuery,
    Interpreter,
    StdinNotAllowed,
)
from qtkernel.kernel.events import EventName, Events, Executed
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.kernel import Kernel
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request
from qtkernel.kernel.stdin import Blocked, Stdin, not_told
from qtkernel.kernel.thread_interrupt import ThreadInterrupter
from qtkernel.protocol import Message, contents

Reply = Mapping[str, Any]

_getpid = os.getpid
_exit = os._exit


class ShellRequests:
    """Everything that an interpreter is asked for.

    `kernel` is set when both exist: the handlers tell it when a cell begins and ends.
    """

    kernel: Kernel

    def __init__(
        self,
        interpreter: Interpreter,
        publisher: Publisher,
        interrupter: Interrupter | ThreadInterrupter,
        stdin: Stdin,
    ) -> None:
        self._interpreter = interpreter
        self._publisher = publisher
        self._interrupter = interrupter
        self._stdin = stdin
        self._pid = _getpid()
        self._cells: list[tuple[Message, bool]] = []
        self.events = Events()
        self.blocked: Blocked = not_told
        """Put around a wait that blocks the thread of a subshell; see `Stdin.read`."""
        self.is_gone: Callable[[str], bool] = lambda _session: False
        """Whether the frontend of this session id has gone away."""

    # Execution

    async def execute_request(self, request: Request, content: contents.ExecuteRequest) -> Reply:
        """Messaging document, "Execute"."""
        self.kernel.executing += 1
        if self.kernel.executing == 1:
            self._tell("busy")
        try:
            try:
                result = await self._execute(request, content)
            finally:
                self.kernel.executing -= 1
            failed = result.error is not None
            session = request.message.header.session
            self.kernel.execution_ended(
                failed and content.stop_on_error and not content.silent,
                # nobody else is to suffer from a frontend that has died in the middle of input()
                only=session if self.is_gone(session) else None,
            )
            if self.events.wanted("executed"):
                self._tell("executed", _executed(request, content, result))
        finally:
            if not self.kernel.executing:
                self._tell("idle")
        reply: dict[str, Any] = {
            "status": "error" if failed else "ok",
            # of the last cell that counts, this one or one before: frontends show one more than
            # that at their next prompt, and qtconsole asks for it with a silent cell
            "execution_count": min(result.execution_count, self._interpreter.execution_count - 1),
            "user_expressions": result.user_expressions,
            "payload": result.payload,
        }
        if result.error is not None:
            reply |= asdict(result.error)
        return reply

    def _tell(self, event: EventName, *arguments: Any) -> None:
        if self.events.wanted(event):
            # the application's own code: what it prints is not the cell's
            with self._publisher.request(None):
                self.events.emit(event, *arguments)

    @contextlib.contextmanager
    def interruptible(self, request: Request) -> Iterator[None]:
        """Around a request. From before anything is said of a cell an interrupt is for it.

        A frontend that has seen its busy may interrupt it (measured with the execute_input that
        comes after: with two busy cores that request was there first).
        """
        if request.msg_type != "execute_request" or request.aborted:
            yield
            return
        self._interrupter.begin()
        try:
            yield
        finally:
            self._interrupter.end()  # of a cell that never ran; else it has ended before its reply

    async def _execute(self, request: Request, content: contents.ExecuteRequest) -> ExecuteResult:
        cell = (request.message, content.allow_stdin)
        self._publisher.attribution.remember(request.message)
        self._cells.append(cell)
        pending = False
        result: ExecuteResult | None = None
        try:
            count = self._interpreter.begin_cell(content.stores_history)
            if not content.silent:
                self._publish_input(request, content.code, count)
            result = await self._interpreter.execute(
                content.code,
                silent=content.silent,
                store_history=content.stores_history,
                user_expressions=content.user_expressions,
                cell_id=request.message.metadata.get("cellId"),
            )
        finally:
            if _getpid() != self._pid:
                _end_child(result)
            pending = self._interrupter.end()
            self._cells.remove(cell)
        if pending and result.error is None:
            # it came while the cell was where it must not be raised, and the cell is over now
            error = ErrorInfo("KeyboardInterrupt", "", ["KeyboardInterrupt"])
            self._publisher.publish("error", asdict(error), parent=request.message)
            return ExecuteResult(result.execution_count, error, {}, result.payload)
        return result

    def _publish_input(self, request: Request, code: str, count: int) -> None:
        content = {"code": code, "execution_count": count}
        self._publisher.publish("execute_input", content, parent=request.message)

    def describe_error(self, request: Request) -> Reply:
        """What an execute_reply has besides its error, when the cell itself never ran."""
        if request.msg_type != "execute_request":
            return {}
        return {
            "execution_count": self._interpreter.execution_count,
            "user_expressions": {},
            "payload": [],
        }

    def read_input(self, prompt: str, password: bool) -> str:
        """Ask the frontend of the running cell for a line; see `Stdin.read`.

        Raises:
            StdinNotAllowed: the frontend said that it cannot answer.
        """
        __tracebackhide__ = True
        current = self._publisher.current()
        for message, allowed in reversed(self._cells):
            if current is None or message is current:
                if not allowed:
                    break
                # what the cell has printed: jupyter console shows no more once it has been asked
                self._publisher.settle()
                return self._stdin.read(message, prompt, password, self.blocked)
        raise StdinNotAllowed

    # Introspection

    async def complete_request(self, _request: Request, content: contents.CompleteRequest) -> Reply:
        """Messaging document, "Completion"."""
        cursor_pos = _position(content.code, content.cursor_pos)
        completion = self._interpreter.complete(content.code, cursor_pos)
        return {
            "status": "ok",
            "matches": completion.matches,
            "cursor_start": completion.cursor_start,
            "cursor_end": completion.cursor_end,
            "metadata": completion.metadata,
        }

    async def inspect_request(self, _request: Request, content: contents.InspectRequest) -> Reply:
        """Messaging document, "Introspection"."""
        inspection = self._interpreter.inspect(
            content.code,
            _position(content.code, content.cursor_pos),
            content.detail_level,
            content.omit_sections,
        )
        return {
            "status": "ok",
            "found": inspection.found,
            "data": inspection.data,
            "metadata": inspection.metadata,
        }

    async def is_complete_request(
        self, _request: Request, content: contents.IsCompleteRequest
    ) -> Reply:
        """Messaging document, "Code completeness"."""
        completeness = self._interpreter.is_complete(content.code)
        if completeness.status == "incomplete":
            return {"status": "incomplete", "indent": completeness.indent}
        return {"status": completeness.status}

    async def history_request(self, _request: Request, content: contents.HistoryRequest) -> Reply:
        """Messaging document, "History"."""
        query = HistoryQuery(
            access=content.hist_access_type,
            output=content.output,
            raw=content.raw,
            session=content.session,
            start=content.start,
            stop=content.stop,
            n=content.n,
            pattern=content.pattern or "*",
            unique=content.unique,
        )
        return {"status": "ok", "history": self._interpreter.history(query)}

    async def object_info_request(
        self, _request: Request, content: contents.ObjectInfoRequest
    ) -> Reply:
        """What inspect_request was called up to protocol 4."""
        info = self._interpreter.object_info(content.oname, content.detail_level)
        return {"status": "ok", **info}


def _position(code: str, cursor_pos: int | None) -> int:
    return len(code) if cursor_pos is None else min(cursor_pos, len(code))


def _executed(
    request: Request, content: contents.ExecuteRequest, result: ExecuteResult
) -> Executed:
    error = result.error
    return Executed(
        code=content.code,
        execution_count=result.execution_count,
        status="ok" if error is None else "error",
        ename=None if error is None else error.ename,
        evalue=None if error is None else error.evalue,
        session=request.message.header.session,
        silent=content.silent,
    )


def _end_child(result: ExecuteResult | None) -> None:
    """End a forked child that has come to the end of its cell.

    It must not answer, nor fall through into the host's event loop: it would run the application
    a second time.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # there may be none, or a cell's own
            stream.flush()
    _exit(_exit_code(result.error if result is not None else None))


def _exit_code(error: ErrorInfo | None) -> int:
    """What Python itself would end with; see ``sys.exit``."""
    if error is None:
        return 0
    if error.ename != "SystemExit":
        return 1
    if error.evalue in ("", "None"):
        return 0
    return int(error.evalue) & 0xFF if error.evalue.isdecimal() else 1
