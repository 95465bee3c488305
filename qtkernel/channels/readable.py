"""Whether a socket has something to read.

Asking is what arms ``zmq.FD`` anew (DESIGN.md, "Rules of sockets and Qt"), so this stands in every
loop that reads.
"""

from __future__ import annotations

from typing import Any

import zmq

_POLLIN = int(zmq.POLLIN)  # this is asked several times a message: an enum costs 1 us more


def is_readable(socket: zmq.Socket[Any]) -> bool:
    """Whether there is a message. The socket's own thread must ask."""
    return bool(int(socket.getsockopt(zmq.EVENTS)) & _POLLIN)
