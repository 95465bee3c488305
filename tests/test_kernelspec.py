"""Installing and removing a kernelspec, from the command line and by the functions."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from qtkernel import kernelspec, resources
from qtkernel.app import main
from qtkernel.kernelspec import KernelSpecError


def command(*arguments: str) -> int:
    """Run a command line in this process; its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def spec(directory: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((directory / "kernel.json").read_text())
    return content


def test_under_a_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("install", "--prefix", str(tmp_path)) == 0
    directory = tmp_path / "share" / "jupyter" / "kernels" / "qtkernel"
    assert capsys.readouterr() == (f"Installed kernelspec qtkernel in {directory}\n", "")
    content = spec(directory)
    assert content["argv"] == [
        sys.executable, "-m", "qtkernel", "--gui=qt", "-f", "{connection_file}",
    ]  # fmt: skip
    assert content["language"] == "python"
    assert content["interrupt_mode"] == "message"
    assert (directory / "logo-64x64.png").read_bytes()[:4] == b"\x89PNG"
    assert (directory / "logo-svg.svg").read_text().lstrip().startswith("<")
    assert command("uninstall", "--prefix", str(tmp_path)) == 0
    assert not directory.exists()


def test_for_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert command("install", "--user") == 0
    assert (tmp_path / "kernels" / "qtkernel" / "kernel.json").is_file()
    assert command("uninstall", "--user") == 0
    assert list((tmp_path / "kernels").iterdir()) == []
    assert str(tmp_path) in capsys.readouterr().out


def test_for_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert command("install", "--sys-prefix") == 0
    assert (tmp_path / "share" / "jupyter" / "kernels" / "qtkernel" / "kernel.json").is_file()
    assert command("uninstall", "--sys-prefix") == 0


def test_frontends_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    kernelspec.install(name="My.Lab", user=True, gui="tk")
    found = KernelSpecManager().get_kernel_spec("my.lab")
    assert found.display_name == "Python (qtkernel, tk)"
    assert "--gui=tk" in found.argv
    # without a place it is looked for wherever Jupyter looks
    assert kernelspec.uninstall(name="my.lab") == tmp_path / "kernels" / "my.lab"


def test_names_and_titles(tmp_path: Path) -> None:
    prefix = str(tmp_path)
    assert command("install", "--prefix", prefix, "--name", "lab", "--display-name", "Größe") == 0
    directory = tmp_path / "share" / "jupyter" / "kernels" / "lab"
    assert spec(directory)["display_name"] == "Größe"
    headless = kernelspec.install(prefix=prefix, name="h", gui="headless")
    assert spec(headless)["display_name"] == "Python (qtkernel, headless)"


def test_descriptors_are_captured_if_asked_for(tmp_path: Path) -> None:
    assert command("install", "--prefix", str(tmp_path), "--capture-fds") == 0
    argv = spec(tmp_path / "share" / "jupyter" / "kernels" / "qtkernel")["argv"]
    assert argv[3:] == ["--gui=qt", "--capture-fds", "-f", "{connection_file}"]


def test_a_profile_is_used_if_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    install = ["install", "--prefix", str(tmp_path / "prefix"), "--profile", "mine"]
    assert command(*install) == 2
    assert "there is no IPython profile 'mine'" in capsys.readouterr().err
    assert not (tmp_path / "prefix").exists()
    (tmp_path / "profile_mine").mkdir()
    assert command(*install) == 0
    argv = spec(tmp_path / "prefix" / "share" / "jupyter" / "kernels" / "qtkernel")["argv"]
    assert argv[3:] == ["--gui=qt", "--profile=mine", "-f", "{connection_file}"]


def test_installing_again_is_an_update(tmp_path: Path) -> None:
    first = kernelspec.install(prefix=str(tmp_path), gui="tk")
    second = kernelspec.install(prefix=str(tmp_path), gui="qt")
    assert first == second
    assert "--gui=qt" in spec(second)["argv"]


# What is refused


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../up", "..", ".", "...", "schön", "a\n"])
@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_names_that_are_not_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, verb: str
) -> None:
    prefix = tmp_path / "prefix"
    (prefix / "share" / "jupyter" / "kernels").mkdir(parents=True)
    assert command(verb, "--prefix", str(prefix), "--name", name) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"qtkernel {verb}: error: ")
    assert error.count("\n") == 1
    assert [path.name for path in prefix.rglob("*")] == ["share", "jupyter", "kernels"]


def another(tmp_path: Path, content: str = '{"argv": ["python", "-m", "another"]}') -> Path:
    directory = tmp_path / "share" / "jupyter" / "kernels" / "python3"
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text(content)
    return directory


@pytest.mark.parametrize("verb", ["install", "uninstall"])
@pytest.mark.parametrize(
    "content",
    ['{"argv": ["python", "-m", "another"]}', '{"argv": 5}', "{", "[]", "{}"],
)
def test_another_program_s_kernelspec_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, content: str
) -> None:
    directory = another(tmp_path, content)
    assert command(verb, "--prefix", str(tmp_path), "--name", "python3") == 2
    error = capsys.readouterr().err
    assert "is the kernelspec of another program" in error
    assert error.count("\n") == 1
    assert (directory / "kernel.json").read_text() == content
    assert len(list(directory.iterdir())) == 1


def test_one_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("uninstall", "--prefix", str(tmp_path)) == 2
    assert "there is no kernelspec 'qtkernel' in" in capsys.readouterr().err


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "share").touch()
    assert command("install", "--prefix", str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert "cannot write" in error
    assert "try --user or --sys-prefix" in error


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_place_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(KernelSpecError, match="Permission denied"):
        kernelspec.install(prefix=str(tmp_path))


def test_a_loop_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("install", "--prefix", str(tmp_path), "--gui", "nonsense") == 2
    assert "no event loop 'nonsense'; there are: qt, tk, headless" in capsys.readouterr().err


def test_two_places_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("install", "--user", "--prefix", "x") == 2
    assert "not allowed with" in capsys.readouterr().err


def test_missing_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "files", lambda _package: tmp_path)
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)
    with pytest.raises(KernelSpecError, match="resource kernelspec is missing; install"):
        kernelspec.install(prefix=str(tmp_path))
