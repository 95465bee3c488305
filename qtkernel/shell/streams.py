"""sys.stdout and sys.stderr while a kernel lives.

Each is a proxy in front of the very object that was there. What code of a cell writes goes to the
frontends, under the cell's request; everything else passes through to the object behind, whose
attributes the proxy shows as its own. A host's prints stay where the host wants them, and go to
the frontends besides only if the host has said so.

Text is gathered and sent at the latest `FLUSH_DELAY` after it was written. Writes of one cell
merge, and never change their order among stdout, stderr and displays: one list holds them all.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from qtkernel.interpreter import IOPub

_getpid = os.getpid

FLUSH_DELAY = 0.05
"""Seconds that text may wait."""

FLUSH_SIZE = 1 << 20
"""Characters that may wait."""


class ToParent(Protocol):
    """What a forked child has of its parent's kernel."""

    def write(self, name: str, text: str) -> None:
        """Send text of the stream `name`."""

    def flush(self) -> None:
        """Send all of it."""


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
        self.settle: Callable[[], object] = lambda: None
        """Called before each write and each flush: brings what descriptors have to `append`."""
        self.write_behind: Callable[[str, str], object] = lambda _name, _text: None
        """Writes to the object behind the stream of a name."""
        self.to_parent: ToParent | None = None
        """In a forked child: what takes the text of its cell."""

    def in_child(self) -> bool:
        """Whether this is a forked child: the sockets are its parent's, the lock may be held."""
        return _getpid() != self._pid

    def leads_out(self) -> bool:
        """Whether text gets from this process to the frontends, if only by way of its parent."""
        return self.to_parent is not None or not self.in_child()

    def write(self, name: str, text: str, parent: Any) -> None:
        """Add text to the stream `name`, under the request `parent`."""
        if self.to_parent is not None:
            self.to_parent.write(name, text)
        elif text:
            self.settle()
            self.append(name, text, parent)

    def append(self, name: str, text: str, parent: Any) -> None:
        """As `write`, but settles nothing."""
        with self._lock:
            pieces = self._pieces
            if pieces and pieces[-1][1] is parent and pieces[-1][0] == name:
                pieces[-1][2].append(text)
            else:
                pieces.append((name, parent, [text]))
            self._size += len(text)
            if self._size >= FLUSH_SIZE:
                self._send()
            elif not self._scheduled:
                # in this order: an interrupt of the cell in between costs one flush too many, and
                # not all that come
                self._schedule(FLUSH_DELAY, self._flush_scheduled)
                self._scheduled = True
        self.on_written(text)

    def flush(self) -> None:
        """Send all that waits."""
        if self.to_parent is not None:
            self.to_parent.flush()
            return
        self.settle()
        self._send()

    def _send(self) -> None:
        """The lock is held meanwhile, so that nothing overtakes it."""
        if not self._pieces or self.in_child():
            return
        with self._lock:
            pieces, self._pieces, self._size = self._pieces, [], 0
            for name, parent, texts in pieces:
                self._iopub.publish("stream", {"name": name, "text": "".join(texts)}, parent=parent)

    def _flush_scheduled(self) -> None:
        with self._lock:  # not before the one that has set the timer says so
            self._scheduled = False
            self._send()


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
        self._output: OutputBuffer | _NoKernel = buffer
        self._iopub: IOPub | _NoKernel = iopub
        self._bytes = StreamBytes(self)

    def part(self) -> None:
        """Let go of the kernel, for it is closed: all text goes to the stream behind.

        A thread keeps the sys.stderr of its beginning, and a function whose default argument is
        sys.stdout (matplotlib has some) that of its module's import; and with it not the kernel.
        """
        self._output = self._iopub = _NoKernel()

    @property
    def name(self) -> str:
        """As of the stream behind, or of Python's own."""
        return str(getattr(self._behind, "name", f"<{self._stream_name}>"))

    @property
    def behind(self) -> TextIO | None:
        """The object that this proxy stands in front of."""
        return self._behind

    def write(self, text: str) -> int:
        """Write text. TypeError, as of every text stream, if it is not a str."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        parent = self._iopub.current()
        if parent is None or not self._output.leads_out():
            self.write_behind(text)
            parent = None if self._output.in_child() else self._iopub.host
        if parent is not None:
            self._output.write(self._stream_name, text, parent)
        return len(text)

    def write_behind(self, text: str) -> None:
        """Write to the stream behind, if there is one."""
        if self._behind is not None:
            self._behind.write(text)

    def flush(self) -> None:
        """Send what a cell has written; flush the stream behind for everybody else."""
        if self._in_cell():
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
        """The descriptor of the stream behind.

        What a library or a child process writes there goes where the process itself writes, as
        with ipykernel; or to the frontends, while descriptors are captured.
        """
        if self._behind is None:
            raise io.UnsupportedOperation("fileno")
        return self._behind.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """UTF-8 for a cell, and where nothing is behind; else that of the stream behind."""
        theirs = None if self._in_cell() else getattr(self._behind, "encoding", None)
        return theirs or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As `encoding`."""
        theirs = None if self._in_cell() else getattr(self._behind, "errors", None)
        return theirs or "replace"

    def close(self) -> None:
        """Do nothing: as with IPython's streams, code that closes stdout must not end output."""

    def detach(self) -> Any:
        """The stream behind is the host's to take apart; UnsupportedOperation in a cell."""
        if self._in_cell() or self._behind is None:
            raise io.UnsupportedOperation("detach")
        return self._behind.detach()  # type: ignore[attr-defined]

    def _in_cell(self) -> bool:
        """Whether the frontends get what is written here and now."""
        return self._iopub.current() is not None and self._output.leads_out()

    def __getattr__(self, name: str) -> Any:
        if name in _FOR_CELLS and self._in_cell():
            return self._bytes if name == "buffer" else _FOR_CELLS[name]
        # whatever else the host's own stream has (a logger's extras, ...)
        return getattr(self._behind, name)


