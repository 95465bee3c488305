"""The namespace is the host's own dict: what is its, stays its."""

from __future__ import annotations

import atexit
import builtins
import gettext
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.real_shell import RealShell

Make = Callable[..., RealShell]

HOST_NAMES = (
    "_", "__", "___", "_i", "_ii", "_iii", "_i1", "_1", "_ih", "_oh", "_dh", "In", "Out",
    "exit", "quit", "open", "get_ipython", "__name__", "__builtins__", "display",
)  # fmt: skip


def test_it_is_the_very_dict_and_live_both_ways(make_shell: Make) -> None:
    namespace: dict[str, Any] = {"model": [1]}
    bench = make_shell(namespace)
    assert bench.shell.user_ns is namespace
    bench.fine("model.append(2); made = len(model)")
    assert namespace["made"] == 2
    namespace["later"] = "host"
    bench.fine("seen = later")
    assert namespace["seen"] == "host"


def test_every_scope_of_a_cell_sees_it(make_shell: Make) -> None:
    bench = make_shell({"x": 2})
    bench.fine(
        "def f():\n    return x\n"
        "class C:\n    y = x\n    z = [x for _ in range(2)]\n"
        "a = [x * n for n in range(3)]\n"
        "g = (lambda: x)()\n"
        "def outer():\n    def inner():\n        global made\n        made = x\n    inner()\n"
        "outer()"
    )
    got = bench.namespace
    assert (got["f"](), got["C"].z, got["a"], got["g"], got["made"]) == (
        2,
        [2, 2],
        [0, 2, 4],
        2,
        2,
    )
    bench.namespace["x"] = 5
    assert got["f"]() == 5


@pytest.mark.parametrize("name", HOST_NAMES)
def test_a_host_s_name_is_kept(make_shell: Make, name: str) -> None:
    mine = object() if name not in ("__name__", "__builtins__") else None
    value = {"__name__": "host.module", "__builtins__": builtins}.get(name, mine)
    namespace = {name: value}
    bench = make_shell(namespace)
    assert namespace[name] is value
    for code in ("1 + 1", "'text'", "x = 3", "x"):
        bench.fine(code)
    assert namespace[name] is value
    bench.shell.close()
    assert namespace == {name: value, "x": 3}


def test_a_gettext_underscore_goes_on_working(make_shell: Make) -> None:
    namespace: dict[str, Any] = {"_": gettext.NullTranslations().gettext}
    bench = make_shell(namespace)
    bench.fine("6 * 7")
    bench.fine("translated = _('text')")
    assert namespace["translated"] == "text"


def test_open_is_python_s_own(make_shell: Make) -> None:
    bench = make_shell()
    assert "open" not in bench.namespace
    bench.fine("same = open is __import__('builtins').open")
    assert bench.namespace["same"] is True


def test_after_the_close_only_what_cells_made_is_left(make_shell: Make) -> None:
    namespace: dict[str, Any] = {"host": 1}
    bench = make_shell(namespace)
    bench.fine("made = 1\n2 + 2")
    bench.fine("_")
    bench.fine("%time 1")
    bench.shell.close()
    assert namespace == {"host": 1, "made": 1}


def test_what_a_cell_puts_under_one_of_our_names_stays(make_shell: Make) -> None:
    bench = make_shell()
    bench.fine("In = 5")
    bench.shell.close()
    assert bench.namespace == {"In": 5}


@pytest.mark.parametrize("command", ["%reset -f", "reset"])
def test_a_reset_keeps_what_is_the_host_s(make_shell: Make, command: str) -> None:
    namespace: dict[str, Any] = {"model": object(), "__name__": "host"}
    before = dict(namespace)
    bench = make_shell(namespace)
    bench.fine("made = 1; model = 2")
    namespace["model"] = before["model"]
    if command == "reset":
        bench.interpreter.reset()
    else:
        bench.fine(command)
    assert "made" not in namespace
    assert {name: namespace[name] for name in before} == before
    bench.fine("model; In; Out; exit")
    bench.shell.close()
    assert namespace == before


def test_a_module_s_namespace_keeps_what_makes_it_one(make_shell: Make) -> None:
    import types

    module = types.ModuleType("host", "Its text.")
    bench = make_shell(module.__dict__, user_module=module)
    bench.fine("class C: pass")
    assert module.__dict__["C"].__module__ == "host"
    bench.fine("%reset -f")
    assert (module.__name__, module.__doc__) == ("host", "Its text.")


def process() -> dict[str, Any]:
    """What a guest could change of its host's process."""
    profile = os.path.join(os.environ["IPYTHONDIR"], "profile_default")
    return {
        "path": list(sys.path),
        "environ": dict(os.environ),
        "threads": threading.enumerate(),
        "builtins": set(vars(builtins)),
        "displayhook": sys.displayhook,
        "excepthook": sys.excepthook,
        "main": sys.modules["__main__"],
        "ps1": getattr(sys, "ps1", None),
        "profile": os.path.exists(profile),
    }


def test_a_guest_leaves_the_process_alone(make_shell: Make) -> None:
    before = process()
    bench = make_shell()
    bench.fine("1")
    bench.run("1 / 0")
    assert process() == before
    bench.shell.close()
    assert process() == before


def test_a_guest_leaves_nothing_for_the_end_of_the_process(
    make_shell: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_exit: list[Any] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    monkeypatch.setattr(atexit, "unregister", at_exit.remove)
    make_shell()
    assert at_exit == []


def test_in_a_cell_and_only_there_the_shell_is_the_ipython_of_the_process(
    make_shell: Make,
) -> None:
    from IPython.core.getipython import get_ipython

    one, two = make_shell(), make_shell()
    code = "from IPython import get_ipython as gi; mine = gi(); same = mine is get_ipython()"
    for bench in (one, two, one):
        bench.fine(code)
        assert bench.namespace["mine"] is bench.shell
        assert bench.namespace["same"] is True
        assert get_ipython() is None


def test_it_is_named_as_other_packages_expect(bench: RealShell) -> None:
    assert type(bench.shell).__name__ == "ZMQInteractiveShell"
    assert "zmq" in str(type(bench.shell)).lower()


def test_two_shells_in_two_namespaces_do_not_meet(make_shell: Make) -> None:
    one, two = make_shell(), make_shell()
    one.fine("x = 1")
    two.fine("x = 2")
    one.fine("y = x")
    assert (one.namespace["y"], two.namespace.get("y")) == (1, None)
    assert (one.shell.execution_count, two.shell.execution_count) == (3, 2)
