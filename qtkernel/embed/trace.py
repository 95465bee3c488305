"""What a kernel changes in its host's process: noted before `embed`, compared on demand.

This looks where a kernel and its cells are known to change something, in 0.1 ms. That nothing
else is left is for the tests to prove; they look at the whole process
(tests/support/process_state.py).
"""

from __future__ import annotations

import builtins
import logging
import os
import signal
import sys
import threading
import warnings
from typing import Any

_SYS = (
    *("stdin", "stdout", "stderr", "displayhook", "excepthook", "unraisablehook"),
    *("breakpointhook", "ps1", "ps2", "last_type", "last_value", "last_traceback", "last_exc"),
)
_SYS_LISTS = ("path", "meta_path", "path_hooks", "argv")
_BUILTINS = ("input", "open", "print", "exit", "quit", "get_ipython", "display", "__IPYTHON__")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGBREAK")
_HOOKS = (
    ("threading", "excepthook"),
    ("warnings", "showwarning"),
    ("getpass", "getpass"),
    ("linecache", "checkcache"),
    ("pydoc", "pager"),
    ("pdb", "set_trace"),
    ("comm", "create_comm"),
    ("comm", "get_comm_manager"),
)

_LONGEST = 100  # characters of a value

_MISSING = object()


class Snapshot:
    """The state of the process when this was made."""

    def __init__(self) -> None:
        self._before = _look()

    def differences(self) -> dict[str, str]:
        """What is otherwise now, and how: ``{"sys.stdout": "was ..., is ..."}``."""
        after = _look()
        return {
            name: _describe(before, after[name])
            for name, before in self._before.items()
            if name in after and not _same(before, after[name])
        }


def _look() -> dict[str, Any]:
    found: dict[str, Any] = {f"sys.{name}": getattr(sys, name, _MISSING) for name in _SYS}
    found |= {f"sys.{name}": tuple(getattr(sys, name)) for name in _SYS_LISTS}
    found |= {f"builtins.{name}": getattr(builtins, name, _MISSING) for name in _BUILTINS}
    found |= {
        # a module that has been imported only since was nobody's to change
        f"{module}.{name}": getattr(sys.modules[module], name, _MISSING)
        for module, name in _HOOKS
        if module in sys.modules
    }
    found |= {
        f"signal.{name}": signal.getsignal(getattr(signal, name))
        for name in _SIGNALS
        if hasattr(signal, name)
    }
    root = logging.getLogger()
    return found | {
        "sys.modules['__main__']": sys.modules.get("__main__"),
        "sys.gettrace()": sys.gettrace(),
        "os.environ": tuple(f"{name}={value}" for name, value in os.environ.items()),
        "os.getcwd()": _directory(),
        "warnings.filters": tuple(warnings.filters),
        "logging.root": (f"level {root.level}", *root.handlers, *root.filters),
        "threads": tuple(each.name for each in threading.enumerate() if _is_ours(each)),
    }


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return ""


def _is_ours(thread: threading.Thread) -> bool:
    return thread.name.startswith("qtkernel-")


def _same(before: object, after: object) -> bool:
    if isinstance(before, tuple) and isinstance(after, tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    # anything else may have an __eq__ of the host's
    return before is after or (isinstance(before, str) and before == after)


def _describe(before: object, after: object) -> str:
    if isinstance(before, tuple) and isinstance(after, tuple):
        new = [_short(each) for each in after if not any(_same(each, other) for other in before)]
        gone = [_short(each) for each in before if not any(_same(each, other) for other in after)]
        words = [f"new: {', '.join(new)}"] if new else []
        words += [f"gone: {', '.join(gone)}"] if gone else []
        return "; ".join(words) or f"{len(before)} before, {len(after)} now"
    return f"was {_short(before)}, is {_short(after)}"


def _short(value: object) -> str:
    if value is _MISSING:
        return "not there"
    try:
        text = repr(value)
    except Exception as error:  # the host's own objects, whose repr may fail
        text = f"<{type(value).__name__} whose repr() raised {type(error).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
