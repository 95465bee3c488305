"""input() and getpass() in a cell: a question to the frontend that asked for the cell.

The question goes to the full routing prefix of the request (a scheduler in between adds frames),
and the answer is awaited in a nested run of the kernel's own event loop: the application stays
alive, other requests are answered, and an interrupt ends the wait.

Messaging document, "Messages on the stdin (ROUTER/DEALER) channel".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from qtkernel.interpreter import Wait
from qtkernel.kernel.nested import NestedWaits
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import Message, ProtocolError, Session, contents

CONNECT_PATIENCE = 5.0
"""Seconds that a frontend has to connect its stdin channel (or to come back)."""

_RETRY = 0.1


Blocked = Callable[[Callable[[], object]], AbstractContextManager[None]]


def not_told(_interrupt: Callable[[], object]) -> AbstractContextManager[None]:
    """A `Blocked` that no interrupt ends."""
    return nullcontext()


class StdinClosed(EOFError):
    """The frontend that should answer is not there (any more)."""


class Stdin:
    """Asks for a line of input. `read` may be called from any thread of a cell.

    Args:
        send: sends frames on the stdin channel; raises LookupError when the frontend is not
            connected to it.
    """

    def __init__(
        self,
        session: Session,
        waits: NestedWaits,
        loop: Callable[[], EventLoop],
        send: Callable[[Sequence[Any]], object],
    ) -> None:
        self._session = session
        self._waits = waits
        self._loop = loop
        self._send = send
        self._questions: list[_Question] = []
        self.drain: Callable[[], object] = lambda: None
        """Reads what has arrived on the channel; set by whoever owns the socket."""
        self._closed = False

    def receive(self, message: Message, problem: ProtocolError | None = None) -> None:
        """Take an input_reply; one that answers no open question is dropped as stale."""
        if problem is not None or message.header.msg_type != "input_reply":
            return
        for question in reversed(self._questions):
            if question.is_answered_by(message):
                question.answer(message)
                return

    def read(
        self, request: Message, prompt: str, password: bool, blocked: Blocked = not_told
    ) -> str:
        """Ask the frontend behind `request` and wait for its answer.

        Args:
            blocked: put around a wait that blocks the thread; an interrupt calls what it is given.

        Raises:
            EOFError: the user ended the input, or the frontend is gone.
            KeyboardInterrupt: the wait was interrupted.
        """
        __tracebackhide__ = True
        question = _Question(request, self._frames(request, prompt, password))
        if not self._waits.can_wait():
            return self._read_from_thread(question, blocked)
        question.on_done = self._waits.look
        self.drain()  # what has arrived until now answers nothing that is asked from now on
        self._open(question)
        try:
            self._ask(question, CONNECT_PATIENCE)
            if not self._waits.until_done(question, question.interrupt):
                reason = "the application ended its event loop while input() waited"
                question.fail(StdinClosed(reason))
        finally:
            self._questions.remove(question)
            question.forget()
        return question.result()

    def close(self) -> None:
        """End every open question: the channel closes. Whoever asks from now on is told so."""
        self._closed = True
        for question in list(self._questions):
            question.fail(_kernel_closed())

    def frontend_gone(self, session: str) -> None:
        """End the questions to a frontend that cannot answer any more."""
        for question in list(self._questions):
            if question.request.header.session == session:
                question.fail(StdinClosed("the frontend is gone that was asked by input()"))

    def _open(self, question: _Question) -> None:
        # first the one, then the other: `close` on another thread does them the other way round
        self._questions.append(question)
        if self._closed:
            question.fail(_kernel_closed())

    def _frames(self, request: Message, prompt: str, password: bool) -> Sequence[Any]:
        return self._session.pack(
            "input_request",
            {"prompt": prompt, "password": password},
            parent_header=request.header_bytes,
            identities=request.identities,
        )

    def _ask(self, question: _Question, patience: float) -> None:
        if question.done:
            return
        try:
            self._send(question.frames)
        except LookupError:
            if patience <= 0:
                question.fail(
                    StdinClosed("input(): the frontend that ran this cell has no stdin channel")
                )
                return
            question.retry = self._loop().call_later(
                _RETRY, lambda: self._ask(question, patience - _RETRY)
            )

    def _read_from_thread(self, question: _Question, blocked: Blocked) -> str:
        answered = threading.Event()
        question.on_done = answered.set
        # before anything is posted: the loop may be closed before it has run that
        self._open(question)
        try:
            self._loop().call_soon_threadsafe(lambda: self._ask(question, CONNECT_PATIENCE))
            with blocked(question.interrupt):
                answered.wait()
        finally:
            self._questions.remove(question)
        return question.result()


def _kernel_closed() -> StdinClosed:
    return StdinClosed("the kernel was closed while input() waited")


class _Question(Wait):
    """One input_request and what became of it."""

    def __init__(self, request: Message, frames: Sequence[Any]) -> None:
        self.request = request
        self.frames = frames
        self.on_done: Callable[[], object] = lambda: None
        self.retry: Any = None
        self._value = ""
        self._error: BaseException | None = None

    def is_answered_by(self, message: Message) -> bool:
        # Only the frontend that was asked. jupyter_client's replies carry no usable
        # parent_header, so the routing id is what tells.
        return not self.done and message.identities == self.request.identities

    def answer(self, message: Message) -> None:
        try:
            reply = contents.decode("input_reply", message.content_bytes)
        except ProtocolError as error:
            self.fail(EOFError(f"the frontend's input_reply is not valid: {error}"))
            return
        assert isinstance(reply, contents.InputReply)
        if reply.status == "error" or reply.value == "\x04":
            self.fail(EOFError("the input was ended by the frontend"))
            return
        self._value = reply.value
        self._finish()

    def fail(self, error: BaseException) -> None:
        if not self.done:
            self._error = error
            self._finish()

    def interrupt(self) -> None:
        self.fail(KeyboardInterrupt())

    def result(self) -> str:
        __tracebackhide__ = True
        if self._error is not None:
            raise self._error
        return self._value

    def forget(self) -> None:
        if self.retry is not None:
            self.retry.cancel()

    def _finish(self) -> None:
        self.done = True
        self.on_done()
