"""A host with its own ``app.exec()``: it stays alive, and cells are in the middle of it."""

from __future__ import annotations

import json

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HostProgram
from tests.frontends.support.wire import Wire, content_of, parent_id


@pytest.fixture(scope="module", params=["before", "after"])
def host(request: pytest.FixtureRequest, start_shared: Starter) -> HostProgram:
    """An application that embeds before or after it has entered its loop."""
    return start_shared.host(when=request.param)


@pytest.fixture
def frontend(host: HostProgram, start: Starter) -> Frontend:
    """A frontend attached to it."""
    return start.frontend(host)


def test_cells_run_in_the_gui_thread(frontend: Frontend) -> None:
    assert frontend.run("QtCore.QThread.currentThread() == app.thread()").result == "True"
    assert frontend.run("QtCore.QThread.currentThread().loopLevel()").result == "1"
    assert frontend.run("import threading; threading.current_thread().name").result == (
        "'MainThread'"
    )


def test_both_windows_show_what_cells_did(host: HostProgram, frontend: Frontend) -> None:
    frontend.run("first.setWindowTitle('from a cell')")
    frontend.run("second.label.setText('a cell was here')")
    (first, _), (_, second) = json.loads(host.ask("report"))
    assert (first, second) == ("from a cell", "a cell was here")


def test_execute_interactive(frontend: Frontend, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = []

    def answer(message: dict[str, dict[str, str]]) -> None:
        prompts.append(message["content"]["prompt"])
        frontend.answer("Ada")

    reply = frontend.client.execute_interactive(
        "print('hello', input('name? '))", stdin_hook=answer, timeout=20
    )
    assert reply["content"]["status"] == "ok"
    assert prompts == ["name? "]
    assert capsys.readouterr().out == "hello Ada\n"


def test_the_timer_ticks_while_the_kernel_is_idle(host: HostProgram, frontend: Frontend) -> None:
    frontend.run("ticker.start_over(); ticker.say_after(50)")
    host.wait_for_line("ticked")
    assert float(frontend.run("ticker.largest_gap").result) < 0.25


def test_the_timer_ticks_during_an_await(frontend: Frontend) -> None:
    code = "import asyncio; n = ticker.count; await asyncio.sleep(1); ticker.count - n"
    assert int(frontend.run(code).result) > 50


def test_the_timer_ticks_during_input(host: HostProgram, frontend: Frontend) -> None:
    msg_id = frontend.start("ticker.say_after(50); input('?')")
    assert frontend.prompt() == "?"
    host.wait_for_line("ticked")
    frontend.answer("done")
    assert frontend.outcome(msg_id).result == "'done'"


def test_cells_and_the_host_see_one_namespace(host: HostProgram, frontend: Frontend) -> None:
    frontend.run("made_by_a_cell = 1")
    assert "made_by_a_cell" in json.loads(host.ask("names"))
    frontend.run("%reset -f")
    names = json.loads(host.ask("names"))
    assert "made_by_a_cell" not in names
    assert {"app", "first", "ticker"} <= set(names)


@pytest.mark.parametrize("code", ["exit", "quit()", "import sys; sys.exit(3)", "%gui tk"])
def test_what_does_not_end_the_host(host: HostProgram, frontend: Frontend, code: str) -> None:
    outcome = frontend.run(code)
    if code == "%gui tk":
        assert "owns its loop" in outcome.content["evalue"]
    assert frontend.run("'alive'").result == "'alive'"
    assert json.loads(host.ask("report"))


@pytest.mark.parametrize("restart", [False, True])
def test_a_shutdown_request_does_not_end_the_host(
    host: HostProgram, start: Starter, frontend: Frontend, restart: bool
) -> None:
    frontend.run("survives = 1")
    assert frontend.shutdown(restart)["content"] == {"status": "ok", "restart": restart}
    again = start.frontend(host)
    assert again.run("'survives' in globals()").result == str(not restart)


def test_a_burst_while_a_cell_is_in_its_dialog(host: HostProgram, start: Starter) -> None:
    frontend, wire = start.frontend(host), start.wire(host)
    modal = frontend.start(
        "order = []\n"
        "dialog = QtWidgets.QDialog(first)\n"
        "QtCore.QTimer.singleShot(0, lambda: say('open'))\n"
        "dialog.exec()\n"
        "order.append('dialog')"
    )
    host.wait_for_line("open")
    executes = [wire.send("execute_request", {"code": f"order.append({n})"}) for n in range(5)]
    others = [wire.send(msg_type, content) for msg_type, content in BURST * 4]
    within = [wire.receive() for _ in others]
    # answered within the dialog, in order, and nothing else was
    assert [parent_id(reply) for reply in within] == others
    assert {content_of(reply)["status"] for reply in within} <= {"ok", "complete"}
    assert not wire.has_reply(100)
    assert host.ask("accept") == "QDialog"
    assert frontend.outcome(modal).status == "ok"
    assert [parent_id(wire.receive()) for _ in executes] == executes
    assert frontend.run("order").result == "['dialog', 0, 1, 2, 3, 4]"


BURST = [
    ("complete_request", {"code": "fir", "cursor_pos": 3}),
    ("inspect_request", {"code": "first", "cursor_pos": 5}),
    ("is_complete_request", {"code": "1"}),
    ("history_request", {"hist_access_type": "tail", "n": 3}),
    ("kernel_info_request", {}),
    ("comm_info_request", {}),
]


def test_input_in_a_slot_in_a_dialog(frontend: Frontend) -> None:
    msg_id = frontend.start(
        "def asked():\n"
        "    global name\n"
        "    name = input('in a slot? ')\n"
        "    QtWidgets.QApplication.activeModalWidget().accept()\n"
        "dialog = QtWidgets.QDialog(first)\n"
        "QtCore.QTimer.singleShot(0, asked)\n"
        "dialog.exec()\n"
        "name"
    )
    assert frontend.prompt() == "in a slot? "
    frontend.answer("yes")
    assert frontend.outcome(msg_id).result == "'yes'"


def test_the_kernel_closes_and_the_host_goes_on(start: Starter) -> None:
    host = start.host()
    frontend = start.frontend(host)
    frontend.run("made_by_a_cell = 1; Out; _")
    assert host.ask("close") == "done"
    assert not host.connection_file.exists()
    names = json.loads(host.ask("names"))
    assert not {"In", "Out", "exit", "get_ipython"} & set(names)
    assert host.ask("quit") == "done"
    assert host.wait() == 0


def test_the_host_quits_while_cells_wait(start: Starter) -> None:
    host = start.host()
    frontend = start.frontend(host)
    running = frontend.start("import asyncio; await asyncio.sleep(60)")
    frontend.wait_for(running, "execute_input")
    waiting = frontend.start("1 + 1")
    # it has been queued when a later request is answered
    frontend.reply(frontend.client.kernel_info())
    assert host.ask("quit") == "done"
    assert frontend.reply(waiting)["content"]["status"] == "aborted"
    assert frontend.reply(running)["content"]["status"] == "error"
    assert host.wait() == 0
    assert not host.connection_file.exists()


def test_a_cell_quits_the_host(start: Starter) -> None:
    host = start.host()
    frontend = start.frontend(host)
    assert frontend.run("app.quit(); 'gone'").result == "'gone'"
    assert host.wait() == 0
    assert host.stdout[-1] == "ended"


def test_a_bare_wire_is_answered_in_order(host: HostProgram, start: Starter) -> None:
    wire: Wire = start.wire(host)
    ids = [wire.send("kernel_info_request") for _ in range(50)]
    assert [parent_id(wire.receive()) for _ in ids] == ids
