"""pydevd, which is what debugs in debugpy, taken for a session and given back after it.

Theory of operation. debugpy's own way (``debugpy.listen``) starts an adapter process with
``sys.executable``, which in a frozen application is the application itself, and listens on two TCP
ports. Neither is needed: pydevd speaks the Debug Adapter Protocol itself, and takes any socket. So
it gets one end of a socket pair, and the kernel has the other. No process, no port: nobody else can
connect. (Measured: 0.11 s to begin where ``listen`` takes 0.62 s, and no process of 17 MB.)

On Python 3.11 every thread is traced (``sys.settrace``); only a thread itself can set that, so
pydevd does it natively, and so is it ended: each thread gets a trace function that ends its own
tracing as soon as it is called. From Python 3.12 on it is ``sys.monitoring``, and global.

What pydevd changes when it is imported is put back at once: an entry in ``os.environ``, the
breakpoint hook. What stays, because a module cannot be unloaded: the modules themselves, and the
natively loaded library that sets trace functions (Python 3.11), which keeps 65 kB of each session
that has ended (measured). A trace function that something else had set, a coverage tool say, is
lost on the threads that there are.
"""

from __future__ import annotations

import _thread
import builtins
import contextlib
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any

from qtkernel.interpreter import DebuggerUnavailable
from qtkernel.protocol import dap, from_json
from qtkernel.shell.traces import Noted

# Read once, when pydevd is imported.
_ENVIRONMENT = {
    # else threading.enumerate() gets other code, for good, to hide pydevd's threads
    "PYDEVD_APPLY_PATCHING_TO_HIDE_PYDEVD_THREADS": "false",
    # else it warns on stderr that breakpoints in frozen modules do not stop: nobody sets any
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    # the statements of a cell run in frames of their own: a step goes from one to the next
    "PYDEVD_IPYTHON_COMPATIBLE_DEBUGGING": "1",
    # as debugpy sets it
    "PYDEVD_USE_FRAME_EVAL": "NO",
}

_IMPORT_OF_PYSIDE = tuple(
    os.path.join("shibokensupport", *path) for path in (["feature.py"], ["signature", "loader.py"])
)
"""What PySide6 has put in the place of ``__import__``: Python code, that every import runs."""

_STARTERS = (
    *("_original_start_new_thread", "_start_new_thread", "start_new", "start_new_thread"),
    # from Python 3.13 on
    *("_original_start_joinable_thread", "_start_joinable_thread", "start_joinable_thread"),
)
"""What pydevd replaces to trace new threads; it puts some back, and not as they were."""

_settrace = sys.settrace  # pydevd has a stand-in for it, which complains

_imported: Any = None

_mtime = 0
"""Of the next session's breakpoints; pydevd's name for a number that counts their changes. From
Python 3.12 on it keeps what it knows of each code object until that number is another one, and a
cell that is run again is the same code: in a new session it would stop where the last one did."""


class PydevdSession:
    """Tracing of this process's threads, from `begin` to `end`. On the control thread.

    Args:
        not_shown: directories whose code is neither traced nor shown on the stack.
    """

    def __init__(self, not_shown: Sequence[str]) -> None:
        self._not_shown = tuple(f"{directory}{os.sep}" for directory in not_shown)
        self._pydevd: Any = None
        self._end: socket.socket | None = None
        self._undos: list[Callable[[], object]] = []

    def begin(self) -> socket.socket:
        """Trace all threads; returns the client's end of the connection.

        Raises:
            DebuggerUnavailable: another debugger is at work in this process.
        """
        _check_alone()
        pydevd = self._pydevd = _pydevd()
        ours, self._end = socket.socketpair()
        before = threading.gettrace()
        self._undos.append(lambda: threading.settrace(before))
        self._undos += [
            Noted(module, name).put_back for module in (_thread, threading) for name in _STARTERS
        ]
        self._undos.append(_breakpoint_hook(pydevd))
        try:
            self._trace(pydevd, self._end)
        except BaseException:
            ours.close()
            self.end()
            raise
        return ours

    def _trace(self, pydevd: Any, end: socket.socket) -> None:
        debugger = pydevd.PyDB()
        debugger.mtime = _mtime
        _leave_out(debugger, self._not_shown)
        debugger.initialize_network(end)
        _answer_failures(debugger)
        debugger.ready_to_run = True
        debugger.start_auxiliary_daemon_threads()
        # there is a debugger already: this only traces
        pydevd.settrace(suspend=False, notify_stdin=False)
        debugger.set_tracing_for_untraced_contexts()

    def end(self) -> None:
        """End the tracing of all threads. Idempotent."""
        global _mtime
        if self._end is None:
            return
        debugger = self._pydevd.get_global_debugger()
        if debugger is not None:
            _mtime = debugger.mtime + 1
            _begin_no_more(debugger)
        _end_tracing()
        self._pydevd.stoptrace()
        _forget_threads(debugger)
        self._end.close()
        self._end = None
        while self._undos:
            self._undos.pop()()


def _check_alone() -> None:
    pydevd = sys.modules.get("pydevd")
    if pydevd is not None and pydevd.get_global_debugger() is not None:
        raise DebuggerUnavailable(
            "this process is being debugged already, by an IDE or through another kernel in it: "
            "detach that debugger first"
        )


