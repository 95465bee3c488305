"""embed(): what it takes, what it refuses and in which words."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

import qtkernel
from qtkernel.channels.sockets import BindError
from qtkernel.loops.base import EventLoop
from qtkernel.loops.errors import NoEventLoop, WrongThread
from qtkernel.protocol import (
    BadConnectionFile,
    ConnectionInfo,
    new_key,
    read_connection_file,
    write_connection_file,
)
from tests.embed.conftest import Embed, Refusing
from tests.support.bare_client import BareClient, converse


def alive(kernel: qtkernel.EmbeddedKernel, loop: EventLoop) -> bool:
    """Whether a frontend with the connection file can run a cell."""
    info = read_connection_file(kernel.connection_file)

    def script() -> bool:
        with BareClient(info) as client:
            return bool(client.ask("execute_request", {"code": ""})["status"] == "ok")

    return bool(converse(loop, script))


def test_a_kernel_in_three_lines(embed: Embed, loop: EventLoop, runtime_dir: Path) -> None:
    kernel = embed({"x": 1}, name="my app")
    file = Path(kernel.connection_file)
    assert file.parent == runtime_dir
    assert file.name.startswith(f"kernel-my-app-{os.getpid()}-")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kernel.attach_command == f"jupyter console --existing {file.name}"
    assert not kernel.closed
    assert alive(kernel, loop)


def test_by_default_it_is_the_caller_s_namespace(loop: EventLoop, runtime_dir: Path) -> None:
    del runtime_dir
    namespace: dict[str, Any] = {"__name__": "a.host", "qtkernel": qtkernel, "loop": loop}
    exec("kernel = qtkernel.embed(loop=loop)", namespace)  # as a module of the host's would
    kernel = namespace["kernel"]
    assert kernel.user_ns is namespace
    kernel.close()


def test_the_default_is_unix_sockets_in_a_directory_of_our_own(
    embed: Embed, runtime_dir: Path
) -> None:
    kernel = embed()
    info = read_connection_file(kernel.connection_file)
    assert info.transport == "ipc"
    directory = Path(info.ip).parent
    assert directory.parent == runtime_dir
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert len(list(directory.iterdir())) == 5


def test_a_long_runtime_directory_does_not_break_the_unix_sockets(
    embed: Embed, loop: EventLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(deep))
    kernel = embed()
    info = read_connection_file(kernel.connection_file)
    assert not info.ip.startswith(str(deep))
    assert alive(kernel, loop)
    kernel.close()
    assert not Path(info.ip).parent.exists()


def test_tcp_when_asked(embed: Embed, loop: EventLoop) -> None:
    kernel = embed(transport="tcp")
    info = read_connection_file(kernel.connection_file)
    assert (info.transport, info.ip) == ("tcp", "127.0.0.1")
    assert all(info.ports().values())
    assert alive(kernel, loop)


def test_an_address_means_tcp(embed: Embed) -> None:
    info = read_connection_file(embed(ip="127.0.0.1").connection_file)
    assert info.transport == "tcp"


def test_curve(embed: Embed, loop: EventLoop) -> None:
    import zmq

    kernel = embed(transport="tcp", curve=True)
    info = read_connection_file(kernel.connection_file)

    def script() -> str:
        with BareClient(info, curve_keys=zmq.curve_keypair()) as client:
            return str(client.ask("kernel_info_request")["status"])

    assert converse(loop, script) == "ok"


@pytest.mark.parametrize(
    "name", ["", "a/b", "../..", "sch\u00f6n", "with space", "\U0001f600", "x" * 300, "-f", "a\nb"]
)
def test_any_name_makes_a_file_name(embed: Embed, runtime_dir: Path, name: str) -> None:
    kernel = embed(name=name)
    file = Path(kernel.connection_file)
    assert file.parent == runtime_dir
    assert file.is_file()
    assert "\n" not in kernel.attach_command
    assert read_connection_file(file).kernel_name == name or not name


# What is refused


def test_no_application(runtime_dir: Path) -> None:
    code = (
        "import qtkernel, qtkernel.loops.errors as e\n"
        "try:\n    qtkernel.embed({})\nexcept e.NoEventLoop as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "create the QApplication" in done.stdout
    assert done.stderr == ""
    assert list(runtime_dir.iterdir()) == []
    assert issubclass(NoEventLoop, RuntimeError)


def test_another_thread_than_the_application_s(qapp: object, runtime_dir: Path) -> None:
    assert qapp is not None
    errors: list[BaseException] = []

    def begin() -> None:
        try:
            qtkernel.embed({})
        except WrongThread as error:
            errors.append(error)

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert "GUI thread" in str(errors[0])
    assert list(runtime_dir.iterdir()) == []


@pytest.mark.parametrize("user_ns", [[], "text", 5, object()])
def test_a_namespace_that_is_no_dict(loop: EventLoop, user_ns: Any) -> None:
    with pytest.raises(TypeError, match="user_ns must be a dict, not"):
        qtkernel.embed(user_ns, loop=loop)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"transport": "udp"}, "transport is 'udp'; it can be 'auto', 'ipc', 'tcp' or None"),
        ({"transport": "ipc", "ip": "127.0.0.1"}, "ip='127.0.0.1' is for transport='tcp'"),
    ],
)
def test_wishes_that_make_no_sense(
    embed: Embed, runtime_dir: Path, wishes: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        embed(**wishes)
    assert list(runtime_dir.iterdir()) == []


def write(path: Path, **more: Any) -> ConnectionInfo:
    """A connection file as a frontend's manager writes it."""
    info = ConnectionInfo(key=new_key())
    info = msgspec.structs.replace(info, **more)
    members = {k: v for k, v in msgspec.to_builtins(info).items() if v is not None}
    path.touch(mode=0o600)
    path.write_text(json.dumps(members))
    return info


