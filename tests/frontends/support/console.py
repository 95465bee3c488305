"""``jupyter console`` in a terminal, for tests."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence

import pexpect

from qtkernel import kernelspec
from tests.frontends.support.programs import Home, Program

PATIENCE = 20
BETWEEN = r"(?:\x1b\[[0-9;?]*[A-Za-z])*"

ROWS, COLUMNS = 40, 160


class Console:
    """A jupyter console in a pty.

    Args:
        home: where it lives.
        arguments: its command line.
        asks: whether it asks the kernel if an input is complete, as it does unless it is told not
            to. Then it takes the idle of that request for its cell's if that comes late, and looks
            away: measured with a busy machine, in one of ten cells.
    """

    def __init__(self, home: Home, arguments: Sequence[str], *, asks: bool = True) -> None:
        self._enter = "\r" if asks else "\r\r\r"  # by itself it goes on until an empty line
        options = [] if asks else ["--ZMQTerminalInteractiveShell.use_kernel_is_complete=False"]
        environment = home.environment | {
            "TERM": "xterm",
            # there is nobody in this terminal who answers where the cursor is
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "PYTHONWARNINGS": "ignore",
            "PAGER": "less",
        }
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "jupyter_console", *arguments, *options],
            env=environment,
            cwd=str(home.directory),
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(ROWS, COLUMNS),
        )
        self.log = self.child.logfile_read = io.StringIO()
        self.number = 0

    @classmethod
    def attached(cls, program: Program, *, asks: bool = True) -> Console:
        """One with ``--existing``, on the kernel in `program`."""
        return cls(program.home, ["--existing", program.connection_file.name], asks=asks)

    @classmethod
    def owning(cls, home: Home, *arguments: str, gui: str = "qt", asks: bool = True) -> Console:
        """One that starts a kernel of its own, from an installed kernelspec."""
        kernelspec.install(name="owned", gui=gui, prefix=str(home.prefix))
        return cls(home, ["--kernel", "owned", *arguments], asks=asks)

    def wait_for_prompt(self, number: int) -> None:
        """Wait until it asks for cell `number`."""
        self.number = number
        self.expect(rf"In \[{number}\]: ")

    def run(self, line: str, *patterns: str) -> None:
        """Run a cell of one line, which shows these texts one after another."""
        self.type(line)
        self.wait_for_next(*patterns)

    def wait_for_next(self, *patterns: str) -> None:
        """Wait until the running cell has shown these texts, and for the prompt after it."""
        for pattern in patterns:
            self.expect(pattern)
        self.wait_for_prompt(self.number + 1)

    def expect(self, pattern: str, timeout: float = PATIENCE) -> None:
        """Wait for a text, whatever colours and cursor movements are inside of it."""
        try:
            self.child.expect(BETWEEN.join(re.findall(r"\\.|.", pattern)), timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"{pattern!r} has not come:\n{self.shown()[-3000:]}") from None

    def shown(self) -> str:
        """All that it has shown, without colours and cursor movements."""
        return re.sub(BETWEEN, "", self.log.getvalue())

    def type(self, text: str) -> None:
        """Type a line."""
        self.child.send(text + self._enter)

    def answer(self, text: str) -> None:
        """Answer a question of the cell's."""
        self.child.send(f"{text}\r")

    def wait_for_end(self) -> None:
        """Wait until it has ended by itself."""
        try:
            self.child.expect(pexpect.EOF)
        except pexpect.TIMEOUT:
            raise AssertionError(f"it has not ended:\n{self.shown()[-3000:]}") from None

    def close(self) -> None:
        """End it, hard if need be."""
        self.child.close(force=True)
