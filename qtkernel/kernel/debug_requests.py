"""The handler of ``debug_request``, and the commands that the kernel answers itself.

Messaging document, "Debug request" and "Additions to the DAP". Whatever is wrong with a request,
its reply has the shape of the Debug Adapter Protocol.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from qtkernel.interpreter import OWN_REFERENCES, DebuggerUnavailable
from qtkernel.kernel.debugger import Debugger, Refused
from qtkernel.kernel.queue import Request
from qtkernel.protocol import InvalidContent, contents, dap
from qtkernel.protocol.dap import DapMessage

FORWARDED = frozenset(
    {
        *("completions", "continue", "evaluate", "exceptionInfo", "goto", "gotoTargets", "next"),
        *("pause", "scopes", "setExceptionBreakpoints", "setExpression", "setVariable", "stepIn"),
        *("setFunctionBreakpoints", "stepInTargets", "stepOut", "threads"),
    }
)
"""Commands that are the adapter's alone. It does not answer what it does not know."""

_OF_STOPPED_THREAD = frozenset({"exceptionInfo", "next", "stepIn", "stepOut"})

_BREAKPOINT = ("line", "column", "condition", "hitCondition", "logMessage")

Arguments = Mapping[str, Any]


class DebugRequests:
    """The handler. On the control thread.

    Args:
        debugger: the session.
    """

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._adapter = debugger.adapter
        self._numbers = itertools.count(1)
        self._commands: Mapping[str, Callable[[Arguments], Awaitable[DapMessage]]] = {
            "initialize": debugger.initialize,
            "attach": lambda arguments: debugger.attach("attach", arguments),
            "launch": lambda arguments: debugger.attach("launch", arguments),
            "configurationDone": self._configuration_done,
            "disconnect": self._disconnect,
            "terminate": self._disconnect,
            "setBreakpoints": self._set_breakpoints,
            "stackTrace": self._stack_trace,
            "variables": self._variables,
            "evaluate": self._evaluate,
            "source": self._source,
            "modules": self._modules,
            "dumpCell": self._dump_cell,
            "debugInfo": self._debug_info,
            "inspectVariables": self._inspect_variables,
            "richInspectVariables": self._rich_inspect_variables,
            "copyToGlobals": self._copy_to_globals,
        }

    async def debug_request(self, request: Request, content: contents.DebugRequest) -> DapMessage:
        """Messaging document, "Debug request"."""
        self._debugger.asked_by(request.message, content.command)
        try:
            response = await self._respond(content.command, content.arguments)
        except (Refused, DebuggerUnavailable) as error:
            response = dap.failure(0, content.command, str(error))
        # the adapter has had another number for it, and copyToGlobals another command
        response |= {
            "type": "response",
            "seq": next(self._numbers),
            "request_seq": content.seq,
            "command": content.command,
        }
        response.pop("pydevd_cmd_id", None)
        return response

    async def _respond(self, command: str, arguments: Arguments) -> DapMessage:
        if not self._adapter.available:
            raise DebuggerUnavailable(
                "there is no debugger: install debugpy (pip install 'qtkernel[debug]')"
            )
        own = self._commands.get(command)
        if own is not None:
            return dict(await own(arguments))
        if command in FORWARDED:
            self._check_stopped(command, arguments)
            return dict(await self._debugger.ask(command, arguments))
        known = ", ".join(sorted({*self._commands, *FORWARDED}))
        raise Refused(f"unknown command {command!r}; there are: {known}")

    def _check_stopped(self, command: str, arguments: Arguments) -> None:
        """The adapter would keep such a request until the thread stops."""
        stopped = self._debugger.stopped
        if command == "continue" and not stopped:
            raise Refused("nothing has stopped")
        if command in _OF_STOPPED_THREAD and arguments.get("threadId") not in stopped:
            raise Refused(f"thread {arguments.get('threadId')} has not stopped")

    # The session

    async def _configuration_done(self, _arguments: Arguments) -> DapMessage:
        # `Debugger.attach` has said so: not every frontend does
        return dap.response(0, "configurationDone")

    async def _disconnect(self, _arguments: Arguments) -> DapMessage:
        # terminateDebuggee would end the process, which is not the frontend's
        await self._debugger.disconnect()
        return dap.response(0, "disconnect")

    async def _debug_info(self, _arguments: Arguments) -> DapMessage:
        debugger = self._debugger
        return dap.response(
            0,
            "debugInfo",
            {
                "isStarted": debugger.started,
                **self._adapter.cell_files(),
                "breakpoints": [
                    {"source": path, "breakpoints": breakpoints}
                    for path, breakpoints in debugger.breakpoints.items()
                ],
                "stoppedThreads": list(debugger.stopped),
                "richRendering": True,
                "exceptionPaths": ["Python Exceptions"],
                "copyToGlobals": True,
            },
        )

    # Sources and breakpoints

    async def _dump_cell(self, arguments: Arguments) -> DapMessage:
        try:
            path = self._adapter.dump_cell(_text(arguments, "code"))
        except OSError as error:
            raise Refused(f"the cell's file cannot be written: {error}") from None
        return dap.response(0, "dumpCell", {"sourcePath": path})

    async def _set_breakpoints(self, arguments: Arguments) -> DapMessage:
        path = _text(_object(arguments, "source"), "path")
        breakpoints = arguments.get("breakpoints") or []
        if not isinstance(breakpoints, list) or not all(map(_has_line, breakpoints)):
            raise Refused('field "breakpoints": expected an array of objects with a number "line"')
        return await self._debugger.set_breakpoints(
            path,
            [{name: each[name] for name in _BREAKPOINT if name in each} for each in breakpoints],
        )

    async def _source(self, arguments: Arguments) -> DapMessage:
        """The source of a file, or of a cell."""
        path = _text(_object(arguments, "source"), "path")
        content = self._adapter.source(path)
        if content is None:
            raise Refused(f"there is no source at {path}")
        return dap.response(0, "source", {"content": content, "mimeType": "text/x-python"})

    async def _modules(self, arguments: Arguments) -> DapMessage:
        modules = self._adapter.modules()
        start, count = _number(arguments, "startModule"), _number(arguments, "moduleCount")
        shown = modules[start : start + count if count else None]
        return dap.response(0, "modules", {"modules": shown, "totalModules": len(modules)})

    # What has stopped

    async def _stack_trace(self, arguments: Arguments) -> DapMessage:
        """All of the stack is asked for: what is not shown cannot be counted otherwise."""
        response = await self._debugger.ask(
            "stackTrace", {"threadId": _number(arguments, "threadId")}
        )
        if response["success"]:
            frames = self._adapter.visible_frames(response["body"]["stackFrames"])
            start, levels = _number(arguments, "startFrame"), _number(arguments, "levels")
            shown = frames[start : start + levels if levels else None]
            response["body"] = {"stackFrames": shown, "totalFrames": len(frames)}
        return response

    async def _variables(self, arguments: Arguments) -> DapMessage:
        reference = _number(arguments, "variablesReference")
        if reference >= OWN_REFERENCES or not self._debugger.stopped:
            return await self._own_variables("variables", reference, arguments)
        response = await self._debugger.ask("variables", arguments)
        if response["success"]:
            variables = response["body"]["variables"]
            response["body"]["variables"] = self._adapter.visible_variables(variables)
        return response

    async def _evaluate(self, arguments: Arguments) -> DapMessage:
        if arguments.get("frameId") is not None:
            return await self._debugger.ask("evaluate", arguments)
        # the adapter would do it among its own names
        expression = _text(arguments, "expression")
        try:
            body = await self._debugger.in_namespace(lambda: self._adapter.evaluate(expression))
        except Refused:
            raise
        except Exception as error:
            raise Refused(f"{type(error).__name__}: {error}") from None
        return dap.response(0, "evaluate", body)

    # Variables

    async def _inspect_variables(self, arguments: Arguments) -> DapMessage:
        return await self._own_variables("inspectVariables", None, arguments)

    async def _own_variables(
        self, command: str, reference: int | None, arguments: Arguments
    ) -> DapMessage:
        start, count = _number(arguments, "start"), _number(arguments, "count")
        try:
            variables = await self._debugger.in_namespace(
                lambda: self._adapter.variables(reference, start, count)
            )
        except LookupError:
            raise Refused(f"there are no variables {reference} (any more)") from None
        return dap.response(0, command, {"variables": variables})

    async def _rich_inspect_variables(self, arguments: Arguments) -> DapMessage:
        name = _text(arguments, "variableName")
        frame_id = arguments.get("frameId")
        try:
            if frame_id is None or not self._debugger.stopped:
                data, metadata = await self._debugger.in_namespace(lambda: self._adapter.rich(name))
            else:
                expression = self._adapter.rich_expression(name)
                result = await self._in_frame(expression, frame_id)
                data, metadata = self._adapter.read_rich(result)
        except ValueError:
            # such as the headings that a frontend shows among the variables
            data, metadata = {}, {}
        return dap.response(0, "richInspectVariables", {"data": data, "metadata": metadata})

    async def _copy_to_globals(self, arguments: Arguments) -> DapMessage:
        source = _text(arguments, "srcVariableName")
        destination = _text(arguments, "dstVariableName")
        try:
            expression = self._adapter.copy_expression(source, destination)
        except ValueError as error:
            raise Refused(str(error)) from None
        await self._in_frame(expression, _number(arguments, "srcFrameId"))
        return dap.response(0, "copyToGlobals")

    async def _in_frame(self, expression: str, frame_id: int) -> str:
        """Evaluate what gives a string; its repr. An exception counts as a result, here."""
        arguments = {"expression": expression, "frameId": frame_id, "context": "clipboard"}
        response = await self._debugger.ask("evaluate", arguments)
        if not response["success"]:
            raise Refused(str(response.get("message", "it cannot be evaluated")))
        result = str(response["body"]["result"])
        if response["body"].get("type") != "str":
            raise Refused(result)
        return result


def describe_failure(request: Request) -> Mapping[str, Any]:
    """What a debug_reply has besides its error, when its content cannot be read."""
    if request.msg_type != "debug_request":
        return {}
    try:
        content = request.message.content_dict()
    except InvalidContent:
        content = {}
    seq, command = content.get("seq"), content.get("command")
    return dap.failure(
        seq if isinstance(seq, int) else 0,
        command if isinstance(command, str) else "",
        "the debug_request failed; see evalue",
    )


def _text(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise Refused(f'field "{name}": expected a string')
    return value


def _object(arguments: Arguments, name: str) -> Arguments:
    value = arguments.get(name)
    if not isinstance(value, dict):
        raise Refused(f'field "{name}": expected an object')
    return value


def _number(arguments: Arguments, name: str) -> int:
    """A number that is 0 where it is missing."""
    value = arguments.get(name) or 0
    if not isinstance(value, int) or value < 0:
        raise Refused(f'field "{name}": expected a whole number not below 0')
    return value


def _has_line(asked: Any) -> bool:
    return isinstance(asked, dict) and type(asked.get("line")) is int
