"""The Qt binding that the tests run with: ``QTKERNEL_TEST_BINDING``, or else PyQt5.

Nothing in tests/ imports a binding by its name. Tests and host scripts take Qt's modules from here
(``from tests.support.binding import QtCore``; a module is imported when it is asked for). Cells are
text and take the name: ``f"from {BINDING} import QtCore"``; in a host with QtCore and QtWidgets
in its namespace, such as host.py, they need not even that.

What works in all three: enums in full (``QtCore.Qt.TimerType.PreciseTimer``), ``exec()``, QAction
in QtGui from Qt 6 on, and `Signal` and `Slot` from here.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

BINDING = os.environ.get("QTKERNEL_TEST_BINDING", "PyQt5")
"""The name of the package: "PyQt5", "PyQt6" or "PySide6"."""

IS_PYSIDE = BINDING == "PySide6"

_MODULES = ("QtCore", "QtGui", "QtTest", "QtWidgets")
_SIGNALS = ("Signal", "Slot")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{BINDING}.{name}")
    if name in _SIGNALS:
        core = import_module(f"{BINDING}.QtCore")
        return getattr(core, name if IS_PYSIDE else f"pyqt{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
