"""What runs before the first request: profiles only when asked for, and the command line's code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qtkernel.shell.startup import (
    BadProfile,
    FirstCode,
    ProfileNotFound,
    load_profile,
    missing,
    run_first,
)
from tests.support.real_shell import RealShell

Make = Callable[..., RealShell]


@pytest.fixture
def shell(make_shell: Make) -> Iterator[RealShell]:
    """A shell that owns its process: as far as that goes in a process of tests."""
    path, argv, main = list(sys.path), list(sys.argv), sys.modules["__main__"]
    bench = make_shell(exit_ends=True)
    yield bench
    sys.path[:], sys.argv[:], sys.modules["__main__"] = path, argv, main


@pytest.fixture
def profile(homes: Path) -> Path:
    """An IPython profile ``work`` with a startup file and a configuration."""
    directory = homes / "ipython" / "profile_work"
    (directory / "startup").mkdir(parents=True, exist_ok=True)
    (directory / "startup" / "00.py").write_text("started = 'profile'\n")
    (directory / "ipython_config.py").write_text(
        "c = get_config()\nc.InteractiveShell.ast_node_interactivity = 'all'\n"
    )
    return directory


def test_code(shell: RealShell) -> None:
    run_first(shell.shell, FirstCode(code="x = 1; import sys; args = sys.argv[1:]"), None)
    assert shell.namespace["x"] == 1


def test_a_script_with_arguments_and_its_neighbours(shell: RealShell, tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_the_script.py").write_text("value = 7\n")
    script = tmp_path / "script.py"
    script.write_text("import sys, neighbour_of_the_script as n\nx = n.value, sys.argv[1:]\n")
    run_first(shell.shell, FirstCode(script=str(script), arguments=["a", "--b"]), None)
    assert shell.namespace["x"] == (7, ["a", "--b"])


def test_a_module(shell: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_to_run_first.py").write_text("print('runs as', __name__)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    shell.take_streams()
    with shell.iopub.request("first"):
        run_first(shell.shell, FirstCode(module="module_to_run_first"), None)
        shell.output.flush()
    assert shell.iopub.text() == "runs as __main__\n"


def test_what_fails_is_shown_and_the_shell_lives(shell: RealShell) -> None:
    run_first(shell.shell, FirstCode(code="1/0"), None)
    assert shell.iopub.take()[0][1]["ename"] == "ZeroDivisionError"
    shell.fine("1")


def test_extensions(shell: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "extension_of_the_tests.py").write_text(
        "def load_ipython_extension(ip):\n    ip.user_ns['loaded'] = True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    run_first(shell.shell, FirstCode(extensions=["extension_of_the_tests"]), None)
    assert shell.namespace["loaded"] is True


def test_a_profile_is_used_only_when_asked_for(shell: RealShell, profile: Path) -> None:
    assert profile.is_dir()
    run_first(shell.shell, FirstCode(), None)
    assert "started" not in shell.namespace
    run_first(shell.shell, FirstCode(), load_profile("work"))
    assert shell.namespace["started"] == "profile"


def test_the_profile_s_configuration_reaches_the_shell(make_shell: Make, profile: Path) -> None:
    assert profile.is_dir()
    loaded = load_profile("work")
    bench = make_shell(config=loaded.config, profile_dir=loaded.directory)
    bench.fine("1\n2")
    assert len(bench.iopub.take()) == 2


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(ProfileNotFound, match="ipython profile create nowhere"):
        load_profile("nowhere")


def test_a_profile_whose_configuration_fails(profile: Path) -> None:
    (profile / "ipython_config.py").write_text("1/0\n")
    with pytest.raises(BadProfile, match=r"ipython_config.py fails: ZeroDivisionError"):
        load_profile("work")


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        ({"script": "no/such/file.py"}, "there is no file 'no/such/file.py' to run"),
        ({"module": "no.such.module"}, "there is no module 'no.such.module' to run"),
        ({"module": "no_such_module"}, "there is no module 'no_such_module' to run"),
        ({"module": ".relative"}, "there is no module '.relative' to run"),
        ({"module": "json.tool"}, None),
        ({"code": "x"}, None),
        ({}, None),
    ],
)
def test_what_cannot_be_run_at_all(first: Any, problem: str | None) -> None:
    assert missing(FirstCode(**first)) == problem
