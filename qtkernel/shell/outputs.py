"""Results and displays of a cell, as messages.

Messaging document, "Code execution: execute_result", "Display Data", "Update Display Data" and
"clear_output".
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryOutput
from traitlets import Any as AnyTrait

from qtkernel.interpreter import IOPub
from qtkernel.shell.streams import OutputBuffer

Hook = Callable[[dict[str, Any]], dict[str, Any] | None]

_UNDERSCORES = ("_", "__", "___")


class ResultHook(DisplayHook):  # type: ignore[misc]
    """sys.displayhook of a cell: publishes execute_result."""

    iopub: IOPub = AnyTrait()
    output: OutputBuffer = AnyTrait()

    def __init__(self, shell: Any, **kwargs: Any) -> None:
        # The base class writes `_`, `__` and `___` into the namespace, which is the host's: a
        # gettext `_` would be gone.
        namespace = shell.user_ns
        theirs = {name: namespace[name] for name in _UNDERSCORES if name in namespace}
        super().__init__(shell=shell, **kwargs)
        namespace.update(theirs)
        self.init_underscores()

    def init_underscores(self) -> None:
        """Set the names of the last results where they are not the host's."""
        for name in _UNDERSCORES:
            if name not in self.shell.host_names:
                self.shell.user_ns[name] = self.shell.user_ns_hidden[name] = ""

    def __call__(self, result: Any = None) -> None:
        """Show the value of an expression: a cell's, or whoever else prompts in this process."""
        shell = self.shell
        if shell.environment.only_elsewhere and self.iopub.current() is None:
            beneath = shell.display_trap.shared.beneath
            if beneath is not None:
                beneath(result)
                return
        super().__call__(result)

    @property
    def exec_result(self) -> Any:
        """IPython's record of the cell that runs."""
        return self.shell.states.current.result

    @exec_result.setter
    def exec_result(self, result: Any) -> None:
        self.shell.states.current.result = result

    @property
    def prompt_count(self) -> int:
        """The number of the cell that is being run."""
        return self.shell.cell_count  # type: ignore[no-any-return]

    def write_output_prompt(self) -> None:
        """Nothing: the frontend draws its own prompt."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        """Publish the result."""
        self.output.flush()
        content = {
            "execution_count": self.prompt_count,
            "data": format_dict,
            "metadata": md_dict or {},
        }
        self.iopub.publish("execute_result", content)

    def update_user_ns(self, result: Any) -> None:
        """Keep the result, unless the place where IPython would keep it is the host's."""
        # a cell may have deleted it: then nothing is kept, and the result is shown all the same
        if self.shell.user_ns.get("_oh") is self.shell.history_manager.output_hist:
            super().update_user_ns(result)

    def finish_displayhook(self) -> None:
        """End what `start_displayhook` began; the base class would write to stdout."""
        self._is_active = False


class DisplayMessages(DisplayPublisher):  # type: ignore[misc]
    """What ``display()`` calls: publishes display_data and its kin."""

    iopub: IOPub = AnyTrait()
    output: OutputBuffer = AnyTrait()

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._of_thread = threading.local()

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: Any = None,  # noqa: ARG002
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_kwargs: Any,
    ) -> None:
        """Publish a display.

        Args:
            data: a MIME bundle.
            metadata: of the MIME types.
            source: ignored, as in IPython.
            transient: has the display_id; not to be kept with the output.
            update: change the displays that have this display_id, instead of adding one.
        """
        self._validate_data(data, metadata)
        count = self.shell.cell_count
        self.shell.history_manager.outputs[count].append(
            HistoryOutput(output_type="display_data", bundle=data)
        )
        content = {"data": data, "metadata": metadata or {}, "transient": transient or {}}
        self._send("update_display_data" if update else "display_data", content)

    def clear_output(self, wait: bool = False) -> None:
        """Clear the output of the running cell, at once or (`wait`) when the next one comes."""
        self._send("clear_output", {"wait": bool(wait)})

    def register_hook(self, hook: Hook) -> None:
        """Let `hook` see, change or keep each display made on this thread from here on.

        Args:
            hook: takes a message as Python objects, and returns it, or another, or None: then
                nothing is published.
        """
        self._hooks.append(hook)

    def unregister_hook(self, hook: Hook) -> bool:
        """Undo `register_hook`; False if there is no such hook on this thread."""
        with contextlib.suppress(ValueError):
            self._hooks.remove(hook)
            return True
        return False

    @property
    def _hooks(self) -> list[Hook]:
        if not hasattr(self._of_thread, "hooks"):
            self._of_thread.hooks = []
        return self._of_thread.hooks  # type: ignore[no-any-return]

    def _send(self, msg_type: str, content: dict[str, Any]) -> None:
        self.output.flush()
        if not self._hooks:
            self.iopub.publish(msg_type, content)
            return
        kernel = self.shell.kernel
        message: Any = kernel.session.msg(msg_type, content, parent=kernel.get_parent())
        for hook in list(self._hooks):
            message = hook(message)
            if message is None:
                return
        kernel.session.send(kernel.iopub_socket, message)

    # What other packages look up

    @property
    def session(self) -> Any:
        """Makes and sends messages; see `KernelObject`."""
        return self.shell.kernel.session

    @property
    def pub_socket(self) -> Any:
        """What `session` sends to."""
        return self.shell.kernel.iopub_socket

    @property
    def parent_header(self) -> dict[str, Any]:
        """The header of the request whose code is running."""
        return self.iopub.parent_message().get("header", {})  # type: ignore[no-any-return]
