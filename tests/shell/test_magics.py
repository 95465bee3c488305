"""Magics that need a frontend, or that would harm an application, in a shell without a kernel."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.real_shell import RealShell


class Reachable:
    """Where a kernel could be reached, if it were one."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @property
    def connection_file(self) -> Path:
        if self._file is None:
            raise RuntimeError("this kernel has no sockets")
        return self._file

    @property
    def attach_command(self) -> str:
        return f"jupyter console --existing {self.connection_file.name}"


@pytest.fixture
def connection_file(tmp_path: Path) -> Path:
    path = tmp_path / "kernel-1.json"
    path.write_text(json.dumps({"key": "secret", "shell_port": 5, "qtkernel": {"pid": 1}}))
    return path


def payload(bench: RealShell, code: str) -> dict[str, Any]:
    """What a cell asks the frontend to do."""
    (only,) = bench.fine(code).payload
    return dict(only)


def paged(bench: RealShell, code: str) -> str:
    """What a cell has the frontend's pager show."""
    asked = payload(bench, code)
    assert (asked["source"], asked["start"]) == ("page", 0)
    return str(asked["data"]["text/plain"])


def refused(bench: RealShell, code: str) -> str:
    """Why a cell is refused, in one line and without a traceback."""
    error = bench.run(code).error
    assert error is not None
    assert error.ename == "UsageError"
    assert len(error.traceback) == 1
    return error.evalue


# Attaching


def test_connect_info(make_shell: Callable[..., RealShell], connection_file: Path) -> None:
    bench = make_shell(connection=Reachable(connection_file))
    bench.fine("%connect_info")
    text = bench.iopub.text()
    members, _, rest = text.partition("\n\n")
    assert json.loads(members) == {"key": "secret", "shell_port": 5}
    assert "jupyter console --existing kernel-1.json\n" in rest
    connection_file.unlink()
    assert str(connection_file) in refused(bench, "%connect_info")


def test_without_sockets_nothing_attaches(make_shell: Callable[..., RealShell]) -> None:
    bench = make_shell(connection=Reachable(None))
    assert "no sockets" in refused(bench, "%connect_info")
    assert "no sockets" in refused(bench, "%qtconsole")


