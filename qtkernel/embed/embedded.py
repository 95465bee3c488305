"""A kernel as a guest in somebody's application: `embed` and what it returns."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from qtkernel.channels.inprocess import Port
from qtkernel.embed.assembly import Assembly
from qtkernel.embed.endpoints import Wishes, open_address
from qtkernel.embed.hooks import end_as_interrupted, loop_error
from qtkernel.embed.plan import Plan
from qtkernel.embed.signals import signals_for
from qtkernel.embed.trace import Snapshot
from qtkernel.embed.undo import UndoStack
from qtkernel.interpreter import Pending
from qtkernel.kernel.clients import Client
from qtkernel.kernel.events import EventName
from qtkernel.loops.base import EventLoop
from qtkernel.loops.registry import detect_host
from qtkernel.loops.waiting import ApplicationWait

if TYPE_CHECKING:
    from qtkernel.console.console import Console
    from qtkernel.console.dock import ConsoleDock

Capture = Literal["cells", "all"]

_CELL_CHECK = 0.02  # seconds until a close() that a cell asked for looks whether it has ended


class EmbeddedKernel:
    """A running kernel in a host's process, driven by the host's event loop.

    Made by `embed`. Every method belongs to the thread that called `embed`. As a context manager
    it closes the kernel at the end.
    """

    def __init__(
        self,
        loop: EventLoop | None,
        wishes: Wishes,
        plan: Plan,
        *,
        owns_loop: bool = False,
        on_shutdown: Callable[[], object] | None = None,
    ) -> None:
        self._snapshot = Snapshot()
        self._on_shutdown = on_shutdown
        self._plan = plan
        self._parts: Assembly | None = None
        self._wait: ApplicationWait | None = None
        self._closed = False
        self._signals: Any = None
        self._undo = UndoStack()
        if owns_loop and loop is not None:
            self._undo.push(loop.close)
        plan.shut_down = self._shutdown_requested
        plan.exited = lambda: self._shutdown_requested(False)
        plan.switch_loop = self._refuse_switch
        plan.interrupted = self._interrupted
        with self._undo.run_if_it_fails():
            self._address = open_address(wishes, self._undo)
            if loop is not None:
                self._begin(loop)
            else:
                atexit.register(self.close)
                self._wait = ApplicationWait(self._application_came)

    def _begin(self, loop: EventLoop) -> None:
        self._parts = Assembly(self._address, loop, self._plan, self._undo)
        self._address.announce()
        self._parts.start()

    def _application_came(self) -> None:
        self._wait = None
        atexit.unregister(self.close)
        try:
            with self._undo.run_if_it_fails():
                loop = detect_host(loop_error)
                self._undo.push(loop.close)
                self._begin(loop)
        except BaseException:
            self._parts, self._closed = None, True
            raise

    @property
    def _assembly(self) -> Assembly:
        if self._parts is None:
            raise RuntimeError("this kernel has not begun: it waits for the application (defer)")
        return self._parts

    def __repr__(self) -> str:
        state: str = self.transport or "without sockets"
        if self.closed:
            state = "closed"
        elif not self.begun:
            state = "waits for the application"
        where = f" {self.connection_file!r}" if self.transport else ""
        return f"<EmbeddedKernel {state}{where}>"

    @property
    def transport(self) -> Literal["ipc", "tcp"] | None:
        """What its sockets are; None if it has none."""
        return self._address.transport

    @property
    def connection_file(self) -> str:
        """The path of the file that frontends connect by; it is gone after `close`.

        With ``embed(defer=True)`` it is there as soon as the kernel has begun.

        Raises:
            RuntimeError: it has no sockets (``transport=None``).
        """
        return str(self._address.connection_file)

    @property
    def attach_command(self) -> str:
        """The line to type in a terminal to attach a console.

        Raises:
            RuntimeError: it has no sockets (``transport=None``).
        """
        return self._address.attach_command

    @property
    def user_ns(self) -> dict[str, Any]:
        """The namespace in which cells run: the very dict that `embed` was given."""
        assert self._plan.user_ns is not None
        return self._plan.user_ns

    @property
    def begun(self) -> bool:
        """Whether it serves: True at once, but for ``embed(defer=True)``."""
        return self._parts is not None

    @property
    def capture(self) -> Capture:
        """Whose output frontends get: "cells", or "all", the application's own included.

        The application's own stays on its stdout and stderr in any case. May be set at any time.

        Raises:
            ValueError: it is set to something else.
        """
        return "all" if self._plan.captures_host else "cells"

    @capture.setter
    def capture(self, capture: Capture) -> None:
        self._plan.captures_host = captures_host(capture)
        if self._parts is not None:
            self._parts.publisher.captures_host = self._plan.captures_host

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._closed if self._parts is None else self._parts.closed

    def trace(self) -> dict[str, str]:
        """What is different in the process from before `embed`, right now.

        Each item has the name of a thing (``sys.stdout``, ``threads``, ...) and how it was and
        is. After `close` it is empty, unless the application itself has changed something.
        """
        return self._snapshot.differences() | self._own_traces()

    def _own_traces(self) -> dict[str, str]:
        found = {}
        files = [path for path in self._address.made if path.exists()]
        if files:
            found["files"] = f"new: {', '.join(map(str, files))}"
        names = self._parts.shell.own_names() if self._parts is not None else []
        if names:
            found["namespace"] = f"new: {', '.join(names)}"
        return found

    def on(self, event: EventName, callback: Callable[..., object]) -> Callable[[], None]:
        """Call `callback` whenever `event` happens, on the thread of the kernel.

        The events and what their callbacks get: ``busy()`` and ``idle()``, about cells;
        ``executed(Executed)``, a cell has ended; ``attached(Client)`` and ``detached(Client)``,
        about frontends; ``restarted()``; ``closed()``. An exception in a callback is logged, and
        nothing else.

        Returns:
            What takes it back.

        Raises:
            ValueError: there is no such event.
            TypeError: `callback` cannot be called.
        """
        return self._plan.events.on(event, callback)

    @property
    def signals(self) -> Any:
        """A QObject with a Qt signal for each event of `on`, made when it is first asked for.

        Raises:
            RuntimeError: there is no Qt application.
        """
        if self._signals is None:
            self._signals = signals_for(self._plan.events)
        return self._signals

    @property
    def clients(self) -> tuple[Client, ...]:
        """The frontends that are attached from outside, in the order in which they came.

        One is from its first request on until its connections have been gone for
        `qtkernel.kernel.clients.GRACE` seconds.
        """
        return () if self._parts is None or self.closed else self._parts.clients

    def push(self, names: Mapping[str, Any]) -> None:
        """Put names into the namespace; like all names of the host's they survive ``%reset``.

        Raises:
            TypeError: `names` is not a mapping of strings.
        """
        given: object = names  # it comes from outside: the annotation proves nothing
        if not isinstance(given, Mapping) or any(not isinstance(name, str) for name in given):
            raise TypeError("push() takes a mapping of names to objects, such as {'model': model}")
        if self._parts is None:
            self.user_ns.update(names)  # before it begins all names are the host's
            return
        shell = self._assembly.shell
        shell.user_ns.update(names)
        shell.host_names.update(names)

    @property
    def injected(self) -> tuple[str, ...]:
        """The names that the host has put into the namespace, but for those with underscores."""
        names = self.user_ns if self._parts is None else self._parts.shell.host_names
        return tuple(name for name in self.user_ns if name in names and name[:1] != "_")

    @property
    def busy(self) -> bool:
        """Whether a cell is under way: it runs, awaits, or waits for input."""
        return self._parts is not None and self._parts.kernel.executing > 0

    @property
    def execution_count(self) -> int:
        """The number that the next cell gets."""
        return int(self._assembly.shell.execution_count)

    def console(self, parent: Any = None, **options: Any) -> Console:
        """A live console for any place in the application's windows: a QWidget.

        Args:
            parent: a QWidget, or None.
            options: ``toolbar=False`` leaves out the row of buttons; ``banner=`` is the line that
                it begins with, by default the names that are there and how to attach.

        Raises:
            ConsoleNotInstalled: qtconsole is not installed (``pip install "qtkernel[console]"``).
            RuntimeError: there is no QApplication, or the kernel is closed or has not begun.
        """
        from qtkernel.console.opening import open_console

        return open_console(self, parent, **options)

    def dock(self, parent: Any = None, **options: Any) -> ConsoleDock:
        """A live console in a QDockWidget of the application's.

        Closing the dock hides it; ``toggleViewAction()`` belongs into the View menu. It may be
        called more than once, each dock has a session of its own. They are deleted with the kernel.

        Args:
            parent: the QMainWindow, or a widget in it; by default the active one, or the only
                one. Without a QMainWindow the dock floats.
            options: ``title="Console"``, ``area="bottom"`` ("left", "right" or "top"), and those
                of `console`.

        Raises:
            ValueError: there is no such area.
            ConsoleNotInstalled, RuntimeError: as of `console`.
        """
        from qtkernel.console.opening import open_dock

        return open_dock(self, parent, **options)

    def open_port(self) -> Port:
        """A frontend of its own in this process, for a console of any kind; no socket is needed.

        Raises:
            RuntimeError: the kernel is closed, or has not begun.
        """
        if self.closed:
            raise RuntimeError("this kernel is closed: no console can be opened on it")
        return self._assembly.ports.open()

    def interrupt(self) -> None:
        """Interrupt the running cell, as a frontend does; nothing happens if none runs."""
        if not self.closed and self._parts is not None:
            parts = self._parts
            parts.control_thread.loop.call_soon_threadsafe(parts.control.interrupt)

    def restart(self) -> None:
        """Begin to restart in place: what cells have made goes, the host's names stay.

        The running cell is interrupted first; the event ``restarted`` tells when it is done.
        """
        if not self.closed:
            self._assembly.restart_soon()

    def do_one_iteration(self) -> bool:
        """Handle at most one request that has arrived; False if there was none.

        For code that turns a loop of its own by hand, as one could with IPython 0.13's kernel.
        """
        return self.begun and self._assembly.kernel.do_one_iteration()

    def close(self) -> None:
        """Detach all frontends and give back everything that was taken from the process.

        Requests that wait are answered (``aborted``), output that waits is sent, for a second at
        most. Called by a cell it happens when the cell has ended. Idempotent.
        """
        if self.closed:
            return
        if self._parts is None:
            self._give_up()
            return
        if not self._assembly.on_kernel_thread():
            raise RuntimeError("close() belongs to the thread that embed() was called on")
        if self._assembly.waits.waits:
            # the application's own code, while a cell waits: that ends, and gets its reply
            self._assembly.stdin.close()
            self._assembly.shell.commands.close()
            self._assembly.loop.call_later(_CELL_CHECK, self.close)
        elif self._assembly.publisher.is_current() or self._assembly.kernel.handling:
            self._assembly.loop.call_later(_CELL_CHECK, self.close)
        else:
            self._assembly.close()

    def _give_up(self) -> None:
        self._closed = True
        atexit.unregister(self.close)
        if self._wait is not None:
            self._wait.cancel()
        self._undo.run()
        self._plan.events.emit("closed")
        self._plan.events.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What frontends ask for

    def _shutdown_requested(self, restart: bool) -> Pending | None:
        # on whatever thread served the request, and before its reply
        if restart:
            return self._assembly.restart_soon()
        self._assembly.loop.call_soon_threadsafe(self._shut_down)
        return None

    def _shut_down(self) -> None:
        if not self.closed and self._on_shutdown is not None:
            self._on_shutdown()

    def _interrupted(self) -> None:
        self._assembly.close()
        end_as_interrupted()

    def _refuse_switch(self, name: str) -> None:
        running = self._assembly.loop.name
        if name != running:
            raise RuntimeError(
                f"%gui {name}: this kernel is embedded in an application that runs the {running} "
                "event loop; the application owns its loop, so it cannot be switched from here"
            )


def captures_host(capture: str) -> bool:
    """Whether `capture`, as of `EmbeddedKernel.capture`, is "all". ValueError: it is neither."""
    if capture == "fds":
        raise ValueError(
            "capture='fds': descriptors 1 and 2 are the application's terminal; only a kernel with "
            "a process of its own can capture them: qtkernel --capture-fds"
        )
    if capture not in ("cells", "all"):
        raise ValueError(f"capture={capture!r}: it is 'cells' or 'all'")
    return capture == "all"
