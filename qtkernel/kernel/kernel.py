"""The request cycle: the one place where busy, the reply and idle are sent.

A handler takes a request and its typed content and returns the reply's content. It never sends.
Whatever it does, the client gets an answer: an exception becomes an error reply, wrong content
becomes an error reply that names the field, and an unknown type gets one too.

The cycle is a coroutine, stepped by hand. A handler that never awaits ends at the first step; one
that does (a cell with a top-level await) suspends on a `Pending` and is stepped again when that is
resolved, while the event loop goes on. That is how one piece of code serves both kinds of cell.
"""

from __future__ import annotations

import contextlib
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qtkernel.interpreter import Pending
from qtkernel.kernel.attribution import steps_request
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request, RequestQueue
from qtkernel.protocol import InvalidContent, Message, ProtocolError, Session, contents

Reply = Mapping[str, Any]
Handler = Callable[[Request, Any], Awaitable[Reply | None]]

DISPATCH_BUDGET = 0.005
"""Seconds that one turn may handle requests before the host's loop gets its own."""

_log = logging.getLogger("qtkernel.kernel")
_clock = time.perf_counter
_now = datetime.now


def _nothing_around(_request: Request) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


class RequestCycle:
    """Runs requests of one channel through the ritual of busy, reply, idle.

    Args:
        handlers: a coroutine function for each message type.
        flush: sends what the streams hold back; called before the reply.
        describe_error: makes the content of an error reply that must carry more than the error
            itself, such as execute_reply's execution_count.
        around: makes a context manager for a whole request, from before its busy to after its
            idle.
    """

    def __init__(
        self,
        session: Session,
        publisher: Publisher,
        handlers: Mapping[str, Handler],
        flush: Callable[[], object],
        describe_error: Callable[[Request], Reply] = lambda _request: {},
        around: Callable[[Request], contextlib.AbstractContextManager[None]] = _nothing_around,
    ) -> None:
        self._session = session
        self._publisher = publisher
        self._handlers = handlers
        self._flush = flush
        self._describe_error = describe_error
        self._around = around
        self.stepping = 0
        """Requests that are being handled on the stack right now, not counting parked ones."""

    def start(self, request: Request) -> None:
        """Handle a request, as far as it goes without waiting."""
        self._step(self._cycle(request), request.message)

    @steps_request
    def _step(self, cycle: Coroutine[Pending, None, None], message: Message) -> None:
        self.stepping += 1
        try:
            with self._publisher.request(message):
                pending = cycle.send(None)
        except StopIteration:
            return
        finally:
            self.stepping -= 1
        pending.on_resolved(lambda: self._step(cycle, message))

    async def _cycle(self, request: Request) -> None:
        message = request.message
        with self._around(request):
            self._publisher.status("busy", message)
            started = _now(UTC)
            try:
                reply = await self._handle(request)
                self._flush()
                if reply is not None:
                    if reply.get("status") == "error":
                        # jupyter console takes the idle of its interrupt for the cell's, and looks
                        # at IOPub once more when the reply is there: 1 of 10 overtook the error
                        self._publisher.settle()
                    self._reply(request, reply, started)
            finally:
                self._publisher.status("idle", message)

    async def _handle(self, request: Request) -> Reply | None:
        if request.aborted:
            return {**self._describe_error(request), "status": "aborted"}
        try:
            if request.problem is not None:
                raise request.problem
            handler = self._handlers.get(request.msg_type)
            if handler is None:
                return self._unknown(request)
            content = contents.decode(request.msg_type, request.message.content_bytes)
            return await handler(request, content)
        except ProtocolError as error:
            ename = "InvalidContent" if isinstance(error, InvalidContent) else type(error).__name__
            return {**self._describe_error(request), **error_content(ename, str(error))}
        except GeneratorExit:
            raise  # a parked request of a kernel that is gone
        except BaseException as error:
            with contextlib.suppress(Exception):  # a cell can have broken logging, or its clock
                _log.exception("the handler of %s failed", request.msg_type)
            lines = traceback.format_exception(error)
            return {
                **self._describe_error(request),
                **error_content(type(error).__name__, _text(error), lines),
            }

    def _unknown(self, request: Request) -> Reply | None:
        if request.msg_type.startswith("comm_") and not request.msg_type.endswith("_request"):
            return None  # a one-way message; there is no reply to it in the protocol
        known = ", ".join(sorted(self._handlers))
        text = f"{request.msg_type!r} is not a request that this channel serves; it serves {known}"
        return error_content("UnknownMessageType", text)

    def _reply(self, request: Request, content: Reply, started: datetime) -> None:
        msg_type = reply_type(request.msg_type)
        metadata: dict[str, Any] = {"started": started}
        if request.msg_type == "execute_request":
            metadata["dependencies_met"] = True  # ipyparallel's clients look for it
        if "status" in content:
            metadata["status"] = content["status"]
        frames = self._session.pack(
            msg_type,
            content,
            parent_header=request.message.header_bytes,
            metadata=metadata,
            identities=request.message.identities,
        )
        request.send(frames)


