"""What can be seen of this process, and what differs between two looks.

It knows nothing of qtkernel: a guest that leaves a trace cannot have taught it where not to look.
Only the standard library is used, and nothing in here changes what it looks at.

Modules that were imported meanwhile are not a trace, and neither are names by which a package
knows a module that was imported (``concurrent.futures``), nor caches inside of objects.
"""

from __future__ import annotations

import atexit
import builtins
import contextvars
import decimal
import faulthandler
import gc
import inspect
import linecache
import locale
import logging
import os
import random
import resource
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

State = dict[str, dict[str, Any]]
"""Categories; in each of them names, and what they stand for. Objects count by identity."""

_MODULE = "module "

_at_exit: list[Any] = []

# what the interpreter counts for itself, and the one list that every import appends to
_NOT_STATE = {
    "sys": {"path_importer_cache", "modules", "_git", "getrefcount"},
    "warnings": {"_filters_version", "filters", "onceregistry"},
}

# names that a module sets in itself when it is first used
_LAZY = {
    ("asyncio.events", "_event_loop_policy"),
    ("platform", "_uname_cache"),
    ("subprocess", "_active"),
    ("tempfile", "tempdir"),
    ("tempfile", "_name_sequence"),
    # by typing_extensions, when it is imported
    ("typing", "_check_generic"),
    ("typing", "_collect_parameters"),
    # by its own __getattr__, from Python 3.13 on
    ("typing", "AsyncContextManager"),
    ("typing", "ContextManager"),
    ("typing", "Match"),
    ("typing", "Pattern"),
    # the version of matplotlib that it has found
    ("IPython.core.pylabtools", "_matplotlib_manages_backends_value"),
}


