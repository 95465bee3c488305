"""The debugger of a kernel, put together."""

from __future__ import annotations

from collections.abc import Callable

from qtkernel.embed.undo import UndoStack
from qtkernel.kernel.debugger import Debugger
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.publisher import Publisher
from qtkernel.loops.base import EventLoop
from qtkernel.shell.cell_files import CellFiles
from qtkernel.shell.debugging import DebugpyAdapter, is_available
from qtkernel.shell.shell import ZMQInteractiveShell


def build_debugger(
    shell: ZMQInteractiveShell,
    publisher: Publisher,
    interrupter: Interrupter,
    control_loop: EventLoop,
    call_soon: Callable[[Callable[[], None]], None],
    undo: UndoStack,
) -> Debugger:
    """The debugger for the cells of `shell`.

    Args:
        control_loop: the loop of the control thread.
        call_soon: runs a callback on the kernel's event loop; from any thread.
        undo: gets what has to be done when the kernel closes, besides ending the session.
    """
    files = CellFiles()
    undo.push(files.remove)
    if is_available():
        shell.compile.name_cell = files.path
    return Debugger(DebugpyAdapter(shell, files), publisher, interrupter, control_loop, call_soon)
