"""The shell's namespace is the host's own dict: whose a name is decides what becomes of it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from IPython.core.display_functions import display
from IPython.core.interactiveshell import InteractiveShell

from qtkernel.shell.environment import Environment
from qtkernel.shell.names import NameWatch, OtherShell

_MISSING = object()

_MODULE_NAMES = frozenset(
    f"__{name}__"
    for name in ("name", "doc", "file", "package", "spec", "loader", "builtins", "builtin")
)
"""What makes the namespace a module's, which a reset must not take from it."""


class SharedNamespaceShell(InteractiveShell):  # type: ignore[misc]
    """What IPython does with its namespace, done so that the host keeps what is its own."""

    user_ns: Any
    user_module: Any
    environment: Environment
    _names: NameWatch | None = None

    def watch_names(self) -> None:
        """From now on the host's names are told from those of cells. There must be a host."""
        self._names = NameWatch(self.user_ns, self.host_names, lambda: self.user_ns_hidden)
        self._names.note()
        self.environment.add(self._names.take)
        self.environment.add(OtherShell(self, self._names_in_cells()).take)

    def init_create_namespaces(self, user_module: Any = None, user_ns: Any = None) -> None:
        """Note what is the host's before anything is added."""
        self.host_names: set[str] = set()
        if user_ns is not None:
            self.host_names.update(user_ns)
        super().init_create_namespaces(user_module, user_ns)

    def init_user_ns(self) -> None:
        """Add IPython's names, none over a name that is there; `open` never.

        IPython's `open` refuses the descriptors 0, 1 and 2, which are the host's business.
        """
        for name, value in self._names_in_cells().items():
            if name not in self.user_ns:
                self.user_ns[name] = self.user_ns_hidden[name] = value
        # callbacks that a cell defines want it, too, when the builtins are the host's again
        if "display" not in self.user_ns:
            self.user_ns["display"] = self.user_ns_hidden["display"] = display

    def _names_in_cells(self) -> dict[str, Any]:
        manager: Any = self.history_manager
        return {
            "In": manager.input_hist_parsed,
            "Out": manager.output_hist,
            "_ih": manager.input_hist_parsed,
            "_oh": manager.output_hist,
            "_dh": manager.dir_hist,
            "get_ipython": self.get_ipython,
            "exit": self.exiter,
            "quit": self.exiter,
        }

    def push(self, variables: Any, interactive: bool = True) -> None:
        """Add names; what is not `interactive` is IPython's own (`_i`, `_1`), and never goes over
        a name of the host's."""
        if not interactive and isinstance(variables, dict):
            variables = {n: v for n, v in variables.items() if n not in self.host_names}
        super().push(variables, interactive)

    def reset(self, new_session: bool = True, aggressive: bool = False) -> None:
        """Drop what cells have made. The host's names are not touched at all: its other threads may
        be using them.
        """
        watch = None if self.environment.entered else self._names
        if watch is not None:
            watch.look()
        namespace, module = self.user_ns, self.user_module
        # IPython's own would empty the namespace
        scratch = self.user_module = ModuleType("scratch")
        self.user_ns = scratch.__dict__
        try:
            super().reset(new_session, aggressive)
        finally:
            self.user_ns, self.user_module = namespace, module
        for name in namespace.keys() - self.host_names - _MODULE_NAMES:
            namespace.pop(name, None)
        self.init_user_ns()
        self.displayhook.init_underscores()
        self.cell_count = self.execution_count
        if watch is not None:
            watch.note()

    def del_var(self, varname: str, by_name: bool = False) -> None:
        """``%xdel``: never a name of the host's, not even for the same object under another."""
        if varname in self.host_names:
            raise ValueError(
                f"{varname!r} is the application's own name; `del {varname}` takes it from there"
            )
        value = self.user_ns.get(varname, _MISSING)
        shared = any(self.user_ns.get(name, None) is value for name in self.host_names)
        super().del_var(varname, by_name or shared)

    def own_names(self) -> list[str]:
        """IPython's names in the namespace, where their value is still IPython's."""
        # the last two are what pdb writes where it stops
        names = {"__builtin__", "__builtins__", "__name__", "__return__", "__exception__"}
        names |= {
            name
            for name, value in self.user_ns_hidden.items()
            if self.user_ns.get(name, _MISSING) is value
        }
        return sorted((names & self.user_ns.keys()) - self.host_names)

    def remove_own_names(self) -> None:
        """Take IPython's names out of the namespace again."""
        for name in self.own_names():
            del self.user_ns[name]
