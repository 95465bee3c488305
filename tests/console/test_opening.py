"""What it takes to have a console, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

import qtkernel
from qtkernel.console import ConsoleNotInstalled
from tests.console.conftest import User, play
from tests.support.binding import BINDING

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

START = f"""
import sys
from {BINDING} import QtCore, QtWidgets
application = QtWidgets.QApplication([])
import qtkernel
kernel = qtkernel.embed({{}}, transport=None)
"""


def run(code: str, begin: str = START) -> str:
    """What a program says, which has to end well and without complaint."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONDEVMODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", begin + code],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment,
    )
    # the last one: PySide6 on Python 3.11
    known = ("This plugin does not support", "XDG_RUNTIME_DIR", "module_repr() is deprecated")
    complaints = [line for line in done.stderr.splitlines() if not any(k in line for k in known)]
    assert (done.returncode, complaints) == (0, [])
    return done.stdout


def test_embedding_imports_nothing_of_a_console() -> None:
    said = run(
        "kernel.close()\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'qtconsole', 'qtpy', 'ipykernel', 'jupyter_client', 'tornado', 'matplotlib'}))\n"
        "print('qtkernel.console' in sys.modules)"
    )
    assert said == "[]\nFalse\n"


def test_a_console_imports_nothing_of_ipykernel_and_leaves_the_environment_alone() -> None:
    said = run(
        "import os; before = dict(os.environ)\n"
        "dock = kernel.dock(); kernel.close()\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'ipykernel', 'jupyter_client', 'tornado', 'zmq.green'}))\n"
        "print(os.environ == before)"
    )
    assert said == "[]\nTrue\n"


@pytest.mark.parametrize("method", ["console", "dock"])
def test_without_qtconsole_it_says_what_to_install(method: str) -> None:
    said = run(
        "class Blocked:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.partition('.')[0] == 'qtconsole':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "from qtkernel.console import ConsoleNotInstalled\n"
        f"try: kernel.{method}()\n"
        "except ConsoleNotInstalled as error: print(error)\n"
        "kernel.close()"
    )
    assert said == 'the console needs qtconsole: pip install "qtkernel[console]"\n'
    assert issubclass(ConsoleNotInstalled, ImportError)


def test_without_a_qt_application_it_says_so() -> None:
    said = run(
        "import qtkernel\n"
        "from qtkernel.loops.headless import HeadlessLoop\n"
        "kernel = qtkernel.embed({}, loop=HeadlessLoop())\n"
        "try: kernel.dock()\n"
        "except RuntimeError as error: print(error)\n"
        "kernel.close()",
        begin="",
    )
    assert "there is no QApplication" in said
    assert "kernel.attach_command" in said


def test_a_closed_kernel_has_no_console(qapp: object) -> None:  # noqa: ARG001
    kernel = qtkernel.embed({}, transport=None)
    kernel.close()
    with pytest.raises(RuntimeError, match="closed"):
        kernel.dock()


def test_another_thread_is_refused(qapp: object) -> None:  # noqa: ARG001
    kernel = qtkernel.embed({}, transport=None)
    errors: list[RuntimeError] = []

    def elsewhere() -> None:
        try:
            kernel.console()
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    kernel.close()
    assert "thread of the QApplication" in str(errors[0])


def test_the_first_prompt_is_there_in_a_moment(qapp: Any) -> None:
    kernel = qtkernel.embed({}, transport=None)
    kernel.console().deleteLater()  # what is imported for the first one
    begun = time.perf_counter()
    console = kernel.console()
    console.show()
    user = User(kernel, console.widget)
    play(user, iter([lambda: user.text.endswith("In [1]: ")]))
    qapp.processEvents()
    took = time.perf_counter() - begun
    kernel.close()
    assert took < 1  # measured: 0.02 s


@pytest.mark.parametrize(
    "end",
    [
        "QtCore.QTimer.singleShot(0, application.quit); qtkernel.qt.execute(application)",
        "QtCore.QTimer.singleShot(0, window.close); qtkernel.qt.execute(application)",
        "QtCore.QTimer.singleShot(0, kernel.close)\n"
        "QtCore.QTimer.singleShot(50, application.quit); qtkernel.qt.execute(application)",
        "del window",
        "application.processEvents(); kernel.close()",
        "",
    ],
    ids=["quit", "window closed", "kernel closed", "window gone", "closed at the end", "nothing"],
)
@pytest.mark.parametrize("docked", ["window", "None"])
def test_an_application_with_a_dock_ends_well(docked: str, end: str) -> None:
    said = run(
        "import qtkernel.qt\n"
        "window = QtWidgets.QMainWindow(); window.show()\n"
        f"dock = kernel.dock({docked}); dock.run('1 + 1')\n"
        f"{end}\n"
        "print('done')"
    )
    assert said == "done\n"