def _pydevd() -> Any:
    global _imported
    if _imported is None:
        changed = [Noted(sys, "breakpointhook")]
        changed += [Noted(builtins, name) for name in ("execfile", "runfile")]
        imported = set(sys.modules)
        with _environment(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import debugpy.server  # noqa: F401  (puts its own copy of pydevd into sys.modules)
            import pydevd

        for noted in changed:
            noted.put_back()
        _let_go_of_streams(sys.modules.keys() - imported)
        _tell_files_apart()
        os.register_at_fork(after_in_child=_end_in_child)
        _imported = pydevd
    return _imported


def _let_go_of_streams(modules: Iterable[str]) -> None:
    """Functions with a default that is sys.stdout would keep ours, and with it the kernel."""
    for name in modules:
        for value in list(vars(sys.modules[name]).values()):
            if isinstance(value, FunctionType):
                defaults = value.__kwdefaults__ or {}
                for parameter, default in defaults.copy().items():
                    if default is sys.stdout or default is sys.stderr:
                        defaults[parameter] = sys.__stdout__


class _InfoByFile(dict[tuple[CodeType, str], Any]):
    """What pydevd knows of code objects, breakpoints included.

    Two of them are equal if only their files differ, and so are the functions of a cell and of its
    edited successor: in the one it would stop at breakpoints of the other.
    """

    def get(self, code: CodeType, default: Any = None) -> Any:  # type: ignore[override]
        return super().get((code, code.co_filename), default)

    def __setitem__(self, code: CodeType, info: Any) -> None:  # type: ignore[override]
        super().__setitem__((code, code.co_filename), info)


def _tell_files_apart() -> None:
    if sys.version_info >= (3, 12):
        from _pydevd_sys_monitoring import pydevd_sys_monitoring

        module = sys.modules[pydevd_sys_monitoring.start_monitoring.__module__]
        vars(module)["_code_to_func_code_info_cache"] = _InfoByFile()


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _leave_out(debugger: Any, directories: tuple[str, ...]) -> None:
    from _pydevd_bundle.pydevd_api import PyDevdAPI

    PyDevdAPI().set_dont_trace_start_end_patterns(debugger, directories, _IMPORT_OF_PYSIDE)


def _answer_failures(debugger: Any) -> None:
    """Have a request that pydevd fails at answered by its error.

    The thread that reads would end, without a word: nothing would be answered any more, and what
    has stopped could not go on (seen with a breakpoint whose condition is a number).
    """
    from _pydevd_bundle.pydevd_comm_constants import CMD_RETURN
    from _pydevd_bundle.pydevd_net_command import NetCommand

    process = debugger.reader.process_net_command_json

    def process_or_answer(py_db: Any, data: bytes) -> None:
        try:
            process(py_db, data)
        except Exception as error:
            asked = from_json(data)
            text = f"{type(error).__name__}: {error}"
            response = dap.failure(asked["seq"], asked["command"], text)
            py_db.writer.add_command(NetCommand(CMD_RETURN, 0, response, is_json=True))

    # nothing has been sent to it yet
    debugger.reader.process_net_command_json = process_or_answer


def _breakpoint_hook(pydevd: Any) -> Callable[[], None]:
    """Have ``breakpoint()`` stop in this debugger, as long as it is attached; returns the undo."""
    before = sys.breakpointhook

    def hook(*args: Any, **kwargs: Any) -> Any:
        debugger = pydevd.get_global_debugger()
        if debugger is None or not debugger.is_attached():
            return before(*args, **kwargs)
        # not by settrace(), which stops at the next line of the frame: a cell's statement has none
        thread = threading.current_thread()
        pydevd.set_additional_thread_info(thread)
        debugger.set_suspend(thread, pydevd.CMD_SET_BREAK)
        debugger.do_wait_suspend(thread, sys._getframe().f_back, "line", None)
        return None

    def undo() -> None:
        if sys.breakpointhook is hook:
            sys.breakpointhook = before

    sys.breakpointhook = hook
    return undo


def _begin_no_more(debugger: Any) -> None:
    """A thread that had stopped is still in pydevd, which would trace it anew on its way out."""
    if sys.version_info < (3, 12):
        debugger.enable_tracing = lambda *_, **__: _settrace(None)


def _end_tracing() -> None:
    import pydevd_tracing

    if sys.version_info < (3, 12):
        pydevd_tracing.set_trace_to_threads(_end_own_tracing, create_dummy_thread=False)
    for frame in sys._current_frames().values():
        _forget_trace_functions(frame)


def _end_own_tracing(_frame: FrameType, _event: str, _argument: Any) -> None:
    _settrace(None)


def _forget_trace_functions(top: FrameType | None) -> None:
    """They would keep the debugger alive, and all that it has seen, as long as the frame."""
    frame = top
    while frame is not None:
        if frame.f_trace is not None:
            frame.f_trace = None
        frame = frame.f_back


def _forget_threads(debugger: Any) -> None:
    """Have pydevd not keep the kernel, by way of its own threads, which have ended.

    A thread keeps the sys.stderr that there was when it began, and that is ours. Nothing else is
    taken from the debugger: a thread that had stopped may still be on its way out of it.
    """
    import _pydevd_bundle.pydevd_constants as constants

    for thread in list(vars(debugger).values() if debugger is not None else ()):
        if isinstance(thread, threading.Thread) and not thread.is_alive():
            for name in ("_stderr", "_invoke_excepthook"):
                vars(thread).pop(name, None)
    seen = getattr(constants, "_thread_id_to_thread_found", {})
    for key, thread in list(seen.items()):
        if not thread.is_alive():
            seen.pop(key, None)


def _end_in_child() -> None:
    """A forked child has the tracing, but neither the threads nor a connection of its own.

    At a breakpoint it would wait for ever.
    """
    pydevd = _imported
    if pydevd is None or pydevd.get_global_debugger() is None:
        return
    if sys.version_info < (3, 12):
        _settrace(None)
    else:
        monitoring = sys.monitoring
        monitoring.set_events(monitoring.DEBUGGER_ID, 0)
