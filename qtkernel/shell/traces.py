"""What IPython, and the standard library under it, change in a process while cells run.

`qtkernel.shell.shell` overrides what can be prevented. What is here cannot: it is noted when the
shell is made and put back when it is closed, each only where it is still as the cells left it.
(tests/support/process_state.py compares the whole process before and after.)
"""

from __future__ import annotations

import asyncio
import atexit
import bdb
import contextlib
import linecache
import logging
import sys
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any

Undo = Callable[[], None]

_SCRIPTS_PATIENCE = 1.0  # seconds that the loop of script magics gets to end

_MISSING: Any = object()

_CALLED_BY_US = sys.stdlib_module_names | {"zmq"}
"""Packages in which an interrupt may find our own functions: they send a question, or wait."""


class Noted:
    """An attribute of a module or object as it was; `put_back` unless somebody else set it."""

    def __init__(self, owner: object, name: str) -> None:
        self._owner = owner
        self._name = name
        self._before = getattr(owner, name, _MISSING)

    def put_back(self) -> None:
        """Set it to what it was; without it, if it was not there."""
        if self._before is not _MISSING:
            setattr(self._owner, self._name, self._before)
        else:
            with contextlib.suppress(AttributeError):
                delattr(self._owner, self._name)


class LastError:
    """``sys.last_value`` and its kin, which IPython sets for each exception that it shows."""

    _NAMES = ("last_type", "last_value", "last_traceback", "last_exc")

    def __init__(self) -> None:
        self._before = [Noted(sys, name) for name in self._NAMES]
        self._shown: BaseException | None = None

    def shown(self, error: BaseException) -> None:
        """IPython has set them to this one."""
        self._shown = error

    def put_back(self) -> None:
        """Put back what was there, unless an exception of the host's has come since."""
        if self._shown is not None and getattr(sys, "last_value", None) is self._shown:
            for noted in self._before:
                noted.put_back()
        self._shown = None


def note_pager() -> Undo:
    """``help()`` decides once for the whole process how it shows its pages.

    In a cell that is without a pager; the host may have a terminal.
    """
    pydoc = sys.modules.get("pydoc")
    before = getattr(pydoc, "pager", _decide_pager)

    def undo() -> None:
        pydoc: Any = sys.modules.get("pydoc")
        if pydoc is not None and pydoc.pager is pydoc.plainpager:
            pydoc.pager = before

    return undo


def _decide_pager(*page: str) -> None:
    """What pydoc's own ``pager`` does when it is called for the first time."""
    import pydoc

    pydoc.pager = pydoc.getpager()  # type: ignore[assignment]
    pydoc.pager(*page)


def note_log_level() -> Undo:
    """The first completion by jedi sets the level of its parser's logger."""
    logger = logging.getLogger("parso")
    before = logger.level

    def undo() -> None:
        if logger.level == logging.WARNING:
            logger.setLevel(before)

    return undo


def forget_debuggers() -> None:
    """Take debuggers that have ended off the frames that we were called from, the host's too.

    ``pdb.set_trace()`` sets a trace function on every frame of the stack, and ``q`` leaves it
    there: it does nothing, and keeps alive whatever the debugger has seen.
    """
    frame = sys._getframe() if sys.gettrace() is None else None
    while frame is not None:
        if isinstance(getattr(frame.f_trace, "__self__", None), bdb.Bdb):
            frame.f_trace = None
        frame = frame.f_back


def leave_out_own_end(error: BaseException) -> None:
    """Have the tracebacks of an error, and of those it came from, end in the cell's own code.

    Where an interrupt is raised, and where ``input()`` finds out that nobody can answer, is a
    function of ours, called from the line that the user asks about. IPython leaves such frames
    out, the last one excepted; a debugger would begin there.
    """
    seen: set[int] = set()
    here: BaseException | None = error
    while here is not None and id(here) not in seen:
        seen.add(id(here))
        _cut(here.__traceback__, isinstance(here, KeyboardInterrupt))
        here = here.__cause__ or here.__context__


def _cut(trace: TracebackType | None, interrupted: bool) -> None:
    end = None  # the frame from which the last run of frames of ours was called
    while trace is not None and trace.tb_next is not None:
        owner = _package(trace.tb_next.tb_frame)
        if owner == _package(sys._getframe()):
            end = end or trace
        elif owner not in _CALLED_BY_US:
            end = None
        trace = trace.tb_next
    if end is None or trace is None:
        return
    # else it may be a defect of our own: the place must be seen
    if interrupted or trace.tb_frame.f_locals.get("__tracebackhide__"):
        end.tb_next = None


def _package(frame: FrameType) -> str:
    # compiled code has, from Python 3.12 on, no globals to speak of and its module in its name
    name = frame.f_globals.get("__name__") or frame.f_code.co_name
    return str(name).partition(".")[0]


def forget_source(names: Any) -> None:
    """Take cells' source, under their file names, out of the cache that tracebacks read."""
    for name in names:
        linecache.cache.pop(name, None)


def end_scripts(script_magics: Any) -> None:
    """End what ``%%bash`` and its kin have started: a thread, and processes in the background."""
    if script_magics is None:
        return
    processes = list(script_magics.bg_processes)
    script_magics.kill_bg_processes()
    if script_magics.event_loop is not None:
        ended = asyncio.run_coroutine_threadsafe(_end_tasks(processes), script_magics.event_loop)
        with contextlib.suppress(TimeoutError):
            ended.result(_SCRIPTS_PATIENCE)
    script_magics.stop_event_loop()
    atexit.unregister(script_magics.kill_bg_processes)


async def _end_tasks(processes: Sequence[Any]) -> None:
    # A script's own children may hold its pipes open for long. Left alone, these would complain on
    # stderr when they are collected after their loop.
    for process in processes:
        process._transport.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
