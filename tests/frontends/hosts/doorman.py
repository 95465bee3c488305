"""A host that looks after who attaches.

python doorman.py CONNECTION_FILE all|none|broken|dialog [NAME=VALUE of embed]...

The environment variable GRACE is for how many seconds a frontend may be cut off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import qtkernel
from qtkernel.kernel import clients
from tests.support.binding import QtCore, QtWidgets


def say(text: str) -> None:
    """Say something to the test."""
    os.write(1, f"{text}\n".encode())


class Doorman(QtCore.QObject):
    """Decides who may attach; a person's answer to a dialog is a line on stdin."""

    def __init__(self) -> None:
        super().__init__()
        self.box: QtWidgets.QMessageBox | None = None
        self._notifier = QtCore.QSocketNotifier(0, QtCore.QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    def all(self, _client: qtkernel.Client) -> None:
        """Everybody."""

    def none(self, _client: qtkernel.Client) -> bool:
        """Nobody."""
        return False

    def broken(self, client: qtkernel.Client) -> bool:
        """A mistake in the application."""
        return bool(client.no_such_attribute)  # type: ignore[attr-defined]

    def dialog(self, client: qtkernel.Client) -> bool:
        """Whom the person lets in; the first comes without being asked about."""
        if not hasattr(self, "seen"):
            self.seen = client
            return True
        print("asking a person")
        self.box = QtWidgets.QMessageBox()
        self.box.setText(f"Allow {client} to attach?")
        yes = QtWidgets.QMessageBox.StandardButton.Yes
        self.box.setStandardButtons(yes | QtWidgets.QMessageBox.StandardButton.No)
        QtCore.QTimer.singleShot(0, lambda: say(f"asks: {client}"))
        return bool(self.box.exec() == yes)

    def _read(self) -> None:
        data = os.read(0, 65536).decode()
        if not data:
            self._notifier.setEnabled(False)
            QtWidgets.QApplication.quit()
        for line in data.splitlines():
            assert self.box is not None
            button = getattr(QtWidgets.QMessageBox.StandardButton, line)
            self.box.button(button).click()


def main() -> None:
    """Run it."""
    app = QtWidgets.QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    doorman = Doorman()
    clients.GRACE = float(os.environ.get("GRACE", clients.GRACE))
    on_attach: Callable[[qtkernel.Client], object] = getattr(doorman, sys.argv[2])
    options: dict[str, object] = {
        name: {"True": True}.get(value, value)
        for name, value in (argument.split("=") for argument in sys.argv[3:])
    }
    namespace: dict[str, object] = {"app": app}
    kernel = qtkernel.embed(
        namespace,
        connection_file=sys.argv[1],
        on_attach=on_attach,
        **options,  # type: ignore[arg-type]
    )
    namespace["kernel"] = kernel
    kernel.on("attached", lambda client: say(f"attached {client.session}"))
    kernel.on("detached", lambda client: say(f"detached {client.session}"))
    say("ready")
    app.exec()
    kernel.close()
    say("ended")


if __name__ == "__main__":
    main()