class ById:
    """An object, equal to itself only; it is kept alive, so that its address is its own."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ById) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)

    def __repr__(self) -> str:
        try:
            return repr(self.value)[:200]
        except Exception as error:
            return f"<{type(self.value).__name__} whose repr raises {type(error).__name__}>"


def look(directories: Iterable[Path] = (), namespace: Mapping[str, Any] | None = None) -> State:
    """Take in the state of the process now.

    Args:
        directories: whose files are part of it.
        namespace: whose names and values are part of it.
    """
    gc.collect()
    state = {
        "sys": _sys(),
        **_modules(),
        "builtins": _by_id(vars(builtins)),
        "environment": _environment(),
        "signals": _signals(),
        "threads": _threads(),
        "descriptors": _descriptors(),
        "atexit": _atexit(),
        "warnings": _warnings(),
        "logging": _logging(),
        "caches": dict.fromkeys(_not_files(linecache.cache), True),
        "files": {str(path): True for path in _files(directories)},
        "interpreter": _interpreter(),
        "namespace": _by_id(namespace or {}),
        "toolkits": _toolkits(),
        "asyncio": _asyncio(),
        "singletons": _singletons(),
        "context": _context(),
    }
    return {category: values for category, values in state.items() if values}


def differences(before: State, after: State) -> list[str]:
    """One line for each thing that is there, gone or other than before."""
    lines = []
    for category in sorted(before.keys() | after.keys()):
        if category.startswith(_MODULE) and category not in before:
            continue
        one, two = before.get(category, {}), after.get(category, {})
        for name in sorted(one.keys() | two.keys()):
            if name not in two:
                lines.append(f"{category}: {name} is gone (was {one[name]!r})")
            elif name not in one:
                if not (_is_import(category, two[name]) or _is_lazy(category, two[name])):
                    lines.append(f"{category}: {name} is new: {two[name]!r}")
            elif one[name] != two[name]:
                lines.append(f"{category}: {name} was {one[name]!r}, is {two[name]!r}")
    return lines


def _is_import(category: str, value: Any) -> bool:
    # a package gets each of its modules as a name when that is imported
    return category.startswith(_MODULE) and isinstance(value.value, ModuleType)


def _is_lazy(category: str, value: Any) -> bool:
    # PySide6 creates its classes when they are asked for
    of_pyside = category.startswith(f"{_MODULE}PySide6.") and isinstance(value.value, type)
    return of_pyside and category == f"{_MODULE}{value.value.__module__}"


def _by_id(values: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): ById(value) for name, value in list(values.items())}


def _sys() -> dict[str, Any]:
    values: dict[str, Any] = {
        name: ById(value) for name, value in vars(sys).items() if name not in _NOT_STATE["sys"]
    }
    for name in ("path", "meta_path", "path_hooks", "argv", "warnoptions"):
        values[f"{name} (content)"] = [ById(each) for each in getattr(sys, name)]
        if all(isinstance(each, str) for each in getattr(sys, name)):
            values[f"{name} (content)"] = list(getattr(sys, name))
    return values | {
        "__main__": ById(sys.modules["__main__"]),
        "gettrace": ById(sys.gettrace()),
        "getprofile": ById(sys.getprofile()),
        "threading.gettrace": ById(threading.gettrace()),
        "threading.getprofile": ById(threading.getprofile()),
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "asyncgen hooks": ById(tuple(sys.get_asyncgen_hooks()) and sys.get_asyncgen_hooks()[0]),
        "origin tracking": sys.get_coroutine_origin_tracking_depth(),
    }


def _modules() -> State:
    """Every name of every module: whatever has been patched anywhere is seen here."""
    found: State = {}
    for module_name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or module_name in ("sys", "builtins", __name__):
            continue
        skipped = _NOT_STATE.get(module_name, set())
        found[f"{_MODULE}{module_name}"] = {
            name: ById(value)
            for name, value in list(vars(module).items())
            if name not in skipped | {"__warningregistry__"} and (module_name, name) not in _LAZY
        }
    return found


def _environment() -> dict[str, Any]:
    limits = {name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}
    umask = os.umask(0)
    os.umask(umask)
    return (
        {f"${name}": value for name, value in os.environ.items()}
        | {name: resource.getrlimit(number) for name, number in limits.items()}
        | {
            "cwd": os.getcwd(),
            "umask": umask,
            "locale": locale.setlocale(locale.LC_ALL),
            "nice": os.nice(0),
        }
    )


def _signals() -> dict[str, Any]:
    wakeup = -1
    if threading.current_thread() is threading.main_thread():
        wakeup = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    handlers = {
        each.name: ById(signal.getsignal(each))
        for each in signal.valid_signals()
        if isinstance(each, signal.Signals)
    }
    return handlers | {
        "wakeup fd": wakeup,
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "timer": signal.getitimer(signal.ITIMER_REAL),
    }


def _threads() -> dict[str, Any]:
    native = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            native[f"native {task.name}"] = (task / "comm").read_text().strip()
        except OSError:
            continue  # it has ended meanwhile
    return native | {f"{each.name} {each.ident}": ById(each) for each in threading.enumerate()}


def _descriptors() -> dict[str, Any]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the one by which we look
    return found


def record_atexit() -> None:
    """From now on `look` sees what is to be called at exit; call this before anything else."""
    register, unregister = atexit.register, atexit.unregister

    def recording_register(function: Any, /, *args: Any, **kwargs: Any) -> Any:
        _at_exit.append(function)
        return register(function, *args, **kwargs)

    def recording_unregister(function: Any, /) -> None:
        _at_exit[:] = [each for each in _at_exit if each != function]
        unregister(function)

    atexit.register, atexit.unregister = recording_register, recording_unregister


def _atexit() -> dict[str, Any]:
    # not atexit._ncallbacks(), which up to Python 3.13 counts what has been unregistered, too
    return {f"{each!r}": True for each in _at_exit if not _of_a_module(each)} | {
        "threading": len(getattr(threading, "_threading_atexits", ())),
    }


def _of_a_module(function: Any) -> bool:
    """Whether this is what a module registers when it is imported, as many do."""
    return isinstance(getattr(function, "__self__", None), type) or (
        inspect.isfunction(function) and "<locals>" not in function.__qualname__
    )


def _warnings() -> dict[str, Any]:
    return {f"filter {n}": str(each) for n, each in enumerate(warnings.filters)}


def _logging() -> dict[str, Any]:
    found: dict[str, Any] = {}
    loggers: dict[str, Any] = {"root": logging.getLogger()}
    loggers |= dict(logging.Logger.manager.loggerDict.items())
    for name, logger in loggers.items():
        if not isinstance(logger, logging.Logger):
            continue
        plain = (logging.NOTSET, [], [], True, False)
        seen = (logger.level, logger.handlers, logger.filters, logger.propagate, logger.disabled)
        if seen != plain:
            found[name] = repr(seen)
    return found | {
        "raiseExceptions": logging.raiseExceptions,
        "disable": logging.root.manager.disable,
    }


def _not_files(names: Iterable[object]) -> list[str]:
    return [str(name) for name in names if not Path(str(name)).is_file()]


def _files(directories: Iterable[Path]) -> Iterable[Path]:
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            if ".cache" not in path.parts:
                yield path


def _interpreter() -> dict[str, Any]:
    return {
        "gc enabled": gc.isenabled(),
        "gc thresholds": gc.get_threshold(),
        "gc callbacks": [ById(each) for each in gc.callbacks],
        "gc debug": gc.get_debug(),
        "gc frozen": gc.get_freeze_count(),
        "faulthandler": faulthandler.is_enabled(),
        "random": hash(random.getstate()),
        "decimal": str(decimal.getcontext()),
        "socket timeout": socket.getdefaulttimeout(),
        "temporary directory": tempfile.gettempdir(),
    }


def _toolkits() -> dict[str, Any]:
    found: dict[str, Any] = {}
    bindings = (sys.modules.get(f"{name}.QtCore") for name in ("PyQt5", "PyQt6", "PySide6"))
    core: Any = next((each for each in bindings if each is not None), None)
    app = None if core is None else core.QCoreApplication.instance()
    if core is not None and app is not None:
        children = app.findChildren(core.QObject)
        found["Qt application"] = ById(app)
        found["Qt children"] = sorted(type(each).__name__ for each in children)
        found["Qt quits"] = getattr(app, "quitOnLastWindowClosed", lambda: None)()
        found["Qt objects"] = _count(gc.get_objects(), core.QObject)
        found["Qt properties"] = sorted(bytes(n) for n in app.dynamicPropertyNames())
    tkinter = sys.modules.get("tkinter")
    root = getattr(tkinter, "_default_root", None)
    if root is not None:
        found["Tk root"] = ById(root)
        found["Tk timers"] = root.tk.call("after", "info")
        found["Tk children"] = sorted(root.children)
    return found


def _count(objects: Iterable[object], kind: type) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in objects:
        if issubclass(type(each), kind):
            counts[type(each).__name__] = counts.get(type(each).__name__, 0) + 1
    return counts


def _asyncio() -> dict[str, Any]:
    events = sys.modules.get("asyncio.events")
    if events is None:
        return {}
    found: dict[str, Any] = {"running loop": ById(events._get_running_loop())}
    policy = events._event_loop_policy  # made when it is first asked for
    default = sys.modules["asyncio"].DefaultEventLoopPolicy
    found["policy"] = (default if policy is None else type(policy)).__name__
    found["current loop"] = ById(getattr(getattr(policy, "_local", None), "_loop", None))
    loop = events._get_running_loop()
    if loop is not None:
        found["exception handler"] = ById(loop.get_exception_handler())
        found["debug"] = loop.get_debug()
        found["watched"] = sorted(key.fd for key in loop._selector.get_map().values())
        found["timers"] = sum(not each.cancelled() for each in loop._scheduled)
    return found


def _context() -> dict[str, Any]:
    # one that has been set to None cannot be unset, and nobody can tell
    found = {var.name: ById(value) for var, value in contextvars.copy_context().items()}
    return {name: by_id for name, by_id in found.items() if by_id.value is not None}


def _singletons() -> dict[str, Any]:
    """Objects that their classes keep, and shells that anybody keeps."""
    found: dict[str, Any] = {}
    for each in gc.get_objects():
        kind = type(each)
        if issubclass(kind, type) and getattr(each, "_instance", None) is not None:
            found[f"{each.__module__}.{each.__qualname__}"] = ById(each._instance)
        elif kind.__name__.endswith(("InteractiveShell", "HistoryManager", "GuestLoop")):
            found[f"{kind.__name__} at {id(each):x}"] = kind.__name__
    return found
