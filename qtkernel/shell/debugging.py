"""debugpy as the kernel's debug adapter. It is imported when the first session begins."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import linecache
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

import IPython
import traitlets

import qtkernel
from qtkernel.interpreter import MimeBundle
from qtkernel.protocol import from_json, to_json
from qtkernel.shell.cell_files import CellFiles
from qtkernel.shell.pydevd_session import PydevdSession
from qtkernel.shell.shell import ZMQInteractiveShell
from qtkernel.shell.variables import Variables

_PASSED_ON = frozenset(
    {
        *("justMyCode", "pathMappings", "rules", "showReturnValue", "stopAllThreadsOnSuspend"),
        *("steppingResumesAllThreads", "variablePresentation", "breakOnSystemExit"),
    }
)
"""What a frontend may ask of an attach. The rest would redirect streams, or run event loops."""

_MACHINERY = (
    *("asttokens", "comm", "decorator", "executing", "ipython_pygments_lexers", "jedi"),
    *("jupyter_core", "matplotlib_inline", "msgspec", "parso", "pexpect", "prompt_toolkit"),
    *("ptyprocess", "pure_eval", "pygments", "stack_data", "wcwidth", "zmq"),
)
"""What completes, shows errors and speaks with frontends. With "stop at every exception" each
completion by jedi would stop a hundred times."""

_SIMPLE = (
    *(ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.UnaryOp, ast.USub),
    ast.expr_context,
)

_HISTORY = re.compile(r"_(\d+|i\d*|ii|iii)$")

_OF_MODULES = frozenset({"__annotations__", "__builtins__", *vars(ModuleType("any"))})
"""Names that every module has; nobody looks for them among the variables."""

# what a standalone kernel, an awaiting cell and the like have below the cell
_STANDARD = Path(linecache.__file__).resolve().parent

_adapters: WeakValueDictionary[int, DebugpyAdapter] = WeakValueDictionary()
_numbers = itertools.count(1)


class DebugpyAdapter:
    """`qtkernel.interpreter.DebugAdapter` for the cells of one shell."""

    def __init__(self, shell: ZMQInteractiveShell, files: CellFiles) -> None:
        self._shell = shell
        self._files = files
        self._variables = Variables()
        own = [str(Path(module.__file__ or "").parent) for module in (qtkernel, IPython, traitlets)]
        self._session = PydevdSession(own)
        self._number = next(_numbers)
        _adapters[self._number] = self

    @property
    def available(self) -> bool:
        """Whether debugpy is installed."""
        return is_available()

    def connect(self) -> socket.socket:
        """Begin; see `DebugAdapter.connect`."""
        return self._session.begin()

    def disconnect(self) -> None:
        """Give everything back."""
        self._session.end()

    def attach_arguments(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Only what concerns the cells and the host's code.

        Where a frontend does not say ``justMyCode``, libraries can be debugged, too: a host is
        often installed as one. The standard library cannot, else every step would end there.
        """
        passed = {name: arguments[name] for name in _PASSED_ON & arguments.keys()}
        rules = [*(passed.get("rules") or ()), *_machinery()]
        if "justMyCode" not in passed:
            rules.append({"path": f"{_STANDARD}/**/site-packages/**", "include": True})
            rules.append({"path": str(_STANDARD), "include": False})
        return {"justMyCode": False, **passed, "rules": rules}

    def visible_frames(self, frames: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Below a cell there is, of the standard library, only what runs it."""
        cells = [index for index, frame in enumerate(frames) if self._files.has(_path(frame))]
        lowest = cells[-1] if cells else len(frames)
        return [
            frame
            for index, frame in enumerate(frames)
            if index <= lowest or not _is_standard(_path(frame))
        ]

    def visible_variables(self, variables: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Variables without IPython's."""
        hidden = self._hidden()
        return [each for each in variables if not _is_hidden(str(each["name"]), hidden)]

    def _hidden(self) -> frozenset[str]:
        return _OF_MODULES.union(self._shell.own_names())

    # The files of cells

    def cell_files(self) -> Mapping[str, Any]:
        """How they are named."""
        return self._files.describe()

    def dump_cell(self, code: str) -> str:
        """Write a cell's file; its path."""
        return self._files.write(code)

    def source(self, path: str) -> str | None:
        """The source at `path`."""
        try:
            return "".join(linecache.getlines(path)) or None
        except ValueError:  # it cannot be a path
            return None

    def modules(self) -> list[Mapping[str, Any]]:
        """The modules with source."""
        found: list[Mapping[str, Any]] = []
        for name, module in sorted(sys.modules.copy().items()):
            path = getattr(getattr(module, "__spec__", None), "origin", None)
            if isinstance(path, str) and path.endswith(".py"):
                found.append({"id": name, "name": name, "path": path})
        return found

    # Expressions for a frame that is stopped

    def rich_expression(self, expression: str) -> str:
        """A call that gives the mime bundle as JSON."""
        _check_simple(expression)
        return f"{self._call('rich_json')}({expression})"

    def read_rich(self, result: str) -> tuple[MimeBundle, Mapping[str, Any]]:
        """What that has given, its repr."""
        data, metadata = from_json(ast.literal_eval(result).encode())
        return data, metadata

    def copy_expression(self, source: str, destination: str) -> str:
        """A call that binds the name."""
        for name in (source, destination):
            if not name.isidentifier():
                raise ValueError(f"{name!r} is not a name")
        return f"{self._call('copy')}({destination!r}, {source})"

    def _call(self, method: str) -> str:
        # nothing of this can be shadowed by the frame's own names but __import__ itself
        return f"__import__('sys').modules[{__name__!r}].adapter({self._number}).{method}"

    def rich_json(self, value: Any) -> str:
        """The mime bundle of `value` and its metadata. In the stopped frame."""
        return to_json(self._shell.display_formatter.format(value)).decode()

    def copy(self, name: str, value: Any) -> str:
        """Bind a name of the namespace; returns it. In the stopped frame."""
        self._shell.user_ns[name] = value
        return name

    # The namespace

    def variables(self, reference: int | None, start: int, count: int) -> list[Mapping[str, Any]]:
        """The names of the namespace, or what is inside of an object."""
        if reference is not None:
            return self._variables.inside(reference, start, count)
        hidden = self._hidden()
        shown = {
            name: value
            for name, value in self._shell.user_ns.copy().items()
            if isinstance(name, str) and not _is_hidden(name, hidden)
        }
        return self._variables.names(shown, start, count)

    def evaluate(self, expression: str) -> Mapping[str, Any]:
        """Run something in the namespace."""
        namespace = self._shell.user_ns
        with self._shell.environment:
            try:
                code = compile(expression, "<debugger>", "eval")
            except SyntaxError:
                exec(compile(expression, "<debugger>", "exec"), namespace)
                return {"result": "", "variablesReference": 0}
            value = eval(code, namespace)
            described = self._variables.value(value, expression)
        return {"result": described.pop("value"), **described}

    def rich(self, expression: str) -> tuple[MimeBundle, Mapping[str, Any]]:
        """The mime bundle, and its metadata; empty if it cannot be evaluated."""
        _check_simple(expression)
        with self._shell.environment:
            found = self._shell.user_expressions({"it": expression})["it"]
        if found["status"] != "ok":
            return {}, {}
        return found["data"], found["metadata"]


def is_available() -> bool:
    """Whether debugpy is installed. It is not imported by asking."""
    try:
        return importlib.util.find_spec("debugpy") is not None
    except ValueError:
        return True  # it is there, and was not imported in the usual way


def adapter(number: int) -> DebugpyAdapter:
    """What an expression in a stopped frame refers to."""
    return _adapters[number]


def _machinery() -> list[Mapping[str, Any]]:
    """Rules against stopping in what IPython and the kernel are made of."""
    rules: list[Mapping[str, Any]] = []
    for name in _MACHINERY:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin)
            path = path.parent if spec.submodule_search_locations else path
            rules.append({"path": str(path), "include": False})
    return rules


def _path(frame: Mapping[str, Any]) -> str:
    return str((frame.get("source") or {}).get("path", ""))


def _is_standard(path: str) -> bool:
    if path.startswith("<frozen"):
        return True
    parents = Path(path).parents
    return _STANDARD in parents and "site-packages" not in path


def _is_hidden(name: str, hidden: frozenset[str]) -> bool:
    return name in hidden or _HISTORY.match(name) is not None


def _check_simple(expression: str) -> None:
    """ValueError, as SyntaxError is not: only names, attributes and items are looked up."""
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r} is not an expression") from None
    if not all(isinstance(node, _SIMPLE) for node in ast.walk(tree)):
        raise ValueError(f"{expression!r} is more than names, attributes and items")
