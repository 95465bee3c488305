"""kernel.trace(): what is different in the process, and that nothing is after close()."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from qtkernel.embed.trace import Snapshot
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import read_connection_file
from tests.embed.conftest import Embed
from tests.support.bare_client import BareClient, converse


def test_it_names_what_an_open_kernel_has_taken(embed: Embed) -> None:
    kernel = embed({"mine": 1})
    trace = kernel.trace()
    assert "StreamProxy" in trace["sys.stdout"]
    assert "qtkernel-control" in trace["threads"]
    assert kernel.connection_file in trace["files"]
    assert "get_ipython" in trace["namespace"]
    assert "mine" not in trace["namespace"]
    # no environment variable for children to inherit, no signal handler while no cell runs
    assert not {"os.environ", "signal.SIGINT", "sys.path", "sys.modules['__main__']"} & set(trace)


def test_it_is_empty_after_close(embed: Embed) -> None:
    kernel = embed({"mine": 1, "In": 2})
    kernel.close()
    assert kernel.trace() == {}


def test_cells_leave_nothing_either(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()
    info = read_connection_file(kernel.connection_file)

    def script() -> dict[str, Any]:
        with BareClient(info) as client:
            client.run("import sys; made = 1; 1/0")
            return client.ask("execute_request", {"code": "", "user_expressions": {"v": "made"}})

    assert converse(loop, script)["user_expressions"]["v"]["status"] == "ok"
    assert "ZeroDivisionError" in kernel.trace()["sys.last_value"]
    kernel.close()
    assert kernel.trace() == {}
    assert kernel.user_ns["made"] == 1


def test_what_is_still_there_is_told(embed: Embed) -> None:
    kernel = embed()
    kernel.close()
    Path(kernel.connection_file).touch()
    assert kernel.trace() == {"files": f"new: {kernel.connection_file}"}


class Unkind:
    """An object of a host's that answers nothing."""

    def __eq__(self, other: object) -> bool:
        raise ValueError

    def __repr__(self) -> str:
        raise ValueError

    __hash__ = None  # type: ignore[assignment]


def test_objects_are_compared_by_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "displayhook", Unkind())
    snapshot = Snapshot()
    assert snapshot.differences() == {}
    monkeypatch.setattr(sys, "displayhook", Unkind())
    ((name, words),) = snapshot.differences().items()
    assert name == "sys.displayhook"
    assert words.count("whose repr() raised ValueError") == 2


def test_lists_are_compared_by_what_is_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = Snapshot()
    monkeypatch.setattr(sys, "path", [*sys.path, "/new"])
    assert snapshot.differences() == {"sys.path": "new: '/new'"}
    monkeypatch.setattr(sys, "path", ["/other"])
    assert "gone: " in snapshot.differences()["sys.path"]