def test_a_connection_file_that_exists_is_obeyed(
    embed: Embed, loop: EventLoop, tmp_path: Path
) -> None:
    file = tmp_path / "given.json"
    given = write(file, kernel_name="theirs")
    kernel = embed(connection_file=file, transport="ipc", name="mine")
    info = read_connection_file(file)
    assert (info.key, info.transport, info.kernel_name) == (given.key, "tcp", "theirs")
    assert all(info.ports().values()), "ports that were left to us are filled in"
    assert kernel.attach_command == f"jupyter console --existing {file}"
    assert alive(kernel, loop)


def test_a_complete_file_of_somebody_else_s_is_neither_changed_nor_removed(
    embed: Embed, loop: EventLoop, tmp_path: Path
) -> None:
    file = tmp_path / "given.json"
    write(file, transport="ipc", ip=str(tmp_path / "s"), **_ports(1, 2, 3, 4, 5))
    before = file.read_bytes()
    kernel = embed(connection_file=file)
    assert alive(kernel, loop)
    kernel.close()
    assert file.read_bytes() == before
    assert list(tmp_path.glob("s-*")) == []


def test_a_connection_file_that_does_not_exist_is_written(embed: Embed, tmp_path: Path) -> None:
    file = tmp_path / "new" / "mine.json"
    kernel = embed(connection_file=str(file))
    assert read_connection_file(file).transport == "ipc"
    kernel.close()
    assert not file.exists()


def test_one_that_a_dead_kernel_has_left_is_written_anew(embed: Embed, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    code = (
        "import sys; from qtkernel.protocol import *\n"
        "write_connection_file(sys.argv[1], ConnectionInfo(key='old', shell_port=1))"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)
    embed(connection_file=file)
    assert read_connection_file(file).key != "old"


def test_what_dead_kernels_have_left_is_swept_up(embed: Embed, runtime_dir: Path) -> None:
    stale = runtime_dir / "kernel-stale.json"
    code = (
        "import sys; from qtkernel.protocol import *\n"
        "write_connection_file(sys.argv[1], ConnectionInfo(key='old', shell_port=1))"
    )
    subprocess.run([sys.executable, "-c", code, str(stale)], check=True)
    write_connection_file(runtime_dir / "kernel-alive.json", ConnectionInfo(key="k"))
    embed()
    assert not stale.exists()
    assert (runtime_dir / "kernel-alive.json").exists()


@pytest.mark.parametrize(
    ("mode", "text", "words"),
    [
        (0o644, "{}", "is open to other users"),
        (0o600, "{", "is not a JSON object"),
        (0o600, "{}", 'field "key"'),
        (0o600, '{"key": ""}', 'field "key": expected a secret'),
        (0o600, '{"key": "k", "shell_port": "x"}', 'field "shell_port"'),
    ],
)
def test_an_unsafe_or_broken_connection_file(
    embed: Embed, tmp_path: Path, mode: int, text: str, words: str
) -> None:
    file = tmp_path / "given.json"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(BadConnectionFile, match=words) as caught:
        embed(connection_file=file)
    assert str(file) in str(caught.value)
    assert file.read_text() == text


def test_a_port_in_use(embed: Embed, tmp_path: Path, runtime_dir: Path) -> None:
    file = tmp_path / "given.json"
    with socket.create_server(("127.0.0.1", 0)) as server:
        write(file, control_port=server.getsockname()[1])
        with pytest.raises(BindError, match="for the control channel: it is in use"):
            embed(connection_file=file)
    assert file.exists()
    assert list(runtime_dir.iterdir()) == []


def test_a_file_that_cannot_be_written(embed: Embed, tmp_path: Path, runtime_dir: Path) -> None:
    (tmp_path / "file").touch()
    namespace: dict[str, Any] = {"mine": 1}
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        embed(namespace, connection_file=tmp_path / "file" / "kernel.json")
    assert list(runtime_dir.iterdir()) == []
    assert namespace == {"mine": 1}


def test_a_shell_that_cannot_be_made_leaves_no_sockets(
    embed: Embed, runtime_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "given.json"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    write(file, shell_port=port, kernel_name="x")
    with pytest.raises(AttributeError) as caught:
        embed(Refusing(), connection_file=file)
    socket.create_server(("127.0.0.1", port)).close()
    assert caught.tb is not None, "which keeps everything alive that was made"
    assert list(runtime_dir.iterdir()) == []


# push


def test_pushed_names_are_the_host_s(embed: Embed) -> None:
    namespace: dict[str, Any] = {}
    kernel = embed(namespace)
    kernel.push({"model": 1, "In": "mine"})
    assert (namespace["model"], namespace["In"]) == (1, "mine")
    kernel._assembly.shell.reset()
    assert (namespace["model"], namespace["In"]) == (1, "mine")
    kernel.close()
    assert namespace == {"model": 1, "In": "mine"}


@pytest.mark.parametrize("names", [{1: 2}, 5, ["ab"], None])
def test_push_takes_names_only(embed: Embed, names: Any) -> None:
    kernel = embed()
    with pytest.raises(TypeError, match="takes a mapping of names to objects"):
        kernel.push(names)


def test_it_says_what_it_is(embed: Embed) -> None:
    kernel = embed()
    assert repr(kernel) == f"<EmbeddedKernel ipc {kernel.connection_file!r}>"
    kernel.close()
    assert repr(kernel) == f"<EmbeddedKernel closed {kernel.connection_file!r}>"


def _ports(*numbers: int) -> dict[str, int]:
    names = ("shell", "control", "stdin", "iopub", "hb")
    return {f"{name}_port": number for name, number in zip(names, numbers, strict=True)}
