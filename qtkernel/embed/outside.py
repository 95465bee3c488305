"""How a kernel is reached from outside of its process: its sockets, and who is connected to them.

A kernel without sockets has no `Outside`; frontends in its process (`qtkernel.channels.inprocess`)
need nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qtkernel.channels.connections import Connection, Connections
from qtkernel.channels.heartbeat import Heartbeat
from qtkernel.channels.iopub import IOPubThread
from qtkernel.channels.router import RouterChannel
from qtkernel.channels.sockets import Endpoints
from qtkernel.embed.attendance import Attendance, OnAttach, receiver
from qtkernel.embed.control_thread import ControlThread
from qtkernel.kernel.clients import Clients
from qtkernel.kernel.events import Events
from qtkernel.kernel.kernel import Kernel, RequestCycle
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request
from qtkernel.kernel.stdin import Stdin
from qtkernel.kernel.subshells import Handover, is_for_child
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import Channel, Message, ProtocolError, Session


@dataclass(frozen=True)
class Served:
    """What the channels serve."""

    kernel: Kernel
    accept: Callable[[Request], object]
    """Takes the requests of the shell channel: of child subshells on any thread."""
    stdin: Stdin
    control: RequestCycle
    refusing: RequestCycle
    """Answers the requests of frontends that are not let in."""


class Outside:
    """The channels of one kernel, but for those in its process. It belongs to the kernel's thread.

    Args:
        endpoints: the bound sockets.
        session: the kernel's.
        loop: the kernel's loop, which may change.
        publisher: returns the kernel's, which comes later.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        session: Session,
        loop: Callable[[], EventLoop],
        publisher: Callable[[], Publisher],
    ) -> None:
        self._shared = False
        self._endpoints = endpoints
        self._session = session
        self._loop = loop
        self.on_control_lost: Callable[[bytes | None], object] = lambda _routing_id: None
        """Told, on the control thread, of who is no longer connected to the control channel."""
        self.iopub = IOPubThread(
            endpoints.sockets[Channel.IOPUB],
            lambda topic: publisher().welcome(topic),
            lambda: publisher().overrun_notice(),
        )

    def connect(
        self,
        served: Served,
        control_thread: ControlThread,
        publisher: Publisher,
        events: Events,
        on_attach: OnAttach | None,
    ) -> None:
        """Put the channels together with what they serve. Nothing is read yet."""
        publisher.wait = self.iopub.settle
        attendance = self._attendance = Attendance(self._loop, publisher, events, on_attach)
        self.clients: Clients = attendance.clients
        self._dispatch = served.kernel.dispatch
        self._control_thread = control_thread
        self._gate = attendance.at_shell(served.accept, served.refusing.start)
        self._child_gate = attendance.at_control(served.accept, served.refusing.start)
        self._control_gate = attendance.at_control(served.control.start, served.control.start)
        self._arrived: Handover[tuple[Request, Connection]] = Handover(
            lambda callback: self._loop().call_soon_threadsafe(callback),
            lambda arrived: self._gate.receive(*arrived),
            self._dispatch,
        )
        connections = self._connections(Channel.SHELL, attendance.lost)
        self.shell = self._router(
            Channel.SHELL,
            receiver(self._gate, lambda: self.shell),
            served.kernel.dispatch,
            connections,
        )
        self.control = self._router(
            Channel.CONTROL,
            receiver(self._control_gate, lambda: self.control),
            connections=self._connections(Channel.CONTROL, self._lost_at_control),
        )
        stdin = served.stdin  # and not what holds the kernel: the socket may outlive that
        self.stdin = self._router(Channel.STDIN, lambda *message: stdin.receive(*message))
        self.clients.silent = connections.silent
        self.clients.on_gone = stdin.frontend_gone
        self.clients.on_decided = self._decided
        self._heartbeat = Heartbeat(self._endpoints.sockets[Channel.HB])

    def _lost_at_control(self, connection: Connection) -> None:
        self._attendance.lost(connection)
        self.on_control_lost(connection.routing_id)

    def _connections(self, channel: Channel, lost: Callable[[Any], object]) -> Connections:
        return Connections(self._endpoints.monitors[channel], lost)

    def _router(
        self, channel: Channel, deliver: Callable[..., object], *more: Any, **named: Any
    ) -> RouterChannel:
        socket = self._endpoints.sockets[channel]
        return RouterChannel(channel, socket, self._session, deliver, *more, **named)

    def send_stdin(self, frames: Sequence[Any]) -> None:
        """Send on the stdin channel.

        Raises:
            UnreachablePeer: the frontend is not connected to it.
        """
        self.stdin.send(frames)

    def start(self) -> None:
        """Start the threads of IOPub and the heartbeat."""
        self.iopub.start()
        self._heartbeat.start()

    def share(self) -> None:
        """Read the shell channel on the control thread, which is where this is called, for good.

        The kernel's thread may be busy with a cell while there are requests for child subshells.
        """
        self._shared = True
        self.shell.take_over(self._control_thread.loop, self._sort)

    def _sort(self, message: Message, problem: ProtocolError | None) -> None:
        connection = self.shell.connection
        assert connection is not None
        request = Request(message, self.shell.send, problem)
        if is_for_child(message):
            self._child_gate.receive(request, connection)
        else:
            self._arrived.put((request, connection))

    def drain_shell(self) -> None:
        """Have all delivered that has arrived on the shell channel. On the kernel's thread."""
        self.shell.drain()
        self._arrived.deliver()

    def attach(self, loop: EventLoop) -> None:
        """Let `loop` drive the shell and stdin channels."""
        self.shell.attach(loop)
        self.stdin.attach(loop)
        if self._shared:
            self._arrived.loop_changed()

    def detach(self) -> None:
        """Take the shell and stdin channels off their loop."""
        self.shell.detach()
        self.stdin.detach()

    def refuse(self) -> None:
        """The kernel is about to close: answer those who wait for being let in."""
        self.clients.close()
        self._gate.look()
        self._control_thread.loop.call_soon_threadsafe(self._look_at_control)

    def _look_at_control(self) -> None:
        self._control_gate.look()
        self._child_gate.look()

    def close(self, timeout: float) -> None:
        """Send what is left and close all sockets, the control thread's being closed already.

        Args:
            timeout: seconds that each thread gets.
        """
        self.shell.close()
        self.stdin.close()
        self.iopub.close(timeout)
        # ends the heartbeat, and waits for what the other sockets still send: their linger time
        self._endpoints.context.term()
        self._heartbeat.join(timeout)

    def _decided(self) -> None:
        self._loop().call_soon_threadsafe(self._release)
        self._control_thread.loop.call_soon_threadsafe(self._look_at_control)

    def _release(self) -> None:
        self._gate.look()
        self._dispatch()
