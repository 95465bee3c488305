"""One kernel, put together: the only place that knows all of its parts.

Threads (DESIGN.md, "Threads"): the kernel's own is the one that this is called on. It has the
host's event loop, the shell and stdin channels, and runs all user code. Control, IOPub and the
heartbeat have a thread each; the last two are there only if there are sockets.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qtkernel.embed.about import about
from qtkernel.embed.control_thread import ControlThread
from qtkernel.embed.coroutines import Coroutines
from qtkernel.embed.debugging import build_debugger
from qtkernel.embed.endpoints import Address
from qtkernel.embed.hooks import UnhandledExceptions
from qtkernel.embed.outside import Outside, Served
from qtkernel.embed.plan import Plan
from qtkernel.embed.ports import build_ports
from qtkernel.embed.subshells import Parts, build_subshells
from qtkernel.embed.undo import UndoStack
from qtkernel.interpreter import Pending
from qtkernel.kernel.attribution import Attribution
from qtkernel.kernel.clients import Client
from qtkernel.kernel.comm_requests import CommRequests
from qtkernel.kernel.control_requests import ControlRequests
from qtkernel.kernel.debug_requests import DebugRequests, describe_failure
from qtkernel.kernel.handlers import control_handlers, shell_handlers
from qtkernel.kernel.info import InfoRequests
from qtkernel.kernel.interrupt import Interrupter
from qtkernel.kernel.kernel import Handler, Kernel, RequestCycle
from qtkernel.kernel.live import Live
from qtkernel.kernel.nested import NestedWaits
from qtkernel.kernel.publisher import Publisher
from qtkernel.kernel.shell_requests import ShellRequests
from qtkernel.kernel.stacks import StackRequests
from qtkernel.kernel.stdin import Stdin
from qtkernel.kernel.usage import UsageRequests
from qtkernel.loops.base import EventLoop
from qtkernel.loops.coroutines import GuestLoop
from qtkernel.loops.current import StepPolicy
from qtkernel.loops.turns import turns_of
from qtkernel.protocol import Channel, Session
from qtkernel.shell.children import ChildrenOutput
from qtkernel.shell.descriptors import DescriptorCapture
from qtkernel.shell.interpreter import ShellInterpreter
from qtkernel.shell.shell import ZMQInteractiveShell
from qtkernel.shell.streams import OutputBuffer, install_streams
from qtkernel.shell.unhandled import UnhandledErrors

CLOSE_TIMEOUT = 1.0
"""Seconds that each thread gets to send what it still has when the kernel closes."""

_SUBSHELLS_END = 0.5  # seconds that a restart waits for the cells of subshells to end, at most
_RESTART_CHECK = 0.02  # seconds until a restart looks again whether the running cell has ended
_getpid = os.getpid


class Assembly:
    """The parts of a running kernel. Every method belongs to the kernel's own thread."""

    def __init__(
        self,
        address: Address,
        loop: EventLoop,
        plan: Plan,
        undo: UndoStack,
        guest: GuestLoop | None = None,
    ) -> None:
        self.address = address
        self.loop = loop
        self.closed = False
        self._undo = undo
        self._pid = _getpid()
        self._thread = threading.get_ident()
        self.coroutines = Coroutines(lambda: self.loop, self._adopt, guest)
        self._restarts: list[Callable[[], object]] = []
        # what comes next may fail; `close` does these, too, and earlier
        self.control_thread = ControlThread()
        undo.push(lambda: self.control_thread.close(CLOSE_TIMEOUT))
        self._build(plan)

    # Putting together

    def _build(self, plan: Plan) -> None:
        info = self.address.info
        session = Session(info.key.encode(), signature_scheme=info.signature_scheme)
        self.outside = self._build_outside(session)
        attribution = Attribution(turns_of(self.loop), remember=plan.owns_process)
        publish = self.outside.iopub.publish if self.outside is not None else _to_nobody
        self.publisher = Publisher(session, publish, attribution)
        self.publisher.captures_host = plan.captures_host
        self.interrupter = Interrupter(lambda: self.loop)
        self.output = OutputBuffer(self.publisher, self.control_thread.call_later)
        live = self._live = Live(
            self.interrupter,
            lambda: self.loop,
            self.output.flush,
            self.control_thread.loop,
        )
        self.output.on_written, self.output.on_flushed = live.wrote, live.flushed
        plan.events.on("busy", live.begun)
        plan.events.on("idle", live.ended)
        self._undo.push(live.ended)
        waits = self.waits = NestedWaits(lambda: self.loop, self.interrupter, self.publisher)
        stdin = self.stdin = Stdin(session, waits, lambda: self.loop, self._send_stdin)
        stdin.drain = lambda: self._drain(Channel.STDIN)
        self.shell = self._build_shell(plan)
        self.shell.environment.add(StepPolicy(self.coroutines.asyncio_loop).take)
        source = DescriptorCapture if plan.capture_fds else ChildrenOutput
        inflow = self._inflow = source(self.publisher, self.output, self.control_thread.loop)
        interpreter = self._interpreter = ShellInterpreter(
            self.shell,
            self.interrupter,
            self.coroutines.asyncio_loop,
            inflow.cell,
        )
        requests = self.requests = ShellRequests(
            interpreter, self.publisher, self.interrupter, stdin
        )
        requests.events = self.events = plan.events
        interpreter.connect_input(requests.read_input)
        self._build_channels(session, interpreter, plan)
        self.unhandled = UnhandledExceptions(
            UnhandledErrors(self.shell, self.publisher).show,
            lambda trace: attribution.of_traceback(trace) or self.publisher.current(),
            plan.interrupted,
        )

    def _build_outside(self, session: Session) -> Outside | None:
        if self.address.endpoints is None:
            return None
        outside = Outside(
            self.address.endpoints, session, lambda: self.loop, lambda: self.publisher
        )
        self._undo.push(lambda: outside.iopub.close(CLOSE_TIMEOUT))
        return outside

    def _build_shell(self, plan: Plan) -> ZMQInteractiveShell:
        shell = ZMQInteractiveShell(
            user_ns=plan.user_ns,
            user_module=plan.user_module,
            profile_dir=plan.profile_dir,
            config=plan.config,
            iopub=self.publisher,
            output=self.output,
            switch_loop=plan.switch_loop,
            connection=self.address,
            waiting=self.waits,
            owns_process=plan.owns_process,
            exit_ends=plan.exit_ends,
        )
        # it has put names into the host's namespace; what comes next may still fail
        self._undo.push(shell.close)
        shell.on_exit = lambda: plan.exited()
        return shell

    def _build_channels(self, session: Session, interpreter: ShellInterpreter, plan: Plan) -> None:
        debugger = self.debugger = build_debugger(
            self.shell,
            self.publisher,
            self.interrupter,
            self.control_thread.loop,
            self._call_soon,
            self._undo,
        )
        tell = about(
            plan.application, not plan.owns_process, self.address.transport, lambda: self.loop
        )
        info = InfoRequests(
            interpreter.language_info(),
            self.address.ports,
            features=[
                *(["kernel subshells"] if plan.subshells else []),
                *(["debugger"] if debugger.adapter.available else []),
            ],
            about=tell,
        )
        control = self.control = ControlRequests(
            self.publisher, self.interrupter, self.control_thread.loop, plan.shut_down
        )
        control.debugger = debugger
        comms = CommRequests(interpreter, self.interrupter)

        def handlers(requests: ShellRequests) -> Mapping[str, Handler]:
            return shell_handlers(info, control, requests, comms)

        self.kernel = Kernel(
            RequestCycle(
                session,
                self.publisher,
                handlers(self.requests),
                self.output.flush,
                self.requests.describe_error,
                self.requests.interruptible,
            ),
            self._call_soon,
        )
        self.requests.kernel = self.kernel
        self.kernel.drain = lambda: self._drain(Channel.SHELL)
        refusing = RequestCycle(
            session, self.publisher, {}, lambda: None, self.requests.describe_error
        )
        outside = self.outside
        parts = Parts(
            session,
            self.publisher,
            self.output,
            self.shell,
            self.stdin,
            handlers,
            lambda: outside.shell.drain() if outside else None,
            self._is_gone,
            lambda loop, context: self.unhandled.in_task(loop, context),
        )
        share = outside.share if outside else lambda: None
        self.subshells = build_subshells(parts, self.kernel, refusing, share)
        control.interrupt_subshells = self.subshells.interrupt
        control_cycle = RequestCycle(
            session,
            self.publisher,
            control_handlers(
                info,
                control,
                StackRequests(),
                UsageRequests(),
                self.subshells,
                DebugRequests(debugger),
            ),
            flush=lambda: None,
            describe_error=describe_failure,
        )
        self.requests.is_gone = self._is_gone
        self.ports = build_ports(
            session,
            self.kernel,
            self.subshells.accept,
            self.stdin,
            control_cycle,
            self.control_thread.loop,
            self.publisher,
            self._live,
            self._call_soon,
        )
        if outside is not None:
            served = Served(self.kernel, self.subshells.accept, self.stdin, control_cycle, refusing)
            outside.on_control_lost = debugger.frontend_gone
            outside.connect(
                served, self.control_thread, self.publisher, plan.events, plan.on_attach
            )

    def _call_soon(self, callback: Callable[[], None]) -> None:
        self.loop.call_soon_threadsafe(callback)

    def _is_gone(self, session_id: str) -> bool:
        if self.ports.has(session_id):
            return False
        return self.outside is None or self.outside.clients.is_gone(session_id)

    def _drain(self, channel: Channel) -> None:
        self.ports.drain(channel)
        if self.outside is not None:
            drains = {Channel.SHELL: self.outside.drain_shell}
            drains.get(channel, self.outside.stdin.drain)()

    def _send_stdin(self, frames: Sequence[Any]) -> None:
        if self.ports.send_stdin(frames):
            return
        if self.outside is None:
            raise LookupError("the frontend in this process has been closed")
        self.outside.send_stdin(frames)

    @property
    def clients(self) -> tuple[Client, ...]:
        """The frontends that are attached from outside."""
        return () if self.outside is None else self.outside.clients.current()

    # Running

    def start(self) -> None:
        """Take the streams, start the threads and let the loop drive the sockets."""
        self._undo.push(install_streams(self.output, self.publisher))
        self._undo.push(self.unhandled.install())
        atexit.register(self.close)
        self._undo.push(lambda: atexit.unregister(self.close))
        self.control_thread.start(None if self.outside is None else self.outside.control)
        if self.outside is not None:
            self.outside.start()
        self.coroutines.start()
        self._undo.push(self._detach)
        self._attach()
        self.publisher.status("starting")

    def move_to(self, loop: EventLoop) -> None:
        """Let another event loop drive the kernel from now on."""
        self._detach()
        self.loop = loop
        self.publisher.attribution.turns = turns_of(loop)
        self.coroutines.loop_changed()
        self._attach()
        self.kernel.loop_changed()
        self.ports.loop_changed()
        if self.outside is not None:
            self.outside.clients.loop_changed()

    def _attach(self) -> None:
        if self.outside is not None:
            self.outside.attach(self.loop)

    def _detach(self) -> None:
        if self.outside is not None:
            self.outside.detach()

    def _adopt(self, guest: GuestLoop) -> None:
        guest.put_around(lambda: self.shell.environment)
        guest.asyncio_loop.set_exception_handler(self.unhandled.in_task)

    def _end_coroutines(self) -> None:
        """Cancel all that cells have left on the guest loop, and a cell that awaits anywhere."""
        self.coroutines.end()
        self._interpreter.end_awaiting()

    # Taking apart

    def restart_soon(self) -> Pending:
        """Begin anew in place: what cells have made goes, and all that still runs of it.

        What a cell has started on an asyncio loop of the host's own stays: nothing tells it from
        the host's. From any thread; what is returned is resolved on that one.
        """
        restarted = Pending()
        if self.on_kernel_thread():
            self._restarts.append(restarted.resolve)
        else:
            resolve = restarted.resolve
            self._restarts.append(lambda: self.control_thread.loop.call_soon_threadsafe(resolve))
        self.control_thread.loop.call_soon_threadsafe(self.control.interrupt)
        self.loop.call_soon_threadsafe(self._restart)
        return restarted

    def _restart(self) -> None:
        if self.closed:
            return
        self.kernel.drain()
        self.kernel.abort_all()
        self.kernel.hold()
        self._end_coroutines()
        self.coroutines.forget()
        if self.kernel.executing:
            # in a nested event loop, which its interrupt is about to end
            self.loop.call_later(_RESTART_CHECK, self._restart)
            return
        self.subshells.end_all(_SUBSHELLS_END)
        self.shell.comms.close_all()
        self.shell.reset()
        self.kernel.loop_changed()
        self._answer_restarts()
        with self.publisher.request(None):
            self.events.emit("restarted")

    def _answer_restarts(self) -> None:
        while self._restarts:
            self._restarts.pop(0)()

    def close(self) -> None:
        """Answer what waits, send what is left, give everything back. Idempotent."""
        if self.closed or _getpid() != self._pid:
            return
        self.closed = True
        if self.outside is not None:
            self.outside.refuse()
        self.stdin.close()
        self.subshells.close(CLOSE_TIMEOUT)
        self._end_coroutines()
        self.ports.drain(Channel.SHELL)
        self.kernel.abort_all()
        self._answer_restarts()
        self.kernel.close()
        self._inflow.close()
        self.output.flush()
        self.control_thread.loop.call_soon_threadsafe(self.debugger.close)
        self.control_thread.loop.call_soon_threadsafe(self._live.close)
        self.control_thread.close(CLOSE_TIMEOUT)
        self.ports.close()
        if self.outside is not None:
            self.outside.close(CLOSE_TIMEOUT)
        self._undo.run()
        self.events.emit("closed")
        self.events.clear()

    def on_kernel_thread(self) -> bool:
        """Whether this is called on the kernel's own thread."""
        return threading.get_ident() == self._thread


def _to_nobody(_frames: Sequence[Any]) -> None:
    """IOPub without sockets: the frontends in the process are told by the publisher."""
