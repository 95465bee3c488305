"""``input()`` and ``getpass()`` in a cell: the frontend is asked."""

from __future__ import annotations

import bdb
import builtins
import cmd
import getpass
import sys
from types import FrameType
from typing import Any

from IPython.core.error import StdinNotImplementedError

from qtkernel.interpreter import StdinNotAllowed
from qtkernel.shell.environment import SharedTake


class Asking:
    """What the two names are while a cell runs. Who is asked is up to the subshell.

    Args:
        shell: whose cells they are.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.takes = (
            SharedTake(lambda: builtins.input, _set_input, lambda _before: self._input),
            SharedTake(lambda: getpass.getpass, _set_getpass, lambda _before: self._getpass),
        )

    def _input(self, prompt: object = "", /) -> str:
        """Ask the frontend for a line of text, without its trailing newline."""
        __tracebackhide__ = True
        if self._is_elsewhere():
            return self.takes[0].beneath(prompt)  # type: ignore[no-any-return]
        debugger = _debugger_that_prompts(sys._getframe(1))
        if debugger is None:
            return self._ask(str(prompt), password=False)
        # "c" would put a SIGINT handler of its own over ours, and stop in the host's slots
        debugger.nosigint = True
        try:
            return self._ask(str(prompt), password=False)
        except KeyboardInterrupt:
            # pdb would swallow it and prompt again, for ever
            raise bdb.BdbQuit from None

    def _getpass(self, prompt: str = "Password: ", stream: Any = None) -> str:
        """Ask the frontend for a line of text that is not shown."""
        __tracebackhide__ = True
        if self._is_elsewhere():
            return self.takes[1].beneath(prompt, stream)  # type: ignore[no-any-return]
        return self._ask(str(prompt), password=True)

    def _is_elsewhere(self) -> bool:
        """Whether it is the host's own code, while a cell runs on another thread."""
        return self._shell.environment.only_elsewhere and self._shell.iopub.current() is None

    def _ask(self, prompt: str, password: bool) -> str:
        __tracebackhide__ = True
        self._shell.output.flush()
        try:
            return self._shell.states.current.read_input(prompt, password)  # type: ignore[no-any-return]
        except StdinNotAllowed:
            raise StdinNotImplementedError(
                "input() was called, but the frontend that runs this cell cannot answer it"
            ) from None


def _set_input(function: Any) -> None:
    builtins.input = function


def _set_getpass(function: Any) -> None:
    getpass.getpass = function


def _debugger_that_prompts(frame: FrameType) -> Any | None:
    """The debugger whose command loop `frame` is, if it is one."""
    if frame.f_code is not cmd.Cmd.cmdloop.__code__:
        return None
    loop = frame.f_locals["self"]
    return loop if isinstance(loop, bdb.Bdb) else None