class StreamBytes(io.BufferedIOBase):
    """``sys.stdout.buffer`` of a cell: bytes in UTF-8, in their order among the texts.

    A character may be written in pieces. What is not UTF-8 becomes U+FFFD.
    """

    mode = "wb"

    def __init__(self, stream: StreamProxy) -> None:
        super().__init__()
        self._stream = stream
        self._lock = threading.RLock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parent: Any = None

    def write(self, data: Any) -> int:
        """Write bytes. TypeError if that is not what it is."""
        with memoryview(data) as view:
            given = bytes(view)
        stream = self._stream
        parent = stream._iopub.current() if stream._in_cell() else None
        behind = getattr(stream.behind, "buffer", None)
        if parent is None and behind is not None:
            # a thread of the host's
            behind.write(given)
            return len(given)
        if stream._output.to_parent is not None:
            # a forked child: the lock may be held by a thread that it does not have
            stream.write(given.decode("utf-8", "replace"))
            return len(given)
        with self._lock:
            if parent is not self._parent:
                self._decoder.reset()
                self._parent = parent
            stream.write(self._decoder.decode(given))
        return len(given)

    def writable(self) -> bool:
        """Always True."""
        return True

    def flush(self) -> None:
        """As of the text stream."""
        self._stream.flush()

    def fileno(self) -> int:
        """As of the text stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """As of the text stream."""
        return self._stream.isatty()

    @property
    def name(self) -> str:
        """As of the text stream."""
        return str(self._stream.name)

    def close(self) -> None:
        """Do nothing: an `io.TextIOWrapper` around it that is thrown away closes it."""


def flush_wrappers() -> None:
    """Have what a cell has put around our bytes send all: ``io.TextIOWrapper(sys.stdout.buffer)``.

    A script's would at its exit. A notebook's goes on, and its user has seen nothing.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):  # it has been closed, or detached
                if isinstance(stream.buffer, StreamBytes):
                    stream.flush()


def _reconfigure(
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    line_buffering: bool | None = None,
    write_through: bool | None = None,
) -> None:
    """What a cell gets is text, and has no encoding; the stream behind is the host's."""


# what a cell must not find or change at the host's own stream
_FOR_CELLS: dict[str, Any] = {
    "buffer": None,
    "reconfigure": _reconfigure,
    "mode": "w",
    "line_buffering": True,
    "write_through": False,
}


class _NoKernel:
    """In the place of a closed kernel: no code is a cell's, and nothing is sent."""

    host = None
    to_parent = None

    def current(self) -> None:
        """As of `IOPub`."""

    def in_child(self) -> bool:
        """As of `OutputBuffer`, and so are the others."""
        return False

    def leads_out(self) -> bool:
        """Nothing does any more."""
        return False

    def write(self, _name: str, _text: str, _parent: Any) -> None:
        """For a thread that was about to write when the kernel was closed."""

    def flush(self) -> None:
        """There is nothing."""

    def on_flushed(self) -> None:
        """There is nobody."""


def install_streams(buffer: OutputBuffer, iopub: IOPub) -> Callable[[], None]:
    """Put the proxies in place; returns the undo, which restores only what is still ours."""
    proxies = {
        name: StreamProxy(name, getattr(sys, name), buffer, iopub) for name in ("stdout", "stderr")
    }
    for name, proxy in proxies.items():
        setattr(sys, name, proxy)
    buffer.write_behind = lambda name, text: proxies[name].write_behind(text)

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
            proxy.part()

    return undo
