"""Registration files, and the handshake's two messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jupyter_client.session
import pytest

from qtkernel.protocol import BadConnectionFile, BadFrames, BadSignature, Session
from qtkernel.protocol.registration import RegistrationInfo, read_registration_file

GOOD: dict[str, Any] = {
    "kernel_id": "k-1",
    "transport": "tcp",
    "registration_ip": "127.0.0.1",
    "registration_port": 51587,
    "signature_scheme": "hmac-sha256",
    "key": "a secret",
}


def write(directory: Path, members: dict[str, Any], mode: int = 0o600) -> Path:
    path = directory / "registration.json"
    path.write_text(json.dumps(members))
    path.chmod(mode)
    return path


def test_the_documents_example(tmp_path: Path) -> None:
    info = read_registration_file(write(tmp_path, GOOD | {"unknown": 1}))
    assert info == RegistrationInfo(**GOOD)
    assert info.endpoint == "tcp://127.0.0.1:51587"
    assert "secret" not in repr(info)
    own = info.own("name")
    assert (own.transport, own.ip, own.key, own.kernel_name) == (
        "tcp", "127.0.0.1", "a secret", "name",
    )  # fmt: skip
    assert set(own.ports().values()) == {0}


def test_a_connection_file_is_none(tmp_path: Path) -> None:
    assert read_registration_file(write(tmp_path, {"key": "k", "shell_port": 1})) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernel_id": None}, "kernel_id"),
        ({"registration_port": "51587"}, "registration_port"),
        ({"registration_port": 0}, "expected a port from 1 to 65535, got 0"),
        ({"registration_port": 65536}, "registration_port"),
        ({"registration_ip": ""}, "expected an address"),
        ({"key": ""}, "unsigned"),
        ({"signature_scheme": "hmac-md5"}, "signature_scheme"),
        ({"transport": "udp"}, "transport"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadConnectionFile, match=words) as caught:
        read_registration_file(write(tmp_path, GOOD | change))
    assert "registration.json" in str(caught.value)


def test_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConnectionFile, match="chmod 600"):
        read_registration_file(write(tmp_path, GOOD, 0o644))


def test_kernels_that_share_a_path_choose_numbers_that_are_free(tmp_path: Path) -> None:
    info = RegistrationInfo(
        kernel_id="k", transport="ipc", registration_ip=str(tmp_path / "s"), registration_port=1,
        key="k",
    )  # fmt: skip
    ports = info.own("").ports().values()
    assert len({*ports, info.registration_port}) == 6
    assert info.endpoint == f"ipc://{tmp_path / 's'}-1"


# Messages, the other side being jupyter_client's own signing


def test_a_launcher_can_verify_what_it_is_told() -> None:
    info = RegistrationInfo(**GOOD)
    delimiter, signature, content = Session(b"a secret").pack_alone(info.message(info.own("")))
    theirs = jupyter_client.session.Session(key=b"a secret")
    assert delimiter == b"<IDS|MSG>"
    assert theirs.sign([content]) == signature
    ports = dict.fromkeys(("shell_port", "control_port", "stdin_port", "iopub_port", "hb_port"))
    assert json.loads(content) == {"kernel_id": "k-1"} | dict.fromkeys(ports, "0")


def test_an_acknowledgement() -> None:
    theirs = jupyter_client.session.Session(key=b"a secret")
    signed = [b"<IDS|MSG>", theirs.sign([b'{"any": 1}']), b'{"any": 1}']
    ours = Session(b"a secret")
    assert ours.unpack_alone(signed) == b'{"any": 1}'
    assert ours.unpack_alone([b"id", *signed]) == b'{"any": 1}'
    with pytest.raises(BadSignature):
        ours.unpack_alone([*signed[:2], b'{"any": 2}'])
    with pytest.raises(BadSignature):
        Session(b"another").unpack_alone(signed)
    for frames in ([], [b"x"], signed[:2], [*signed, b"more"]):
        with pytest.raises(BadFrames):
            ours.unpack_alone(frames)
