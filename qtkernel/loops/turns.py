"""Whose turn it is: which part of the stack has been called by the innermost event loop.

A cell may open a dialog, spin a QEventLoop or call ``app.processEvents()``. While it does, the
host's slots run *on top of the cell's frames*, although the cell has not called them. Whoever asks
"is this the cell?" (an interrupt that may be raised, a print that may be its output) must not look
further down the stack than to the place where the innermost event loop was entered.

That place is C++, and leaves no frame. But Qt's event dispatcher says when it begins a turn
(``awake``, ``aboutToBlock``), before it delivers anything, and in a slot of that signal the frame
above ours is the one that has called into Qt. It is noted together with the instruction that it
is at: as soon as the call has returned, the frame is at another instruction, and the note is void.
``QThread.loopLevel()`` would not do: it does not count processEvents().

Backends whose loop is Python mark their `run` with `runs_events` instead: its frame is on the stack
as long as the loop runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# by identity: hashing a code object goes through all that it is made of
_RUNS: dict[int, CodeType] = {}


def runs_events(function: F) -> F:
    """Mark a function that runs an event loop: what it calls is called by the loop."""
    code = function.__code__
    _RUNS[id(code)] = code
    return function


class Turns:
    """The turns of all event loops on one thread. Belongs to that thread.

    Args:
        complete: whether every event loop on the thread is seen, and counted, however it was
            entered. If not (Tk), only the stack tells, and not always.
    """

    def __init__(self, *, complete: bool) -> None:
        self.complete = complete
        self.count = 0
        """Goes up with each turn. As long as it stays the same, no event loop has been entered."""
        self._entered: list[tuple[FrameType, int]] = []

    def began(self, caller: FrameType | None) -> None:
        """A loop that `caller` has entered (None: C++ has) begins a turn."""
        self.count += 1
        if caller is None:
            self._entered.clear()
            return
        entered = self._entered
        if entered and entered[-1][0] is caller and entered[-1][1] == caller.f_lasti:
            return
        # another loop than the last time: a new one, or one that has gone on under one that ended
        below = set(_stack(caller.f_back))
        self._entered = [entry for entry in entered if entry[0] in below and _is_there(entry)]
        self._entered.append((caller, caller.f_lasti))

    def forget(self) -> None:
        """Let go of all frames."""
        self._entered.clear()

    def frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The frames from `frame` down that the innermost event loop has called."""
        while frame is not None and not self._enters(frame):
            yield frame
            frame = frame.f_back

    def entered_from(self, frame: FrameType | None) -> FrameType | None:
        """The frame below the call that has entered the loop which has called `frame`.

        Its `frames` are those of the turn before. None where the outermost loop was entered.
        """
        while frame is not None and not self._enters(frame):
            frame = frame.f_back
        return None if frame is None else frame.f_back

    def _enters(self, frame: FrameType) -> bool:
        if id(frame.f_code) in _RUNS:
            return True
        for entered, instruction in self._entered:  # no generator: each frame of a stack is asked
            if entered is frame:
                return frame.f_lasti == instruction
        return False


def _is_there(entry: tuple[FrameType, int]) -> bool:
    frame, instruction = entry
    return frame.f_lasti == instruction


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def turns_of(loop: object) -> Turns:
    """The turns of a loop's thread; a backend that does not know them has none that are noted."""
    turns = getattr(loop, "turns", None)
    return turns if isinstance(turns, Turns) else Turns(complete=False)
