"""The kernel's events as signals of a QObject, for applications that are made of those."""

from __future__ import annotations

from functools import cache, partial
from types import ModuleType
from typing import Any

from qtkernel import qt
from qtkernel.kernel.events import EVENTS, Events

_WITH_ARGUMENT = ("executed", "attached", "detached")


def signals_for(events: Events) -> Any:
    """A QObject whose signals are named as the events are; see `EventName` for their arguments.

    Raises:
        RuntimeError: there is no Qt application.
    """
    app = qt.application()
    if app is None:
        raise RuntimeError(
            "there is no Qt application to have signals in; use kernel.on(event, callback)"
        )
    signals = _signals_class(qt.core_of(app))()
    for name in EVENTS:
        events.on(name, partial(_emit, signals, name))
    return signals


def _emit(signals: Any, name: str, *arguments: Any) -> None:
    getattr(signals, name).emit(*arguments)


@cache
def _signals_class(core: ModuleType) -> Any:
    # a class for each binding: a signal cannot be made before it is known which one it is
    signal = getattr(core, "pyqtSignal", None) or core.Signal
    members = {name: signal(object) if name in _WITH_ARGUMENT else signal() for name in EVENTS}
    return type("KernelSignals", (core.QObject,), members)
