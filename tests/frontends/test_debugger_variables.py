"""What a debugger shows: variables, where something has stopped and where nothing has."""

from __future__ import annotations

from typing import Any

from tests.frontends.support.debugging import Dap, DebugClient

CELL = """\
class Temperature:
    def __init__(self, degrees):
        self.degrees = degrees
    def _repr_html_(self):
        return f"<b>{self.degrees}</b>"
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/x-degrees": self.degrees}

def measure(value):
    reading = Temperature(value)
    inside = {"a": [1, (2, reading)]}
    return reading

measure(20)
"""


def by_name(body: Dap) -> dict[str, Dap]:
    return {each["name"]: each for each in body["variables"]}


def stopped(client: DebugClient) -> tuple[str, Dap]:
    client.break_in(CELL, 12)
    return client.frontend.start(CELL), client.stop()


def test_inside_of_objects_where_it_has_stopped(client: DebugClient) -> None:
    msg_id, frame = stopped(client)
    scopes = client.do("scopes", frameId=frame["id"])["scopes"]
    assert [each["name"] for each in scopes] == ["Locals", "Globals"]
    local = by_name(client.do("variables", variablesReference=scopes[0]["variablesReference"]))
    assert local["value"]["type"] == "int"
    inside = local["inside"]["variablesReference"]
    items = by_name(client.do("variables", variablesReference=inside))
    assert items["'a'"]["value"].startswith("[1, (2, ")
    # what IPython keeps in the namespace is not among the globals
    global_ = by_name(client.do("variables", variablesReference=scopes[1]["variablesReference"]))
    assert not {"In", "Out", "_i", "_ih", "exit", "get_ipython"} & global_.keys()
    client.go_on(frame)
    client.frontend.outcome(msg_id)


def test_changing_what_it_goes_on_with(client: DebugClient) -> None:
    cell = "def f(x):\n    y = 1\n    return x + y\nf(10)"
    client.break_in(cell, 3)
    msg_id = client.frontend.start(cell)
    frame = client.stop()
    reference = client.do("scopes", frameId=frame["id"])["scopes"][0]["variablesReference"]
    body = client.do("setVariable", variablesReference=reference, name="x", value="2 * x")
    assert body["value"] == "20"
    client.do("evaluate", expression="y = 5", frameId=frame["id"], context="repl")
    assert client.do("evaluate", expression="x + y", frameId=frame["id"])["result"] == "25"
    wrong = client.ask("evaluate", expression="nowhere", frameId=frame["id"], context="watch")
    assert (wrong["success"], wrong["message"]) == (
        False,
        "NameError: name 'nowhere' is not defined",
    )
    client.go_on(frame)
    assert client.frontend.outcome(msg_id).result == "25"


def test_rich_where_it_has_stopped(client: DebugClient) -> None:
    msg_id, frame = stopped(client)

    def rich(name: str) -> Any:
        return client.do("richInspectVariables", variableName=name, frameId=frame["id"])["data"]

    assert rich("reading")["application/x-degrees"] == 20
    assert rich("inside['a'][1][1]")["application/x-degrees"] == 20
    assert rich("value") == {"text/plain": "20"}
    assert rich("special variables") == {}
    assert rich("measure(3)") == {}  # it would be run
    wrong = client.ask("richInspectVariables", variableName="nowhere", frameId=frame["id"])
    assert wrong["success"] is False
    assert "nowhere" in wrong["message"]
    client.go_on(frame)
    client.frontend.outcome(msg_id)


def test_copying_to_the_namespace(client: DebugClient) -> None:
    msg_id, frame = stopped(client)

    def copy(source: str, destination: str) -> Dap:
        return client.ask(
            "copyToGlobals",
            srcVariableName=source,
            dstVariableName=destination,
            srcFrameId=frame["id"],
        )

    assert copy("reading", "copied")["success"] is True
    assert copy("measure(1)", "copied")["message"] == "'measure(1)' is not a name"
    assert copy("reading", "a.b")["message"] == "'a.b' is not a name"
    assert copy("nowhere", "copied")["success"] is False
    client.go_on(frame)
    client.frontend.outcome(msg_id)
    assert client.frontend.run("copied.degrees").result == "20"


