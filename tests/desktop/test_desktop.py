"""The desktop of the tests itself: what is pressed arrives, what is shown is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.binding import BINDING
from tests.support.desktop import Desktop

HOST = f"""
from {BINDING} import QtWidgets
app = QtWidgets.QApplication([])
edit = QtWidgets.QPlainTextEdit()
edit.setWindowTitle("a page")
edit.setStyleSheet("background: #102030; color: white")
edit.resize(400, 200)
edit.textChanged.connect(lambda: print(repr(edit.toPlainText()), flush=True))
edit.show()
app.exec()
"""

TEXT = "print(f'{1 + 1}@\\n' * 3)\n[x for x in \"yz\"]"


def test_keys_arrive_and_pixels_are_seen(screen: Desktop, tmp_path: Path) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST],
        env=screen.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        window = screen.window(host.pid, "a page")
        screen.activate(window)
        x, y, width, height = screen.geometry(window)
        screen.click(x + 50, y + 50)
        screen.type(TEXT)
        assert host.stdout is not None
        while host.stdout.readline() != f"{TEXT!r}\n":
            assert host.poll() is None
        page = screen.look((x + 2, y + 2, width - 4, height - 4))
        assert page.background() == (0x10, 0x20, 0x30)
        assert page.pixel(0, page.height - 1) == (0x10, 0x20, 0x30)
        screen.screenshot(tmp_path / "page.png")
        assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
        screen.close_window(window)
        assert host.wait(30) == 0
    finally:
        host.kill()
        host.communicate()
