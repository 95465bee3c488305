"""What C code and child processes write to descriptors 1 and 2 while a cell runs. On demand only.

For as long as a cell runs, both descriptors are pipes (`DescriptorCapture.cell`), which the control
thread reads (`inflow`). The order of the two pipes among themselves is not known.

A pipe that is full makes its writer wait until it has been read. C code that holds Python's lock
meanwhile would wait for ever, since reading takes the lock: so the pipes are as large as the system
allows (1 MiB on Linux, where ipykernel's are 64 KiB).

The kernel of an application never does this: the descriptors are the application's.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from qtkernel.interpreter import IOPub
from qtkernel.loops.base import EventLoop
from qtkernel.shell.inflow import Inflow
from qtkernel.shell.streams import OutputBuffer

_NAMES = {1: "stdout", 2: "stderr"}

_PIPE_SIZE = 1 << 20
_CHUNK = 1 << 16
_NOTHING = bytes(4)

# references of our own: cells may replace these
_dup, _dup2, _read = os.dup, os.dup2, os.read


class CannotCapture(RuntimeError):
    """There are no pipes here that an event loop could wait for (Windows)."""


class DescriptorCapture:
    """Descriptors 1 and 2 of this process, as far as they were open when it began.

    Args:
        output: takes the text.
        loop: the control thread's.

    Raises:
        CannotCapture: see there.
    """

    def __init__(self, iopub: IOPub, output: OutputBuffer, loop: EventLoop) -> None:
        if os.name != "posix":
            raise CannotCapture("descriptors cannot be captured on this system")
        self._iopub = iopub
        self._output = output
        self._loop = loop
        self._inflow = Inflow(loop, self._waiting, self._take_all)
        self._lock = self._inflow.lock
        self._flush_libc = _find_libc_flush()
        self._cells: list[Any] = []
        self._parent: Any = None
        # one that was closed when Python began may be anything now: an epoll of ours
        streams = {1: sys.__stdout__, 2: sys.__stderr__}
        self._pipes = [_Pipe(fd) for fd, stream in streams.items() if stream is not None]
        for pipe in self._pipes:
            loop.add_reader(pipe.reader, partial(self._take, pipe, _CHUNK))
        output.settle = self.settle

    @contextlib.contextmanager
    def cell(self) -> Iterator[None]:
        """While a cell runs. Nests; from any thread."""
        parent = self._iopub.current()
        self.settle(final=True)  # what an earlier cell has left running may have written
        if not self._cells:
            _flush_python()
            self._flush_libc()
        with self._lock:
            self._cells.append(parent)
            self._parent = parent
            if len(self._cells) == 1:
                for pipe in self._pipes:
                    pipe.begin()
        try:
            yield
        finally:
            self._end(parent)

    def _end(self, parent: Any) -> None:
        if self._inflow.in_child():
            return  # a forked child, which is about to end
        _flush_python()
        self._flush_libc()
        with self._lock:
            self._cells.remove(parent)
            if not self._cells:
                for pipe in self._pipes:
                    pipe.end()
        self.settle(final=True)
        if self._cells:
            self._parent = self._cells[-1]

    def settle(self, final: bool = False) -> None:
        """Have what has been written until now be in its place. From any thread.

        Args:
            final: whether a character that is not complete by now will never be.
        """
        if self._cells and not self._inflow.is_exempt():
            self._flush_libc()
        self._inflow.settle(final)

    def close(self) -> None:
        """Put the descriptors back, and take what is left. Before the control thread ends."""
        if self._inflow.in_child():
            return
        self._output.settle = lambda: None
        _flush_python()
        self._flush_libc()
        with self._lock:
            if self._cells:
                self._cells.clear()
                for pipe in self._pipes:
                    pipe.end()
        self.settle(final=True)
        self._loop.call_soon_threadsafe(self._close_pipes)

    def _waiting(self) -> bool:
        return any(pipe.size() for pipe in self._pipes)

    # On the control thread

    def _take_all(self, final: bool) -> None:
        for pipe in self._pipes:
            self._take(pipe, pipe.size(), final)

    def _take(self, pipe: _Pipe, size: int, final: bool = False) -> None:
        with self._lock:
            data = _read(pipe.reader, size) if size else b""
            text = pipe.decoder.decode(data, final)
            if text:
                self._output.append(_NAMES[pipe.fd], text, self._parent)

    def _close_pipes(self) -> None:
        pipes, self._pipes = self._pipes, []
        for pipe in pipes:
            self._loop.remove_reader(pipe.reader)
            pipe.close()


class _Pipe:
    """What stands in for one descriptor."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.reader, self._writer = os.pipe()
        self._before: int | None = None
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        import fcntl
        import termios

        self._ioctl, self._question = fcntl.ioctl, termios.FIONREAD
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # the user has too many large ones already
                fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

    def begin(self) -> None:
        """Stand in for the descriptor."""
        self._before = _dup(self.fd)
        _dup2(self._writer, self.fd)

    def end(self) -> None:
        """Put back what was there, unless a cell has put something else there to stay."""
        before, self._before = self._before, None
        if before is None:
            return
        if _is_open(self.fd) and os.path.sameopenfile(self.fd, self._writer):
            _dup2(before, self.fd)
        os.close(before)

    def size(self) -> int:
        """How many bytes can be read."""
        answer = self._ioctl(self.reader, self._question, _NOTHING)
        return 0 if answer == _NOTHING else int.from_bytes(answer, sys.byteorder)

    def close(self) -> None:
        """Close both ends."""
        os.close(self.reader)
        os.close(self._writer)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _flush_python() -> None:
    """Whatever Python's own streams over the descriptors hold back."""
    for stream in (sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads there
            if stream is not None:
                stream.flush()


def _find_libc_flush() -> Callable[[], object]:
    """What makes the C library write what its stdout holds back: all of it, before a pipe."""
    import ctypes

    libc = ctypes.CDLL(None)
    name = "__stdoutp" if sys.platform == "darwin" else "stdout"
    try:
        stream = ctypes.c_void_p.in_dll(libc, name)
    except ValueError:
        return lambda: None
    return lambda: libc.fflush(stream)
