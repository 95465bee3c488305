"""The part of the shell that runs commands of the system, which `commands` does for it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from IPython.core import magics
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import Any as AnyTrait

from qtkernel.interpreter import IOPub, Waiting
from qtkernel.shell.commands import Commands, shell_argv
from qtkernel.shell.namespace import SharedNamespaceShell

_HAS_TERMINALS = os.name == "posix"

_OURS = {
    f"{magics.MAGICS_CLASSES[name]}:{name}": f"{module}:{name}"
    for name, module in {
        "ExecutionMagics": "qtkernel.shell.overridden",
        "PackagingMagics": "qtkernel.shell.overridden",
        "ScriptMagics": "qtkernel.shell.scripts",
    }.items()
    if _HAS_TERMINALS or name != "ScriptMagics"
}


class CommandShell(SharedNamespaceShell):
    """``!cmd``, ``x = !cmd`` and ``%%bash``, without stopping the application meanwhile."""

    iopub: IOPub = AnyTrait()
    waiting: Waiting = AnyTrait()

    def __init__(self, **kwargs: Any) -> None:
        self.commands = Commands(kwargs["waiting"], kwargs["iopub"])
        super().__init__(**kwargs)

    def declare_magics(self) -> None:
        """Have our own classes do what some of IPython's do; imported when first used."""
        for name, kind, spec in list(self.magics_manager._lazy_declarations()):
            ours = _OURS.get(spec)
            if ours is not None and kind is not None:
                self.magics_manager.register_lazy(name, ours, kind)

    def system_piped(self, cmd: str) -> None:
        """Run a command line in the user's shell; what it writes goes to sys.stdout.

        Raises:
            OSError: it ends in "&", or there is no such shell.
            KeyboardInterrupt: it was interrupted, and has ended. IPython goes on with the cell.
            subprocess.CalledProcessError: with `system_raise_on_error`, if it fails.
        """
        if not _HAS_TERMINALS:
            InteractiveShell.system_piped(self, cmd)
            return
        _refuse_background(cmd)
        argv = shell_argv(self.var_expand(cmd, depth=1))
        self.note_exit_code(self.commands.run(argv, write=sys.stdout.write, terminal=True), cmd)

    system = system_piped

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """Run a command line in the user's shell, and return what it writes.

        Args:
            split: whether as a list of lines (an SList), instead of a string (an LSString).
            depth: how many frames above the caller the names in the command are looked up.

        Raises:
            As `system_piped`.
        """
        if not _HAS_TERMINALS:
            return super().getoutput(cmd, split, depth + 1)
        _refuse_background(cmd)
        texts: list[str] = []
        argv = shell_argv(self.var_expand(cmd, depth=depth + 1))
        self.note_exit_code(self.commands.run(argv, write=texts.append), cmd)
        text = "".join(texts).replace("\r\n", "\n")
        return SList(text.splitlines()) if split else LSString(text)

    def note_exit_code(self, exit_code: int, cmd: str) -> None:
        """Set ``_exit_code``, unless that is a name of the host's."""
        self.push({"_exit_code": exit_code}, interactive=False)
        if exit_code and self.system_raise_on_error:
            raise subprocess.CalledProcessError(exit_code, cmd)


def _refuse_background(cmd: str) -> None:
    if cmd.rstrip().endswith("&"):
        raise OSError(
            "a command in the background would have nobody to read its output: use "
            "subprocess.Popen(), or %%bash --bg"
        )
