"""Debugging a real kernel by a real control channel, as JupyterLab does: stopping and going on."""

from __future__ import annotations

import os
from pathlib import Path

from tests.frontends.conftest import Starter
from tests.frontends.support.debugging import DebugClient

CELL = """\
def double(x):
    y = 2 * x
    return y

result = double(21)
print("after", result)
"""


def test_it_is_advertised_and_not_imported_before_it_is_used(start: Starter) -> None:
    frontend = start.frontend(start.kernel("headless"))
    info = frontend.outcome(frontend.client.kernel_info()).content
    assert info["debugger"] is True
    assert "debugger" in info["supported_features"]
    client = DebugClient(frontend)
    client.do("debugInfo")
    client.do("inspectVariables")
    loaded = "import sys; {'debugpy', 'pydevd'} & sys.modules.keys()"
    assert frontend.run(loaded).result == "set()"
    # and the rest works without an event loop of a toolkit
    client.attach()
    path = client.break_in(CELL, 3)
    cell = frontend.start(CELL)
    frame = client.stop()
    assert frame["source"]["path"] == path
    client.go_on(frame)
    assert frontend.outcome(cell).text() == "after 42\n"


def test_without_debugpy(start: Starter) -> None:
    """It is not advertised, and who asks all the same is told what to install."""
    directory = start.home.directory / "hiding"
    directory.mkdir()
    (directory / "sitecustomize.py").write_text("import sys; sys.modules['debugpy'] = None\n")
    path = f"{directory}{os.pathsep}{start.home.environment['PYTHONPATH']}"
    frontend = start.frontend(start.kernel("headless", environment={"PYTHONPATH": path}))
    info = frontend.outcome(frontend.client.kernel_info()).content
    assert info["debugger"] is False
    assert "debugger" not in info["supported_features"]
    for command in ("debugInfo", "initialize"):
        response = DebugClient(frontend).ask(command)
        assert response["success"] is False
        assert "qtkernel[debug]" in response["message"]
    assert "ipython-input" in frontend.run("(lambda: 0).__code__.co_filename").result


def test_a_breakpoint_in_a_cell(client: DebugClient) -> None:
    path = client.break_in(CELL, 3)
    cell = client.frontend.start(CELL)
    frame = client.stop()
    assert frame["thread"] == 1  # which is what JupyterLab asks about
    assert (frame["name"], frame["line"], frame["source"]["path"]) == ("double", 3, path)
    frames = client.frames(frame["thread"])
    assert [each["name"] for each in frames] == ["double", "<module>"]
    assert client.locals(frame) == {"x": "21", "y": "42"}
    client.go_on(frame)
    outcome = client.frontend.outcome(cell)
    assert outcome.status == "ok"
    assert outcome.text() == "after 42\n"


def test_part_of_the_stack(client: DebugClient) -> None:
    client.break_in(CELL, 3)
    cell = client.frontend.start(CELL)
    frame = client.stop()
    whole = client.do("stackTrace", threadId=1)
    assert whole["totalFrames"] == len(whole["stackFrames"]) == 2
    part = client.do("stackTrace", threadId=1, startFrame=1, levels=5)
    assert part == {"stackFrames": whole["stackFrames"][1:], "totalFrames": 2}
    part = client.do("stackTrace", threadId=1, levels=1)
    assert part == {"stackFrames": whole["stackFrames"][:1], "totalFrames": 2}
    client.go_on(frame)
    client.frontend.outcome(cell)


def test_empty_lines_at_the_beginning_count(client: DebugClient) -> None:
    cell = "\n\n  \nbefore = 1\nhere = 2\n1 / 0"
    client.break_in(cell, 5)
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    assert frame["line"] == 5
    assert client.do("evaluate", expression="before", frameId=frame["id"])["result"] == "1"
    client.go_on(frame)
    outcome = client.frontend.outcome(msg_id)
    assert outcome.ename == "ZeroDivisionError"
    assert "line 6" in "".join(outcome.content["traceback"])


def test_a_function_of_an_earlier_cell(client: DebugClient) -> None:
    """It was compiled before anybody thought of debugging."""
    frontend = client.frontend
    client.do("disconnect")
    definition = "def earlier(x):\n    x += 1\n    return x"
    frontend.run(definition)
    client.attach()
    client.break_in(definition, 3)
    cell = frontend.start("earlier(1)")
    frame = client.stop()
    assert client.locals(frame) == {"x": "2"}
    client.do("disconnect")  # which lets it go on
    assert frontend.outcome(cell).result == "2"


def test_steps(client: DebugClient) -> None:
    client.break_in(CELL, 5)
    cell = client.frontend.start(CELL)
    at = [client.stop()["line"]]
    for command in ("stepIn", "next", "stepOut", "next"):
        client.do(command, threadId=1)
        at.append(client.stop("step")["line"])
    assert at == [5, 2, 3, 5, 6]
    # over the last line: what runs cells is not stepped into
    client.do("next", threadId=1)
    assert client.frontend.outcome(cell).text() == "after 42\n"


def test_breakpoints_with_conditions(client: DebugClient) -> None:
    cell = "total = 0\nfor i in range(10):\n    total += i\ntotal"
    client.break_in(cell, 3, condition="i == 7")
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    assert client.locals(frame)["i"] == "7"
    path = frame["source"]["path"]
    client.break_at(path, 3, logMessage="i is {i}")
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).result == "45"
    assert client.event("output", category="stdout")["output"].strip() == "i is 8"


