"""Opening consoles: what can be wrong, in words, and what is imported for it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from qtkernel import qt
from qtkernel.console.kernel import ConsoleKernel

if TYPE_CHECKING:
    from qtkernel.console.console import Console
    from qtkernel.console.dock import ConsoleDock


class ConsoleNotInstalled(ImportError):
    """qtconsole is not installed; the message says what to type."""


def open_console(kernel: ConsoleKernel, parent: Any = None, **more: Any) -> Console:
    """See `EmbeddedKernel.console`."""
    _check()
    from qtkernel.console.console import Console

    return Console(kernel, parent, **more)


def open_dock(kernel: ConsoleKernel, parent: Any = None, **more: Any) -> ConsoleDock:
    """See `EmbeddedKernel.dock`."""
    _check()
    from qtkernel.console.dock import ConsoleDock, main_window

    return ConsoleDock(kernel, main_window() if parent is None else parent, **more)


def _check() -> None:
    application = qt.application()
    if application is None or not application.inherits("QApplication"):
        raise RuntimeError(
            "a console is a Qt widget, and there is no QApplication in this process; attach one "
            "from outside (kernel.attach_command)"
        )
    if find_spec("qtconsole") is None:
        raise ConsoleNotInstalled('the console needs qtconsole: pip install "qtkernel[console]"')
