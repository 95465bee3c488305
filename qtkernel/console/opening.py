"""Opening consoles: what can be wrong, in words, and what is imported for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtkernel import qt
from qtkernel.console.kernel import ConsoleKernel

if TYPE_CHECKING:
    from qtkernel.console.console import Console
    from qtkernel.console.dock import ConsoleDock


class ConsoleNotInstalled(ModuleNotFoundError):
    """qtconsole is not installed; the message says what to type."""


def open_console(kernel: ConsoleKernel, parent: Any = None, **more: Any) -> Console:
    """See `EmbeddedKernel.console`."""
    _check()
    try:
        from qtkernel.console.console import Console
    except ModuleNotFoundError as error:
        raise _explained(error) from error
    return Console(kernel, parent, **more)


def open_dock(kernel: ConsoleKernel, parent: Any = None, **more: Any) -> ConsoleDock:
    """See `EmbeddedKernel.dock`."""
    _check()
    try:
        from qtkernel.console.dock import ConsoleDock
    except ModuleNotFoundError as error:
        raise _explained(error) from error
    return ConsoleDock(kernel, parent, **more)


def _check() -> None:
    application = qt.application()
    if application is None or not application.inherits("QApplication"):
        raise RuntimeError(
            "a console is a Qt widget, and there is no QApplication in this process; attach one "
            "from outside (kernel.attach_command)"
        )
    if application.thread() != qt.QtCore.QThread.currentThread():
        raise RuntimeError("a console is a Qt widget: make it on the thread of the QApplication")


def _explained(error: ModuleNotFoundError) -> ModuleNotFoundError:
    if (error.name or "").partition(".")[0] != "qtconsole":
        return error
    return ConsoleNotInstalled(
        'the console needs qtconsole: pip install "qtkernel[console]"', name=error.name
    )
