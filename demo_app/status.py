"""What the status bar says of the kernel."""

import time
from typing import Any

from qtpy import QtCore, QtWidgets

import qtkernel

TICK_MS = 200
MARGIN = 12
"""Pixels beside the text, in the stylesheet, at most."""


class KernelStatus(QtWidgets.QLabel):  # type: ignore[misc]
    """Idle, or busy and for how long, and how many frontends are attached from outside."""

    def __init__(
        self, kernel: qtkernel.EmbeddedKernel, parent: QtWidgets.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("kernelStatus")
        self._kernel = kernel
        # a text that is painted in the midst of a cell gets no other room
        widest = _text("busy 000.0 s", 10)
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance(widest) + 2 * MARGIN)
        self._busy_since: float | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._show)
        kernel.on("busy", self._busy)
        kernel.on("idle", self._idle)
        kernel.on("attached", self._show)
        kernel.on("detached", self._show)
        self._show()

    def _busy(self) -> None:
        self._busy_since = time.monotonic()
        self._timer.start()
        self._show()
        self.repaint()  # now: the cell may hold up the event loop

    def _idle(self) -> None:
        self._busy_since = None
        self._timer.stop()
        self._show()

    def _show(self, *_details: Any) -> None:
        state, took = "idle", 0.0
        if self._busy_since is not None:
            state, took = "busy", time.monotonic() - self._busy_since
        if took >= TICK_MS / 1000:
            state = f"busy {took:.1f} s"
        self.setText(_text(state, len(self._kernel.clients)))


def _text(state: str, attached: int) -> str:
    return f"kernel {state}   ·   {attached} attached"
