"""``jupyter console --existing`` in a terminal, for tests."""

from __future__ import annotations

import io
import re
import sys

import pexpect

from tests.frontends.support.programs import Program

PATIENCE = 20
BETWEEN = r"(?:\x1b\[[0-9;?]*[A-Za-z])*"


class Console:
    """A jupyter console in a pty.

    Args:
        host: the program with the kernel.
        asks: whether it asks the kernel if an input is complete, as it does unless it is told not
            to. Then it takes the idle of that request for its cell's if that comes late, and looks
            away: measured with a busy machine, in one of ten cells.
    """

    def __init__(self, host: Program, *, asks: bool = True) -> None:
        self._enter = "\r" if asks else "\r\r\r"  # by itself it goes on until an empty line
        options = ["--ZMQTerminalInteractiveShell.use_kernel_is_complete=False"]
        environment = host.home.environment | {
            "TERM": "xterm",
            # there is nobody in this terminal who answers where the cursor is
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "PYTHONWARNINGS": "ignore",
        }
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "jupyter_console", "--existing", host.connection_file.name]
            + ([] if asks else options),
            env=environment,
            cwd=str(host.home.directory),
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(40, 160),
        )
        self.log = self.child.logfile_read = io.StringIO()

    def wait_for_prompt(self, number: int) -> None:
        """Wait until it asks for cell `number`."""
        self.expect(rf"In \[{number}\]: ")

    def expect(self, pattern: str) -> None:
        """Wait for a text, whatever colours and cursor movements are inside of it."""
        try:
            self.child.expect(BETWEEN.join(re.findall(r"\\.|.", pattern)))
        except pexpect.TIMEOUT:
            shown = re.sub(BETWEEN, "", self.log.getvalue())
            raise AssertionError(f"{pattern!r} has not come:\n{shown[-3000:]}") from None

    def type(self, text: str) -> None:
        """Type a line."""
        self.child.send(text + self._enter)
