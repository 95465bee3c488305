"""A descriptor that any thread can make readable, to wake a loop that waits in a selector."""

from __future__ import annotations

import os
import socket
import sys
import threading


class WakeUp:
    """An eventfd where there is one, a pipe on other Unixes, a socket pair on Windows.

    `signal` after `close` does nothing. Without the lock it could write into whatever has been
    given the same descriptor number meanwhile; it is reentrant because a signal handler may post
    to the loop whose own posting it interrupts.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sockets: tuple[socket.socket, ...] = ()
        self._open = True
        if sys.platform == "win32":
            self._sockets = socket.socketpair()
            for end in self._sockets:
                end.setblocking(False)
            self.fd, self._write_fd = (end.fileno() for end in self._sockets)
        elif hasattr(os, "eventfd"):
            self.fd = self._write_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self.fd, self._write_fd = os.pipe()
            os.set_blocking(self.fd, False)
            os.set_blocking(self._write_fd, False)

    def signal(self) -> None:
        """Make `fd` readable; from any thread."""
        with self._lock:
            if not self._open:
                return
            try:
                if self._sockets:
                    self._sockets[1].send(b"\0")
                else:
                    # eight bytes, because that is what an eventfd takes; a pipe takes anything
                    os.write(self._write_fd, (1).to_bytes(8, sys.byteorder))
            except BlockingIOError:
                pass  # so full of wake-ups that one more makes no difference

    def drain(self) -> None:
        """Make `fd` unreadable again."""
        try:
            if self._sockets:
                self._sockets[0].recv(4096)
            else:
                os.read(self.fd, 4096)
        except BlockingIOError:
            pass  # somebody else has drained it: a nested run

    def close(self) -> None:
        """Release the descriptors. Idempotent."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            for end in self._sockets:
                end.close()
            if not self._sockets:
                for fd in {self.fd, self._write_fd}:
                    os.close(fd)
