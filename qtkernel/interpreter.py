"""The wall between the wire and the language.

The kernel (messages, queues, replies) stands on one side, the shell (IPython) on the other. What
crosses is plain data: neither side can reach into the other, so each is tested with a fake of
the other. The shapes follow the messaging document, "Messages on the shell ROUTER/DEALER
channel".

`Interpreter.execute` is a coroutine function, but no event loop is implied. The kernel steps the
coroutine by hand: a synchronous cell ends at the first step, a cell that awaits suspends on a
`Pending` and is stepped again when that is resolved.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

MimeBundle = Mapping[str, Any]


class Pending:
    """What a suspended execution waits for. Resolved once, on the kernel's own thread."""

    def __init__(self) -> None:
        self._resolved = False
        self._callback: Callable[[], object] | None = None

    def __await__(self) -> Generator[Pending, None, None]:
        if not self._resolved:
            yield self

    def on_resolved(self, callback: Callable[[], object]) -> None:
        """Call `callback` when resolved: at once if that has happened already."""
        if self._resolved:
            callback()
        else:
            self._callback = callback

    def resolve(self) -> None:
        """Let the execution go on. Harmless the second time."""
        if not self._resolved:
            self._resolved = True
            callback, self._callback = self._callback, None
            if callback is not None:
                callback()


class Stepped(Awaitable[T]):
    """Awaits a coroutine with a hand on each of its steps.

    Args:
        coroutine: what is awaited.
        around: makes a context manager that is entered for each step, and left while it waits.
        translate: changes what is thrown into the coroutine at its await.
        context: what each step runs in; by default whatever context there is.
    """

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        *,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
        translate: Callable[[BaseException], BaseException] = lambda error: error,
        context: Context | None = None,
    ) -> None:
        self._coroutine = coroutine
        self._around = around
        self._translate = translate
        self._run: Callable[..., Any] = _call if context is None else context.run

    @property
    def running(self) -> bool:
        """Whether a step of it is on the stack: it has opened a nested event loop."""
        return bool(getattr(self._coroutine, "cr_running", False))

    def throw(self, error: BaseException) -> Any:
        """Raise `error` where the coroutine waits, out of turn.

        Raises:
            StopIteration: it has ended; `value` is its result.
            BaseException: whatever it has ended with.
        """
        with self._around():
            return self._run(self._coroutine.throw, error)

    def __await__(self) -> Generator[Any, Any, T]:
        __tracebackhide__ = True  # IPython leaves such frames out of a cell's traceback
        step, argument = self._coroutine.send, None
        while True:
            try:
                with self._around():
                    awaited = self._run(step, argument)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                step, argument = self._coroutine.send, (yield awaited)
            except BaseException as error:
                step, argument = self._coroutine.throw, self._translate(error)


def _call(function: Callable[[Any], T], argument: Any) -> T:
    __tracebackhide__ = True
    return function(argument)


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An exception as the messaging document writes it ("Request-Reply", "status: error")."""

    ename: str
    evalue: str
    traceback: list[str]


@dataclass(frozen=True, slots=True)
class ExecuteResult:
    """The outcome of one cell. `error` is None when it ran to its end."""

    execution_count: int
    error: ErrorInfo | None = None
    user_expressions: Mapping[str, Any] = field(default_factory=dict)
    payload: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """Matches for the code points `cursor_start` to `cursor_end` of the whole cell."""

    matches: Sequence[str]
    cursor_start: int
    cursor_end: int
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inspection:
    """Documentation of an object; `data` is empty when `found` is False."""

    found: bool
    data: MimeBundle = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completeness:
    """`status` is complete, incomplete, invalid or unknown; `indent` only with incomplete."""

    status: str
    indent: str = ""


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A history_request: `access` is tail, range or search, the other fields as it needs them."""

    access: str
    output: bool = False
    raw: bool = True
    session: int = 0
    start: int = 1
    stop: int | None = None
    n: int | None = None
    pattern: str = "*"
    unique: bool = False


