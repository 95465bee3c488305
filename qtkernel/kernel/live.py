"""Output of a cell that blocks the kernel's thread, shown while it runs.

A frontend in the kernel's process (`qtkernel.channels.inprocess`) is served by the very event loop
that a blocking cell holds up. What the cell prints would be shown when it is over. So whoever can
paint without the loop, a *viewer*, is called in the midst of the cell:

* by a print, if nothing has been shown for `INTERVAL` seconds and the loop has not turned since;
* for what was printed last before the cell fell silent, and once in `CLOCK` seconds for the elapsed
  time, by a signal (`Interrupter.poke`), which wakes a ``time.sleep`` as an interrupt does and lets
  it go on (PEP 475). As any signal it ends system calls of C libraries with EINTR; so there are
  none that nobody looks at, and none in the first `PATIENCE` seconds of a cell.

A viewer must let no event be processed: no slot, timer or paint event of the host's. What it raises
is logged, and an interrupt waits until it has returned.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from qtkernel.kernel.interrupt import Interrupter
from qtkernel.loops.base import EventLoop
from qtkernel.loops.turns import Turns

INTERVAL = 0.05
"""Seconds between two looks at the output."""

PATIENCE = 0.15
"""Seconds that a cell may run before anybody looks after it."""

CLOCK = 1.0
"""Seconds between two looks at a cell that says nothing: it is the elapsed time that changes."""

_BACK_OFF = 0.5  # seconds between two looks whether a loop that turns has stopped to
_clock = time.monotonic
_log = logging.getLogger("qtkernel.kernel")


class Viewer(Protocol):
    """Shows output to somebody, without the event loop."""

    def show(self) -> object:
        """Show what there is. On the kernel's thread, in the midst of a cell."""

    def blocked(self, loop: EventLoop | None) -> object:
        """A cell blocks the event loop, or (None) does no longer. On the control thread, `loop`."""


class Live:
    """Calls the viewers of one kernel.

    Args:
        interrupter: knows whether a cell runs, and reaches its thread.
        turns: those of the kernel's thread, at the moment.
        flush: hands over what has been printed.
        control_loop: the loop of the control thread.
    """

    def __init__(
        self,
        interrupter: Interrupter,
        turns: Callable[[], Turns],
        flush: Callable[[], object],
        control_loop: EventLoop,
    ) -> None:
        self._interrupter = interrupter
        self._turns = turns
        self._flush = flush
        self._control_loop = control_loop
        self._thread = threading.get_ident()
        self._count = 0
        self._shown_at = 0.0
        self._fresh = False
        self._watching = False
        self._showing = False
        self._told: tuple[Viewer, ...] = ()  # that the event loop is blocked
        self.viewers: tuple[Viewer, ...] = ()
        """Those that somebody looks at."""

    def begun(self) -> None:
        """A cell begins. On the kernel's thread."""
        if not self.viewers:
            return
        self._note_turns()
        if not self._watching:
            self._watching = True
            self._control_loop.call_soon_threadsafe(lambda: self._look_in(PATIENCE))

    def wrote(self, text: str) -> None:
        """Something has been printed. From any thread."""
        if not self.viewers:
            return
        self._fresh = True
        if (
            # by whole lines: print() writes one in pieces. Progress bars begin theirs anew.
            (text[-1:] == "\n" or "\r" in text)
            and self._interrupter.running
            and threading.get_ident() == self._thread
            and _clock() - self._shown_at >= INTERVAL
            and not self._turned()
        ):
            self._show()

    def _turned(self) -> bool:
        """Whether the event loop has had a turn, which delivers what there is, since the last."""
        if self._turns().count == self._count:
            return False
        self._note_turns()
        return True

    def _note_turns(self) -> None:
        self._count = self._turns().count
        self._shown_at = _clock()

    # On the control thread

    def _look_in(self, delay: float) -> None:
        self._control_loop.call_later(delay, self._watch)

    def _watch(self) -> None:
        """Look after the cell."""
        if not (self._interrupter.running and self.viewers):
            self._tell(())
            self._watching = False
        elif self._turned():
            self._tell(())
            self._look_in(_BACK_OFF)
        else:
            if self._tell(self.viewers):
                self._fresh = True  # that there is a cell which can be interrupted
            if _clock() - self._shown_at >= (INTERVAL if self._fresh else CLOCK):
                self._interrupter.poke(self._show)
            self._look_in(INTERVAL)

    def _tell(self, blocked: tuple[Viewer, ...]) -> bool:
        """Say for which viewers the event loop is blocked; whether there is a new one."""
        before, self._told = self._told, blocked
        for viewer in before:
            if viewer not in blocked:
                viewer.blocked(None)
        new = [viewer for viewer in blocked if viewer not in before]
        for viewer in new:
            viewer.blocked(self._control_loop)
        return bool(new)

    def close(self) -> None:
        """The kernel closes: nobody is told of anything any more."""
        self.viewers = ()
        self._tell(())

    # On the kernel's thread

    def _show(self) -> None:
        """Let the viewers show what there is. On the kernel's thread, in the midst of a cell."""
        if self._showing:
            return  # what a viewer prints, or a signal that comes while it shows
        self._showing, self._fresh = True, False
        try:
            with self._interrupter.held():
                self._flush()
                for viewer in self.viewers:
                    try:
                        viewer.show()
                    except Exception:
                        _log.exception("the output of a running cell could not be shown")
        finally:
            self._shown_at = _clock()
            self._showing = False
