"""What forked children of cells print: ``multiprocessing`` with fork, ``os.fork()``.

A child must not touch the kernel's sockets, which are its parent's. It has a socket to its parent
instead, made when a cell forks for the first time: datagrams, for several children share it, and
each arrives whole. The control thread reads them (`inflow`).

Text of stdout leaves a child line by line, as at a terminal, and that of stderr at once.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from qtkernel.interpreter import IOPub
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import from_json, parent_of, to_json
from qtkernel.shell.inflow import Inflow
from qtkernel.shell.streams import OutputBuffer

_CHUNK = 1 << 14  # characters in a datagram: at four bytes each they fit into it
_DATAGRAM = 1 << 18
_TURN = 1 << 10  # datagrams; more than any system keeps waiting

_kernels: weakref.WeakSet[ChildrenOutput] = weakref.WeakSet()


class ChildrenOutput:
    """The way from the forked children of one kernel's cells to its frontends.

    Args:
        output: takes the text.
        loop: the control thread's.
    """

    cell = contextlib.nullcontext
    """What must be around a cell, as of `DescriptorCapture`: nothing."""

    def __init__(self, iopub: IOPub, output: OutputBuffer, loop: EventLoop) -> None:
        self._iopub = iopub
        self._output = output
        self._loop = loop
        self._inflow = Inflow(loop, self._waiting, self._take_all)
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self._parent: tuple[bytes, Any] = (b"", None)
        _kernels.add(self)

    # In the parent

    def before_fork(self) -> None:
        """Make the sockets, if it is a cell that forks."""
        if self._sockets is not None or self._inflow.in_child() or self._iopub.current() is None:
            return
        with contextlib.suppress(OSError):  # too many descriptors: then it prints as the host does
            reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            for each in (reader, writer):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _DATAGRAM)
            reader.setblocking(False)
            self._sockets = reader, writer
            self._output.settle = self._inflow.settle
            self._loop.call_soon_threadsafe(
                lambda: self._loop.add_reader(reader.fileno(), partial(self._take_all, False))
            )

    def close(self) -> None:
        """Take what is there. Before the control thread ends."""
        _kernels.discard(self)
        if self._sockets is None or self._inflow.in_child():
            return
        self._inflow.settle()
        self._output.settle = lambda: None
        self._loop.call_soon_threadsafe(self._close_sockets)

    def _waiting(self) -> bool:
        if self._sockets is None:
            return False
        try:
            self._sockets[0].recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        return True

    # In a child

    def begin_child(self) -> None:
        """Let this process, which has just been forked, have the socket to its parent."""
        if self._sockets is not None:
            reader, writer = self._sockets
            reader.close()  # else the child would not notice the end of its parent, and wait
            self._output.to_parent = ToParent(self._iopub, writer, self._output.write_behind)

    # On the control thread

    def _take_all(self, _final: bool) -> None:
        with self._inflow.lock:
            if self._sockets is None:
                return
            with contextlib.suppress(BlockingIOError):
                for _ in range(_TURN):
                    self._take(self._sockets[0].recv(_DATAGRAM))

    def _take(self, datagram: bytes) -> None:
        name, header, text = datagram.split(b"\0", 2)
        if header != self._parent[0]:
            self._parent = header, parent_of({"header": from_json(header)})
        self._output.append(name.decode(), text.decode("utf-8", "surrogatepass"), self._parent[1])

    def _close_sockets(self) -> None:
        with self._inflow.lock:
            sockets, self._sockets = self._sockets, None
        for each in sockets or ():
            self._loop.remove_reader(each.fileno())
            each.close()


class ToParent:
    """In a forked child: takes the text of its cell to its parent.

    Args:
        writer: the socket.
        write_alone: takes name and text once the parent has ended, or closed its kernel.
    """

    def __init__(
        self, iopub: IOPub, writer: socket.socket, write_alone: Callable[[str, str], object]
    ) -> None:
        self._iopub = iopub
        self._writer = writer
        self._write_alone = write_alone
        self._lock = threading.Lock()
        self._line = ("", b"")  # of stdout, with its header
        self._header: tuple[Any, bytes] = (None, b"")  # of the cell that has written last

    def write(self, name: str, text: str) -> None:
        """Send text of the stream `name`, or keep it until its line is complete."""
        with self._lock:
            header = self._current_header()
            if name == "stderr":
                self._send(name, header, text)
                return
            kept, whose = self._line
            if whose != header:
                self._send(name, whose, kept)
                kept = ""
            text = kept + text
            end = len(text) if len(text) >= _CHUNK else text.rfind("\n") + 1
            self._line = text[end:], header
            self._send(name, header, text[:end])

    def flush(self) -> None:
        """Send the line that is not complete."""
        with self._lock:
            (text, header), self._line = self._line, ("", b"")
            self._send("stdout", header, text)

    def _current_header(self) -> bytes:
        parent, header = self._header
        current = self._iopub.current()
        if current is not parent:
            header = to_json(self._iopub.parent_message()["header"])
            self._header = current, header
        return header

    def _send(self, name: str, header: bytes, text: str) -> None:
        for start in range(0, len(text), _CHUNK):
            part = text[start : start + _CHUNK]
            data = part.encode("utf-8", "surrogatepass")
            try:
                self._writer.send(b"\0".join((name.encode(), header, data)))
            except OSError:
                self._write_alone(name, part)


def _before_fork() -> None:
    for kernel in list(_kernels):
        kernel.before_fork()


def _begin_child() -> None:
    for kernel in list(_kernels):
        kernel.begin_child()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_before_fork, after_in_child=_begin_child)
