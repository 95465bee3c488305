"""A kernel that owns its process: ``qtkernel --gui=...``.

It runs its event loop until it is told to end, and moves from one toolkit's loop to another when
a cell says ``%gui``. It outlives its last window: closing a plot must not end the session.
"""

from __future__ import annotations

import signal
import socket
import types
from typing import Any

from qtkernel.embed.assembly import Assembly
from qtkernel.embed.endpoints import Address, Wishes, open_address
from qtkernel.embed.parent import watch_interrupt_event, watch_parent
from qtkernel.embed.plan import Plan
from qtkernel.embed.undo import UndoStack
from qtkernel.loops import registry
from qtkernel.loops.base import EventLoop
from qtkernel.loops.coroutines import GuestLoop

HISTORY_FLUSH_DELAY = 1.0
"""Seconds until new history lines are written to disk; they are at the end, too."""

_END_RETRY = 0.02  # seconds between two looks whether the cell that must end has ended
_END_PATIENCE = 3.0  # seconds that it may take, which is less than managers wait for us


class StandaloneKernel:
    """A kernel, its process and its changing event loop.

    Args:
        gui: the name of the loop to begin with.
        wishes: where it should be reachable.
        config: IPython's configuration.
        profile_dir: IPython's profile, the default one if None.
        capture_fds: whether what is written to descriptors 1 and 2 during a cell is its output.
        subshells: whether frontends are told that they may have some.

    Raises:
        CannotCapture: `capture_fds` is not possible on this system.
        What `registry.create` and `open_address` raise.
    """

    def __init__(
        self,
        gui: str,
        wishes: Wishes,
        config: Any = None,
        profile_dir: Any = None,
        *,
        capture_fds: bool = False,
        subshells: bool = False,
    ) -> None:
        self._undo = UndoStack()
        self._ending = False
        self._next: EventLoop | None = None
        self._assembly: Assembly | None = None
        module = types.ModuleType("__main__", "The namespace of the cells of this kernel.")
        plan = Plan(
            application=wishes.name,
            user_ns=module.__dict__,
            user_module=module,
            owns_process=True,
            exit_ends=True,
            capture_fds=capture_fds,
            subshells=subshells,
            config=config,
            profile_dir=profile_dir,
            switch_loop=self.switch_loop,
            shut_down=self._shutdown_requested,
            exited=self._end_soon,
        )
        with self._undo.run_if_it_fails():
            address = open_address(wishes, self._undo)
            guest = GuestLoop(None)
            self._undo.push(guest.close)
            first = _create_loop(gui, guest)
            self._assembly = Assembly(address, first, plan, self._undo, guest)
            address.announce()

    @property
    def assembly(self) -> Assembly:
        """The parts of the kernel."""
        assert self._assembly is not None
        return self._assembly

    @property
    def address(self) -> Address:
        """Where it can be reached."""
        return self.assembly.address

    def start(self) -> None:
        """Begin to serve; requests are handled once `run` is called."""
        self._install_signals()
        self.assembly.start()
        self.assembly.requests.events.on("executed", lambda _executed: self._after_cell())
        watch_parent(self.end)
        watch_interrupt_event(self._interrupt)

    def run(self) -> None:
        """Serve until the end, on whatever loop cells choose, and clean up."""
        try:
            while not self._ending:
                self.assembly.loop.run()
                self._switch_now()
        finally:
            self.assembly.close()
            self.assembly.loop.close()
            self._undo.run()

    def end(self) -> None:
        """Make `run` return; from any thread. A cell that runs is interrupted."""
        # before the interrupt: SIGTERM's handler calls this in the cell, where a KeyboardInterrupt
        # would leave this very function half-way (measured: one end of three was lost)
        self._end_soon()
        self._interrupt()

    def _interrupt(self) -> None:
        self.assembly.control_thread.loop.call_soon_threadsafe(self.assembly.control.interrupt)

    def switch_loop(self, name: str) -> None:
        """Run on the loop `name` from the end of the running cell on.

        Raises:
            UnknownEventLoop, NoDisplay, ImportError: it is not to be had; nothing changes.
        """
        current = self._next or self.assembly.loop
        if name == current.name:
            return
        following = None
        if name != self.assembly.loop.name:
            following = _create_loop(name, self.assembly.coroutines.guest())
        if self._next is not None:
            self._next.close()
        self._next = following

    # Loops

    def _after_cell(self) -> None:
        if self._next is not None:
            # The next request is for the next loop, also if it is here already. The reply is still
            # to be sent; the loop ends after that.
            self.assembly.kernel.hold()
            self.assembly.loop.call_soon_threadsafe(self.assembly.loop.stop)
        self._flush_history_soon()

    def _switch_now(self) -> None:
        if self._next is not None:
            previous, following, self._next = self.assembly.loop, self._next, None
            self.assembly.move_to(following)
            self._move_wakeup(previous, following)
            previous.close()

    # The end

    def _shutdown_requested(self, _restart: bool) -> None:
        # a restart is a new process: whoever manages us starts it
        self.end()

    def _end_soon(self) -> None:
        # all that the cell of an `exit` needs: an interrupt would be its own, and its reply would
        # not tell the frontend to go
        self._ending = True
        self.assembly.loop.call_soon_threadsafe(lambda: self._end(_END_PATIENCE))

    def _end(self, patience: float) -> None:
        if self.assembly.kernel.executing and patience > 0:
            self.assembly.loop.call_later(_END_RETRY, lambda: self._end(patience - _END_RETRY))
        else:
            self.assembly.loop.stop()

    # Signals. Python handles them only when Python code runs, and the loop waits in C: a byte
    # that the C-level handler writes wakes it.

    def _install_signals(self) -> None:
        self._undo.push(self.assembly.interrupter.install())
        previous = signal.signal(signal.SIGTERM, lambda _signum, _frame: self.end())
        self._undo.push(lambda: signal.signal(signal.SIGTERM, previous))
        self._wake_reader, wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        wake_writer.setblocking(False)
        previous_fd = signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)

        def undo() -> None:
            signal.set_wakeup_fd(previous_fd)
            wake_writer.close()
            self._wake_reader.close()

        self._undo.push(undo)
        self.assembly.loop.add_reader(self._wake_reader.fileno(), self._woken)

    def _woken(self) -> None:
        self._wake_reader.recv(4096)  # the handlers have run by now: we are Python code

    def _move_wakeup(self, previous: EventLoop, following: EventLoop) -> None:
        fd = self._wake_reader.fileno()
        previous.remove_reader(fd)
        following.add_reader(fd, self._woken)

    # History is kept in memory while cells run and written between them: a cell that waits for the
    # disk write of the one before it takes twice as long.

    def _flush_history_soon(self) -> None:
        manager = self.assembly.shell.history_manager
        if not self._history_timer_set and manager is not None and manager.db_input_cache:
            self._history_timer_set = True
            self.assembly.control_thread.call_later(HISTORY_FLUSH_DELAY, self._flush_history)

    _history_timer_set = False

    def _flush_history(self) -> None:
        self._history_timer_set = False
        manager = self.assembly.shell.history_manager
        if manager is not None and manager.save_flag is not None:
            manager.save_flag.set()  # IPython's own saving thread does the writing


def _create_loop(name: str, guest: GuestLoop) -> EventLoop:
    # asyncio at the top is the very loop that is the guest elsewhere: tasks outlive every switch
    return registry.create(name, asyncio_loop=guest.asyncio_loop)