class Kernel:
    """What a kernel is to its shell channel: a queue of requests, dispatched by an event loop.

    Args:
        cycle: handles one request.
        call_soon: runs a callback on the kernel's event loop, soon; from any thread.
    """

    def __init__(
        self, cycle: RequestCycle, call_soon: Callable[[Callable[[], None]], None]
    ) -> None:
        self._cycle = cycle
        self._call_soon = call_soon
        self._queue = RequestQueue()
        self._posted = False
        self._dispatching = 0
        self._held = False
        self._closed = False
        self.executing = 0
        """Cells that have begun and not ended."""
        self.drain: Callable[[], object] = lambda: None
        """Reads what has arrived on the channel; set by whoever owns the socket."""

    @property
    def handling(self) -> bool:
        """Whether a request is being handled on the stack right now, however far below."""
        return self._cycle.stepping > 0

    def receive(self, request: Request) -> None:
        """Take a request that has been read; `dispatch` begins it when its turn comes."""
        self._queue.put(request)

    def dispatch(self) -> None:
        """Handle requests for `DISPATCH_BUDGET` seconds; what is left is posted to the loop."""
        deadline = _clock() + DISPATCH_BUDGET
        self._dispatching += 1
        try:
            while self._handle_next():
                if _clock() > deadline:
                    self._post_dispatch()
                    return
        except BaseException:
            # one reply could not be sent; those behind it still can
            self._post_dispatch()
            raise
        finally:
            self._dispatching -= 1

    def do_one_iteration(self) -> bool:
        """Read what has arrived and handle at most one request; False if there was none.

        For hosts that turn their own loop by hand, as with the kernels of IPython 0.13.
        """
        self.drain()
        return self._handle_next()

    def execution_ended(self, failed: bool, only: str | None = None) -> None:
        """A cell has ended: let the next one begin; after a failure abort those that are there.

        Args:
            only: abort those of this session id alone.
        """
        if failed:
            self.drain()
            self._queue.abort_executes(only)
        if len(self._queue) and not self._dispatching:
            # the cell had been parked: no dispatch is under way that would go on with the queue
            self._post_dispatch()

    def hold(self) -> None:
        """Begin nothing more on this event loop; `loop_changed` goes on."""
        self._held = True

    def loop_changed(self) -> None:
        """Go on, on another event loop: what was posted to the old one may never run."""
        self._held = False
        self._post_dispatch(again=True)

    def abort_all(self) -> None:
        """Answer every execute_request that waits with ``aborted`` and the rest as usual."""
        self._held = False
        self._queue.abort_executes()
        while self._handle_next():
            pass

    def frontend_gone(self, session: str) -> None:
        """Abort the cells of a frontend that is not there any more, but for one that runs."""
        self._queue.abort_executes(session)
        self._post_dispatch()

    def close(self) -> None:
        """Forget the queue and begin nothing more."""
        self._closed = True
        self._queue.clear()

    def _handle_next(self) -> bool:
        if self._closed or self._held:
            return False
        request = self._queue.take(executing=self.executing > 0)
        if request is None:
            return False
        self._cycle.start(request)
        return True

    def _post_dispatch(self, *, again: bool = False) -> None:
        if again or not self._posted:
            self._posted = True
            self._call_soon(self._posted_dispatch)

    def _posted_dispatch(self) -> None:
        self._posted = False
        self.dispatch()


def reply_type(msg_type: str) -> str:
    """``execute_request`` -> ``execute_reply``."""
    return msg_type.removesuffix("_request") + "_reply"


def error_content(ename: str, evalue: str, lines: Sequence[str] = ()) -> dict[str, Any]:
    """The content of an error reply. Messaging document, "Request-Reply"."""
    return {
        "status": "error",
        "ename": ename,
        "evalue": evalue,
        "traceback": list(lines) or [f"{ename}: {evalue}"],
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:
        # the class is the user's, or a library's: its words must not cost the reply
        return f"<{type(error).__name__} whose str() raised {type(failure).__name__}>"
