"""embed(defer=True): there is no application object yet."""

from __future__ import annotations

import sys

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.programs import HOSTS, Program


def late(start: Starter, backend: str, **options: object) -> Program:
    """Run late.py."""
    file = start.home.runtime / f"kernel-late-{backend}.json"
    arguments = [sys.executable, str(HOSTS / "late.py"), str(file), backend]
    host = start.program(arguments, **options)
    host.connection_file = file
    host.wait_for_line("begun: False, file: False")
    return host


@pytest.mark.parametrize("backend", ["qt", "qt-imported", "qt-often", "tk"])
def test_it_begins_when_the_application_serves(start: Starter, backend: str) -> None:
    host = late(start, backend)
    host.wait_for_file(host.connection_file)
    frontend = start.frontend(host)
    assert frontend.run("kernel.begun, pushed").result == "(True, 5)"
    assert frontend.run("import threading; threading.current_thread().name").result == (
        "'MainThread'"
    )
    frontend.start("root.destroy()" if backend == "tk" else "app.quit()")
    assert host.wait_for_line("trace: ") == "trace: {}"
    assert host.wait() == 0
    if backend != "tk":
        assert "begun: False" in host.stdout
    assert not host.connection_file.exists()


@pytest.mark.parametrize("backend", ["none", "closed", "exit"])
def test_it_need_not_begin(start: Starter, backend: str) -> None:
    host = late(start, backend)
    assert host.wait() == 0
    if backend == "closed":
        assert "begun: False, closed: True" in host.stdout
    if backend != "exit":
        assert "trace: {}" in host.stdout
    assert list(start.home.runtime.iterdir()) == []


def test_one_that_cannot_begin_says_so_and_leaves_the_application_alone(start: Starter) -> None:
    host = late(start, "broken", expected=lambda _line: True)
    assert host.wait() == 0
    assert "begun: False, closed: True" in host.stdout
    assert "trace: {}" in host.stdout
    assert any("cannot write the connection file" in line for line in host.stderr)
