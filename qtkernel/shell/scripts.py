"""``%%script``, ``%%bash`` and their kin; in the background they are IPython's own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import cell_magic, magics_class
from IPython.core.magics import script
from IPython.utils.process import arg_split

from qtkernel.shell.magics import with_inherited


@with_inherited
@magics_class
class ScriptMagics(script.ScriptMagics):  # type: ignore[misc]
    """Scripts in the foreground do not stop the application."""

    @cell_magic("script")  # type: ignore[untyped-decorator]
    def shebang(self, line: str, cell: str) -> None:
        __tracebackhide__ = True
        split = arg_split(line, posix=sys.platform != "win32")
        args, argv = script.ScriptMagics.shebang.parser.parse_known_args(split)
        if not argv:
            raise UsageError("%%script: which program? For example: %%script python3")
        if args.bg:
            super().shebang(line, cell)
            return
        writes: dict[str, Any] = {}
        captured: dict[str, list[str]] = {}
        for channel, name, stream in (
            ("write", args.out, sys.stdout),
            ("write_error", args.err, sys.stderr),
        ):
            if name:
                captured[name] = []
            writes[channel] = captured[name].append if name else stream.write
        given = (cell.removesuffix("\n") + "\n").encode("utf-8", "replace")
        try:
            exit_code = self.shell.commands.run(argv, stdin=given, **writes)
        except FileNotFoundError:
            sys.stdout.write(f"Couldn't find program: {argv[0]!r}\n")
            return
        finally:
            for name, texts in captured.items():
                self.shell.user_ns[name] = "".join(texts)
        if args.raise_error and exit_code:
            raise subprocess.CalledProcessError(exit_code, given)  # bytes, as IPython

    shebang.__doc__ = script.ScriptMagics.shebang.__doc__
    shebang.parser = script.ScriptMagics.shebang.parser