def test_a_cell_that_awaits(client: DebugClient) -> None:
    cell = (
        "import asyncio\n"
        "async def add(a):\n"
        "    await asyncio.sleep(0.001)\n"
        "    return a + 1\n"
        "task = asyncio.ensure_future(add(10))\n"
        "await add(1) + await task"
    )
    client.break_in(cell, 4)
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    assert [each["name"] for each in client.frames(1)] == ["add", "<module>"]
    client.go_on(frame)
    frame = client.stop()
    assert client.locals(frame) == {"a": "10"}
    assert [each["name"] for each in client.frames(1)] == ["add"]
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).result == "13"


def test_a_thread_of_a_cell(client: DebugClient) -> None:
    cell = (
        "import threading\n"
        "def work(n):\n"
        "    found.append(n)\n"
        "found = []\n"
        "thread = threading.Thread(target=work, args=(5,), name='the worker')\n"
        "thread.start()\n"
        "thread.join()\n"
        "found"
    )
    client.break_in(cell, 3)
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    assert frame["thread"] != 1
    assert client.locals(frame) == {"n": "5"}
    names = {each["id"]: each["name"] for each in client.do("threads")["threads"]}
    assert names == {1: "MainThread", frame["thread"]: "the worker"}
    assert client.do("debugInfo")["stoppedThreads"] == [frame["thread"]]
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).result == "[5]"


def test_pausing_a_cell_that_does_not_end(client: DebugClient) -> None:
    cell = "go = True\nprint('begun', flush=True)\nwhile go:\n    pass\n'ended'"
    client.do("dumpCell", code=cell)
    msg_id = client.frontend.start(cell)
    client.frontend.wait_for_text(msg_id, "begun\n")
    client.do("pause", threadId=1)
    frame = client.stop("pause")
    assert frame["name"] == "<module>"
    scope = client.do("scopes", frameId=frame["id"])["scopes"][0]
    client.do(
        "setVariable", variablesReference=scope["variablesReference"], name="go", value="False"
    )
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).result == "'ended'"


def test_going_on_with_the_cell_edited(client: DebugClient) -> None:
    path = client.break_in(CELL, 3)
    cell = client.frontend.start(CELL)
    frame = client.stop()
    edited = CELL.replace("21", "4")
    assert client.break_in(edited, 2) != path
    assert client.do("source", source={"path": path})["content"] == CELL
    assert client.frames(1)[0]["source"]["path"] == path
    client.go_on(frame)
    assert client.frontend.outcome(cell).text() == "after 42\n"
    cell = client.frontend.start(edited)
    frame = client.stop()
    assert (frame["line"], client.locals(frame)) == (2, {"x": "4"})
    client.go_on(frame)
    assert client.frontend.outcome(cell).text() == "after 8\n"


def test_breakpoints_outlive_a_session(client: DebugClient) -> None:
    path = client.break_in(CELL, 1, 3)
    client.do("disconnect")
    assert client.frontend.run(CELL).text() == "after 42\n"
    info = client.do("debugInfo")
    assert info["isStarted"] is False
    expected = {"source": path, "breakpoints": [{"line": 1}, {"line": 3}]}
    assert info["breakpoints"] == [expected]
    # changed in between, for the next session
    (found,) = client.do("setBreakpoints", source={"path": path}, breakpoints=[{"line": 2}])[
        "breakpoints"
    ]
    assert (found["verified"], found["line"]) == (False, 2)
    client.attach()
    cell = client.frontend.start(CELL)
    frame = client.stop()
    assert frame["line"] == 2
    client.go_on(frame)
    client.frontend.outcome(cell)


def test_a_line_without_code(client: DebugClient) -> None:
    """The breakpoint is where it stops, and where it is said to be."""
    cell = "a = 1\n\n# nothing\nb = 2\n"
    client.break_in(cell, 3)
    ((breakpoint_,),) = (each["breakpoints"] for each in client.do("debugInfo")["breakpoints"])
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    assert frame["line"] == breakpoint_["line"] != 3
    client.go_on(frame)
    client.frontend.outcome(msg_id)


def test_breakpoint_in_code(client: DebugClient) -> None:
    """``breakpoint()`` stops in the debugger as long as it is attached, else in pdb."""
    cell = "x = 1\nbreakpoint()\ny = 2"
    client.do("dumpCell", code=cell)
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    assert (frame["name"], frame["line"]) == ("<module>", 2)
    client.do("next", threadId=1)
    frame = client.stop("step")
    assert (frame["name"], frame["line"]) == ("<module>", 3)
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).status == "ok"
    client.do("disconnect")
    msg_id = client.frontend.start(cell)
    assert client.frontend.prompt() in ("ipdb> ", "(Pdb) ")
    client.frontend.answer("c")
    assert client.frontend.outcome(msg_id).status == "ok"


def test_a_file(client: DebugClient, tmp_path: Path) -> None:
    """A module that a cell imports, which is not a cell's."""
    module = tmp_path / "some_module.py"
    module.write_text("def triple(x):\n    y = 3 * x\n    return y\n")
    client.frontend.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    client.break_at(str(module), 3)
    cell = client.frontend.start("import some_module\nsome_module.triple(5)")
    frame = client.stop()
    assert client.locals(frame) == {"x": "5", "y": "15"}
    assert client.do("source", source={"path": str(module)})["content"] == module.read_text()
    assert client.ask("source", source={"path": "/nowhere.py"})["success"] is False
    assert [each["name"] for each in client.frames(1)] == ["triple", "<module>"]
    client.go_on(frame)
    assert client.frontend.outcome(cell).result == "15"
    found = {each["name"]: each["path"] for each in client.do("modules")["modules"]}
    assert found["some_module"] == str(module)
    some = client.do("modules", startModule=2, moduleCount=3)
    assert len(some["modules"]) == 3
    assert some["totalModules"] == len(found)
