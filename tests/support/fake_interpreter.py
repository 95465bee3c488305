"""An Interpreter without a language: each cell does what its test has written for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qtkernel.interpreter import (
    Completeness,
    Completion,
    ErrorInfo,
    ExecuteResult,
    HistoryQuery,
    Inspection,
    Interruption,
    LanguageInfo,
    Pending,
)

Cell = Callable[[], Any]


@dataclass(frozen=True)
class Call:
    """The arguments of one `execute`."""

    code: str
    silent: bool
    store_history: bool
    user_expressions: Mapping[str, str]
    cell_id: str | None


class FakeInterpreter:
    """Implements `qtkernel.interpreter.Interpreter`.

    `cells` has a function, or a coroutine function, for each code; any other code does nothing. A
    cell may return an ExecuteResult. What it raises is its error, as the wall demands.
    """

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self.execution_count = 1
        self.cells: dict[str, Cell] = {}
        self.calls: list[Call] = []
        self.ran: list[str] = []
        self.queries: list[Any] = []
        self.resets = 0
        self.failure: BaseException | None = None
        self.on_comm_message: Callable[[], object] = lambda: None

    def cell(self, code: str) -> Callable[[Cell], Cell]:
        """Decorates what the cell `code` does."""

        def register(function: Cell) -> Cell:
            self.cells[code] = function
            return function

        return register

    def language_info(self) -> LanguageInfo:
        return LanguageInfo(
            "fake", "1.0", "A fake", {"name": "fakish", "version": "7"}, [{"text": "a", "url": "b"}]
        )

    def begin_cell(self, stores_history: bool) -> int:  # noqa: ARG002
        return self.execution_count

    async def execute(
        self,
        code: str,
        *,
        silent: bool,
        store_history: bool,
        user_expressions: Mapping[str, str],
        cell_id: str | None,
    ) -> ExecuteResult:
        self.calls.append(Call(code, silent, store_history, user_expressions, cell_id))
        count = self.execution_count
        result = ExecuteResult(count)
        try:
            result = await self._run(code) or result
        except BaseException as error:
            result = ExecuteResult(count, error_info(error))
        self.ran.append(code)
        if store_history:
            self.execution_count += 1
        return replace(result, execution_count=count)

    async def _run(self, code: str) -> Any:
        function = self.cells.get(code)
        if function is None:
            return None
        result = self._interruption.call(function)
        if inspect.isawaitable(result):
            result = await result
        return result if isinstance(result, ExecuteResult) else None

    def _ask(self, what: Any) -> None:
        self.queries.append(what)
        if self.failure is not None:
            raise self.failure

    def complete(self, code: str, cursor_pos: int) -> Completion:
        self._ask((code, cursor_pos))
        return Completion(["match"], 0, cursor_pos, {"kind": "fake"})

    def inspect(
        self, code: str, cursor_pos: int, detail_level: int, omit_sections: Sequence[str]
    ) -> Inspection:
        self._ask((code, cursor_pos, detail_level, list(omit_sections)))
        return Inspection(found=True, data={"text/plain": "text"})

    def is_complete(self, code: str) -> Completeness:
        self._ask(code)
        return Completeness("incomplete" if code.endswith(":") else "complete", "    ")

    def history(self, query: HistoryQuery) -> list[Any]:
        self._ask(query)
        return [(1, 1, "a"), (1, 2, "b")]

    def object_info(self, oname: str, detail_level: int) -> Mapping[str, Any]:
        self._ask((oname, detail_level))
        return {"oname": oname, "found": True}

    def comm_message(self, message: Mapping[str, Any]) -> None:
        self._ask(message)
        self._interruption.call(self.on_comm_message)

    def comms(self, target_name: str | None) -> Mapping[str, str]:
        self._ask(target_name)
        return {"c1": target_name or "any"}

    def reset(self) -> None:
        self.resets += 1


class Await:
    """A cell's await, under the test's control: `done` lets it go on."""

    def __init__(self) -> None:
        self._pending = Pending()

    async def __call__(self) -> None:
        await self._pending

    def done(self) -> None:
        """Let the cell that waits go on."""
        self._pending.resolve()


def error_info(error: BaseException) -> ErrorInfo:
    """An error as it crosses the wall."""
    return ErrorInfo(type(error).__name__, str(error), [repr(error)])
