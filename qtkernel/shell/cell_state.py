"""What belongs to the cell that is running, where several run at once: one in each subshell.

IPython's shell has one of each: a count, a last error, a list of payloads. Each subshell has a
thread, and so the thread tells. Threads that cells start have what the parent subshell has.
"""

from __future__ import annotations

import threading
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.payload import PayloadManager

from qtkernel.interpreter import ErrorInfo, ReadInput, StdinNotAllowed

_get_ident = threading.get_ident


def no_input(_prompt: str, _password: bool) -> str:
    """A `ReadInput` that has nobody to ask."""
    raise StdinNotAllowed


class CellState:
    """Of one subshell."""

    def __init__(self) -> None:
        self.number = 1
        """Of the cell that is running, or was the last."""
        self.count: int | None = None
        """``execution_count`` as the running cell sees it; None while none runs."""
        self.error: ErrorInfo | None = None
        """The last that has been shown."""
        self.result_error: BaseException | None = None
        self.payload: list[Any] = []
        self.result: Any = None
        """IPython's record of the running cell."""
        self.read_input: ReadInput = no_input


class CellStates:
    """Of all subshells, and the count that they have in common.

    The number of a cell that is to be stored is taken when it begins: no two have the same.
    """

    def __init__(self) -> None:
        self._parent = CellState()
        self._of_thread: dict[int, CellState] = {}
        self._next = 1
        self._lock = threading.RLock()

    @property
    def current(self) -> CellState:
        """That of the subshell whose thread this is."""
        return self._of_thread.get(_get_ident(), self._parent)

    def add(self) -> None:
        """This thread is a subshell's from now on."""
        self._of_thread[_get_ident()] = CellState()

    def remove(self) -> None:
        """This thread ends."""
        self._of_thread.pop(_get_ident(), None)

    @property
    def here(self) -> bool:
        """Whether this thread is a child subshell's."""
        return _get_ident() in self._of_thread

    # Counting

    def begin(self, stores: bool) -> int:
        """A cell begins; its number."""
        state = self.current
        with self._lock:
            number = state.number = state.count = self._next
            if stores:
                self._next += 1
        return number

    def end(self, *, failed: bool) -> None:
        """It has ended. The number of one that IPython has not counted, being empty, is free."""
        state = self.current
        with self._lock:
            if state.count == state.number and not failed and self._next == state.number + 1:
                self._next = state.number
        state.count = None

    @property
    def execution_count(self) -> int:
        """What IPython calls so: of the next cell, and one more once a stored cell has begun."""
        count = self.current.count
        return self._next if count is None else count

    @execution_count.setter
    def execution_count(self, count: int) -> None:
        state = self.current
        with self._lock:
            forward = state.count is not None and count > state.count
            self._next = max(count, self._next) if forward else count
            if state.count is not None:
                state.count = count


class Payloads(PayloadManager):  # type: ignore[misc]
    """What the frontend of each cell is asked to do.

    Args:
        states: has the lists.
    """

    def __init__(self, states: CellStates, **kwargs: Any) -> None:
        self._states = states
        super().__init__(**kwargs)

    @property
    def _payload(self) -> list[Any]:
        return self._states.current.payload

    @_payload.setter
    def _payload(self, payload: list[Any]) -> None:
        self._states.current.payload = payload


class ManyCellsShell(InteractiveShell):  # type: ignore[misc]
    """A shell whose cells may run on several threads at once."""

    def __init__(self, **kwargs: Any) -> None:
        self.states = CellStates()
        super().__init__(**kwargs)

    @property
    def execution_count(self) -> int:
        """The number of the next cell; a cell that is stored sees one more than its own."""
        return self.states.execution_count

    @execution_count.setter
    def execution_count(self, count: int) -> None:
        self.states.execution_count = count

    @property
    def cell_count(self) -> int:
        """The number of the cell that runs, or was the last."""
        return self.states.current.number

    @cell_count.setter
    def cell_count(self, count: int) -> None:
        self.states.current.number = count

    @property
    def last_error(self) -> ErrorInfo | None:
        """The error that was shown last."""
        return self.states.current.error

    @last_error.setter
    def last_error(self, error: ErrorInfo | None) -> None:
        self.states.current.error = error

    @property
    def result_error(self) -> BaseException | None:
        """What was raised where the cell's result was to be shown, such as by a ``__repr__``."""
        return self.states.current.result_error

    @result_error.setter
    def result_error(self, error: BaseException | None) -> None:
        self.states.current.result_error = error

    def init_payload(self) -> None:
        """Payloads: IPython's, of each cell its own."""
        self.payload_manager = Payloads(self.states, parent=self)
        self.configurables.append(self.payload_manager)
