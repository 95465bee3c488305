"""Interrupts of cells in a real application: dialogs, menus, loops; no slot of the host is hit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import HostProgram
from tests.support.binding import BINDING

Attach = Callable[[HostProgram], Frontend]

WAITS = {
    "QEventLoop": "QtCore.QEventLoop().exec()",
    "QDialog": "dialog = QtWidgets.QDialog(first)\ndialog.exec()",
    "QMessageBox": "QtWidgets.QMessageBox.question(first, 'title', 'text')",
    "QInputDialog": "QtWidgets.QInputDialog.getText(first, 'title', 'label')",
    "QFileDialog": (
        "QtWidgets.QFileDialog.getOpenFileName(\n"
        "    first, 'title', options=QtWidgets.QFileDialog.Option.DontUseNativeDialog)"
    ),
    "QColorDialog": "QtWidgets.QColorDialog.getColor()",
    "QProgressDialog": "QtWidgets.QProgressDialog('label', 'cancel', 0, 10, first).exec()",
    "QMenu": (
        "menu = QtWidgets.QMenu(first)\nmenu.addAction('action')\nmenu.exec(QtCore.QPoint(9, 9))"
    ),
    "processEvents": "while True:\n    app.processEvents()",
    "qWait": f"from {BINDING} import QtTest\nwhile True:\n    QtTest.QTest.qWait(20)",
    "async dialog": (
        "import asyncio\nawait asyncio.sleep(0)\ndialog = QtWidgets.QDialog(first)\ndialog.exec()"
    ),
    "dialog in asyncio.run": (
        "import asyncio\nasync def ask():\n    QtWidgets.QDialog(first).exec()\nasyncio.run(ask())"
    ),
}


@pytest.fixture(scope="module")
def shared_host(start_shared: Starter) -> HostProgram:
    """An application whose own slot is called every millisecond."""
    host = start_shared.host()
    assert host.ask("slots") == "started"
    return host


@pytest.fixture
def host(shared_host: HostProgram) -> Iterator[HostProgram]:
    """The same, of which nothing may have been hit when the test is over."""
    yield shared_host
    assert json.loads(shared_host.ask("raised")) == [True, []]
    assert shared_host.ask("sigint") == "own"


def start_waiting(frontend: Frontend, host: HostProgram, code: str) -> str:
    """Start a cell, and wait until it waits."""
    msg_id = frontend.start(
        f"QtCore.QTimer.singleShot(20, lambda: say('waits'))\n{code}\nsay('ran on')"
    )
    host.wait_for_line("waits")
    return msg_id


def assert_interrupted(frontend: Frontend, host: HostProgram, msg_id: str) -> None:
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    assert "ran on" not in host.stdout
    assert (
        frontend.run("app.activeModalWidget() is app.activePopupWidget() is None").result == "True"
    )
    assert frontend.run("import time; time.sleep(0.06); 'unhurt'").result == "'unhurt'"


@pytest.mark.parametrize("wait", WAITS)
def test_what_the_cell_waits_in(host: HostProgram, attach: Attach, wait: str) -> None:
    frontend = attach(host)
    msg_id = start_waiting(frontend, host, WAITS[wait])
    frontend.interrupt()
    assert_interrupted(frontend, host, msg_id)


def test_one_message_box_after_the_other(host: HostProgram, attach: Attach) -> None:
    """Each at the same place in the code; the third is interrupted."""
    frontend = attach(host)
    code = "for number in range(9):\n    QtWidgets.QMessageBox.question(first, 'title', 'text')"
    msg_id = start_waiting(frontend, host, code)
    for _ in range(2):
        assert host.ask("accept") == "QMessageBox"
    frontend.interrupt()
    assert_interrupted(frontend, host, msg_id)


def test_a_dialog_of_the_host_on_top_of_the_cells_is_left_to_its_user(
    host: HostProgram, attach: Attach
) -> None:
    frontend = attach(host)
    msg_id = start_waiting(frontend, host, WAITS["QDialog"])
    host.ask("dialog")
    host.wait_for_line("the host's dialog is open")
    frontend.interrupt()
    # the control channel answers while the interrupt waits: it has been repeated several times
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        frontend.control("kernel_info_request")
    assert host.ask("accept") == "QDialog"
    assert host.wait_for_line("the host's dialog was ended") == "the host's dialog was ended with 1"
    assert_interrupted(frontend, host, msg_id)


def test_a_dialog_that_was_open_before_the_cell(host: HostProgram, attach: Attach) -> None:
    frontend = attach(host)
    host.ask("dialog")
    host.wait_for_line("the host's dialog is open")
    for wait in ("QEventLoop", "QDialog"):
        msg_id = start_waiting(frontend, host, WAITS[wait])
        frontend.interrupt()
        assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
        assert "ran on" not in host.stdout
    assert frontend.run("app.activeModalWidget().objectName()").result == '"the host\'s"'
    assert host.ask("accept") == "QDialog"
    assert host.wait_for_line("the host's dialog was ended") == "the host's dialog was ended with 1"


def test_the_cell_may_go_on_after_its_dialog(host: HostProgram, attach: Attach) -> None:
    frontend = attach(host)
    code = "try:\n    QtWidgets.QDialog(first).exec()\nexcept KeyboardInterrupt:\n    say('caught')"
    msg_id = start_waiting(frontend, host, code)
    frontend.interrupt()
    assert frontend.outcome(msg_id).status == "ok"
    host.wait_for_line("caught")
    host.wait_for_line("ran on")


def test_a_slot_of_the_cell_that_is_called_by_the_cell(host: HostProgram, attach: Attach) -> None:
    frontend = attach(host)
    frontend.run("button = QtWidgets.QPushButton()")
    frontend.run("def spin():\n    say('waits')\n    while True: pass")
    frontend.run("def slot():\n    try: spin()\n    except KeyboardInterrupt: say('caught')")
    frontend.run("_ = button.clicked.connect(slot)")
    msg_id = frontend.start("button.click()")
    host.wait_for_line("waits")
    frontend.interrupt()
    host.wait_for_line("caught")
    assert frontend.outcome(msg_id).status == "ok"


@pytest.fixture
def second(host: HostProgram, attach: Attach) -> Iterator[Frontend]:
    """A frontend of a second kernel in the same application."""
    file = host.connection_file.with_name("second.json")
    first = attach(host)
    names = "{'app': app, 'first': first, 'say': say, 'QtCore': QtCore, 'QtWidgets': QtWidgets}"
    code = f"import qtkernel\nsecond = qtkernel.embed({names}, connection_file={str(file)!r})"
    assert first.run(code).status == "ok"
    frontend = Frontend(file)
    yield frontend
    frontend.close()
    assert first.run("second.close()").status == "ok"


@pytest.mark.parametrize("wait", ["QDialog", "QEventLoop"])
def test_each_kernel_of_two_interrupts_its_own(
    host: HostProgram, attach: Attach, second: Frontend, wait: str
) -> None:
    """The cell of the second runs on top of the first's, in what that waits in."""
    first = attach(host)
    lower = start_waiting(first, host, WAITS[wait])
    upper = start_waiting(second, host, WAITS[wait])
    second.interrupt()
    assert second.outcome(upper).ename == "KeyboardInterrupt"
    upper = second.start("say('spins')\nwhile True: pass")
    host.wait_for_line("spins")
    second.interrupt()
    assert second.outcome(upper).ename == "KeyboardInterrupt"
    # the first is let out when the second has ended, which is not hit by it
    upper = second.start("say('sleeps')\nimport time\nfor _ in range(50): time.sleep(0.01)")
    host.wait_for_line("sleeps")
    first.interrupt()
    assert second.outcome(upper).status == "ok"
    assert_interrupted(first, host, lower)
