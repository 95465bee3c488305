"""What qtconsole's widgets ask of a kernel client, on top of a port.

They talk to it in jupyter_client's words: each method sends one request and returns its id. The
replies come by `ConsolePort.on_message`. Nothing here waits.
"""

from __future__ import annotations

from typing import Any

from qtkernel.console.kernel import ConsolePort
from qtkernel.protocol import Channel


class _Session:
    def __init__(self, session_id: str) -> None:
        self.session = session_id


class _ShellChannel:
    def __init__(self, port: ConsolePort) -> None:
        self._port = port

    def is_alive(self) -> bool:
        return not self._port.closed


class Client:
    """One frontend's requests. After the port has been closed they go nowhere, and the id is ""."""

    def __init__(self, port: ConsolePort) -> None:
        self._port = port
        self.session = _Session(port.session_id)
        self.shell_channel = _ShellChannel(port)

    def execute(
        self,
        code: str,
        silent: bool = False,
        user_expressions: dict[str, Any] | None = None,
    ) -> str:
        """Messaging document, "Execute"; what is not silent goes into the history."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": user_expressions or {},
            "allow_stdin": not silent,
            "stop_on_error": True,
        }
        return self._send("execute_request", content)

    def complete(self, code: str, cursor_pos: int | None = None) -> str:
        """Messaging document, "Completion"; the position in code points."""
        return self._send("complete_request", _at({"code": code}, cursor_pos))

    def inspect(self, code: str, cursor_pos: int | None = None, detail_level: int = 0) -> str:
        """Messaging document, "Introspection"."""
        content = {"code": code, "detail_level": detail_level}
        return self._send("inspect_request", _at(content, cursor_pos))

    def is_complete(self, code: str) -> str:
        """Messaging document, "Code completeness"."""
        return self._send("is_complete_request", {"code": code})

    def history(self, hist_access_type: str = "tail", n: int = 1000) -> str:
        """Messaging document, "History"; the latest `n` inputs."""
        content = {"hist_access_type": hist_access_type, "n": n, "raw": True, "output": False}
        return self._send("history_request", content)

    def input(self, value: str) -> None:
        """Messaging document, "Messages on the stdin ROUTER/DEALER channel": the answer."""
        self._send("input_reply", {"value": value}, Channel.STDIN)

    def _send(
        self, msg_type: str, content: dict[str, Any], channel: Channel = Channel.SHELL
    ) -> str:
        return "" if self._port.closed else self._port.send(channel, msg_type, content)


def _at(content: dict[str, Any], cursor_pos: int | None) -> dict[str, Any]:
    return content if cursor_pos is None else content | {"cursor_pos": cursor_pos}
