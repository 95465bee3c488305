"""Connection files of our own: never readable by others, and removed by nobody but their writer."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jupyter_client import find_connection_file
from jupyter_client.blocking import BlockingKernelClient

from qtkernel.protocol import (
    Channel,
    InvalidContent,
    default_path,
    new_key,
    read_connection_file,
    remove_connection_file,
    write_connection_file,
)
from qtkernel.protocol import connection_file as module
from tests.protocol.written_files import INFO, rewrite, run, written

pytestmark = pytest.mark.skipif(os.name != "posix", reason="looks at modes and processes")


class TestWrite:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        path = written(tmp_path)
        assert read_connection_file(path) == INFO

    def test_jupyter_client_reads_it(self, tmp_path: Path) -> None:
        path = written(tmp_path)
        client = BlockingKernelClient()
        client.load_connection_file(str(path))
        assert (client.transport, client.ip, client.session.key) == ("tcp", "127.0.0.1", b"secret")
        for channel in Channel:
            assert client._make_url(channel.value) == INFO.endpoint(channel)
        assert client.curve_publickey is None
        client.context.term()

    def test_jupyter_client_reads_curve_keys(self, tmp_path: Path) -> None:
        keys = {"curve_publickey": "a" * 40, "curve_secretkey": "b" * 40}
        path = written(tmp_path, info=msgspec.structs.replace(INFO, **keys))
        client = BlockingKernelClient()
        client.load_connection_file(str(path))
        assert (client.curve_publickey, client.curve_secretkey) == (b"a" * 40, b"b" * 40)
        client.context.term()

    def test_jupyter_client_finds_it(self, tmp_path: Path) -> None:
        path = written(tmp_path, "My App")
        assert find_connection_file("My-App", path=[str(tmp_path)]) == str(path)

    def test_it_says_who_wrote_it(self, tmp_path: Path) -> None:
        members = json.loads(written(tmp_path, name="x").read_text())
        block = members.pop("qtkernel")
        assert block["pid"] == os.getpid()
        assert block["name"] == "an app"
        assert block["ipc_dir"] is None
        assert "curve_publickey" not in members
        if sys.platform == "linux":
            # the same figure by another road: it is after the boot and before now
            ticks = os.sysconf("SC_CLK_TCK")
            uptime = float(Path("/proc/uptime").read_text().split()[0])
            assert 0 < block["started"] <= uptime * ticks

    def test_it_is_indented(self, tmp_path: Path) -> None:
        assert '\n  "key": "secret"' in written(tmp_path).read_text()

    def test_the_hosts_name_for_it(self, tmp_path: Path) -> None:
        path = default_path(tmp_path, "x")
        write_connection_file(path, INFO, name="viewer", ipc_dir=tmp_path)
        block = json.loads(path.read_text())["qtkernel"]
        assert (block["name"], block["ipc_dir"]) == ("viewer", str(tmp_path))

    def test_it_is_private_from_the_first_byte(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        modes: list[int] = []
        opened = os.open

        def watch(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
            fd = opened(path, flags, mode, **options)
            if flags & os.O_CREAT:
                assert flags & os.O_EXCL
                modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
            return fd

        monkeypatch.setattr(os, "open", watch)
        umask = os.umask(0)
        try:
            path = written(tmp_path)
        finally:
            os.umask(umask)
        assert modes == [0o600]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_missing_directory_is_made_private(self, tmp_path: Path) -> None:
        path = written(tmp_path / "runtime")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_it_replaces_an_open_file_by_a_private_one(self, tmp_path: Path) -> None:
        path = tmp_path / "kernel-x.json"
        path.write_text("old")
        path.chmod(0o644)
        write_connection_file(path, INFO)
        assert read_connection_file(path) == INFO

    def test_a_link_is_replaced_and_not_followed(self, tmp_path: Path) -> None:
        victim = tmp_path / "victim"
        victim.write_text("untouched")
        path = tmp_path / "kernel-x.json"
        path.symlink_to(victim)
        write_connection_file(path, INFO)
        assert victim.read_text() == "untouched"
        assert not path.is_symlink()

    def test_nothing_is_left_of_a_failure(self, tmp_path: Path) -> None:
        path = tmp_path / "kernel-x.json"
        path.mkdir()
        with pytest.raises(OSError, match="kernel-x"):
            write_connection_file(path, INFO)
        assert list(tmp_path.iterdir()) == [path]

    def test_an_empty_key_is_not_written(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidContent, match="key"):
            written(tmp_path, info=msgspec.structs.replace(INFO, key=""))
        assert list(tmp_path.iterdir()) == []


class TestNames:
    @pytest.mark.parametrize(
        ("name", "part"),
        [
            ("viewer", "kernel-viewer-"),
            ("My App 2.0", "kernel-My-App-2.0-"),
            ("../../etc/passwd", "kernel-etc-passwd-"),
            ("a\0b\nc:d", "kernel-a-b-c-d-"),
            ("Ölfeld", "kernel-lfeld-"),
            ("", "kernel-app-"),
            ("...", "kernel-app-"),
            ("x" * 1000, f"kernel-{'x' * 60}-"),
        ],
    )
    def test_any_name_is_safe(self, tmp_path: Path, name: str, part: str) -> None:
        path = default_path(tmp_path, name)
        assert path.parent == tmp_path
        assert path.name.startswith(part + str(os.getpid()))
        assert path.match("kernel-*.json")
        write_connection_file(path, INFO)

    def test_no_two_are_the_same(self, tmp_path: Path) -> None:
        assert len({default_path(tmp_path, "x") for _ in range(100)}) == 100

    def test_keys(self) -> None:
        assert len({new_key() for _ in range(100)}) == 100
        assert len(new_key()) == 64


class TestRemove:
    def test_ours(self, tmp_path: Path) -> None:
        path = written(tmp_path)
        assert remove_connection_file(path) is True
        assert not path.exists()

    def test_twice(self, tmp_path: Path) -> None:
        path = written(tmp_path)
        remove_connection_file(path)
        assert remove_connection_file(path) is False

    def test_a_forked_child_leaves_it(self, tmp_path: Path) -> None:
        script = """
