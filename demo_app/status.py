"""What the status bar says of the kernel."""

import time
from typing import Any

from qtpy import QtCore, QtWidgets

import qtkernel

TICK_MS = 200


class KernelStatus(QtWidgets.QLabel):  # type: ignore[misc]
    """Idle, or busy and for how long, and how many frontends are attached from outside."""

    def __init__(
        self, kernel: qtkernel.EmbeddedKernel, parent: QtWidgets.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("kernelStatus")
        self._kernel = kernel
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

    def _idle(self) -> None:
        self._busy_since = None
        self._timer.stop()
        self._show()

    def _show(self, *_details: Any) -> None:
        state = "idle"
        if self._busy_since is not None:
            state = f"busy {time.monotonic() - self._busy_since:.1f} s"
        self.setText(f"kernel {state}   \u00b7   {len(self._kernel.clients)} attached")
