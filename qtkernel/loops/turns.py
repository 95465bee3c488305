"""Whose turn it is: which part of the stack has been called by the innermost event loop.

A cell may open a dialog, spin a QEventLoop or call ``app.processEvents()``. While it does, the
host's slots run *on top of the cell's frames*, although the cell has not called them. Whoever asks
"is this the cell?" (an interrupt that may be raised, a print that may be its output) must not look
further down the stack than to the place where the innermost event loop was entered.

That place is C++, and leaves no frame. But Qt's event dispatcher says when it begins a turn
(``awake``, ``aboutToBlock``), before it delivers anything, and in a slot of that signal the frame
above ours is the one that has called into Qt. It is noted together with the instruction that it
is at: when the call has returned and the frame is at another instruction, the note is void. A
signal's handler can run in between, when the call has returned and the instruction has not ended;
then ``QThread.loopLevel()`` tells, which would not do by itself: it does not count
processEvents().

Backends whose loop is Python mark their `run` with `runs_events` instead: its frame is on the stack
as long as the loop runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# by identity: hashing a code object goes through all that it is made of
_RUNS: dict[int, CodeType] = {}
_TELLS: dict[int, CodeType] = {}


def runs_events(function: F) -> F:
    """Mark a function that runs an event loop: what it calls is called by the loop."""
    code = function.__code__
    _RUNS[id(code)] = code
    return function


def tells_turns(function: F) -> F:
    """Mark a slot that calls `Turns.began`: nobody has called it but the loop, noted or not."""
    code = function.__code__
    _TELLS[id(code)] = code
    return runs_events(function)


class _Entry(NamedTuple):
    """A frame that has entered an event loop, and where it did."""

    frame: FrameType
    instruction: int
    level: int
    counted: bool
    """Whether this loop is one of those that `level` counts."""


class Turns:
    """The turns of all event loops on one thread. Belongs to that thread.

    Args:
        complete: whether every event loop on the thread is seen, and counted, however it was
            entered. If not (Tk), only the stack tells, and not always.
        level: how many event loops deep the thread is, as far as the toolkit counts them.
    """

    def __init__(self, *, complete: bool, level: Callable[[], int] = lambda: 0) -> None:
        self.complete = complete
        self.count = 0
        """Goes up with each turn. As long as it stays the same, no event loop has been entered."""
        self._level = level
        self._level_below = 0
        self._entered: list[_Entry] = []

    def began(self, caller: FrameType | None) -> bool:
        """A loop that `caller` has entered (None: C++ has) begins a turn.

        Returns:
            Whether it is the first turn of that loop, as far as this can be told: a call that is
            repeated at the same place enters the same loop.
        """
        self.count += 1
        entered = self._entered
        if caller is None:
            entered.clear()
            self._level_below = self._level()
            return False
        for index in range(len(entered) - 1, -1, -1):
            if entered[index].frame is caller and entered[index].instruction == caller.f_lasti:
                del entered[index + 1 :]  # loops inside this one have ended
                return False
        below = set(_stack(caller.f_back))
        self._entered = [
            entry for entry in entered if entry.frame in below and self._is_under_way(entry)
        ]
        level, below_level = self._level(), self._level_below
        if self._entered:
            below_level = self._entered[-1].level
        self._entered.append(_Entry(caller, caller.f_lasti, level, level > below_level))
        return True

    def forget(self) -> None:
        """Let go of all frames."""
        self._entered.clear()

    def places(self) -> tuple[tuple[int, int], ...]:
        """Where the loops under way were entered: the same only as long as they are the same."""
        return tuple((id(entry.frame), entry.instruction) for entry in self._entered)

    def frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The frames from `frame` down that the innermost event loop has called."""
        while frame is not None and not self._enters(frame):
            yield frame
            frame = frame.f_back

    def interrupted_frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The same for the frame that a signal's handler is given.

        That one runs. So it has returned from a loop that the toolkit does not count: else a frame
        of a slot would have been given. (A slot written in C has none. One that heeds signals,
        in a cell's processEvents(), is taken for the cell.)
        """
        if frame is not None and not self._enters(frame, only_counted=True):
            yield frame
            yield from self.frames(frame.f_back)

    def entered_from(self, frame: FrameType | None) -> FrameType | None:
        """The frame below the call that has entered the loop which has called `frame`.

        Its `frames` are those of the turn before. None where the outermost loop was entered.
        """
        while frame is not None and not self._enters(frame):
            frame = frame.f_back
        if frame is not None and id(frame.f_code) in _TELLS:
            frame = frame.f_back
        return None if frame is None else frame.f_back

    def _enters(self, frame: FrameType, *, only_counted: bool = False) -> bool:
        if id(frame.f_code) in _RUNS:
            return True
        for entry in self._entered:  # no generator: each frame of a stack is asked
            if entry.frame is frame:
                return (entry.counted or not only_counted) and self._is_under_way(entry)
        return False

    def _is_under_way(self, entry: _Entry) -> bool:
        if entry.frame.f_lasti != entry.instruction:
            return False
        # the call may have returned, and a binding makes a Python object of its result
        return not entry.counted or self._level() >= entry.level


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def turns_of(loop: object) -> Turns:
    """The turns of a loop's thread; a backend that does not know them has none that are noted."""
    turns = getattr(loop, "turns", None)
    return turns if isinstance(turns, Turns) else Turns(complete=False)