def test_variables_while_nothing_has_stopped(client: DebugClient) -> None:
    """Also without a session: a frontend shows them before anything is debugged."""
    client.frontend.run(CELL + "kept = measure(7)\nnested = {'k': [1, 2], 3: {'x', 'y'}}\n_own = 1")
    for _session in (True, False):
        found = by_name(client.do("inspectVariables"))
        assert {"kept", "nested", "_own", "measure", "Temperature"} <= found.keys()
        assert not {"In", "Out", "_i", "_1", "exit", "get_ipython"} & found.keys()
        assert found["kept"]["type"] == "Temperature"
        assert found["_own"] == {
            "name": "_own",
            "evaluateName": "_own",
            "type": "int",
            "value": "1",
            "variablesReference": 0,
        }
        nested = found["nested"]["variablesReference"]
        items = by_name(client.do("variables", variablesReference=nested))
        assert items["'k'"]["evaluateName"] == "nested['k']"
        numbers = items["'k'"]["variablesReference"]
        (second,) = client.do("variables", variablesReference=numbers, start=1, count=1)[
            "variables"
        ]
        assert (second["name"], second["value"]) == ("[1]", "2")
        attributes = client.do("variables", variablesReference=found["kept"]["variablesReference"])
        assert by_name(attributes)["degrees"]["value"] == "7"
        assert (
            client.do("richInspectVariables", variableName="kept")["data"]["application/x-degrees"]
            == 7
        )
        assert client.do("richInspectVariables", variableName="nowhere")["data"] == {}
        gone = client.ask("variables", variablesReference=nested + 1000)
        assert gone["success"] is False
        client.do("disconnect")
    assert client.ask("variables", variablesReference=0)["success"] is False


def test_a_value_that_cannot_be_shown(client: DebugClient) -> None:
    client.frontend.run(
        "class Bad:\n"
        "    def __repr__(self): raise RuntimeError('no')\n"
        "    @property\n"
        "    def __dict__(self): raise ValueError('no')\n"
        "bad = Bad()\n"
        "endless = []; endless.append(endless)\n"
        "large = list(range(10**6)); text = 'x' * 10**6"
    )
    found = by_name(client.do("inspectVariables"))
    assert found["bad"]["value"].startswith("<Bad instance")
    assert found["endless"]["value"] == "[[[[...]]]]"
    assert len(found["large"]["value"]) < 200
    assert len(found["text"]["value"]) < 1100
    children = client.do("variables", variablesReference=found["large"]["variablesReference"])
    assert len(children["variables"]) == 300


def test_evaluating_while_nothing_has_stopped(client: DebugClient) -> None:
    client.frontend.run("number = 6")
    body = client.do("evaluate", expression="[number] * 2", context="repl")
    assert (body["result"], body["type"]) == ("[6, 6]", "list")
    inside = client.do("variables", variablesReference=body["variablesReference"])
    assert by_name(inside)["[1]"]["value"] == "6"
    client.do("evaluate", expression="number += 1", context="repl")
    assert client.frontend.run("number").result == "7"
    assert client.ask("evaluate", expression="1/0")["message"].startswith("ZeroDivisionError")
    assert client.ask("evaluate", expression="1 +")["message"].startswith("SyntaxError")


def test_variables_are_those_at_the_stop(client: DebugClient) -> None:
    """Nothing else can run on the thread that has stopped, and still they are answered."""
    client.frontend.run("before = 'here'")
    msg_id, frame = stopped(client)
    found = by_name(client.do("inspectVariables"))
    assert found["before"]["value"] == "'here'"
    assert client.do("richInspectVariables", variableName="before")["data"] == {
        "text/plain": "'here'"
    }
    assert client.do("evaluate", expression="before.upper()")["result"] == "'HERE'"
    client.go_on(frame)
    client.frontend.outcome(msg_id)


def test_variables_that_were_asked_for_while_a_cell_ran(client: DebugClient) -> None:
    """They are answered when the cell has ended, or when it stops."""
    cell = "import time\nprint('begun', flush=True)\ntime.sleep(0.2)\nlate = 1\nlate = 2"
    client.break_in(cell, 5)
    msg_id = client.frontend.start(cell)
    client.frontend.wait_for_text(msg_id, "begun\n")
    found = by_name(client.do("inspectVariables"))
    assert found["late"]["value"] == "1"
    client.go_on(client.stop())
    client.frontend.outcome(msg_id)


def test_output_of_a_repr_belongs_to_its_question(client: DebugClient) -> None:
    client.frontend.run(
        "class Chatty:\n    def __repr__(self):\n        print('asked')\n        return 'chatty'\n"
        "chatty = Chatty()"
    )
    body = by_name(client.do("inspectVariables"))
    assert body["chatty"]["value"] == "chatty"
    message = client.frontend.take_published(
        lambda message: message["msg_type"] == "stream" and "asked" in message["content"]["text"]
    )
    assert message["parent_header"]["msg_type"] == "debug_request"
    client.frontend.run("del chatty")
