"""``%connect_info`` and ``%qtconsole``: other frontends for this kernel."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.utils.process import arg_split

_QTCONSOLE = "jupyter-qtconsole"


@magics_class
class AttachingMagics(Magics):  # type: ignore[misc]
    """Registered by `ZMQInteractiveShell.init_magics`."""

    @line_magic  # type: ignore[untyped-decorator]
    def connect_info(self, parameter_s: str = "") -> None:  # noqa: ARG002
        """Print how other frontends connect to this kernel.

        That is the content of its connection file, the key included: whoever has the key can run
        code here. UsageError if the kernel has no sockets.
        """
        file = self._connection_file()
        try:
            members: dict[str, Any] = json.loads(file.read_text("utf-8"))
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}") from None
        members.pop("qtkernel", None)  # says whose file it is, and a copy is not
        print(json.dumps(members, indent=2))  # noqa: T201
        print(  # noqa: T201
            "\nPaste the above JSON into a file, and connect with:\n"
            "    $> jupyter <app> --existing <file>\n"
            "or, if you are local, you can connect with just:\n"
            f"    $> {self.shell.connection.attach_command}\n"
            "or even just:\n"
            "    $> jupyter <app> --existing\n"
            "if this is the most recent Jupyter kernel you have started."
        )

    @line_magic  # type: ignore[untyped-decorator]
    def qtconsole(self, parameter_s: str = "") -> None:
        """Open a Jupyter Qt console, in a process of its own, that is attached to this kernel.

        The parameters are those of ``jupyter qtconsole``. UsageError if that is not installed, or
        if the kernel has no sockets. The console stays open when the kernel ends.
        """
        file = self._connection_file()
        # the environment of this Python need not be activated: its scripts may not be on the PATH
        scripts = sysconfig.get_path("scripts") or ""
        program = shutil.which(_QTCONSOLE) or shutil.which(_QTCONSOLE, path=scripts)
        if program is None:
            raise UsageError(
                f"there is no {_QTCONSOLE} on the PATH: install it (pip install qtconsole), or run "
                f"elsewhere: jupyter qtconsole --existing {shlex.quote(str(file))}"
            )
        arguments = arg_split(parameter_s, os.name == "posix")
        _start_apart([program, "--existing", str(file), *arguments])

    def _connection_file(self) -> Path:
        try:
            file: Path = self.shell.connection.connection_file
        except RuntimeError as error:
            raise UsageError(str(error)) from None
        return file


def _start_apart(argv: list[str]) -> None:
    """Start a program that is nobody's child: it outlives us, and nobody has to wait for it."""
    nothing = subprocess.DEVNULL
    if os.name == "posix":
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *argv],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,
            check=True,
        )
    else:
        subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing)
