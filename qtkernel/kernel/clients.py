"""Who is attached: the frontends that have spoken, as long as their connections live.

A frontend is told by the session id in the headers of its messages. It has one for all of its
sockets (jupyter_client), and behind a proxy several frontends share one connection.

zmq connects again by itself when a connection drops, and does not say who it is that comes back: a
frontend that waits for the answer to its question says nothing. So one that has lost its last
connection gets `GRACE` seconds to speak on another, and at the end of it a connection of the same
process (by TCP: of any) that has come since and on which nobody has spoken is taken for its own,
until somebody else speaks there.

`Clients` belongs to the kernel's own thread, but for what says otherwise.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from qtkernel.loops.base import TimerHandle
from qtkernel.protocol import Message

GRACE = 1.5
"""Seconds that a frontend has to come back when its connection is gone."""

_log = logging.getLogger("qtkernel.kernel")
_now = datetime.now


class Connection(Protocol):
    """What is known of a connection; `qtkernel.channels.connections` makes them."""

    alive: bool
    pid: int | None
    address: str | None
    speakers: set[str]
    came: int
    went: int


@dataclass(frozen=True, slots=True)
class Client:
    """A frontend that is attached."""

    session: str
    """The session id in the headers of its messages."""
    username: str
    """The user's name, as the frontend says it."""
    attached_at: datetime
    """When it has spoken first; with a time zone."""
    pid: int | None = None
    """Its process, where Unix sockets tell (Linux)."""
    process: str | None = None
    """The name of that process, such as "jupyter-console"."""
    address: str | None = None
    """The host that it comes from, by TCP."""

    def __str__(self) -> str:
        who = self.process or self.session
        where = f" (pid {self.pid})" if self.pid else f" from {self.address}" * bool(self.address)
        return who + where


