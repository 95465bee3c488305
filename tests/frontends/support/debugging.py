"""A frontend that debugs: what JupyterLab's debugger asks, through a real control channel."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from tests.frontends.support.frontends import Frontend, Message

Dap = dict[str, Any]


class DebugClient:
    """Debugs by way of a frontend's control channel and IOPub."""

    def __init__(self, frontend: Frontend) -> None:
        self.frontend = frontend
        self._numbers = itertools.count(1)

    def ask(self, command: str, **arguments: Any) -> Dap:
        """Send a request; its response, whatever it is."""
        number = next(self._numbers)
        content = {
            "type": "request",
            "seq": number,
            "command": command,
            "arguments": arguments,
        }
        reply = self.frontend.control("debug_request", content)
        assert reply["msg_type"] == "debug_reply"
        response: Dap = reply["content"]
        assert response["type"] == "response"
        assert response["request_seq"] == number
        assert response["command"] == command
        return response

    def do(self, command: str, **arguments: Any) -> Dap:
        """Send a request that must succeed; the body of its response."""
        response = self.ask(command, **arguments)
        assert response["success"], response
        return response.get("body") or {}

    def attach(self, **arguments: Any) -> None:
        """Begin a session, as JupyterLab does."""
        self.do("initialize", clientID="tests", adapterID="", linesStartAt1=True)
        self.do("attach", **arguments)

    def break_in(self, code: str, *lines: int, **more: Any) -> str:
        """Set breakpoints in a cell; the path of its file."""
        path = str(self.do("dumpCell", code=code)["sourcePath"])
        self.break_at(path, *lines, **more)
        return path

    def break_at(self, path: str, *lines: int, **more: Any) -> None:
        """Set breakpoints in a file, all of which can be."""
        breakpoints = [{"line": line, **more} for line in lines]
        found = self.do("setBreakpoints", source={"path": path}, breakpoints=breakpoints)
        assert [each["verified"] for each in found["breakpoints"]] == [True] * len(lines), found

    def forget_breakpoints(self) -> None:
        """Remove all breakpoints, which outlive a session."""
        for each in self.do("debugInfo")["breakpoints"]:
            self.do("setBreakpoints", source={"path": each["source"]}, breakpoints=[])

    def event(self, kind: str, **body: Any) -> Dap:
        """Wait for an event, and take it; its body."""
        return self.event_message(kind, **body)["content"]["body"]  # type: ignore[no-any-return]

    def event_message(self, kind: str, **body: Any) -> Message:
        """Wait for an event, and take it; the message."""

        def wanted(message: Message) -> bool:
            content = message["content"]
            return (
                message["msg_type"] == "debug_event"
                and content["event"] == kind
                and body.items() <= (content.get("body") or {}).items()
            )

        return self.frontend.take_published(wanted)

    def stop(self, reason: str = "breakpoint") -> Dap:
        """Wait until something has stopped; the frame where it has."""
        thread = self.event("stopped", reason=reason)["threadId"]
        return self.frames(thread)[0] | {"thread": thread}

    def frames(self, thread: int) -> list[Dap]:
        """The stack of a thread that has stopped, innermost first."""
        return self.do("stackTrace", threadId=thread)["stackFrames"]  # type: ignore[no-any-return]

    def locals(self, frame: Mapping[str, Any]) -> dict[str, str]:
        """The local variables of a frame, as text."""
        (scope, *_) = self.do("scopes", frameId=frame["id"])["scopes"]
        found = self.do("variables", variablesReference=scope["variablesReference"])
        return {each["name"]: each["value"] for each in found["variables"]}

    def go_on(self, frame: Mapping[str, Any]) -> None:
        """Continue."""
        self.do("continue", threadId=frame["thread"])
