"""How consoles come and go: with their kernel, without it, and leaving nothing."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from typing import Any

import pytest

from qtkernel.console.widget import ConsoleWidget
from tests.console.conftest import Script, Sit, User, delete, play, shown
from tests.support.binding import BINDING, QtCore, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_restart_says_so_and_begins_to_count_anew(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("x = 1\n")
        yield user.at_prompt(2)
        user.type("kept")
        user.kernel.restart()
        yield lambda: user.text.endswith("In [1]: kept")
        user.type(" = model\nx\n")
        yield user.sees("NameError")

    play(user, script())
    assert "\nThe kernel has been restarted: what cells had made is gone.\n" in user.text


def test_a_restart_while_a_cell_awaits_another_waits_and_one_is_typed(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("await __import__('asyncio').sleep(1000)\n")
        yield lambda: user.text.endswith("In [2]: ")
        user.type("print('queued')\n")
        yield lambda: user.text.endswith("In [3]: ")
        user.type("typed")
        user.kernel.restart()
        yield lambda: user.text.endswith("In [1]: typed")
        user.type(" = 5; typed\n")
        yield user.at_prompt(2)

    play(user, script())
    assert user.text.endswith("Out[1]: 5\n\nIn [2]: ")
    assert "\nqueued" not in user.text


def test_a_restart_while_a_question_is_asked(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("input('? ')\n")
        yield user.is_asked("\n? ")
        user.kernel.restart()
        yield user.sees("restarted")
        yield user.at_prompt(1)

    play(user, script())


def test_a_closed_kernel_leaves_its_text_to_be_read(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("print('x')\n")
        yield user.at_prompt(2)

    play(user, script())
    user.type("half")
    user.kernel.close()
    before = user.text
    assert before.endswith("x\nThe kernel is closed.")
    user.type("more\n")
    user.console.paste()
    user.console.run("print('never')")
    user.press(QtCore.Qt.Key.Key_Tab)
    QtWidgets.QApplication.processEvents()
    assert user.text == before
    user.console.clear()
    assert user.text == ""


def test_no_console_on_a_closed_kernel(sit: Sit) -> None:
    user = sit()
    user.kernel.close()
    with pytest.raises(RuntimeError, match="closed"):
        ConsoleWidget(user.kernel)


def collect() -> None:
    for _ in range(3):
        gc.collect()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        QtWidgets.QApplication.processEvents()


def ways_to_go() -> dict[str, Any]:
    return {
        "deleteLater": delete,
        "parent": lambda console: delete(console.window()),
    }


@pytest.mark.parametrize("way", list(ways_to_go()))
def test_a_console_that_goes_closes_its_port_and_is_gone(sit: Sit, way: str) -> None:
    user = sit()
    before = len(user.kernel._assembly.ports.current())
    console = shown(user.kernel)
    if way == "parent":
        window = QtWidgets.QMainWindow()
        window.setCentralWidget(console)
    port, gone = console._port, weakref.ref(console)
    assert len(user.kernel._assembly.ports.current()) == before + 1
    console.run("1")
    ways_to_go()[way](console)
    del console
    if way == "parent":
        del window
    collect()
    assert port.closed
    assert len(user.kernel._assembly.ports.current()) == before
    assert gone() is None

    def script() -> Script:
        user.type("'alive'\n")
        yield user.sees("'alive'\n\n")

    play(user, script())


def test_a_console_that_is_forgotten_lives_on_and_may_outlive_its_kernel(sit: Sit) -> None:
    user = sit()
    console = shown(user.kernel)
    gone = weakref.ref(console)
    del console
    collect()
    assert gone() is not None
    assert not gone()._port.closed
    user.kernel.close()
    collect()  # whatever becomes of it now


def test_a_console_deleted_while_its_cell_asks_ends_the_question(sit: Sit) -> None:
    user = sit()
    second = User(user.kernel, shown(user.kernel))

    def script() -> Script:
        second.type("answer = 0\ntry: answer = input('? ')\nexcept EOFError: answer = 'none'\n")
        yield second.is_asked("\n? ")
        delete(second.console)
        yield lambda: user.kernel.user_ns.get("answer") == "none"

    play(user, script())


def test_a_cell_can_delete_the_console_it_came_from(sit: Sit) -> None:
    user = sit()
    second = User(user.kernel, shown(user.kernel))
    user.kernel.push({"second": second.console, "delete": delete})

    def script() -> Script:
        second.type("delete(second); print('x'); done = 1\n")
        yield lambda: "done" in user.kernel.user_ns
        user.type("2\n")
        yield user.sees("Out[")

    play(user, script())


HOST = """
import os, sys
from {binding} import QtWidgets
app = QtWidgets.QApplication([])
import qtkernel
kernel = qtkernel.embed({{"x": 1}}, transport=None)
embedded = sorted(name for name in ("qtconsole", "qtpy", "pygments") if name in sys.modules)
environment = dict(os.environ)
from qtkernel.console.widget import ConsoleWidget
console = ConsoleWidget(kernel)
console.show()
app.processEvents()
assert dict(os.environ) == environment
brought = ("ipykernel", "jupyter_client", "tornado", "qtconsole.inprocess", "qtconsole.manager")
print(embedded, [name for name in brought if name in sys.modules])
kernel.close()
"""


def test_what_is_imported_by_embedding_and_by_a_console() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOST.format(binding=BINDING)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "['pygments'] []\n"), done.stderr


class Wakeups(QtCore.QObject):
    """Counts what the application's thread wakes up for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def notice(self) -> None:
        self.count += 1


def test_an_idle_console_wakes_nobody_up(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.type("1\n")
        yield user.at_prompt(2)

    play(user, script())
    QtWidgets.QApplication.processEvents()
    blinking = QtWidgets.QApplication.cursorFlashTime()
    QtWidgets.QApplication.setCursorFlashTime(0)
    user.control.clearFocus()
    loop, wakeups = QtCore.QEventLoop(), Wakeups()
    dispatcher = QtCore.QAbstractEventDispatcher.instance()
    end = QtCore.QTimer()
    end.setSingleShot(True)
    end.timeout.connect(loop.quit)
    QtWidgets.QApplication.processEvents()
    dispatcher.awake.connect(wakeups.notice)
    end.start(2000)
    loop.exec()
    dispatcher.awake.disconnect(wakeups.notice)
    QtWidgets.QApplication.setCursorFlashTime(blinking)
    assert wakeups.count <= 3, "the timer of the test, and nothing else"
    assert not [timer for timer in user.console.findChildren(QtCore.QTimer) if timer.isActive()]