@dataclass(frozen=True, slots=True)
class LanguageInfo:
    """What kernel_info_reply tells of the language behind the wall."""

    implementation: str
    implementation_version: str
    banner: str
    language_info: Mapping[str, Any]
    help_links: Sequence[Mapping[str, str]]


class Interpreter(Protocol):
    """The language, as the kernel sees it, on one thread: the kernel's own, or a subshell's."""

    @property
    def execution_count(self) -> int:
        """The number that the next stored cell will get."""

    def language_info(self) -> LanguageInfo:
        """Name, version and banner of the language."""

    def begin_cell(self, stores_history: bool) -> int:
        """A cell is about to be executed; its number, which no other stored cell gets."""

    async def execute(
        self,
        code: str,
        *,
        silent: bool,
        store_history: bool,
        user_expressions: Mapping[str, str],
        cell_id: str | None,
    ) -> ExecuteResult:
        """Run a cell; an exception of the cell is part of the result and never raised."""

    def complete(self, code: str, cursor_pos: int) -> Completion:
        """Complete at `cursor_pos`, in code points."""

    def inspect(
        self, code: str, cursor_pos: int, detail_level: int, omit_sections: Sequence[str]
    ) -> Inspection:
        """Describe the object at `cursor_pos`, in code points."""

    def is_complete(self, code: str) -> Completeness:
        """Say whether `code` can be run as it stands."""

    def history(self, query: HistoryQuery) -> list[Any]:
        """Rows ``(session, line, input)`` or ``(session, line, (input, output))``, oldest first."""

    def object_info(self, oname: str, detail_level: int) -> Mapping[str, Any]:
        """Describe a name, in the shape of protocol 4's object_info_reply."""

    def comm_message(self, message: Mapping[str, Any]) -> None:
        """Take a comm_open, comm_msg or comm_close; what its handler raises is shown, not raised.

        Args:
            message: in the shape of the messaging document's "General Message Format".
        """

    def comms(self, target_name: str | None) -> Mapping[str, str]:
        """The target name of each open comm, by comm_id; only those of `target_name` if given."""

    def reset(self) -> None:
        """Drop what cells put into the namespace; what the host put there stays."""


# What the shell is given, for the code of a cell


class StdinNotAllowed(Exception):
    """The frontend that asked for the cell cannot answer an input_request."""


class IOPub(Protocol):
    """Where output goes. Thread-safe; nothing here blocks."""

    def current(self) -> Any | None:
        """The request under which output made here and now belongs, or None."""

    def parent_message(self) -> dict[str, Any]:
        """The current request as Python objects, in its "General Message Format"; or empty."""

    def adopt(self, message: Mapping[str, Any]) -> None:
        """Let output made from here on, on this thread, belong to a request.

        Args:
            message: what `parent_message` has returned, here or elsewhere.
        """

    @property
    def host(self) -> Any | None:
        """The `parent` of what the host writes, or None while frontends do not get that."""

    def claim_code(self, code: CodeType) -> None:
        """Note that what is defined in `code` belongs to the current request, whoever calls it."""

    def claim_thread(self, thread: threading.Thread) -> None:
        """Note that what `thread` does belongs to the current request."""

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, such that what it does, in any thread, belongs to the current request."""

    def publish(
        self,
        msg_type: str,
        content: object,
        *,
        parent: Any | None = None,
        metadata: Mapping[str, Any] | None = None,
        buffers: Sequence[Any] = (),
    ) -> None:
        """Send a message to all frontends; `parent` is what `current` returned, then or now."""


class Interruption(Protocol):
    """How the code of a cell is run so that it can be interrupted."""

    def call(self, function: Callable[[], T]) -> T:
        """Run synchronous code of a cell; KeyboardInterrupt may be raised in it."""

    def drive(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Wrap an awaiting cell for a task; KeyboardInterrupt may be raised at its await."""

    def waiting(self, end_wait: Callable[[], object]) -> AbstractContextManager[None]:
        """While the cell waits: an interrupt calls `end_wait`."""

    @property
    def pending(self) -> bool:
        """Whether an interrupt has been asked for that the cell has not seen."""


class Wait:
    """Something that a cell waits for while the application lives on."""

    done = False
    interrupted = False


