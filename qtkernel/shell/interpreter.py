"""The shell as the kernel's Interpreter: one method for each thing that a frontend can ask."""

from __future__ import annotations

import asyncio
import contextvars
import platform
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import IPython
from IPython.utils.tokenutil import token_at_cursor

from qtkernel._version import __version__
from qtkernel.interpreter import (
    Completeness,
    Completion,
    ErrorInfo,
    ExecuteResult,
    HistoryQuery,
    Inspection,
    Interruption,
    LanguageInfo,
    ReadInput,
    Stepped,
)
from qtkernel.loops.current import loops_may_run
from qtkernel.shell.awaiting import Awaiting
from qtkernel.shell.completion import complete
from qtkernel.shell.shell import ZMQInteractiveShell, safe_str
from qtkernel.shell.streams import flush_wrappers


class ShellInterpreter:
    """`qtkernel.interpreter.Interpreter` on a ZMQInteractiveShell.

    Args:
        asyncio_loop: returns the asyncio loop for cells with a top-level await.
        around_cell: makes what a cell runs in, from before its beginning to after its end.
    """

    def __init__(
        self,
        shell: ZMQInteractiveShell,
        interruption: Interruption,
        asyncio_loop: Callable[[], asyncio.AbstractEventLoop],
        around_cell: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.shell = shell
        self._interruption = interruption
        self._asyncio_loop = asyncio_loop
        self._around_cell = around_cell
        self._awaiting: list[Awaiting] = []
        self._environment = shell.environment

    @property
    def execution_count(self) -> int:
        """The number that the next stored cell will get."""
        return int(self.shell.execution_count)

    def language_info(self) -> LanguageInfo:
        """Python, as kernel_info_reply describes it."""
        version = platform.python_version()
        return LanguageInfo(
            implementation="qtkernel",
            implementation_version=__version__,
            banner=f"Python {version} | IPython {IPython.__version__} | qtkernel {__version__}",
            language_info={
                "name": "python",
                "version": version,
                "mimetype": "text/x-python",
                "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]},
                "pygments_lexer": "ipython3",
                "nbconvert_exporter": "python",
                "file_extension": ".py",
            },
            help_links=[
                {"text": "Python Reference", "url": "https://docs.python.org/3"},
                {"text": "IPython Reference", "url": "https://ipython.readthedocs.io"},
            ],
        )

    def connect_input(self, read_input: ReadInput) -> None:
        """Set what input() and getpass() in a cell ask; until then they cannot be answered.

        On the thread that runs the cells.
        """
        self.shell.states.current.read_input = read_input

    def begin_cell(self, stores_history: bool) -> int:
        """A cell is about to be executed; its number."""
        return self.shell.states.begin(stores_history)

    # Running cells

    async def execute(
        self,
        code: str,
        *,
        silent: bool,
        store_history: bool,
        user_expressions: Mapping[str, str],
        cell_id: str | None,
    ) -> ExecuteResult:
        """Run a cell."""
        shell = self.shell
        count = shell.cell_count
        shell.last_error = shell.result_error = None
        shell.displayhook.finish_displayhook()  # an interrupt may have come in between
        error: BaseException | None
        expressions: Mapping[str, Any] = {}
        try:
            with self._around_cell():
                error = await self._run(
                    code, silent=silent, store_history=store_history, cell_id=cell_id
                )
                if error is None and user_expressions:
                    expressions = await self._evaluate(user_expressions)
        except BaseException as raised:  # an interrupt that hit IPython's own code, and the like
            error = raised
            if shell.last_error is None:
                self._show(raised)
        # the number of one that was interrupted before it was counted is taken: it was published
        shell.states.end(failed=error is not None)
        payload = list(shell.payload_manager.read_payload())
        shell.payload_manager.clear_payload()
        return ExecuteResult(count, self._error_info(error), expressions, payload)

    async def _run(
        self, code: str, *, silent: bool, store_history: bool, cell_id: str | None
    ) -> BaseException | None:
        shell = self.shell
        transformed, failure = self._transform(code)
        cell = shell.run_cell_async(
            code,
            store_history=store_history,
            silent=silent,
            transformed_cell=transformed,
            preprocessing_exc_tuple=failure,
            cell_id=cell_id,
        )
        result = None
        try:
            if shell.should_run_async(
                code, transformed_cell=transformed, preprocessing_exc_tuple=failure
            ):
                result = await self._run_as_task(cell)
            else:
                with self._environment, self._loops_may_run():
                    result = self._interruption.call(lambda: _run_to_end(cell))
        finally:
            cell.close()
            with self._environment:
                # figures are drawn there, which may take its time
                self._interruption.call(lambda: self._trigger_after(result, silent))
        return result.error_before_exec or result.error_in_exec or shell.result_error

    def _trigger_after(self, result: Any, silent: bool) -> None:
        flush_wrappers()
        try:
            self.shell.events.trigger("post_execute")
        except KeyboardInterrupt:
            self.shell.figures.give_up()
            raise
        if not silent:
            self.shell.events.trigger("post_run_cell", result)

    def _transform(self, code: str) -> tuple[str, Any]:
        try:
            with self._environment:
                return self.shell.transform_cell(code), None
        except Exception:
            return code, sys.exc_info()

    async def _run_as_task(self, cell: Coroutine[Any, Any, Any]) -> Any:
        loop = self._asyncio_loop()
        driven = self._interruption.drive(cell)
        # a task has a context, too; PySide6.QtAsyncio loses it at the first await
        context = contextvars.copy_context()
        cell_steps = Stepped(driven, around=self._step_of_task, context=context)
        awaiting = Awaiting(loop, cell_steps)

        def cancel() -> None:
            # the interrupt may have been raised in the cell meanwhile
            if self._interruption.pending:
                awaiting.cancel()

        self._awaiting.append(awaiting)
        try:
            with self._interruption.waiting(lambda: loop.call_soon(cancel)):
                await awaiting.ended
            return awaiting.result()
        finally:
            self._awaiting.remove(awaiting)
            driven.close()  # has never begun if the loop was closed first

    def _loops_may_run(self) -> AbstractContextManager[None]:
        # a subshell's thread is nobody else's, and what asyncio is told is told for all threads
        return nullcontext() if self.shell.states.here else loops_may_run(self._asyncio_loop)

    def _step_of_task(self) -> AbstractContextManager[None]:
        # the guest loop has entered it already for its own step
        return nullcontext() if self._environment.entered else self._environment

    def end_awaiting(self) -> None:
        """Cancel a cell that awaits on a loop that we cannot run, and let it be answered now."""
        for awaiting in list(self._awaiting):
            awaiting.end()

    async def _evaluate(self, user_expressions: Mapping[str, str]) -> Mapping[str, Any]:
        with self._environment, self._loops_may_run():
            return self._interruption.call(
                lambda: self.shell.user_expressions(dict(user_expressions))
            )

    def _show(self, error: BaseException) -> None:
        try:
            self.shell.showtraceback((type(error), error, error.__traceback__))
        except BaseException as second:
            self.shell.publish_error(error, traceback.format_exception(second))

    def _error_info(self, error: BaseException | None) -> ErrorInfo | None:
        if error is None:
            return None
        name = type(error).__name__
        if self.shell.last_error is None and self.shell.is_shown_by_others(error):
            return ErrorInfo(name, safe_str(error), traceback.format_exception_only(error))
        if self.shell.last_error is None:
            # IPython could not format it and has said why on stderr
            self.shell.publish_error(error, [name])
        return self.shell.last_error

    # Introspection

    def complete(self, code: str, cursor_pos: int) -> Completion:
        """Complete at `cursor_pos`, in code points."""
        with self._environment:
            return complete(self.shell, code, cursor_pos)

    def inspect(
        self, code: str, cursor_pos: int, detail_level: int, omit_sections: Sequence[str]
    ) -> Inspection:
        """Describe the object at `cursor_pos`, in code points."""
        name = token_at_cursor(code, cursor_pos)
        try:
            with self._environment:
                bundle = self.shell.object_inspect_mime(
                    name, detail_level=detail_level, omit_sections=omit_sections
                )
        except KeyError:
            return Inspection(found=False)
        if not self.shell.enable_html_pager:
            bundle.pop("text/html", None)
        return Inspection(found=True, data=bundle)

    def is_complete(self, code: str) -> Completeness:
        """Say whether `code` can be run as it stands."""
        status, indent = self.shell.input_transformer_manager.check_complete(code)
        return Completeness(status, " " * (indent or 0) if status == "incomplete" else "")

    def object_info(self, oname: str, detail_level: int) -> Mapping[str, Any]:
        """Describe a name, in the shape of protocol 4's object_info_reply."""
        with self._environment:
            info = self.shell.object_inspect(oname, detail_level=detail_level)
        return {"oname": oname, **info}

    def history(self, query: HistoryQuery) -> list[Any]:
        """Rows of the history, oldest first."""
        manager = self.shell.history_manager
        if manager is None:
            return []
        if query.access == "tail":
            rows = manager.get_tail(
                query.n, raw=query.raw, output=query.output, include_latest=True
            )
        elif query.access == "range":
            found = manager.get_range(
                query.session, query.start, query.stop, raw=query.raw, output=query.output
            )
            # IPython calls the current session 0 here and by its number in the other two
            rows = ((session or manager.session_number, *rest) for session, *rest in found)
        else:
            rows = manager.search(
                query.pattern, raw=query.raw, output=query.output, n=query.n, unique=query.unique
            )
        return list(rows)

    # Comms

    def comm_message(self, message: Mapping[str, Any]) -> None:
        """Take a comm_open, comm_msg or comm_close."""
        try:
            with self._environment, self._loops_may_run():
                self._interruption.call(lambda: self.shell.comms.receive(message))
        except BaseException as error:  # an interrupt that came outside of the handler
            self._show(error)

    def comms(self, target_name: str | None) -> Mapping[str, str]:
        """The target name of each open comm, by comm_id; only those of `target_name` if given."""
        return self.shell.comms.names(target_name)

    def reset(self) -> None:
        """Drop what cells put into the namespace; what the host put there stays."""
        self.shell.reset(new_session=True)


def _run_to_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never really awaits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("the cell awaits something although it has no top-level await")
