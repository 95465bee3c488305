"""What happens around a stop: interrupts, exceptions, other frontends, ends, and wrong requests."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.debugging import DebugClient
from tests.frontends.support.frontends import PATIENCE, Frontend
from tests.frontends.support.programs import KernelProgram

LOOP = "import time\nwhile True:\n    time.sleep(0.001)\n    x = 1"

Attach = Callable[[Any], Frontend]


def stop_in_loop(client: DebugClient) -> str:
    client.break_in(LOOP, 4)
    msg_id = client.frontend.start(LOOP)
    assert client.stop()["line"] == 4
    return msg_id


def test_control_is_answered_at_a_stop(client: DebugClient) -> None:
    msg_id = stop_in_loop(client)
    control = client.frontend.control
    assert control("kernel_info_request")["content"]["implementation"] == "qtkernel"
    (thread,) = (each for each in control("stack_request")["content"]["threads"] if each["kernel"])
    assert "x = 1" in "".join(thread["stack"])
    assert client.do("debugInfo")["stoppedThreads"] == [1]
    client.frontend.interrupt()
    assert client.frontend.outcome(msg_id).ename == "KeyboardInterrupt"


def test_an_interrupt_goes_past_breakpoints_and_leaves_them(client: DebugClient) -> None:
    for _ in range(3):
        msg_id = stop_in_loop(client)
        client.frontend.interrupt()
        assert client.frontend.outcome(msg_id).ename == "KeyboardInterrupt"
        assert client.do("debugInfo")["stoppedThreads"] == []


def interrupt_evaluation(client: DebugClient, cell: str | None = None, **arguments: Any) -> None:
    """Have what never ends evaluated, at a stop in `cell` or at none, and interrupt that."""
    endless = "(print('begun', flush=True), all(True for _ in iter(int, 1)))"
    content = {
        "type": "request",
        "seq": 1000,
        "command": "evaluate",
        "arguments": {"expression": endless} | arguments,
    }
    frontend = client.frontend
    message = frontend.client.session.msg("debug_request", content)
    frontend.client.control_channel.send(message)
    frontend.wait_for_text(cell or message["header"]["msg_id"], "begun\n")
    frontend.client.control_channel.send(frontend.client.session.msg("interrupt_request", {}))
    replies = [frontend.client.get_control_msg(timeout=PATIENCE) for _ in range(2)]
    contents = {reply["msg_type"]: reply["content"] for reply in replies}
    assert contents["interrupt_reply"]["status"] == "ok"
    assert contents["debug_reply"]["success"] is False
    assert "KeyboardInterrupt" in contents["debug_reply"]["message"]


def test_an_interrupt_ends_what_is_evaluated(client: DebugClient) -> None:
    msg_id = stop_in_loop(client)
    (frame,) = client.frames(1)
    interrupt_evaluation(client, msg_id, frameId=frame["id"], context="watch")
    # and it is where it was
    assert client.do("debugInfo")["stoppedThreads"] == [1]
    assert client.frames(1)[0]["line"] == 4
    client.frontend.interrupt()
    assert client.frontend.outcome(msg_id).ename == "KeyboardInterrupt"


def test_an_interrupt_ends_what_is_evaluated_while_nothing_has_stopped(
    client: DebugClient,
) -> None:
    """It runs in the application's own thread, which stands still meanwhile."""
    for _ in range(3):
        interrupt_evaluation(client)
        assert client.do("evaluate", expression="1 + 1")["result"] == "2"
        assert client.frontend.run("2 + 2").result == "4"


def test_interrupts_while_attached(client: DebugClient) -> None:
    """Raised in the debugger's own code, an interrupt would end the tracing."""
    for number in range(20):
        cell = f"# {number}\nprint('begun', flush=True)\nwhile True:\n    sum(i for i in range(9))"
        msg_id = client.frontend.start(cell)
        client.frontend.wait_for_text(msg_id, "begun\n")
        client.frontend.interrupt()
        assert client.frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    msg_id = stop_in_loop(client)
    client.frontend.interrupt()
    client.frontend.outcome(msg_id)


