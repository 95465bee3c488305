"""Event loops behind one seam of seven methods: `qtkernel.loops.base.EventLoop`.

Who may come in: everything above floor 1. `qtkernel.loops.registry` finds a backend by name, or
finds out which loop the host runs; `coroutines` is the guest asyncio loop of cells that await.
No toolkit is imported before a backend is created.

How the backends are made: `headless` waits in a selector by itself. `tk` and `aio` are a headless
loop too, but hang its selector's own descriptor on the toolkit, which wakes it when any of its
readers is readable. `qt` has a QSocketNotifier for each reader. All of them share the
bookkeeping in `pending`.

Beside the seam a backend may have two attributes, for the sake of interrupts. ``turns`` knows which
part of the stack the innermost event loop has called (`turns`), so that nothing is raised inside a
host's slot; ``waits`` ends the dialog or event loop that a cell waits in (`waits`).
"""

from qtkernel.loops.base import Callback, ErrorHandler, EventLoop, TimerHandle, log_error
from qtkernel.loops.errors import NoDisplay, NoEventLoop, UnknownEventLoop, WrongThread

__all__ = [
    "Callback",
    "ErrorHandler",
    "EventLoop",
    "NoDisplay",
    "NoEventLoop",
    "TimerHandle",
    "UnknownEventLoop",
    "WrongThread",
    "log_error",
]
