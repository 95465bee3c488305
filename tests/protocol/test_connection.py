"""What a connection file must be before its key is believed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from qtkernel.protocol import BadConnectionFile, Channel, ConnectionInfo, read_connection_file
from qtkernel.protocol import connection as module

GOOD: dict[str, Any] = {
    "transport": "tcp",
    "ip": "127.0.0.1",
    "shell_port": 50001,
    "control_port": 50002,
    "stdin_port": 50003,
    "iopub_port": 50004,
    "hb_port": 50005,
    "key": "secret",
    "signature_scheme": "hmac-sha256",
    "kernel_name": "qtkernel",
}
PUBLIC, SECRET = (
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
)

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX's")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kernel-1.json"


def write(path: Path, content: object, mode: int = 0o600) -> Path:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    path.chmod(mode)
    return path


def refusal(path: Path) -> str:
    """The one line that says why the file is refused."""
    with pytest.raises(BadConnectionFile) as caught:
        read_connection_file(path)
    assert isinstance(caught.value, ValueError)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_a_good_file(path: Path) -> None:
    info = read_connection_file(write(path, GOOD))
    assert info == ConnectionInfo(**GOOD)


def test_a_path_as_text(path: Path) -> None:
    assert read_connection_file(str(write(path, GOOD))).shell_port == 50001


def test_unknown_keys_are_ignored(path: Path) -> None:
    assert read_connection_file(write(path, {**GOOD, "later": [1]})) == ConnectionInfo(**GOOD)


def test_defaults(path: Path) -> None:
    info = read_connection_file(write(path, {"key": "k"}))
    assert info == ConnectionInfo(key="k")
    assert (info.transport, info.ip, info.shell_port) == ("tcp", "127.0.0.1", 0)


def test_ports_not_chosen_yet_are_no_duplicates(path: Path) -> None:
    ports = dict.fromkeys(("shell_port", "iopub_port", "hb_port"), 0)
    assert read_connection_file(write(path, {**GOOD, **ports})).hb_port == 0


def test_curve_keys(path: Path) -> None:
    keys = {"curve_publickey": PUBLIC, "curve_secretkey": SECRET}
    info = read_connection_file(write(path, {**GOOD, **keys}))
    assert (info.curve_publickey, info.curve_secretkey) == (PUBLIC, SECRET)


def test_ipc_ports_are_only_numbers(path: Path) -> None:
    info = read_connection_file(write(path, {**GOOD, "transport": "ipc", "shell_port": 70000}))
    assert info.shell_port == 70000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"transport": "udp"}, ['"transport"', '"ipc", "tcp"', '"udp"']),
        ({"ip": 3}, ['"ip"', "a string", "a number"]),
        ({"ip": ""}, ['"ip"', "an address"]),
        ({"shell_port": "50001"}, ['"shell_port"', "a whole number", "a string"]),
        ({"shell_port": 50001.0}, ['"shell_port"', "50001.0"]),
        ({"shell_port": True}, ['"shell_port"', "a boolean"]),
        ({"hb_port": 65536}, ['"hb_port"', "65535", "65536"]),
        ({"hb_port": -1}, ['"hb_port"', "-1"]),
        ({"hb_port": -1, "transport": "ipc"}, ['"hb_port"', "-1"]),
        ({"iopub_port": 50001}, ['"iopub_port"', "shell_port", "50001"]),
        ({"iopub_port": 50001, "transport": "ipc"}, ['"iopub_port"', "shell_port"]),
        ({"key": ""}, ['"key"', "empty"]),
        ({"key": None}, ['"key"', "null"]),
        ({"signature_scheme": "hmac-md5"}, ['"signature_scheme"', "hmac-sha256", "hmac-md5"]),
        ({"curve_publickey": PUBLIC}, ['"curve_secretkey"', "both"]),
        ({"curve_secretkey": SECRET}, ['"curve_publickey"', "both"]),
        (
            {"curve_secretkey": SECRET, "curve_publickey": PUBLIC[:-1]},
            ['"curve_publickey"', "40 characters"],
        ),
        (
            {"curve_secretkey": SECRET[:-1] + '"', "curve_publickey": PUBLIC},
            ['"curve_secretkey"', "Z85"],
        ),
    ],
)
def test_a_bad_field_is_named(path: Path, change: dict[str, Any], words: list[str]) -> None:
    text = refusal(write(path, {**GOOD, **change}))
    for word in words:
        assert word in text


def test_no_key(path: Path) -> None:
    text = refusal(write(path, {name: GOOD[name] for name in GOOD if name != "key"}))
    assert '"key"' in text
    assert "missing" in text


def test_secrets_are_not_told(path: Path) -> None:
    keys = {"curve_publickey": PUBLIC, "curve_secretkey": SECRET[:-1]}
    text = refusal(write(path, {**GOOD, **keys}))
    assert SECRET[:-1] not in text
    info = ConnectionInfo(**{**GOOD, **keys})
    assert "secret" not in repr(info)
    assert SECRET[:-1] not in repr(info)
    assert "50001" in repr(info)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"\xff", b'{"key":"\\ud800"}', b"[" * 60_000]
)
def test_no_json_object(path: Path, data: bytes) -> None:
    assert "not a JSON object" in refusal(write(path, data))


def test_too_large(path: Path) -> None:
    assert "larger" in refusal(write(path, json.dumps(GOOD).encode() + b" " * 65536))


def test_missing(path: Path) -> None:
    assert "does not exist" in refusal(path)


def test_a_directory(path: Path) -> None:
    path.mkdir()
    assert "not a regular file" in refusal(path)


@posix
def test_a_fifo_does_not_hang(path: Path) -> None:
    os.mkfifo(path, 0o600)
    assert "not a regular file" in refusal(path)


@posix
def test_unreadable(path: Path) -> None:
    # a link to itself fails for every user, where a mode does not stop root
    path.symlink_to(path)
    text = refusal(path)
    assert "cannot be read" in text
    assert "symbolic links" in text


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_open_to_others(path: Path, mode: int) -> None:
    text = refusal(write(path, GOOD, mode))
    assert f"{mode:04o}" in text
    assert f"chmod 600 {path}" in text


@posix
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_closed_to_others(path: Path, mode: int) -> None:
    assert read_connection_file(write(path, GOOD, mode)).key == "secret"


@posix
def test_another_users_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, GOOD)
    if os.geteuid() == 0:
        os.chown(path, 65534, -1)
    else:
        monkeypatch.setattr(module, "effective_uid", lambda: os.geteuid() + 1)
    assert "another user" in refusal(path)


@posix
def test_roots_file_is_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = os.stat(write(path, GOOD))
    as_roots = os.stat_result((*status[:4], 0, *status[5:10]))
    monkeypatch.setattr(module, "effective_uid", lambda: 4242)
    module._check_private(path, as_roots)


@posix
def test_where_modes_say_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "effective_uid", None)
    assert read_connection_file(write(path, GOOD, 0o644)).key == "secret"


@pytest.mark.parametrize(
    ("transport", "ip", "endpoint"),
    [
        ("tcp", "127.0.0.1", "tcp://127.0.0.1:50004"),
        ("tcp", "*", "tcp://*:50004"),
        ("tcp", "0.0.0.0", "tcp://0.0.0.0:50004"),
        ("tcp", "::1", "tcp://[::1]:50004"),
        ("tcp", "[::1]", "tcp://[::1]:50004"),
        ("ipc", "/run/k/s", "ipc:///run/k/s-50004"),
        ("ipc", "C:/k", "ipc://C:/k-50004"),
    ],
)
def test_endpoints(transport: Any, ip: str, endpoint: str) -> None:
    info = ConnectionInfo(**{**GOOD, "transport": transport, "ip": ip})
    assert info.endpoint(Channel.IOPUB) == endpoint


def test_each_channel_has_its_port() -> None:
    info = ConnectionInfo(**GOOD)
    ports = [int(info.endpoint(channel)[-5:]) for channel in Channel]
    assert ports == [50001, 50002, 50003, 50004, 50005]