@pytest.mark.parametrize("filters", [["raised"], ["userUnhandled"]])
def test_stopping_at_an_exception(client: DebugClient, filters: list[str]) -> None:
    cell = "def divide(a, b):\n    return a / b\ndef f(n):\n    return divide(n, 0)\nf(3)"
    client.do("dumpCell", code=cell)
    client.do("setExceptionBreakpoints", filters=filters)
    msg_id = client.frontend.start(cell)
    frame = client.stop("exception")
    info = client.do("exceptionInfo", threadId=1)
    assert info["exceptionId"].startswith("ZeroDivisionError")
    assert info["description"] == "division by zero"
    names = {each["name"].removesuffix(" (Current frame)") for each in client.frames(1)}
    assert names == {"divide", "f", "<module>"}
    client.do("setExceptionBreakpoints", filters=[])
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).ename == "ZeroDivisionError"


def test_exceptions_of_what_runs_cells_do_not_stop(client: DebugClient) -> None:
    """IPython and the kernel raise and catch a lot, and so does the standard library."""
    client.do("setExceptionBreakpoints", filters=["raised"])
    frontend = client.frontend
    assert frontend.run("%timeit -n1 -r1 1\n'%s' % 1").result == "'1'"
    frontend.outcome(frontend.client.complete("import js"))
    frontend.outcome(frontend.client.inspect("nowhere"))
    client.do("setExceptionBreakpoints", filters=[])


def test_two_frontends_in_one_session(
    client: DebugClient, debugged: KernelProgram, attach: Attach
) -> None:
    """Events come under the last debug_request, whosever that was; both can go on."""
    other = DebugClient(attach(debugged))
    other.do("initialize")  # it joins
    assert client.do("debugInfo")["isStarted"] is True
    msg_id = stop_in_loop(client)
    event = other.event_message("stopped")
    assert event["parent_header"]["msg_type"] == "debug_request"
    assert event["parent_header"]["session"] == client.frontend.client.session.session
    assert other.do("debugInfo")["stoppedThreads"] == [1]
    assert other.frames(1)[0]["line"] == 4
    other.do("next", threadId=1)
    stepped = client.event_message("stopped", reason="step")
    assert stepped["parent_header"]["session"] == other.frontend.client.session.session
    other.frontend.interrupt()
    assert client.frontend.outcome(msg_id).ename == "KeyboardInterrupt"


@pytest.mark.parametrize("command", ["disconnect", "terminate"])
def test_disconnecting_at_a_stop(client: DebugClient, command: str) -> None:
    """What has stopped goes on, whatever the frontend wanted to happen to the process."""
    cell = "stopped = 1\nstopped = 2\nstopped"
    client.break_in(cell, 2)
    msg_id = client.frontend.start(cell)
    client.stop()
    client.do(command, terminateDebuggee=True)
    assert client.frontend.outcome(msg_id).result == "2"
    assert client.do("debugInfo")["isStarted"] is False


TRACES = """
import os, sys, threading
(
    sys.gettrace(),
    threading.gettrace(),
    sys.settrace,
    sys.breakpointhook,
    threading.enumerate,
    sorted(thread.name for thread in threading.enumerate()),
    len(os.listdir('/proc/self/fd')) if os.path.exists('/proc/self/fd') else 0,
    {name: value for name, value in os.environ.items() if 'PYDEVD' in name},
    [frame.f_trace for frame in sys._current_frames().values() if frame.f_trace],
)
"""


def test_a_session_leaves_nothing(start: Starter) -> None:
    frontend = start.frontend(start.kernel("qt"))
    frontend.run(TRACES)
    before = frontend.run(TRACES).result
    client = DebugClient(frontend)
    for _ in range(3):
        client.attach()
        cell = "a = 1\nb = 2"
        client.break_in(cell, 2)
        msg_id = frontend.start(cell)
        client.go_on(client.stop())
        frontend.outcome(msg_id)
        client.do("disconnect")
        assert frontend.run(TRACES).result == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_stop(client: DebugClient) -> None:
    cell = (
        "import os\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    done = 7\n"
        "    os._exit(done)\n"
        "os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
    )
    client.break_in(cell, 4)
    assert client.frontend.run(cell).result == "7"


def test_the_kernel_ends_at_a_stop(start: Starter) -> None:
    kernel = start.kernel("qt")
    client = DebugClient(start.frontend(kernel))
    client.attach()
    stop_in_loop(client)
    assert client.frontend.shutdown()["content"]["status"] == "ok"
    assert kernel.wait() == 0


