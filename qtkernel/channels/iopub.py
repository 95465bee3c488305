"""IOPub: everything a kernel says to everybody, sent by a thread of its own.

The other threads hand over ready frames with `publish`, which never blocks and never fails. The
hop costs no more than a lock would, and a subscriber that is slow to read cannot hold up a cell.

Back-pressure. While a subscriber's pipe is full (`sockets.PIPE_MESSAGES`) sending stops and
messages wait here, up to `byte_budget` and for `PATIENCE` seconds in which nothing can be sent;
the more bytes wait, the shorter. Beyond that the choice is between memory without bound, a frozen
application and lost output; the last is chosen, for the slow subscriber alone, and one notice says
so. A single message sent without waiting does it: libzmq leaves a pipe that could not take it out
of all that follows, until it has been read from again, and waits for the others as before.

A subscription is answered by ``iopub_welcome`` (JEP 65; messaging document, "Welcome message"),
before anything else: libzmq lets it take effect during any send, so they are read before each.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from qtkernel.channels.readable import is_readable
from qtkernel.loops.base import TimerHandle
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.loops.untraced import leave_untraced

BYTE_BUDGET = 256 << 20
"""Bytes that may wait here for a slow subscriber."""

RETRY_DELAY = 0.02
"""Seconds between two attempts while a subscriber's pipe is full; XPUB signals no writability."""

PATIENCE = 3.0
"""Seconds that all wait for a subscriber whose pipe is full, while hardly anything waits here."""

SETTLE_TIMEOUT = 1.0
"""Seconds that `IOPubThread.settle` waits at most; it takes 0.1 ms, but on a busy machine."""

Frames = Sequence[Any]

_clock = time.monotonic
_Event = threading.Event


class IOPubThread:
    """The XPUB socket, its thread and its queue.

    Args:
        socket: the bound XPUB socket; from `start` on only the thread touches it.
        welcome: makes the frames of the welcome message for a subscription's topic.
        overrun: makes the frames of the notice that output was dropped.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        welcome: Callable[[str], Frames],
        overrun: Callable[[], Frames],
        byte_budget: int = BYTE_BUDGET,
    ) -> None:
        self._socket = socket
        self._welcome = welcome
        self._overrun = overrun
        self._byte_budget = byte_budget
        self._loop = HeadlessLoop()
        self._thread = leave_untraced(
            threading.Thread(target=self._run, name="qtkernel-iopub", daemon=True)
        )
        self._incoming: deque[Frames] = deque()
        self._posted = False
        self._held: deque[Frames] = deque()
        self._held_bytes = 0
        self._progress_at = 0.0
        self._retry: TimerHandle | None = None
        self._impatient = False
        self._noticed = False
        self._stop_when_full(True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def publish(self, frames: Frames) -> None:
        """Send `frames` to all subscribers of their topic, after all that came before."""
        self._incoming.append(frames)
        if not self._posted:
            self._posted = True
            try:
                self._loop.call_soon_threadsafe(self._send_incoming)
            except BaseException:
                # a cell's KeyboardInterrupt in the middle of its print(): the next one posts
                self._posted = False
                raise

    def settle(self) -> None:
        """Wait until what was published so far is on its way, or until `SETTLE_TIMEOUT`."""
        if self._thread.is_alive():
            settled = _Event()
            self._loop.call_soon_threadsafe(settled.set)
            settled.wait(SETTLE_TIMEOUT)

    def close(self, timeout: float) -> None:
        """Send what is queued, wait at most `timeout` seconds for that, and end the thread.

        Idempotent; it need not have begun.
        """
        if self._thread.ident is None:
            self._loop.close()
        else:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout)
        # a task that outlives the kernel refers to us, by way of its context: to no more than us
        self._welcome = self._overrun = _silence

    def _run(self) -> None:
        self._loop.add_reader(int(self._socket.FD), self._read_subscriptions)
        self._loop.call_soon_threadsafe(self._read_subscriptions)
        self._loop.run()
        self._send_incoming()
        self._loop.close()
        self._socket.close()

    def _stop_when_full(self, stop: bool) -> None:
        self._socket.setsockopt(zmq.XPUB_NODROP, int(stop))

    # Sending

    def _send_incoming(self) -> None:
        # before the first popleft: what is appended from here on posts anew
        self._posted = False
        while self._incoming:
            self._read_subscriptions()
            frames = self._incoming.popleft()
            if self._held or not self._sent(frames):
                self._hold(frames)
        # a send can have swallowed the edge of a subscription
        self._read_subscriptions()

    def _sent(self, frames: Frames) -> bool:
        if self._passed_on(frames):
            self._progress_at = _clock()
            self._impatient = False
            return True
        if not self._impatient:
            return False
        self._impatient = False
        self._stop_when_full(False)
        self._passed_on(frames)
        self._stop_when_full(True)
        return True

    def _passed_on(self, frames: Frames) -> bool:
        try:
            # copied: pyzmq's zero-copy keeps a thread and a context of its own in the process, for
            # ever, from the first 64 KiB on (20 MB: 10 ms here, on the thread that sends)
            self._socket.send_multipart(frames, zmq.NOBLOCK, copy=True)
        except zmq.Again:
            return False
        return True

    def _hold(self, frames: Frames, first: bool = False) -> None:
        if not self._held:
            self._progress_at = _clock()  # patience begins now, not when something was last said
        self._held.insert(0 if first else len(self._held), frames)
        self._held_bytes += _size(frames)
        self._wait_for_room()

    def _send_held(self) -> None:
        self._retry = None
        self._read_subscriptions()
        while self._held and self._sent(self._held[0]):
            self._held_bytes -= _size(self._held.popleft())
            self._read_subscriptions()
        if self._held:
            self._wait_for_room()
        else:
            self._impatient = self._noticed = False

    def _wait_for_room(self) -> None:
        self._look_at_patience()
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY_DELAY, self._send_held)

    def _look_at_patience(self) -> None:
        waited = _clock() - self._progress_at
        patience = PATIENCE * (1 - self._held_bytes / self._byte_budget)
        self._impatient = waited > max(0.0, patience)
        if self._impatient and not self._noticed:
            self._noticed = True
            notice = self._overrun()
            self._held.append(notice)
            self._held_bytes += _size(notice)

    # Subscriptions

    def _read_subscriptions(self) -> None:
        while is_readable(self._socket):
            try:
                event = self._socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            if event[:1] == b"\x01":
                self._greet(event[1:])

    def _greet(self, topic: bytes) -> None:
        try:
            subscription = topic.decode("utf-8")
        except UnicodeDecodeError:
            return  # not a topic that any Jupyter client would ask for
        welcome = self._welcome(subscription)
        if self._held or not self._sent(welcome):
            self._hold(welcome, first=True)


def _silence(*_: object) -> Frames:
    raise RuntimeError("this IOPub channel is closed")


def _size(frames: Frames) -> int:
    return sum(frame.nbytes if isinstance(frame, memoryview) else len(frame) for frame in frames)
