"""The InteractiveShell of the kernel.

A bare ``InteractiveShell(user_ns=d)`` writes 15 names into `d`, replaces ``__main__``, sets
``sys.ps1`` and registers atexit callbacks. As a guest in somebody's process this one does none of
that; as the owner of a process of its own (`owns_process`) it does what users of IPython expect.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any

from IPython.core import page
from IPython.core.autocall import ZMQExitAutocall
from IPython.core.display_functions import display
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.payloadpage import page as payload_page
from IPython.paths import get_ipython_dir
from traitlets import Any as AnyTrait
from traitlets import Bool, Type, default, observe
from traitlets.config import Config

from qtkernel.interpreter import Connection, ErrorInfo, IOPub
from qtkernel.loops.untraced import leave_untraced
from qtkernel.shell.asking import Asking
from qtkernel.shell.attaching import AttachingMagics
from qtkernel.shell.callbacks import CellEvents
from qtkernel.shell.cell_state import ManyCellsShell
from qtkernel.shell.comms import Comms, found_through_comm_package
from qtkernel.shell.compiler import CellCompiler
from qtkernel.shell.environment import Environment, StepBuiltins, StepDisplay
from qtkernel.shell.found import found_by_its_cells
from qtkernel.shell.history import HistoryManager
from qtkernel.shell.kernel_object import KernelObject, adopt
from qtkernel.shell.magics import FrontendMagics, GuestNamespaceMagics, KernelMagics
from qtkernel.shell.outputs import DisplayMessages, ResultHook
from qtkernel.shell.plotting_shell import PlottingShell
from qtkernel.shell.streams import OutputBuffer
from qtkernel.shell.threads import noting_threads
from qtkernel.shell.traces import (
    LastError,
    end_scripts,
    forget_debuggers,
    forget_source,
    leave_out_own_end,
    note_log_level,
    note_pager,
)

HISTORY_BATCH = 1000
"""Lines of history that may wait to be written."""


class ZMQInteractiveShell(PlottingShell, ManyCellsShell):
    """IPython's shell, speaking messages.

    It is named as rich and pandas expect of a shell behind a Jupyter kernel: they look at the
    name of the class to decide how to display things.
    """

    iopub: IOPub = AnyTrait()
    output: OutputBuffer = AnyTrait()
    connection: Connection = AnyTrait()
    exit_ends: bool = Bool(False)

    displayhook_class = Type(ResultHook)
    display_pub_class = Type(DisplayMessages)

    compiler_class = Type(CellCompiler)

    autoindent = False

    keepkernel_on_exit: bool | None = None
    _db: Any = None

    @default("exiter")  # type: ignore[untyped-decorator]
    def _default_exiter(self) -> ZMQExitAutocall:
        return ZMQExitAutocall(self)

    def __init__(self, *, config: Config | None = None, **kwargs: Any) -> None:
        self.environment = Environment()
        self._kinds = tuple(self._walk_mro())
        self.on_exit: Callable[[], object] = lambda: None
        self._module_lists: dict[str, Any] = {}
        self.sys_last = LastError()
        self._undos = [note_pager(), note_log_level(), self.sys_last.put_back]
        # an empty configuration, and not None, which would have traitlets look for an application
        super().__init__(config=config or Config(), **kwargs)
        self.comms = Comms(self, self.iopub)
        self.kernel = KernelObject(self, self.iopub, self.comms)
        self._undos.append(found_through_comm_package(self.comms))
        # made now: IPython would import it in the first cell, before the cell's own code, and an
        # interrupt of that left the module's file open (1 of 40 interrupts on a busy machine)
        _ = self.logger
        self.compile.claim_code = self._claim_code
        if not self.owns_process:
            self.watch_names()
        self.display_pub.iopub = self.displayhook.iopub = self.iopub
        self.display_pub.output = self.displayhook.output = self.output
        for take in (*Asking(self).takes, *noting_threads(self.iopub)):
            self.environment.share(take)
        # as_hook drops the hook's first argument, the shell itself
        self.set_hook("show_in_pager", page.as_hook(payload_page), 99)
        if self.owns_process:
            # what IPython's get_ipython() and display() look for, also between two cells
            self.register_as_singleton()
        else:
            atexit.unregister(self.atexit_operations)
            self._undos.append(found_by_its_cells(self, self.iopub))

    def _claim_code(self, code: CodeType) -> None:
        self.iopub.claim_code(code)
        if self._names is not None and self.states.here:
            self._names.bound_elsewhere(code.co_names)

    def register_as_singleton(self) -> Callable[[], None]:
        """Make this the shell that IPython's global functions find; returns the undo."""
        kinds = self._kinds
        before = [kind.__dict__.get("_instance") for kind in kinds]
        for kind in kinds:
            kind._instance = self

        def undo() -> None:
            for kind, instance in zip(kinds, before, strict=True):
                kind._instance = instance

        return undo

    def init_events(self) -> None:
        """Callbacks before and after cells: IPython's, but for interrupts."""
        super().init_events()
        given: Any = self.events
        self.events: Any = CellEvents(self)
        self.events.callbacks.update(given.callbacks)

    # What a guest leaves alone. Each of these overrides something that changes the process.

    def init_ipython_dir(self, ipython_dir: str | None) -> None:
        """Know the directory; a guest does not create it."""
        if self.owns_process:
            super().init_ipython_dir(ipython_dir)
        else:
            self.ipython_dir = ipython_dir or get_ipython_dir()

    @observe("ipython_dir")  # type: ignore[untyped-decorator]
    def _ipython_dir_changed(self, change: Any) -> None:
        if self.owns_process:
            Path(change["new"]).mkdir(parents=True, exist_ok=True)

    def init_profile_dir(self, profile_dir: Any) -> None:
        """A guest has no profile directory, and so writes no files."""
        if self.owns_process or profile_dir is not None:
            super().init_profile_dir(profile_dir)

    @contextlib.contextmanager
    def without_files(self) -> Iterator[None]:
        """Completing ``import`` keeps lists in `db`; a guest makes no directory for that."""
        if self._db is not None or self.profile_dir is not None:
            yield
            return
        self._db = self._module_lists
        try:
            yield
        finally:
            self._db = None

    @property
    def db(self) -> Any:
        """The key-value store of %store and %bookmark; a guest makes its directory when asked."""
        if self._db is None and self.profile_dir is None:
            super().init_profile_dir(None)
        return InteractiveShell.db.fget(self)

    @db.setter
    def db(self, value: Any) -> None:
        self._db = value

    def init_history(self) -> None:
        """A guest's history is kept in memory; on disk it is written in batches.

        IPython's own default is to write each line by itself, and the next cell waits for that.
        Whoever runs the shell sees to it that the batch is written soon (`standalone`).
        """
        traits: dict[str, Any] = {} if self.owns_process else {"hist_file": ":memory:"}
        if "db_cache_size" not in self.config.HistoryManager:
            traits["db_cache_size"] = HISTORY_BATCH
        manager: Any = HistoryManager(shell=self, parent=self, **traits)
        if manager.save_thread is not None:
            leave_untraced(manager.save_thread)
        self.history_manager = manager
        self.configurables.append(manager)

    def init_completer(self) -> None:
        """A guest completes from the objects that there are, and not by reading source code.

        jedi reads it on the application's own thread: the first Tab stopped it for 0.6 s, or for
        1.7 s in a new home; objects take 1 to 20 ms. ``%config Completer.use_jedi = True`` is the
        user's.
        """
        super().init_completer()
        asked = {"use_jedi"} & {*self.config.Completer, *self.config.IPCompleter}
        if not (self.owns_process or asked):
            self.Completer.use_jedi = False

    def init_virtualenv(self) -> None:
        """Leave a host's sys.path alone."""
        if self.owns_process:
            super().init_virtualenv()

    def init_sys_modules(self) -> None:
        """Leave a host's ``__main__`` alone."""
        if self.owns_process:
            super().init_sys_modules()

    def init_prompts(self) -> None:
        """Leave a host's sys.ps1 alone."""
        if self.owns_process:
            super().init_prompts()

    def init_builtins(self) -> None:
        """Add to a host's builtins only while a cell runs."""
        if self.owns_process:
            super().init_builtins()
        self.builtin_trap = StepBuiltins(self)
        self.builtin_trap.auto_builtins |= {"__IPYTHON__": True, "display": display}
        self.environment.add(self.register_as_singleton)
        self.environment.share(self.builtin_trap.shared)

    def init_displayhook(self) -> None:
        """Take sys.displayhook for the steps of cells only."""
        super().init_displayhook()
        self.display_trap = StepDisplay(self.environment, self.displayhook)
        self.environment.share(self.display_trap.shared)

    def atexit_operations(self) -> None:
        """End the history session and remove temporary files."""
        shell: Any = self
        manager, shell.history_manager = shell.history_manager, None
        if manager is not None:
            manager.end_session()
            manager.close()
        if shell.logger.logfile is not None:  # %logstart
            shell.logger.logstop()
        for file in shell.tempfiles:
            file.unlink(missing_ok=True)
        for directory in shell.tempdirs:
            if directory.is_dir() and not any(directory.iterdir()):
                directory.rmdir()
        shell.tempfiles, shell.tempdirs = [], []

    def close(self) -> None:
        """Leave nothing behind in the process. The shell is not usable afterwards."""
        self.commands.close()
        self.close_figures()
        self.comms.close()
        self.remove_own_names()
        atexit.unregister(self.atexit_operations)
        self.atexit_operations()
        end_scripts(self.magics_manager.registry.get("ScriptMagics"))
        forget_source(self.compile._filename_map)
        forget_debuggers()
        while self._undos:
            self._undos.pop(0)()

    # Errors

    def _get_exc_info(self, exc_tuple: Any = None) -> Any:
        found = super()._get_exc_info(exc_tuple)
        leave_out_own_end(found[1])
        self.sys_last.shown(found[1])
        return found

    @property
    def excepthook(self) -> Callable[..., object]:
        """What IPython would put in the place of sys.excepthook for as long as a cell runs.

        It is to stay as it is: what a slot raises is for the kernel's hook and the host's, and an
        awaiting cell would leave its own there while the host goes on.
        """
        return sys.excepthook

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Show an exception; groups in Python's own form, which shows all of their members."""
        try:
            etype, value, tb = self._get_exc_info(exc_tuple)
        except ValueError:
            super().showtraceback(exc_tuple, *args, **kwargs)
            return
        if _has_group(value):
            text = "".join(traceback.format_exception(etype, value, tb))
            self._showtraceback(etype, value, text.splitlines())
        else:
            super().showtraceback(exc_tuple, *args, **kwargs)

    def debugger(self, force: bool = False) -> None:
        """``%debug``. IPython logs that there is nothing to debug; a host's log is not shown."""
        if force and not hasattr(sys, "last_traceback"):
            raise UsageError("%debug: there has been no error yet, so there is nothing to debug")
        super().debugger(force)

    def show_usage_error(self, exc: UsageError) -> None:
        """A wrong use of a magic: one line, without a traceback."""
        self.publish_error(exc, [f"UsageError: {safe_str(exc)}"])

    def is_shown_by_others(self, error: BaseException) -> bool:
        """Whether somebody else shows such exceptions: rich, or a handler of `set_custom_exc`."""
        replaced = {"showtraceback", "_showtraceback"} & set(vars(self))
        return bool(replaced) or isinstance(error, self.custom_exceptions)

    def _showtraceback(self, etype: type[BaseException], evalue: Any, stb: list[str]) -> None:
        self.publish_error(evalue, stb, etype)

    def publish_error(
        self, value: object, stb: list[str], etype: type[BaseException] | None = None
    ) -> None:
        """Show an exception as it has been formatted, whoever else formats exceptions.

        Args:
            value: the exception.
            stb: the lines of its traceback.
            etype: its type, if that is not the type of `value`.
        """
        self.output.flush()
        name = (etype or type(value)).__name__
        error = ErrorInfo(name, safe_str(value), [str(line) for line in stb])
        self.last_error = error
        if self.displayhook.is_active:
            self.result_error = value if isinstance(value, BaseException) else None
        if self.output.in_child() or (self.owns_process and self.iopub.current() is None):
            # a forked child, or code that ran before any request: nobody listens, but somebody
            # may look
            print(*error.traceback, sep="\n", file=sys.stderr)  # noqa: T201
            return
        self.iopub.publish("error", asdict(error))

    # What other packages look up, as at ipykernel's shell

    def get_parent(self) -> dict[str, Any]:
        """The request whose code is running, in its "General Message Format"; or empty."""
        return self.iopub.parent_message()

    def set_parent(self, parent: dict[str, Any]) -> None:
        """Let output made from here on, on this thread, belong to the request `parent`."""
        adopt(self.iopub, parent)

    @property
    def parent_header(self) -> dict[str, Any]:
        """The request whose code is running; ipykernel calls the message so."""
        return self.get_parent()

    # What frontends are asked to do, as payloads (messaging document, "Payloads (DEPRECATED)")

    def set_next_input(self, s: str, replace: bool = False) -> None:
        """Put text into the frontend's next input; the last call counts."""
        self.payload_manager.write_payload(
            {"source": "set_next_input", "text": s, "replace": replace}
        )

    def ask_exit(self) -> None:
        """``exit`` and ``quit``: the frontend goes; a host's kernel stays."""
        keep = not self.exit_ends or bool(self.keepkernel_on_exit)
        self.payload_manager.write_payload({"source": "ask_exit", "keepkernel": keep})
        self.keepkernel_on_exit = None
        if not keep:
            self.on_exit()

    def init_magics(self) -> None:
        """IPython's magics, and ours over them."""
        super().init_magics()
        self.declare_magics()
        # an extension that others load at their start
        store = "IPython.extensions.storemagic:StoreMagics"
        self.magics_manager.register_lazy("store", store, "line")
        ours = (KernelMagics, FrontendMagics, AttachingMagics, GuestNamespaceMagics)
        self.register_magics(*ours)


def _has_group(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            return True
        error = error.__context__
    return False


def safe_str(value: object) -> str:
    """``str(value)``, whatever the value's own methods do."""
    try:
        return str(value)
    except BaseException as error:
        return f"<{type(value).__name__} whose str() raised {type(error).__name__}>"
