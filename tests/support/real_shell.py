"""The shell behind the wall, with lists in the place of messages and timers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import CodeType
from typing import Any, TypeVar

from qtkernel.interpreter import ExecuteResult, StdinNotAllowed, Wait
from qtkernel.loops.coroutines import GuestLoop
from qtkernel.loops.current import StepPolicy
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.shell.interpreter import ShellInterpreter
from qtkernel.shell.shell import ZMQInteractiveShell
from qtkernel.shell.streams import OutputBuffer, install_streams

T = TypeVar("T")
_parent: ContextVar[tuple[Published | None, Any]] = ContextVar("tests_parent", default=(None, None))


class Published:
    """An `IOPub` that keeps what is published: ``(msg_type, content)``, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []
        self.parents: list[Any] = []
        self.extras: list[tuple[Any, Sequence[Any]]] = []
        self.claimed: list[tuple[Any, Any]] = []
        self.captures_host = False

    def current(self) -> Any | None:
        whose, parent = _parent.get()
        return parent if whose is self else None

    def parent_message(self) -> dict[str, Any]:
        parent = self.current()
        return {} if parent is None else {"header": {"msg_id": parent, "msg_type": "test"}}

    def adopt(self, message: Mapping[str, Any]) -> None:
        _parent.set((self, message["header"]["msg_id"]))

    @property
    def host(self) -> str | None:
        return "host" if self.captures_host else None

    def claim_code(self, code: CodeType) -> None:
        self.claimed.append((self.current(), code))

    def claim_thread(self, thread: threading.Thread) -> None:
        self.claimed.append((self.current(), thread))

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        parent = self.current()
        self.claimed.append((parent, function))

        def run(*args: Any, **more: Any) -> Any:
            with self.request(parent):
                return function(*args, **more)

        return run

    @contextlib.contextmanager
    def request(self, parent: Any) -> Iterator[None]:
        """Code in here belongs to the request `parent`."""
        before = _parent.get()
        _parent.set((self, parent))
        try:
            yield
        finally:
            _parent.set(before)

    def publish(
        self,
        msg_type: str,
        content: object,
        *,
        parent: Any | None = None,
        metadata: Mapping[str, Any] | None = None,
        buffers: Sequence[Any] = (),
    ) -> None:
        self.extras.append((metadata, buffers))
        self.said.append((msg_type, content))
        self.parents.append(parent if parent is not None else self.current())

    def take(self) -> list[tuple[str, Any]]:
        """All that was published since the last time."""
        said, self.said = self.said, []
        return said

    def text(self, name: str = "stdout") -> str:
        """What a stream has been sent, since the last `take`."""
        return "".join(
            content["text"]
            for msg_type, content in self.said
            if msg_type == "stream" and content["name"] == name
        )


class PlainInterruption:
    """An `Interruption` that never comes."""

    def call(self, function: Callable[[], T]) -> T:
        return function()

    def drive(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        return coroutine

    def waiting(self, end_wait: Callable[[], object]) -> contextlib.nullcontext[None]:
        del end_wait
        return contextlib.nullcontext()


class LoopWaiting:
    """A `Waiting` on a loop of the test's own, for waits that do not nest."""

    def __init__(self, loop: HeadlessLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()

    def can_wait(self) -> bool:
        return threading.get_ident() == self._thread

    loop_name = "headless"

    def until_done(self, wait: Wait, interrupt: Callable[[], object]) -> bool:
        del interrupt
        while not wait.done:
            self._loop.run()
        return True

    def look(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


class RealShell:
    """A shell in `namespace`, and the interpreter over it."""

    def __init__(self, namespace: dict[str, Any] | None = None, **more: Any) -> None:
        self.namespace = {} if namespace is None else namespace
        self.iopub = Published()
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.output = OutputBuffer(
            self.iopub, lambda delay, callback: self.timers.append((delay, callback))
        )
        self.loop_errors: list[BaseException] = []
        self.loop = HeadlessLoop(self.loop_errors.append)
        self.guest = GuestLoop(self.loop)
        self.guest.put_around(lambda: self.shell.environment)
        self.switched: list[str] = []
        self.answers: list[str] = []
        self.questions: list[tuple[str, bool]] = []
        self.shell = ZMQInteractiveShell(
            user_ns=self.namespace,
            iopub=self.iopub,
            output=self.output,
            switch_loop=self._switch,
            waiting=LoopWaiting(self.loop),
            **more,
        )
        self.shell.environment.add(StepPolicy(lambda: self.guest.asyncio_loop).take)
        self.interpreter = ShellInterpreter(
            self.shell, PlainInterruption(), lambda: self.guest.asyncio_loop
        )
        self.interpreter.connect_input(self._read)
        self._undo: Callable[[], None] | None = None

    def _switch(self, name: str) -> None:
        if name == "nonsense":
            raise ValueError("no event loop 'nonsense'")
        self.switched.append(name)

    def _read(self, prompt: str, password: bool) -> str:
        if not self.answers:
            raise StdinNotAllowed
        self.questions.append((prompt, password))
        return self.answers.pop(0)

    def run(self, code: str, parent: Any = "cell", **more: Any) -> ExecuteResult:
        """Run a cell to its end, as the kernel does."""
        self.take_streams()
        arguments: dict[str, Any] = {
            "silent": False,
            "store_history": not more.get("silent", False),
            "user_expressions": {},
            "cell_id": None,
        } | more
        self.interpreter.begin_cell(arguments["store_history"] and not arguments["silent"])
        coroutine = self.interpreter.execute(code, **arguments)
        while True:
            with self.iopub.request(parent):
                try:
                    pending = coroutine.send(None)
                except StopIteration as stop:
                    self.output.flush()
                    result: ExecuteResult = stop.value
                    return result
            pending.on_resolved(lambda: self.loop.call_soon_threadsafe(self.loop.stop))
            self.loop.run()

    def take_streams(self) -> None:
        """Take stdout and stderr: in the test, since pytest exchanges them before it begins."""
        if self._undo is None:
            self._undo = install_streams(self.output, self.iopub)

    def give_streams_back(self) -> None:
        """Put stdout and stderr back."""
        if self._undo is not None:
            self._undo()
            self._undo = None

    def fine(self, code: str, **more: Any) -> ExecuteResult:
        """Run a cell that must not fail."""
        result = self.run(code, **more)
        assert result.error is None, result.error
        return result

    def close(self) -> None:
        """What the assembly does with these parts."""
        self.guest.close()
        self.give_streams_back()
        self.shell.close()
        self.loop.close()
        assert self.loop_errors == []