def test_a_signal_ends_the_kernel_at_a_stop(start: Starter) -> None:
    kernel = start.kernel("qt")
    client = DebugClient(start.frontend(kernel))
    client.attach()
    stop_in_loop(client)
    kernel.process.terminate()
    assert kernel.wait() == 0


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("nonsense", {}, "unknown command 'nonsense'; there are: attach, "),
        ("", {}, "unknown command ''"),
        ("setBreakpoints", {}, 'field "source": expected an object'),
        ("setBreakpoints", {"source": {}}, 'field "path": expected a string'),
        ("setBreakpoints", {"source": {"path": "/a.py"}, "breakpoints": [{}]}, "breakpoints"),
        ("dumpCell", {"code": 1}, 'field "code": expected a string'),
        ("stackTrace", {"threadId": 99}, "99"),
        ("stackTrace", {"threadId": "x"}, 'field "threadId"'),
        ("scopes", {"frameId": 12345}, "12345"),
        ("variables", {"variablesReference": 3}, "no variables 3"),
        ("next", {"threadId": 1}, "thread 1 has not stopped"),
        ("exceptionInfo", {"threadId": 1}, "thread 1 has not stopped"),
        ("continue", {"threadId": 1}, "nothing has stopped"),
        ("setVariable", {"variablesReference": 1, "name": "a", "value": "1"}, ""),
        ("goto", {"threadId": 1, "targetId": 1}, "goto"),
        ("copyToGlobals", {}, 'field "srcVariableName"'),
        ("richInspectVariables", {}, 'field "variableName"'),
        ("source", {}, 'field "source"'),
        ("source", {"source": {"path": "a\0b"}}, "there is no source"),
        # what pydevd's own thread fails at
        (
            "setBreakpoints",
            {"source": {"path": "a\0b"}, "breakpoints": [{"line": 1}]},
            "embedded null",
        ),
        (
            "setBreakpoints",
            {"source": {"path": "/a.py"}, "breakpoints": [{"line": 1, "logMessage": 5}]},
            "'int' object",
        ),
        ("setExceptionBreakpoints", {"filters": 5}, "'int'"),
        ("setFunctionBreakpoints", {"breakpoints": [5]}, "'int' object"),
        # what ends a program is an error like any other here
        ("evaluate", {"expression": "raise SystemExit(3)"}, "SystemExit: 3"),
        ("evaluate", {"expression": "raise GeneratorExit"}, "GeneratorExit"),
    ],
)
def test_wrong_requests(
    client: DebugClient, command: str, arguments: dict[str, Any], words: str
) -> None:
    response = client.ask(command, **arguments)
    assert response["success"] is False
    assert words in response["message"]
    assert client.do("debugInfo")["isStarted"] is True  # the session has survived it
    assert client.do("debugInfo")["breakpoints"] == []
    assert client.do("threads")["threads"]  # and so has the debugger itself


def test_a_wrong_request_at_a_stop(client: DebugClient) -> None:
    msg_id = stop_in_loop(client)
    wrong = client.ask("setFunctionBreakpoints", breakpoints=[5])
    assert wrong["success"] is False
    client.frontend.interrupt()
    assert client.frontend.outcome(msg_id).ename == "KeyboardInterrupt"


def test_two_begin_at_once(debugged: KernelProgram, attach: Attach) -> None:
    client = DebugClient(attach(debugged))
    frontend = client.frontend.client
    for number in (1, 2):
        content = {"type": "request", "seq": number, "command": "initialize", "arguments": {}}
        frontend.control_channel.send(frontend.session.msg("debug_request", content))
    replies = [frontend.get_control_msg(timeout=PATIENCE)["content"] for _ in range(2)]
    assert {reply["request_seq"] for reply in replies} == {1, 2}
    for reply in replies:
        assert reply["success"] is True
        assert reply["body"]["supportsConditionalBreakpoints"] is True
    client.do("disconnect")


def test_content_that_cannot_be_read(client: DebugClient) -> None:
    for content, words in (
        ({"seq": 5}, '"command": expected a string, but it is missing'),
        ({"command": 1, "seq": 5}, '"command": expected a string, got a number'),
        ({"command": "debugInfo", "seq": 5, "arguments": []}, '"arguments": expected an object'),
    ):
        reply = client.frontend.control("debug_request", content)["content"]
        assert (reply["type"], reply["success"], reply["request_seq"]) == ("response", False, 5)
        assert words in reply["evalue"]


def test_without_a_session(debugged: KernelProgram, attach: Attach) -> None:
    client = DebugClient(attach(debugged))
    for command in ("attach", "threads", "stackTrace"):
        response = client.ask(command, threadId=1)
        assert "initialize comes first" in response["message"]
    assert client.do("disconnect") == {}