@pytest.mark.skipif(os.name != "posix", reason="the program is a shell script")
def test_qtconsole(
    make_shell: Callable[..., RealShell],
    connection_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = make_shell(connection=Reachable(connection_file))
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "pip install qtconsole" in refused(bench, "%qtconsole")
    os.mkfifo(tmp_path / "said")
    program = tmp_path / "jupyter-qtconsole"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\n')
    program.chmod(0o755)
    bench.fine("%qtconsole --style monokai")
    said = (tmp_path / "said").read_text()
    assert said == f"--existing {connection_file} --style monokai\n"


# Shown and opened by the frontend


def test_less(bench: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text").write_bytes(b"one\ntwo \xff\n")
    Path("script.py").write_text("import sys\n")
    assert paged(bench, "%less text") == "one\ntwo �\n"
    assert "\x1b[" in paged(bench, "%more script.py")
    assert refused(bench, "%less") == "Missing filename."
    assert "nothing: No such file" in refused(bench, "%less nothing")


def test_page_and_its_kin(bench: RealShell) -> None:
    bench.fine("def f():\n    'Says so.'\n    return 1\ntext = 'some text'")
    assert paged(bench, "%page -r text") == "some text"
    for code in ("f?", "%pinfo f", "%pdoc f"):
        assert "Says so." in paged(bench, code)
    for code in ("f??", "%psource f"):
        assert "return" in paged(bench, code)
    assert "function calls" in paged(bench, "%prun f()")


@pytest.mark.skipif(os.name != "posix", reason="there are no manual pages")
def test_man(bench: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "man"
    program.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\nprintf 'b\\bbold\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert paged(bench, "%man 3 printf;$HOME{x}").startswith("3|printf;$HOME{x}|bold")
    program.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no program `man`" in refused(bench, "%man ls")


def test_edit(bench: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text("import sys\n")
    asked = {"source": "edit_magic", "filename": str(tmp_path / "script.py"), "line_number": 3}
    assert payload(bench, "%edit -n 3 script.py") == asked
    assert payload(bench, "%ed script.py") == asked | {"line_number": None}
    bench.fine("import textwrap")
    place = payload(bench, "%edit textwrap.dedent")
    assert place["filename"].endswith("textwrap.py")
    assert place["line_number"] > 100
    assert payload(bench, "%edit -p") == place
    new = payload(bench, "%edit")
    assert Path(new["filename"]).exists()


def test_edit_shows_the_code_of_a_cell(bench: RealShell) -> None:
    bench.fine("def f():\n    return 1")
    assert "return 1" in Path(payload(bench, "%edit f")["filename"]).read_text()
    bench.fine("%macro m 1")
    assert "macro" in refused(bench, "%edit m")


def test_load_and_recall(bench: RealShell, tmp_path: Path) -> None:
    bench.fine("first = 1")
    bench.namespace["path"] = tmp_path / "script.py"
    bench.namespace["path"].write_text("import sys\n")
    loaded = payload(bench, "%load {path}")
    assert (loaded["source"], loaded["replace"]) == ("set_next_input", True)
    assert loaded["text"].endswith("import sys\n")
    assert payload(bench, "%recall 1")["text"] == "first = 1"


def test_clear_and_autosave(bench: RealShell) -> None:
    bench.fine("%clear")
    assert bench.iopub.text() == "\x1b[H\x1b[2J"
    bench.iopub.take()
    bench.fine("%autosave 5")
    (display,) = [content for kind, content in bench.iopub.take() if kind == "display_data"]
    assert "5000" in display["data"]["application/javascript"]
    assert "integer" in refused(bench, "%autosave soon")


# Scripts


def test_run_with_a_debugger_finds_the_script(
    bench: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the current directory is not on sys.path, as in most applications."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    Path("script.py").write_text("a = 1\nb = 2\n")
    bench.answers += ["c", "p a", "c"]
    bench.fine("%run -d -b 2 script.py")
    text = bench.iopub.text()
    assert f"Breakpoint 1 at {tmp_path}/script.py:2" in text
    assert "not found" not in text
    assert [prompt for prompt, _ in bench.questions] == ["ipdb> "] * 3
    assert bench.namespace["b"] == 2


def test_run_asks_and_exits(
    bench: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(
        "import sys\nname = input('who? ')\nprint(sys.argv[1:], name, __name__)\n"
        "sys.exit(int(name))"
    )
    argv, main = sys.argv, sys.modules["__main__"]
    bench.answers += ["0"]
    bench.fine("%run script.py a b")
    assert bench.iopub.text() == "['a', 'b'] 0 __main__\n"
    assert bench.questions == [("who? ", False)]
    bench.answers += ["3"]
    bench.run("%run script.py")
    assert (bench.iopub.said[-1][1]["ename"], bench.iopub.said[-1][1]["evalue"]) == (
        "SystemExit",
        "3",
    )
    assert (sys.argv, sys.modules["__main__"]) == (argv, main)


@pytest.mark.parametrize("code", ["%pip list", "%uv pip list", "%conda list"])
def test_packages_are_not_installed_into_a_frozen_application(
    bench: RealShell, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/nonsense/application")
    assert "frozen" in refused(bench, code)


def test_pip(bench: RealShell) -> None:
    bench.fine("%pip --version")
    assert bench.iopub.text().startswith("pip ")


def test_store(bench: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No extension has to be loaded first; a guest makes the directory now, and not before."""
    monkeypatch.setattr(bench.shell, "ipython_dir", str(tmp_path))
    bench.fine("kept = [1, 2]")
    assert os.listdir(tmp_path) == []
    bench.fine("%store kept")
    bench.fine("del kept\n%store -r kept")
    assert bench.namespace["kept"] == [1, 2]
    assert os.listdir(tmp_path) == ["profile_default"]


def test_debug_without_an_error(bench: RealShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "last_traceback", raising=False)
    # IPython would have the application's log say so, or configure logging if nobody has
    assert "no error yet" in refused(bench, "%debug")


def test_capture(bench: RealShell) -> None:
    bench.fine("%%capture c\nimport sys\nprint('out'); print('err', file=sys.stderr)\n1 + 1")
    assert bench.iopub.take() == []
    assert (bench.namespace["c"].stdout, bench.namespace["c"].stderr) == ("out\n", "err\n")
    bench.fine("c.show()")
    kinds = [kind for kind, _ in bench.iopub.said]
    assert kinds == ["stream", "stream", "display_data"]


def test_autoreload(bench: RealShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "reloaded_module.py"
    module.write_text("value = 1\n")
    try:
        bench.fine("%load_ext autoreload\n%autoreload 2\nimport reloaded_module")
        module.write_text("value = 22\n")
        os.utime(module, (2e9, 2e9))
        bench.fine("seen = reloaded_module.value")
        assert bench.namespace["seen"] == 22
    finally:
        sys.modules.pop("reloaded_module", None)