class Waiting(Protocol):
    """How code of a cell waits without stopping the application."""

    def can_wait(self) -> bool:
        """Whether this thread serves the application's event loop: else it may simply block."""

    @property
    def loop_name(self) -> str:
        """The name of the application's event loop, as of ``%gui``."""

    def until_done(self, wait: Wait, interrupt: Callable[[], object]) -> bool:
        """Serve the application's event loop until `wait.done`. Nests.

        Args:
            interrupt: called on this thread at an interrupt, and each second again until `done`.
                `wait.interrupted` is set before.

        Returns:
            False if the application has ended its event loop before.
        """

    def look(self) -> None:
        """Let `until_done` see that `done` has changed. From any thread."""


class Connection(Protocol):
    """How other frontends attach to this kernel. RuntimeError if it has no sockets."""

    @property
    def connection_file(self) -> Path:
        """Where its connection file is."""

    @property
    def attach_command(self) -> str:
        """The line that attaches a console from a terminal."""


ReadInput = Callable[[str, bool], str]
"""Asks the frontend for a line: prompt, and whether it is a password.

Raises StdinNotAllowed, EOFError or KeyboardInterrupt.
"""


# Debugging: the language's own debugger, as the kernel sees it


OWN_REFERENCES = 1 << 30
"""From here on a variablesReference is the kernel's own; the adapter counts from 1."""


class DebuggerUnavailable(Exception):
    """Nothing can be debugged here and now; says why, and what to do."""


class DebugAdapter(Protocol):
    """What debugs cells, and speaks the Debug Adapter Protocol on a socket.

    Every method is called on the control thread, but for those under "The namespace".
    """

    @property
    def available(self) -> bool:
        """Whether there is a debugger at all. Asking does not import it."""

    def connect(self) -> socket.socket:
        """Begin: trace all threads but the kernel's own; returns the client's end.

        Raises:
            DebuggerUnavailable: another debugger is at work in this process, say.
        """

    def disconnect(self) -> None:
        """Give everything back, the client's end being closed. Idempotent."""

    def attach_arguments(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of an attach request for the adapter, made of a frontend's."""

    def visible_frames(self, frames: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The frames of a stackTrace without what runs cells: the kernel's and IPython's own."""

    def visible_variables(self, variables: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Variables without those that IPython keeps in the namespace."""

    # The files of cells

    def cell_files(self) -> Mapping[str, Any]:
        """How they are named: hashMethod, hashSeed, tmpFilePrefix and tmpFileSuffix."""

    def dump_cell(self, code: str) -> str:
        """Write a cell's file; its path. OSError: it cannot be written."""

    def source(self, path: str) -> str | None:
        """The source at `path`: a file's, or a cell's that has none; None if there is neither."""

    def modules(self) -> list[Mapping[str, Any]]:
        """The modules with source: id, name and path."""

    # Expressions for a frame that is stopped

    def rich_expression(self, expression: str) -> str:
        """What has to be evaluated for the mime bundle of a simple expression.

        Raises:
            ValueError: it is not simple: it could have effects.
        """

    def read_rich(self, result: str) -> tuple[MimeBundle, Mapping[str, Any]]:
        """The mime bundle, and its metadata, in the result of that."""

    def copy_expression(self, source: str, destination: str) -> str:
        """What has to be evaluated to make `source` a name of the namespace.

        Raises:
            ValueError: one of them is not a name.
        """

    # The namespace: on the kernel's own thread, or while that is stopped

    def variables(self, reference: int | None, start: int, count: int) -> list[Mapping[str, Any]]:
        """The names of the namespace (None), or what is inside of an object among them.

        `count` 0 is all. LookupError: there is no such reference.
        """

    def evaluate(self, expression: str) -> Mapping[str, Any]:
        """Run something in the namespace: result, type and variablesReference.

        Raises whatever it raises.
        """

    def rich(self, expression: str) -> tuple[MimeBundle, Mapping[str, Any]]:
        """The mime bundle, and its metadata, of a simple expression.

        Raises:
            ValueError: it is not simple.
        """
