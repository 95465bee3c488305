"""The heartbeat: an echo in C, which answers even while Python holds the GIL.

Messaging document, "Heartbeat for kernels".
"""

from __future__ import annotations

import threading

import zmq

from qtkernel.loops.untraced import leave_untraced


class Heartbeat:
    """Echoes on its ROUTER socket in a thread of its own, until its context is terminated."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self._thread = leave_untraced(
            threading.Thread(target=self._echo, name="qtkernel-heartbeat", daemon=True)
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread; `zmq.Context.term` is what ends it."""
        self._thread.join(timeout)

    def _echo(self) -> None:
        try:
            # the same socket on both sides of the proxy: what comes in goes back out, in C
            zmq.proxy(self._socket, self._socket)
        except zmq.ContextTerminated:
            pass
        finally:
            self._socket.close(linger=0)
