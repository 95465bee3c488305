"""The console: qtconsole's widget on a kernel in the same process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtkernel import qt
from qtkernel.console.banner import banner_of
from qtkernel.console.client import Client
from qtkernel.console.incoming import Incoming
from qtkernel.console.kernel import ConsoleKernel, ConsolePort
from qtkernel.console.keyboard import Keyboard
from qtkernel.console.looks import Looks, fixed_font
from qtkernel.console.typing_aids import REPLIES, TypingAids
from qtkernel.console.upstream import IPython3Lexer
from qtkernel.console.weak import when_deleted
from qtkernel.protocol import Channel

Message = dict[str, Any]

_NOT_RUN = "Not run: an error, an interrupt or a restart came first."

HISTORY = 1000
"""How many of the kernel's latest inputs the Up key begins with."""


class ConsoleWidget(TypingAids):
    """A console on `kernel`. Belongs to the GUI thread, like everything of the kernel's.

    The signal `exit_requested` is emitted for ``exit`` and Ctrl+D: whoever shows the console hides
    it; nothing of the kernel or the application ends. It lives until it is deleted (deleteLater,
    with its parent, ...), and closes its port then.

    Args:
        kernel: an open one.
        parent: a QWidget, or None.
        banner: a text to begin with; by default a line about the names that are there and how to
            attach from outside. "" for none.

    Raises:
        RuntimeError: the kernel is closed.
    """

    _ready = False

    def __init__(
        self, kernel: ConsoleKernel, parent: Any = None, *, banner: str | None = None
    ) -> None:
        port = kernel.open_port()
        super().__init__(parent, gui_completion="plain", paging="none")
        self.kernel = kernel
        self._port = port
        self._kernel_client = Client(port)
        self._hidden: set[str] = set()
        self._own: dict[str, str] = {}  # cells that have not ended: message id to code
        self._running = 0  # the number of our cell that has begun and not ended
        self._highlighter._lexer = IPython3Lexer()
        self._flush_timer = qt.QtCore.QTimer(self)
        self._flush_timer.setSingleShot(True)
        self._flush_timer.timeout.connect(self.area.flush)
        self.looks = Looks(self)
        self._incoming = Incoming(self)
        self._keyboard = Keyboard(self)
        for action in self.actions():
            action.setShortcut("")  # Ctrl+S and the like are the application's own
        self._ready = True
        self._connect()
        text = banner_of(kernel) if banner is None else banner
        if text:
            self._say(text)
        self._kernel_client.history(n=HISTORY)
        self.offer_prompt()

    # The kernel

    def _connect(self) -> None:
        port, kernel = self._port, self.kernel
        port.on_message = self._receive
        port.on_closed = self._kernel_closed
        undo = [
            kernel.on("executed", self._executed_somewhere),
            kernel.on("restarted", self._kernel_restarted),
        ]
        # whoever forgets a console has not deleted it: these keep it alive until somebody does
        when_deleted(self, lambda: _let_go(port, *undo))

    def _receive(self, _channel: Channel, message: Message) -> None:
        if message["msg_type"] == "execute_reply":
            msg_id = message["parent_header"]["msg_id"]
            if msg_id in self._hidden:
                self._hidden.discard(msg_id)
                return
        reply = REPLIES.get(message["msg_type"])
        if reply is None:
            self._incoming.receive(message)
        else:
            reply(self, message)

    def flush_pending(self) -> None:
        """Show now what the kernel has sent so far; normally the event loop does."""
        self._port.deliver()
        self.area.flush()

    @property
    def host_output(self) -> bool:
        """Whether what the host itself prints is shown, too, marked as such."""
        return self._port.host_output

    @host_output.setter
    def host_output(self, shown: bool) -> None:
        self._port.host_output = shown

    def next_number(self) -> int:
        """The number of the next cell that begins."""
        # a cell says that it begins a little before it takes its number
        return max(self.kernel.execution_count, self._running + 1)

    def _output_waits(self) -> None:
        if not self._flush_timer.isActive():
            self._flush_timer.start(0)

    def _executed_somewhere(self, executed: Any) -> None:
        if executed.session != self._port.session_id and not executed.silent:
            self._remember(executed.code)
            self.renumber()

    def _kernel_restarted(self) -> None:
        self.flush_pending()
        self._running = 0
        self.end_question()
        self._say("The kernel has been restarted: what cells had made is gone.")
        self.renumber()
        self.offer_prompt()

    def _kernel_closed(self) -> None:
        self._keyboard.stop()
        self._own.clear()
        self.close_prompt()
        self._say("The kernel is closed.")

    def _say(self, text: str) -> None:
        self.area.note(text, self.looks.named_format("note"), "console")

    # Its looks; Qt's and qtconsole's names

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """It has been given its place: a style sheet may know it only now."""
        super().showEvent(event)
        self.looks.refresh()

    def reset_font(self) -> None:
        """The application's font, in its size."""
        self._set_font(fixed_font(self._control.font()))

    # Cells

    def run(self, code: str, hidden: bool = False) -> None:
        """Execute `code` as if the user had typed it; what is being typed stays.

        With `hidden` neither the code nor anything that it puts out is shown, nor remembered.
        """
        if hidden:
            self._hidden.add(self._kernel_client.execute(code, silent=True))
        else:
            self._send(code)

    def show_input(self, code: str) -> None:
        """Put `code` at the prompt, instead of what is there, without running it."""
        if self._reading:
            self.put_back(code)
        else:
            self.input_buffer = code

    def _handle_payload_next_input(self, item: dict[str, Any]) -> None:
        self.show_input(item["text"])

    def do_execute(self, source: str, complete: bool, indent: str) -> None:
        """qtconsole's: run the input, or go on in a new line of it."""
        if complete:
            self.take_typed()
            self._send(source)
        elif self._prompt_shown:
            super().do_execute(source, complete, indent)
        else:
            self.put_back(f"{source}\n{indent}")

    def _send(self, code: str) -> None:
        if self._port.closed:
            return
        first = not self._own
        msg_id = self._kernel_client.execute(code)
        self._own[msg_id] = code
        self._remember(code)
        self.add_cell(msg_id, code)
        self.executing.emit(code)
        if first:
            self._keyboard.held.wait()
        else:
            self.offer_prompt()
        self.area.scroll_to_end()

    def has_cells(self) -> bool:
        """Whether a cell of this console's runs or waits."""
        return bool(self._own)

    # For Incoming

    def is_hidden(self, msg_id: str) -> bool:
        """Whether nothing is shown of what this request has caused."""
        return msg_id in self._hidden

    def is_own(self, msg_id: str) -> bool:
        """Whether this is a cell of this console's that has not ended."""
        return msg_id in self._own

    def cell_begun(self, msg_id: str, number: int | None) -> None:
        """One of our own, in its turn."""
        self._running = number or 0
        self.begin_cell(msg_id, number)
        self._keyboard.held.settle_soon()

    def cell_ended(self, message: Message) -> None:
        """The reply: there is nothing more to come but from what the cell has left running."""
        msg_id, content = message["parent_header"]["msg_id"], message["content"]
        if self._own.pop(msg_id, None) is None:
            return
        self._running = 0
        self.end_question()
        self.begin_cell(msg_id, None)  # if it never has
        self._show_end(content, msg_id)
        self.area.end_line()
        if not self._prompt_shown:
            self.offer_prompt()
        else:
            self.renumber()
        self._keyboard.held.settle_soon()
        self._process_execute_ok(message)
        self.executed.emit(message)

    def _show_end(self, content: dict[str, Any], msg_id: str) -> None:
        shown = msg_id in self._incoming.failed
        self._incoming.failed.discard(msg_id)
        if content["status"] == "aborted":
            self.area.note(_NOT_RUN, self.looks.named_format("note"), msg_id)
        elif content["status"] == "error" and not shown:
            self._incoming.show_traceback(content, msg_id)

    def question(self, prompt: str, password: bool) -> None:
        """input(), getpass() or a debugger asks."""
        self.ask(prompt, self._answer)
        self._keyboard.question(prompt, password)

    def _answer(self, value: str) -> None:
        self._kernel_client.input(value)

    def insert_out_prompt(self, cursor: Any, number: int) -> None:
        """Write ``Out[n]:``."""
        self._insert_html(cursor, self._make_out_prompt(number))

    def add_image(self, image: Any) -> Any:
        """Take a QImage into the document; the format that inserts it."""
        return self._add_image(image)

    def svg_of(self, name: str, svg: str) -> None:
        """Remember what a picture was drawn from, for "Copy SVG"."""
        self._name_to_svg_map[name] = svg

    def forget_image(self, name: str) -> None:
        """Free a picture's memory."""
        self._name_to_svg_map.pop(name, None)
        kind = qt.QtGui.QTextDocument.ResourceType.ImageResource
        self.area.document.addResource(kind, qt.QtCore.QUrl(name), qt.QtGui.QImage())

    # Keys and the mouse; qtconsole's names

    def _event_filter_console_keypress(self, event: Any) -> bool:
        return self._keyboard.press(event) or super()._event_filter_console_keypress(event)

    def eventFilter(self, obj: Any, event: Any) -> bool:  # noqa: N802
        """qtconsole's, and what it has not thought of: input methods, the window's shortcuts."""
        if not self._ready:  # it is being made, or collected: qtconsole's raises AttributeError
            return False
        if obj is self.window():
            self._keyboard.window_changes(event)
            return False
        if obj is self._control and self._keyboard.filter(event):
            return True
        return bool(super().eventFilter(obj, event))

    def change_font_size(self, delta: int) -> None:
        """Make the text bigger, in points or, where the font has a size in those, in pixels."""
        font = self.font
        if font.pointSizeF() > 0:
            font.setPointSizeF(max(font.pointSizeF() + delta, 4))
        else:
            font.setPixelSize(max(font.pixelSize() + delta, 6))
        self._set_font(font)

    def interrupt_kernel(self) -> None:
        """Interrupt the running cell."""
        self.kernel.interrupt()

    def request_interrupt_kernel(self) -> None:
        """The same, qtconsole's name for the key."""
        self.interrupt_kernel()

    def request_restart_kernel(self) -> None:
        """Nothing: qtconsole's key for it, Ctrl+. , is the application's own."""

    def clear(self, keep_input: bool = True) -> None:
        """Take away everything but what is being typed, and the cells that wait."""
        if not keep_input:
            self.input_buffer = ""
        self.area.clear_all()

    def _flush_pending_stream(self) -> None:
        """Nothing: qtconsole's own way of delaying text, with a timer."""

    def _page(self, text: str, html: bool = False) -> None:
        del html
        self._incoming.page(text)


def _let_go(port: ConsolePort, *undo: Callable[[], object]) -> None:
    for each in undo:
        each()
    port.close()
    port.on_message = lambda _channel, _message: None
    port.on_closed = lambda: None
