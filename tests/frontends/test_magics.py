"""Magics from real frontends: in a kernel with a process of its own, and in an application."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HostProgram, Program


@pytest.fixture(scope="module", params=["standalone", "embedded"])
def program(request: pytest.FixtureRequest, start_shared: Starter) -> Program:
    if request.param == "embedded":
        return start_shared.host()
    return start_shared.kernel("headless")


@pytest.fixture
def frontend(program: Program, attach: Callable[[Program], Frontend]) -> Frontend:
    return attach(program)


def test_what_connect_info_prints_connects(frontend: Frontend, tmp_path: Path) -> None:
    printed, _, rest = frontend.run("%connect_info").text().partition("\n\n")
    assert "--existing kernel-" in rest
    file = tmp_path / "pasted.json"
    file.write_text(json.dumps(json.loads(printed)))
    other = Frontend(file)
    try:
        assert other.run("1 + 1").result == "2"
    finally:
        other.close()


def test_payloads_come_with_the_reply(frontend: Frontend, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('said')\n")
    for code, source in {
        "print?": "page",
        f"%less {script}": "page",
        f"%load {script}": "set_next_input",
        f"%edit {script}": "edit_magic",
    }.items():
        (payload,) = frontend.run(code).content["payload"]
        assert payload["source"] == source
    assert frontend.run(f"%run {script}").text() == "said\n"


def test_post_mortem(frontend: Frontend, program: Program) -> None:
    assert frontend.run("def f(there):\n    1 / 0\nf('value')").ename == "ZeroDivisionError"
    embedded = isinstance(program, HostProgram)
    msg_id = frontend.start(("ticker.say_after(20)\n" if embedded else "") + "%debug")
    frontend.prompt()
    if embedded:
        program.wait_for_line("ticked")  # the application's clock goes on
    frontend.answer("p there")
    frontend.prompt()
    frontend.answer("q")
    assert "'value'" in frontend.outcome(msg_id).text()


def test_an_interrupted_script_leaves_nothing_behind(frontend: Frontend, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nprint('begins', flush=True)\nwhile True:\n    time.sleep(0.01)\n"
    )
    look = "import sys; print(sys.argv, sys.modules['__main__'].__dict__.get('__file__'))"
    before = frontend.run(look).text()
    msg_id = frontend.start(f"%run {script} argument")
    frontend.wait_for_text(msg_id, "begins\n")
    frontend.interrupt()
    outcome = frontend.outcome(msg_id)
    # as with ipykernel: %run shows what ends a script, and the cell goes on
    assert [error["ename"] for error in outcome.contents("error")] == ["KeyboardInterrupt"]
    assert frontend.run(look).text() == before


def test_a_log_ends_with_the_kernel(start: Starter, tmp_path: Path) -> None:
    host = start.host()
    frontend = start.frontend(host)
    log = tmp_path / "log.py"
    frontend.run(f"%logstart {log}")
    frontend.run("logged = 1")
    host.ask("close")
    assert log.read_text().endswith("logged = 1\n")
    fds = [path.resolve() for path in Path(f"/proc/{host.pid}/fd").glob("*")]
    assert log not in fds
