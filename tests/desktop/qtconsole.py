"""``jupyter qtconsole`` in a process of its own, and somebody in front of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qtkernel import kernelspec
from tests.desktop.application import Application
from tests.frontends.support.programs import Home, Program
from tests.support.desktop import Desktop

OURS = re.compile(r"[/\\]qtkernel[/\\](channels|embed|kernel|loops|protocol|shell)[/\\]")


class QtConsole(Application):
    """A Qt console; its names in questions are `window`, `widget` and `page`, its text widget."""

    def __init__(self, home: Home, screen: Desktop, arguments: Sequence[str]) -> None:
        super().__init__(home, screen, "frontend.py", arguments, expected=is_its_own)

    @classmethod
    def attached(cls, program: Program, screen: Desktop) -> QtConsole:
        """One with ``--existing``, on the kernel in `program`."""
        return cls(program.home, screen, ["--existing", program.connection_file.name])

    @classmethod
    def owning(cls, home: Home, screen: Desktop, *arguments: str) -> QtConsole:
        """One that starts a kernel of its own, from an installed kernelspec."""
        kernelspec.install(name="owned", prefix=str(home.prefix))
        return cls(home, screen, ["--kernel", "owned", *arguments])

    def begin(self, number: int = 1) -> None:
        """Wait for its first prompt, and give it the keyboard."""
        self.wait_for_line("ready")
        self.window = self.screen.window(self.pid, "QtConsole")
        self.screen.activate(self.window)
        self.wait_for_prompt(number)
        # it prompts when the shell channel is answered, and may not hear the output of cells yet
        self.wait_for("bool(heard)")
        self.wait_for("page.hasFocus()")

    def text(self) -> str:
        """What is in it."""
        return str(self.ask("page.toPlainText()"))

    def wait_for_prompt(self, number: int) -> None:
        """Wait until it asks for cell `number`, and nothing else is to come."""
        self.number = number
        self.wait_for(f"is_at_prompt(widget, {number})")

    def run(self, *lines: str) -> str:
        """Type these lines, and Enter after each; what the cell has shown, from its prompt on."""
        before = len(self.text())
        self.type(*lines[:-1])
        self.screen.type(f"{lines[-1]}\n")
        return self.shown_since(before)

    def type(self, *lines: str) -> None:
        """Type the first lines of a cell of more.

        After each it asks the kernel if that is all, and who types on does without the answer.
        """
        for count, line in enumerate(lines, 1):
            self.screen.type(f"{line}\n")
            self.wait_for(f"widget.input_buffer.count('\\n') == {count}")

    def shown_since(self, before: int) -> str:
        """Wait until the cell has ended; what came behind so many characters."""
        self.wait_for_prompt(self.number + 1)
        return self.text()[before:]

    def wait_for_end(self, text: str) -> None:
        """Wait until it ends with this: a question, which is asked before it is shown."""
        self.wait_for(f"page.toPlainText().endswith({text!r})")

    def wait_for_text(self, text: str) -> None:
        """Wait until it shows this."""
        self.wait_for(f"{text!r} in page.toPlainText()")


def is_its_own(line: str) -> bool:
    """Whether a line on stderr is the frontend's, and not of the kernel that it has started."""
    return OURS.search(line) is None
