"""The ports of a kernel for frontends in its own process, put together."""

from __future__ import annotations

from collections.abc import Callable

from qtkernel.channels.inprocess import Lane, Ports
from qtkernel.kernel.kernel import Kernel, RequestCycle
from qtkernel.kernel.live import Live
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.queue import Request
from qtkernel.kernel.stdin import Stdin
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import Channel, Session

CallSoon = Callable[[Callable[[], None]], None]


def build_ports(
    session: Session,
    kernel: Kernel,
    accept: Callable[[Request], object],
    stdin: Stdin,
    control: RequestCycle,
    control_loop: EventLoop,
    publisher: Publisher,
    live: Live,
    call_soon: CallSoon,
) -> Ports:
    """Lanes to the shell and stdin channels on the kernel's thread, and to control on its own.

    Args:
        accept: takes the requests of the shell channel.
        control: handles the requests of the control channel.
        control_loop: the loop of the control thread.
        call_soon: runs a callback on the kernel's event loop; from any thread.
    """

    def listen() -> None:
        current = publisher.listeners = ports.current()
        live.viewers = tuple(port.viewer for port in current if port.viewer)

    def gone(session_id: str) -> None:
        stdin.frontend_gone(session_id)
        kernel.frontend_gone(session_id)

    lanes = {
        Channel.SHELL: Lane(
            call_soon,
            lambda message, problem, send: accept(Request(message, send, problem)),
            kernel.dispatch,
        ),
        Channel.STDIN: Lane(
            call_soon,
            lambda message, problem, _send: stdin.receive(message, problem),
        ),
        Channel.CONTROL: Lane(
            control_loop.call_soon_threadsafe,
            lambda message, problem, send: control.start(Request(message, send, problem)),
        ),
    }
    ports = Ports(session, lanes, listen, gone)
    return ports
