"""What kernels that died have left goes, and nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qtkernel.protocol import Channel, ConnectionInfo, is_stale, sweep_stale
from qtkernel.protocol import connection_file as module
from tests.protocol.written_files import INFO, ended_process, rewrite, run, stale, written

pytestmark = pytest.mark.skipif(os.name != "posix", reason="looks at modes and processes")

WRITE = """
import sys
from qtkernel.protocol import ConnectionInfo, write_connection_file
write_connection_file(sys.argv[1], ConnectionInfo(key="k"))
"""


@pytest.fixture
def ipc_dir() -> Iterator[Path]:
    # a Unix socket's path has 107 characters at most, which pytest's own directories may exceed
    path = Path(tempfile.mkdtemp(prefix="qk"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


class TestSweep:
    def test_a_process_that_is_gone(self, tmp_path: Path) -> None:
        path = tmp_path / "kernel-x.json"
        process = run(WRITE, path)
        process.communicate()
        assert process.returncode == 0
        assert path.exists()
        assert sweep_stale(tmp_path) == [path]
        assert not path.exists()

    def test_a_process_that_runs(self, tmp_path: Path) -> None:
        path = tmp_path / "kernel-x.json"
        process = run(WRITE + "print('written', flush=True); input()", path, stdin=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        assert not is_stale(path)
        assert sweep_stale(tmp_path) == []
        assert path.exists()
        process.communicate("\n")
        assert is_stale(path)
        assert sweep_stale(tmp_path) == [path]
        assert not is_stale(path)  # nothing is there

    def test_a_process_that_ended_but_was_not_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "kernel-x.json"
        process = run(WRITE, path)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert sweep_stale(tmp_path) == [path]
        process.communicate()

    def test_ourselves(self, tmp_path: Path) -> None:
        written(tmp_path)
        assert sweep_stale(tmp_path) == []

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the start")
    def test_a_pid_given_out_again(self, tmp_path: Path) -> None:
        path = rewrite(written(tmp_path), started=1)
        assert sweep_stale(tmp_path) == [path]

    def test_an_unknown_start_leaves_it_to_the_pid(self, tmp_path: Path) -> None:
        rewrite(written(tmp_path), started=None)
        assert sweep_stale(tmp_path) == []

    def test_without_proc_the_pid_decides(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alive, gone = written(tmp_path), stale(tmp_path)
        monkeypatch.setattr(module, "_process", lambda _: (b"", None))
        assert sweep_stale(tmp_path) == [gone]
        assert alive.exists()

    def test_no_such_entry_in_proc(self) -> None:
        assert module._process(ended_process()) == (b"", None)

    def test_a_process_of_another_user(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: int) -> None:
            raise PermissionError(1, "Operation not permitted")

        written(tmp_path)
        monkeypatch.setattr(os, "kill", refuse)
        assert sweep_stale(tmp_path) == []

    @pytest.mark.parametrize("pid", [0, -1, 2**70])
    def test_pids_that_no_process_has(self, tmp_path: Path, pid: int) -> None:
        path = rewrite(written(tmp_path), pid=pid)
        assert sweep_stale(tmp_path) == [path]

    def test_another_machines(self, tmp_path: Path) -> None:
        path = rewrite(stale(tmp_path), host="elsewhere")
        assert sweep_stale(tmp_path) == []
        assert path.exists()

    @pytest.mark.parametrize(
        "block",
        [None, 3, {}, {"pid": "7", "host": "h"}, {"pid": 7}],
    )
    def test_files_without_our_block(self, tmp_path: Path, block: object) -> None:
        path = stale(tmp_path)
        path.write_text(json.dumps({"key": "k", "qtkernel": block}))
        assert sweep_stale(tmp_path) == []
        assert path.exists()

    def test_what_others_could_have_written(self, tmp_path: Path) -> None:
        path = stale(tmp_path)
        path.chmod(0o622)
        assert sweep_stale(tmp_path) == []
        assert path.exists()

    def test_what_cannot_be_read_is_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "kernel-a.json").mkdir()
        (tmp_path / "kernel-b.json").symlink_to("nowhere")
        (tmp_path / "kernel-c.json").write_text("{")
        (tmp_path / "kernel-c.json").chmod(0o600)
        path = stale(tmp_path)
        assert sweep_stale(tmp_path) == [path]
        assert len(list(tmp_path.iterdir())) == 3

    def test_other_names_are_not_looked_at(self, tmp_path: Path) -> None:
        path = stale(tmp_path).rename(tmp_path / "nbserver-1.json")
        assert sweep_stale(tmp_path) == []
        assert path.exists()

    def test_no_directory(self, tmp_path: Path) -> None:
        assert sweep_stale(tmp_path / "none") == []

    def test_what_somebody_else_removed_meanwhile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def vanish(path: object) -> None:
            raise FileNotFoundError(2, "No such file or directory", path)

        stale(tmp_path)
        monkeypatch.setattr(module, "_unlink", vanish)
        assert sweep_stale(tmp_path) == []


class TestSweepSockets:
    """Where the file names a directory of its own, its socket files go too."""

    def info(self, ipc_dir: Path, **changes: Any) -> ConnectionInfo:
        ports = {f"{channel.value}_port": n for n, channel in enumerate(Channel, 1)}
        fields = {"transport": "ipc", "ip": str(ipc_dir / "s"), **ports, **changes}
        return msgspec.structs.replace(INFO, **fields)

    def bound(self, path: Path) -> Path:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
        return path

    def test_sockets_and_directory(self, tmp_path: Path, ipc_dir: Path) -> None:
        for n in (1, 2, 4):
            self.bound(ipc_dir / f"s-{n}")
        path = stale(tmp_path, info=self.info(ipc_dir), ipc_dir=ipc_dir)
        assert sweep_stale(tmp_path) == [path]
        assert not ipc_dir.exists()

    def test_the_file_may_be_in_it(self, ipc_dir: Path) -> None:
        path = stale(ipc_dir, info=self.info(ipc_dir), ipc_dir=ipc_dir)
        assert sweep_stale(ipc_dir) == [path]
        assert not ipc_dir.exists()

    def test_what_is_not_this_kernels_stays(self, tmp_path: Path, ipc_dir: Path) -> None:
        (ipc_dir / "s-1").write_text("no socket")
        other = self.bound(ipc_dir / "other-1")
        ours = self.bound(ipc_dir / "s-2")
        stale(tmp_path, info=self.info(ipc_dir), ipc_dir=ipc_dir)
        assert len(sweep_stale(tmp_path)) == 1
        assert (ipc_dir / "s-1").exists()
        assert other.exists()
        assert not ours.exists()

    def test_sockets_elsewhere_stay(self, tmp_path: Path, ipc_dir: Path) -> None:
        elsewhere = ipc_dir / "elsewhere"
        elsewhere.mkdir(0o700)
        sock = self.bound(elsewhere / "s-1")
        own = ipc_dir / "own"
        own.mkdir(0o700)
        stale(tmp_path, info=self.info(elsewhere), ipc_dir=own)
        assert len(sweep_stale(tmp_path)) == 1
        assert sock.exists()
        assert not own.exists()

    @pytest.mark.parametrize("mode", [0o755, 0o770])
    def test_a_directory_open_to_others_stays(
        self, tmp_path: Path, ipc_dir: Path, mode: int
    ) -> None:
        sock = self.bound(ipc_dir / "s-1")
        ipc_dir.chmod(mode)
        stale(tmp_path, info=self.info(ipc_dir), ipc_dir=ipc_dir)
        assert len(sweep_stale(tmp_path)) == 1
        assert sock.exists()

    @pytest.mark.parametrize("uid", [module.effective_uid, None])
    def test_a_link_to_a_directory_stays(
        self, tmp_path: Path, ipc_dir: Path, monkeypatch: pytest.MonkeyPatch, uid: Any
    ) -> None:
        monkeypatch.setattr(module, "effective_uid", uid)
        target, link = ipc_dir / "target", ipc_dir / "link"
        target.mkdir(0o700)
        link.symlink_to(target)
        sock = self.bound(target / "s-1")
        stale(tmp_path, info=self.info(link), ipc_dir=link)
        assert len(sweep_stale(tmp_path)) == 1
        assert sock.exists()
        assert link.is_symlink()

    def test_no_directory_any_more(self, tmp_path: Path, ipc_dir: Path) -> None:
        gone = ipc_dir / "gone"
        path = stale(tmp_path, info=self.info(gone), ipc_dir=gone)
        assert sweep_stale(tmp_path) == [path]

    def test_tcp_has_no_sockets(self, tmp_path: Path, ipc_dir: Path) -> None:
        sock = self.bound(ipc_dir / "s-1")
        stale(tmp_path, info=self.info(ipc_dir, transport="tcp"), ipc_dir=ipc_dir)
        assert len(sweep_stale(tmp_path)) == 1
        assert sock.exists()

    def test_where_modes_say_nothing(
        self, tmp_path: Path, ipc_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ipc_dir.chmod(0o755)
        stale(tmp_path, info=self.info(ipc_dir), ipc_dir=ipc_dir)
        monkeypatch.setattr(module, "effective_uid", None)
        assert len(sweep_stale(tmp_path)) == 1
        assert not ipc_dir.exists()

    def test_a_file_that_names_no_endpoints(self, tmp_path: Path, ipc_dir: Path) -> None:
        path = stale(tmp_path, info=self.info(ipc_dir), ipc_dir=ipc_dir)
        members = json.loads(path.read_text())
        members["ip"] = 3
        path.write_text(json.dumps(members))
        sock = self.bound(ipc_dir / "s-1")
        assert sweep_stale(tmp_path) == [path]
        assert sock.exists()