import os, sys
from qtkernel.protocol import ConnectionInfo, remove_connection_file, write_connection_file
path = sys.argv[1]
write_connection_file(path, ConnectionInfo(key="k"))
child = os.fork()
if child == 0:
    os._exit(3 if remove_connection_file(path) else 4)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(os.path.exists(path), remove_connection_file(path), os.path.exists(path))
"""
        out, _ = run(script, tmp_path / "kernel-x.json").communicate()
        assert out.split() == ["4", "True", "True", "False"]

    @pytest.mark.parametrize("block", [{"pid": 1}, {"host": "elsewhere"}])
    def test_somebody_elses(self, tmp_path: Path, block: dict[str, Any]) -> None:
        path = rewrite(written(tmp_path), **block)
        assert remove_connection_file(path) is False
        assert path.exists()

    def test_another_kernels(self, tmp_path: Path) -> None:
        path = written(tmp_path)
        members = json.loads(path.read_text())
        del members["qtkernel"]
        path.write_text(json.dumps(members))
        assert remove_connection_file(path) is False
        assert path.exists()

    def test_what_cannot_be_removed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: object) -> None:
            raise PermissionError(13, "Permission denied", path)

        path = written(tmp_path)
        monkeypatch.setattr(module, "_unlink", refuse)
        assert remove_connection_file(path) is False

    def test_after_a_cell_replaced_things(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = written(tmp_path)
        monkeypatch.setattr(os, "getpid", lambda: 1)
        monkeypatch.setattr(os, "unlink", lambda _: None)
        assert remove_connection_file(path) is True
        assert not path.exists()
