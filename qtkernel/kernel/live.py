"""Output of a cell that blocks the kernel's thread, shown while it runs.

A frontend in the kernel's process (`qtkernel.channels.inprocess`) is served by the very event loop
that a blocking cell holds up. What the cell prints would be shown when it is over. So whoever can
paint without the loop, a *viewer*, is called in the midst of the cell:

* by a print, if nothing has been shown for `INTERVAL` seconds and the loop has not turned since;
* for what was printed last before the cell fell silent, and once in `CLOCK` seconds for the elapsed
  time, by a signal (`qtkernel.kernel.poke`), which wakes a ``time.sleep`` and lets it go on. There
  are none that nobody looks at, none in the first `PATIENCE` seconds of a cell, and none that may
  do harm.

A viewer must let no event be processed: no slot, timer or paint event of the host's. What it raises
is logged, and an interrupt waits until it has returned. It costs time that is the cell's: of that
it gets no more than one part in `SHARE` (a flood of lines takes 60 ms to show, measured).

Whether the loop is blocked, or only idle while the cell awaits, is found out by asking it.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.poke import Poker
from qtkernel.loops.base import EventLoop
from qtkernel.loops.turns import turns_of

INTERVAL = 0.05
"""Seconds between two looks at the output."""

PATIENCE = 0.15
"""Seconds that a cell may run before anybody looks after it."""

CLOCK = 1.0
"""Seconds between two looks at a cell that says nothing: it is the elapsed time that changes."""

SHARE = 10
"""How many times as long as it computes to show output the cell runs until the next time."""

_BACK_OFF = 0.5  # seconds between two looks whether a loop that turns has stopped to
_clock = time.monotonic
_cpu = time.thread_time  # a machine that is busy makes it longer, and the cell, too
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
        interrupter: knows whether a cell runs, and its code.
        loop: returns the event loop that the kernel runs on at the moment.
        flush: hands over what has been printed.
        control_loop: the loop of the control thread.
    """

    def __init__(
        self,
        interrupter: Interrupter,
        loop: Callable[[], EventLoop],
        flush: Callable[[], object],
        control_loop: EventLoop,
    ) -> None:
        self._interrupter = interrupter
        self._poker = Poker(interrupter.is_cell)
        self._loop = loop
        self._flush = flush
        self._control_loop = control_loop
        self._thread = threading.get_ident()
        self._count = 0  # of the loop's turns
        self._asked = False  # the loop, to turn
        self._next_at = 0.0
        self._shown_at = 0.0
        self._fresh = False
        self._lock = threading.Lock()
        self._watching = False
        self._told: tuple[Viewer, ...] = ()  # that the event loop is blocked
        self._viewers: tuple[Viewer, ...] = ()

    @property
    def viewers(self) -> tuple[Viewer, ...]:
        """Those that somebody looks at."""
        return self._viewers

    @viewers.setter
    def viewers(self, viewers: tuple[Viewer, ...]) -> None:
        self._viewers = viewers
        if self._interrupter.running:
            self.begun()

    def begun(self) -> None:
        """A cell begins. On the kernel's thread."""
        if not self._viewers:
            return
        self._poker.take()
        with self._lock:
            if self._watching:
                return
            self._watching = True
        self._note_turns()
        self._control_loop.call_soon_threadsafe(lambda: self._look_in(PATIENCE))

    def ended(self) -> None:
        """No cell is under way any more. On the kernel's thread. Idempotent."""
        self._poker.give_back()

    def wrote(self, text: str) -> None:
        """Something has been printed. From any thread."""
        if not self._viewers:
            return
        self._fresh = True
        # by whole lines: print() writes one in pieces. Progress bars begin theirs anew
        if text[-1:] == "\n" or "\r" in text:
            self.flushed()

    def flushed(self) -> None:
        """What has been printed is meant to be seen. From any thread."""
        if (
            self._fresh
            and self._viewers
            and threading.get_ident() == self._thread  # there are no frames of a cell elsewhere
            and _clock() >= self._next_at
            and not self._turned()
            and self._interrupter.is_cell(_caller())
        ):
            self._show()

    def _turned(self) -> bool:
        """Whether the event loop has had a turn, which delivers what there is, since the last."""
        if turns_of(self._loop()).count == self._count:
            return False
        self._note_turns()
        return True

    def _note_turns(self) -> None:
        self._count = turns_of(self._loop()).count
        self._asked = False
        self._shown_at = _clock()
        self._next_at = self._shown_at + INTERVAL

    # On the control thread

    def _look_in(self, delay: float) -> None:
        self._control_loop.call_later(delay, self._watch)

    def _watch(self) -> None:
        """Look after the cell."""
        with self._lock:
            self._watching = self._interrupter.running and bool(self._viewers)
        if not self._watching:
            self._tell(())
        elif self._turned():
            self._tell(())
            self._look_in(_BACK_OFF)
        elif not self._asked:
            self._asked = True
            self._loop().call_soon_threadsafe(_nothing)
            self._look_in(INTERVAL)
        else:
            self._look_at_blocked()
            self._look_in(INTERVAL)

    def _look_at_blocked(self) -> None:
        if self._tell(self._viewers):
            self._fresh = True  # that there is a cell which can be interrupted
        now = _clock()
        if now >= self._next_at and (self._fresh or now >= self._shown_at + CLOCK):
            self._poker.poke(self._show, worth_a_risk=self._fresh)

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
        self._viewers = ()
        self._tell(())

    # On the kernel's thread

    def _show(self) -> None:
        """Let the viewers show what there is. On the kernel's thread, in the midst of a cell."""
        # what a viewer prints, or a signal that comes meanwhile, is not the cell's: no second one
        self._fresh = False
        began, used = _clock(), _cpu()
        try:
            with self._interrupter.held():
                self._flush()
                for viewer in self._viewers:
                    try:
                        viewer.show()
                    except Exception:
                        _log.exception("the output of a running cell could not be shown")
        finally:
            self._shown_at = _clock()
            took, used = self._shown_at - began, _cpu() - used
            self._next_at = self._shown_at + max(INTERVAL, SHARE * used, took)


def _caller() -> FrameType | None:
    """The frame that has called the kernel's code, by which this is called."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("qtkernel."):
        frame = frame.f_back
    return frame


def _nothing() -> None:
    pass
