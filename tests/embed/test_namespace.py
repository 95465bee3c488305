"""Which namespace, and which module it belongs to."""

from __future__ import annotations

import pickle
import sys
import types

import pytest

import qtkernel
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import read_connection_file
from tests.embed.conftest import Embed
from tests.support.bare_client import BareClient, converse

DEFINE = "class Made: pass\ndef made(): return Made()"


def run(kernel: qtkernel.EmbeddedKernel, loop: EventLoop, code: str) -> str:
    """Run a cell from outside; what became of it: ok, or the name of the exception."""
    info = read_connection_file(kernel.connection_file)

    def script() -> str:
        with BareClient(info) as client:
            content = client.ask("execute_request", {"code": code})
            return str(content.get("ename", content["status"]))

    return converse(loop, script)


@pytest.mark.usefixtures("runtime_dir")
def test_a_module_is_enough(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    module = types.ModuleType("an_application")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kernel = qtkernel.embed(user_module=module, loop=loop)
    request.addfinalizer(kernel.close)
    assert kernel.user_ns is vars(module)
    assert (
        run(kernel, loop, f"{DEFINE}\nimport pickle; data = pickle.dumps((Made(), made))") == "ok"
    )
    made = vars(module)["Made"]
    assert made.__module__ == "an_application"
    assert type(pickle.loads(vars(module)["data"])[0]) is made


def test_a_module_s_globals_are_recognised(
    embed: Embed, loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("an_application")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kernel = embed(vars(module))
    assert run(kernel, loop, f"{DEFINE}\nimport pickle; pickle.dumps(made())") == "ok"


def test_a_plain_dict_cannot_be_pickled_by_and_that_is_said(embed: Embed, loop: EventLoop) -> None:
    main = sys.modules["__main__"]
    kernel = embed({})
    code = f"{DEFINE}\nimport pickle\npickle.dumps(made())"
    assert run(kernel, loop, code) in ("PicklingError", "AttributeError")
    assert sys.modules["__main__"] is main
    assert not hasattr(main, "Made")


def test_another_module_is_refused(embed: Embed) -> None:
    with pytest.raises(ValueError, match="leave one of the two out"):
        embed({}, user_module=types.ModuleType("another"))


def test_a_forked_process_runs_a_function_of_a_cell(embed: Embed, loop: EventLoop) -> None:
    kernel = embed({})
    code = (
        "import multiprocessing\n"
        "fork = multiprocessing.get_context('fork')\n"
        "queue = fork.SimpleQueue()\n"
        "def work(): queue.put(factor * 2)\n"
        "factor = 21\n"
        "process = fork.Process(target=work)\n"
        "process.start(); value = queue.get(); process.join(); code = process.exitcode\n"
        "queue.close()"
    )
    assert run(kernel, loop, code) == "ok"
    assert (kernel.user_ns["value"], kernel.user_ns["code"]) == (42, 0)
