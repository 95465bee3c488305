"""The application is a session of IPython at a terminal: each keeps its own."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.frontends.conftest import Starter

PATIENCE = 30


class Session:
    """IPython in a pty."""

    def __init__(self, start: Starter) -> None:
        self.connection_file: Path = start.home.runtime / "kernel-inside.json"
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
            env=start.home.environment | {"TERM": "dumb", "PYTHONWARNINGS": "ignore"},
            cwd=str(start.home.directory),
            encoding="utf-8",
            timeout=PATIENCE,
            echo=False,
        )
        self.log = self.child.logfile_read = io.StringIO()
        self.number = 1
        self.expect(r"In \[1\]: ")

    def expect(self, pattern: str) -> str:
        """Wait for a text; what came before it."""
        try:
            self.child.expect(pattern)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"{pattern!r} has not come:\n{self.log.getvalue()}") from None
        return str(self.child.before)

    def run(self, code: str) -> str:
        """Run a line; what it shows."""
        self.child.sendline(code)
        self.number += 1
        return self.expect(rf"In \[{self.number}\]: ")


@pytest.fixture
def session(start: Starter) -> Iterator[Session]:
    """A session with an application and a kernel in its namespace."""
    session = Session(start)
    session.run("from tests.support.binding import QtWidgets; import qtkernel")
    session.run("app = QtWidgets.QApplication([])")
    session.run(f"kernel = qtkernel.embed(connection_file={str(session.connection_file)!r})")
    yield session
    session.child.close(force=True)


def test_each_keeps_its_own(session: Session, start: Starter) -> None:
    assert "42" in session.run("6 * 7")
    session.child.sendline("app.exec()")
    frontend = start.frontend(session)
    assert frontend.run("type(get_ipython()).__name__").result == "'ZMQInteractiveShell'"
    assert frontend.run("import IPython; IPython.get_ipython() is get_ipython()").result == "True"
    assert frontend.run("exit").content["payload"] == [{"source": "ask_exit", "keepkernel": True}]
    assert frontend.run("quit()").status == "ok"
    assert frontend.run("import sys; sys.exit(3)").ename == "SystemExit"
    assert frontend.run("len(In)").result != "6"
    assert frontend.run("%who_ls").status == "ok"
    assert frontend.run("made = 1; 5").result == "5"
    assert frontend.run(
        "class C: pass\nimport pickle; type(pickle.loads(pickle.dumps(C())))"
    ).result
    assert frontend.run("app.quit(); 'gone'").result == "'gone'"
    session.number += 1
    session.expect(rf"In \[{session.number}\]: ")
    assert "TerminalInteractiveShell" in session.run("type(get_ipython()).__name__")
    assert "42" in session.run("Out[4]")
    assert "42" in session.run("_")
    assert "6 * 7" in session.run("In[4]")
    assert "made 1" in session.run("print('made', made)")
    session.run("kernel.close()")
    assert "True" in session.run("get_ipython().history_manager is not None and In[4] == '6 * 7'")
    assert "42" in session.run("Out[4]")
    session.child.sendline("exit")
    session.child.expect(pexpect.EOF)
