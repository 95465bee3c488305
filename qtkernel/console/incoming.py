"""What a console does with each message of the kernel's. A method is named after the message.

Everything here is called in the order in which the kernel has sent it, whatever the channel.
"""

from __future__ import annotations

from typing import Any

from qtkernel.console.displays import Displays
from qtkernel.console.output import OutputArea

Message = dict[str, Any]


class Incoming:
    """Shows the messages of IOPub, and questions, on a screen, which is the console widget."""

    def __init__(self, screen: Any) -> None:
        self._screen = screen
        self._area: OutputArea = screen.area
        self._displays = Displays(screen, screen.area)
        self.failed: set[str] = set()
        """The cells whose exceptions have been shown, until they have ended."""

    def receive(self, message: Message) -> None:
        """Show a message; those of unknown types are ignored, as the document asks for."""
        handler = _HANDLERS.get(message["msg_type"])
        if handler is not None and not self._screen.is_hidden(_parent(message)):
            handler(self, message)

    def execute_input(self, message: Message) -> None:
        """A cell begins."""
        self._screen.cell_begun(_parent(message), message["content"].get("execution_count"))

    def stream(self, message: Message) -> None:
        """Printed text, of a cell or, if that is switched on, of the host."""
        host = message["metadata"].get("qtkernel", {}).get("origin") == "host"
        source = "host" if host else _parent(message)
        self._area.text(message["content"]["text"], source, host)

    def error(self, message: Message) -> None:
        """A traceback: of a cell, or of a slot, timer or thread."""
        if self._screen.is_own(_parent(message)):
            self.failed.add(_parent(message))
        self.show_traceback(message["content"], _parent(message))

    def show_traceback(self, content: dict[str, Any], source: str) -> None:
        """Write what an error, or a reply that is one, says."""
        lines = content.get("traceback") or [f"{content.get('ename')}: {content.get('evalue')}"]
        self._area.text("\n".join(lines).rstrip("\n") + "\n", source)
        self._area.end_line()

    def execute_result(self, message: Message) -> None:
        """The value of a cell's last line, in its richest form that can be shown."""
        self._displays.show(message, message["content"].get("execution_count"))

    def display_data(self, message: Message) -> None:
        """Something displayed."""
        self._displays.show(message)

    def update_display_data(self, message: Message) -> None:
        """Something that has been displayed looks differently now."""
        self._displays.update(message)

    def page(self, text: str) -> None:
        """What a pager would show (``obj?``): as output, where it can be scrolled and copied."""
        self._area.text(text.rstrip("\n") + "\n", "page")
        self._area.end_line()

    def clear_output(self, message: Message) -> None:
        """What the cell has put out so far goes; with `wait`, when it puts out something again."""
        self._area.clear(_parent(message), bool(message["content"].get("wait")))

    def input_request(self, message: Message) -> None:
        """The kernel asks the user."""
        content = message["content"]
        self._screen.question(content.get("prompt", ""), bool(content.get("password")))

    def execute_reply(self, message: Message) -> None:
        """A cell has ended."""
        self._screen.cell_ended(message)


_HANDLERS = {
    name: getattr(Incoming, name)
    for name in (
        "execute_input",
        "stream",
        "error",
        "execute_result",
        "display_data",
        "update_display_data",
        "clear_output",
        "input_request",
        "execute_reply",
    )
}


def _parent(message: Message) -> str:
    """The id of the request that caused it; "" for what nobody has asked for."""
    return str(message["parent_header"].get("msg_id", ""))