class _Entry:
    """A client, its connections, and whether it may do anything."""

    def __init__(self, client: Client, admitted: bool | None) -> None:
        self.client = client
        self.admitted = admitted
        self.announced = False
        self.connections: set[Connection] = set()
        self.gone = False
        self.last: Connection | None = None
        """The one that was lost last."""
        self.timer: TimerHandle | None = None
        """Runs while it has no connection."""

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Clients:
    """The frontends that are attached.

    Args:
        call_soon: runs a callback on the kernel's loop; from any thread.
        call_later: the same, a number of seconds from now.
        on_attach: decides whether a client may do anything: not, if it returns False or raises. It
            is called from the loop and may let that run (a dialog).
    """

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        call_later: Callable[[float, Callable[[], None]], TimerHandle],
        on_attach: Callable[[Client], object] | None = None,
    ) -> None:
        self._call_soon = call_soon
        self._call_later = call_later
        self._on_attach = on_attach
        self._entries: dict[str, _Entry] = {}
        self._news: deque[Callable[[], object]] = deque()
        self._closed = False
        self.on_attached: Callable[[Client], object] = lambda _client: None
        self.on_detached: Callable[[Client], object] = lambda _client: None
        self.on_gone: Callable[[str], object] = lambda _session: None
        """Gets the session id of each frontend that is gone, before anybody is told."""
        self.on_decided: Callable[[], object] = lambda: None
        """Called when a client has been let in, or not."""
        self.silent: Callable[[], Iterable[Connection]] = tuple
        """The connections on which nobody has spoken."""

    def current(self) -> tuple[Client, ...]:
        """Those that are attached now, in the order in which they came."""
        return tuple(entry.client for entry in self._entries.values() if entry.admitted)

    def admitted(self, session: str) -> bool | None:
        """Whether a frontend may do anything; None as long as that is open. From any thread."""
        if self._on_attach is None:
            return True
        entry = self._entries.get(session)
        if entry is None:
            return False if self._closed else None
        return entry.admitted

    def is_gone(self, session: str) -> bool:
        """Whether a frontend that has spoken will not come back."""
        entry = self._entries.get(session)
        return entry is None or entry.gone

    def heard(self, message: Message, connection: Connection) -> None:
        """A frontend has spoken, for the first time on this connection."""
        session = message.header.session
        entry = self._entries.get(session)
        if entry is None:
            entry = self._entries[session] = self._new(message, connection)
            self._tell(lambda: self._attached(entry))
        for other in self._entries.values():
            # who was taken for the one that has come back by this connection
            if other is not entry and connection in other.connections:
                self._leave(other, connection)
        self._join(entry, connection)
        if not connection.alive:
            self._leave(entry, connection)

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        for entry in self._entries.values():
            if connection in entry.connections:
                self._leave(entry, connection)

    def loop_changed(self) -> None:
        """Go on, on another loop: what was posted to the old one may never run."""
        self._call_soon(self._tell_next)
        for entry in self._entries.values():
            if entry.timer is not None:
                self._await_return(entry)

    def close(self) -> None:
        """Refuse those who have not been let in; tell nobody anything any more."""
        self._closed = True
        for entry in self._entries.values():
            entry.admitted = entry.admitted or False
            entry.stop_timer()
        self._news.clear()
        # the control thread may have posted to the host's loop, which may never run again: that
        # keeps us, but nothing beyond
        self._call_soon = self.silent = _nothing
        self._call_later = _no_timer
        self._on_attach = self._on_attach and _nothing
        self.on_attached = self.on_detached = self.on_gone = self.on_decided = _nothing

    def _new(self, message: Message, connection: Connection) -> _Entry:
        client = Client(
            session=message.header.session,
            username=message.header.username,
            attached_at=_now(UTC),
            pid=connection.pid,
            process=_process_name(connection.pid),
            address=connection.address,
        )
        return _Entry(client, True if self._on_attach is None else None)

    # Attaching

    def _attached(self, entry: _Entry) -> None:
        if entry.admitted is None:
            admitted = self._decide(entry.client)
            if self._closed:
                return
            entry.admitted = admitted
            self.on_decided()
        if entry.admitted:
            entry.announced = True
            self.on_attached(entry.client)
        if entry.gone:
            self._remove(entry)

    def _decide(self, client: Client) -> bool:
        assert self._on_attach is not None
        try:
            return self._on_attach(client) is not False
        except BaseException:  # the application's: whoever is not let in by it is not
            _log.exception("on_attach failed: the frontend %s is refused", client)
            return False

    # Leaving

    def _join(self, entry: _Entry, connection: Connection) -> None:
        entry.connections.add(connection)
        entry.gone = False
        entry.stop_timer()

    def _leave(self, entry: _Entry, connection: Connection) -> None:
        entry.connections.discard(connection)
        entry.last = connection
        if not entry.connections:
            self._await_return(entry)

    def _await_return(self, entry: _Entry) -> None:
        entry.stop_timer()
        if not self._closed:
            entry.timer = self._call_later(GRACE, lambda: self._give_up(entry))

    def _give_up(self, entry: _Entry) -> None:
        entry.timer = None
        back = self._connection_of(entry)
        if back is not None:
            self._join(entry, back)
        else:
            entry.gone = True
            self.on_gone(entry.client.session)
            self._tell(lambda: self._remove(entry))

    def _connection_of(self, entry: _Entry) -> Connection | None:
        taken = {each for other in self._entries.values() for each in other.connections}
        for connection in self.silent():
            if connection not in taken and _may_follow(entry, connection):
                return connection
        return None

    def _remove(self, entry: _Entry) -> None:
        if not entry.gone or entry.admitted is None:
            return  # it has come back, or it is not yet decided whether it may come at all
        if self._entries.get(entry.client.session) is entry:
            del self._entries[entry.client.session]
            if entry.announced:
                self.on_detached(entry.client)

    # Telling: one at a time, because whoever is told may let the loop run

    def _tell(self, news: Callable[[], object]) -> None:
        self._news.append(news)
        self._call_soon(self._tell_next)

    def _tell_next(self) -> None:
        if self._closed or not self._news:
            return
        news = self._news.popleft()
        if self._news:
            self._call_soon(self._tell_next)
        news()


def _nothing(*_: object) -> tuple[()]:
    return ()


def _no_timer(_delay: float, _callback: Callable[[], None]) -> TimerHandle:
    raise RuntimeError("this kernel is closed: there is nobody to wait for")


def _may_follow(entry: _Entry, connection: Connection) -> bool:
    # one that was there before is somebody else's, who has not spoken yet: by TCP there is no
    # process to tell them apart, and the question to a frontend that is dead would never end
    since = entry.last is not None and connection.came > entry.last.went
    return since and connection.pid == entry.client.pid


def _process_name(pid: int | None) -> str | None:
    if pid is None:
        return None
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None
