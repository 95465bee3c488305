"""sys.stdout and sys.stderr while a kernel lives.

Each is a proxy in front of the very object that was there. What code of a cell writes goes to the
frontends, under the cell's request; everything else passes through to the object behind, whose
attributes the proxy shows as its own. A host's prints stay where the host wants them, and go to
the frontends besides only if the host has said so.

Text is gathered and sent at the latest `FLUSH_DELAY` after it was written. Writes of one cell
merge, and never change their order among stdout, stderr and displays: one list holds them all.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

from qtkernel.interpreter import IOPub

_getpid = os.getpid

FLUSH_DELAY = 0.05
"""Seconds that text may wait."""

FLUSH_SIZE = 1 << 20
"""Characters that may wait."""


class OutputBuffer:
    """Text on its way to the frontends, in the order in which it was written. Thread-safe.

    Args:
        schedule: calls a function once, after so many seconds, on a thread that is never busy
            with a cell. May be called from any thread.
    """

    def __init__(
        self, iopub: IOPub, schedule: Callable[[float, Callable[[], None]], object]
    ) -> None:
        self._iopub = iopub
        self._schedule = schedule
        self._lock = threading.RLock()
        self._pieces: list[tuple[str, Any, list[str]]] = []
        self._size = 0
        self._scheduled = False
        self._pid = _getpid()
        self.on_written: Callable[[str], object] = lambda _text: None
        """Called after each write with its text, on the thread that has written."""
        self.on_flushed: Callable[[], object] = lambda: None
        """Called when somebody has asked for a flush, on that thread."""

    def in_child(self) -> bool:
        """Whether this is a forked child: the sockets are its parent's, the lock may be held."""
        return _getpid() != self._pid

    def write(self, name: str, text: str, parent: Any) -> None:
        """Add text to the stream `name`, under the request `parent`."""
        if not text:
            return
        with self._lock:
            pieces = self._pieces
            if pieces and pieces[-1][1] is parent and pieces[-1][0] == name:
                pieces[-1][2].append(text)
            else:
                pieces.append((name, parent, [text]))
            self._size += len(text)
            if self._size >= FLUSH_SIZE:
                self.flush()
            elif not self._scheduled:
                # in this order: an interrupt of the cell in between costs one flush too many, and
                # not all that come
                self._schedule(FLUSH_DELAY, self._flush_scheduled)
                self._scheduled = True
        self.on_written(text)

    def flush(self) -> None:
        """Send all that waits. The lock is held meanwhile, so that nothing overtakes it."""
        if not self._pieces or self.in_child():
            return
        with self._lock:
            pieces, self._pieces, self._size = self._pieces, [], 0
            for name, parent, texts in pieces:
                self._iopub.publish("stream", {"name": name, "text": "".join(texts)}, parent=parent)

    def _flush_scheduled(self) -> None:
        with self._lock:  # not before the one that has set the timer says so
            self._scheduled = False
            self.flush()


class StreamProxy(io.TextIOBase):
    """A standard stream that sends a cell's text to the frontends and passes on the rest.

    Args:
        name: stdout or stderr.
        behind: the object that was there; None in a windowed application without a console.
    """

    def __init__(
        self, name: str, behind: TextIO | None, buffer: OutputBuffer, iopub: IOPub
    ) -> None:
        super().__init__()
        self._stream_name = name
        self._behind = behind
        self._output = buffer
        self._iopub = iopub

    @property
    def behind(self) -> TextIO | None:
        """The object that this proxy stands in front of."""
        return self._behind

    def write(self, text: str) -> int:
        """Write text. TypeError, as of every text stream, if it is not a str."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        parent = self._iopub.current()
        if parent is None or self._output.in_child():
            if self._behind is not None:
                self._behind.write(text)
            parent = self._iopub.host
        if parent is not None and not self._output.in_child():
            self._output.write(self._stream_name, text, parent)
        return len(text)

    def flush(self) -> None:
        """Send what a cell has written; flush the stream behind for everybody else."""
        if self._iopub.current() is not None and not self._output.in_child():
            self._output.flush()
            self._output.on_flushed()
        elif self._behind is not None and not self._behind.closed:
            self._behind.flush()

    def writable(self) -> bool:
        """Always True."""
        return True

    def isatty(self) -> bool:
        """No frontend is a terminal; the stream behind may be one."""
        if self._iopub.current() is not None or self._behind is None:
            return False
        return self._behind.isatty()

    def fileno(self) -> int:
        """The descriptor of the stream behind."""
        if self._behind is None:
            raise io.UnsupportedOperation("fileno")
        return self._behind.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream behind; UTF-8 when there is none."""
        return getattr(self._behind, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """The error handler of the stream behind."""
        return getattr(self._behind, "errors", None) or "replace"

    def close(self) -> None:
        """Do nothing: as with IPython's streams, code that closes stdout must not end output."""

    def __getattr__(self, name: str) -> Any:
        # whatever else the host's own stream has (buffer, mode, a logger's extras, ...)
        return getattr(self._behind, name)


def install_streams(buffer: OutputBuffer, iopub: IOPub) -> Callable[[], None]:
    """Put the proxies in place; returns the undo, which restores only what is still ours."""
    proxies = {
        name: StreamProxy(name, getattr(sys, name), buffer, iopub) for name in ("stdout", "stderr")
    }
    for name, proxy in proxies.items():
        setattr(sys, name, proxy)

    def undo() -> None:
        for name, proxy in proxies.items():
            above = getattr(sys, name)
            if above is proxy:
                setattr(sys, name, proxy.behind)
            while isinstance(above, StreamProxy) and above is not proxy:
                # another kernel's, which came after ours and would put ours back when it goes
                beneath: object = above.behind
                if beneath is proxy:
                    above._behind = proxy.behind
                above = beneath

    return undo
