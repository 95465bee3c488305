"""Magics that mean something else under a kernel than in a terminal."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import Any

from IPython.core import page
from IPython.core.display import Javascript
from IPython.core.display_functions import display
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magics.code import CodeMagics, InteractivelyDefined, MacroToEdit
from IPython.core.magics.namespace import NamespaceMagics
from IPython.utils import openpy

from qtkernel.shell.commands import shell_argv


@magics_class
class KernelMagics(Magics):  # type: ignore[misc]
    """Registered by `ZMQInteractiveShell.init_magics`, over IPython's own."""

    @line_magic  # type: ignore[untyped-decorator]
    def gui(self, parameter_s: str = "") -> None:
        """Run the kernel on another event loop, from the end of this cell on.

        Usage::

            %gui qt | tk | headless | asyncio

        Without a name it is headless: no toolkit's windows are served. In a kernel that is
        embedded in an application the loop is the application's and cannot be switched.

        Unlike IPython's own, which logs what is wrong, this fails, so that a notebook stops.
        """
        self.shell.enable_gui(parameter_s.strip() or "headless")

    @line_magic  # type: ignore[untyped-decorator]
    def clear(self, parameter_s: str = "") -> None:  # noqa: ARG002
        """Clear the terminal that the frontend runs in; a notebook has ``clear_output()``."""
        print("\x1b[H\x1b[2J", end="")  # noqa: T201

    if os.name == "nt":
        cls = line_magic("cls")(clear)

    @line_magic  # type: ignore[untyped-decorator]
    def autosave(self, parameter_s: str = "") -> None:
        """Set the autosave interval of the classic notebook, in seconds; 0 is never."""
        try:
            seconds = int(parameter_s)
        except ValueError:
            raise UsageError(f"%autosave requires an integer, got {parameter_s!r}") from None
        script = f"IPython.notebook.set_autosave_interval({1000 * seconds})"
        display(Javascript(script), include=["application/javascript"])
        print(  # noqa: T201
            f"Autosaving every {seconds} seconds" if seconds else "Autosave disabled"
        )


@magics_class
class FrontendMagics(Magics):  # type: ignore[misc]
    """What the frontend shows or opens for us (messaging document, "Payloads (DEPRECATED)")."""

    @line_magic  # type: ignore[untyped-decorator]
    def less(self, parameter_s: str = "") -> None:
        """Show a file in the frontend's pager; Python files are highlighted."""
        name = parameter_s.strip()
        if not name:
            raise UsageError("Missing filename.")
        path = Path(name).expanduser()
        try:
            if path.suffix == ".py":
                source = openpy.read_py_file(path, skip_encoding_cookie=False)
                page.page(self.shell.pycolorize(source))
            else:
                page.page(path.read_text("utf-8", errors="replace"))
        except OSError as error:
            raise UsageError(f"{name}: {error.strerror}") from None

    more = line_magic("more")(less)

    if os.name == "posix":

        @line_magic  # type: ignore[untyped-decorator]
        def man(self, parameter_s: str = "") -> None:
            """Show a manual page in the frontend's pager."""
            if shutil.which("man") is None:
                raise UsageError("there is no program `man` on this machine")
            command = shlex.join(["man", *parameter_s.split()])
            texts: list[str] = []
            self.shell.commands.run(shell_argv(f"{command} | col -b"), write=texts.append)
            page.page("".join(texts))

    @line_magic  # type: ignore[untyped-decorator]
    def edit(self, parameter_s: str = "", last_call: Any = None) -> None:
        """Open something in an editor that the frontend chooses.

        Usage::

            %edit [-p] [-r] [-n LINE] [FILE | OBJECT | LINES OF THE HISTORY | STRING]

        Options and arguments are those of IPython's. The kernel does not know when the editor is
        closed: what has been written is not run, and a macro, which it would have to reload,
        cannot be edited.
        """
        options, arguments = self.parse_options(parameter_s, "prxn:")
        last = self._last_edited if last_call is None else last_call
        find = CodeMagics._find_edit_target
        try:
            try:
                file, line, _ = find(self.shell, arguments, options, last)
            except InteractivelyDefined as cell:
                file, line, _ = find(self.shell, str(cell.index), options, last)
        except MacroToEdit:
            raise UsageError(
                "a macro cannot be edited here; %load it, and define it anew"
            ) from None
        if file is None:
            return  # IPython has said why
        payload = {
            "source": "edit_magic",
            "filename": str(Path(file).absolute()),
            "line_number": int(line) if line else None,
        }
        self.shell.payload_manager.write_payload(payload)

    ed = line_magic("ed")(edit)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._last_edited = ["", ""]


@magics_class
class GuestNamespaceMagics(NamespaceMagics):  # type: ignore[misc]
    """``%who`` and all that goes by it, ``%reset -s`` and ``%reset_selective`` among them."""

    @line_magic  # type: ignore[untyped-decorator]
    def who_ls(self, parameter_s: str = "") -> list[str]:
        """Return a sorted list of the variables that cells have made, of the given types if any.

        The application's own names are not among them; see ``dir()``.
        """
        names = super().who_ls(parameter_s)
        return [name for name in names if name not in self.shell.host_names]


def with_inherited(kind: type[Magics]) -> type[Magics]:
    """Add the magics of the class that `kind` derives from; the decorator has seen `kind` only."""
    theirs: Any = kind.__mro__[1]
    kind.magics = {each: theirs.magics[each] | kind.magics[each] for each in ("line", "cell")}
    return kind


with_inherited(GuestNamespaceMagics)
