"""What distinguishes one kernel from another: those of applications, and the one of a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from qtkernel.embed.attendance import OnAttach
from qtkernel.interpreter import Pending
from qtkernel.kernel.events import Events


@dataclass
class Plan:
    """What distinguishes one kernel from another."""

    application: str = ""
    """The program's name, for frontends."""
    user_ns: dict[str, Any] | None = None
    user_module: ModuleType | None = None
    owns_process: bool = False
    exit_ends: bool = False
    """Whether ``exit`` in a cell ends the kernel, and not just the frontend's session."""
    captures_host: bool = False
    """Whether frontends get the application's own output, too."""
    capture_fds: bool = False
    subshells: bool = False
    """Whether frontends are told that they may have some; they can in any case."""
    config: Any = None
    profile_dir: Any = None
    switch_loop: Callable[[str], None] = lambda _name: None
    shut_down: Callable[[bool], Pending | None] = lambda _restart: None
    exited: Callable[[], object] = lambda: None
    """What ``exit`` in a cell does where it ends the kernel; called by the cell."""
    interrupted: Callable[[], object] = lambda: None
    """What Ctrl+C in the application's own terminal does where PyQt would abort the process."""
    on_attach: OnAttach | None = None
    events: Events = field(default_factory=Events)
