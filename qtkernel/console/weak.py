"""Callbacks that keep no widget alive, and what has to happen when one is deleted."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


def weak(method: Callable[..., object]) -> Callable[..., None]:
    """A callback for `method` that does not keep its object alive, and ends with it.

    For whatever lives longer than a widget: a widget would not be collected, and after it was
    deleted in C++ its methods would fail.
    """
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        alive = reference()
        if alive is not None:
            alive(*arguments)

    return call


def when_deleted(widget: Any, *callbacks: Callable[[], object]) -> None:
    """Call these once, when `widget` is deleted in whatever way; they must not keep it alive."""
    deletion = _Deletion(callbacks)
    _waited_for.add(deletion)
    widget.destroyed.connect(deletion.happened)


class _Deletion:
    """What is called by a widget's signal `destroyed`.

    Somebody else than the widget has to keep it: what only the widget's own connections keep
    (a lambda) is garbage as soon as C++ has begun to delete the widget, and the signal comes at
    the end of that. A collection in between leaves an empty function to call: measured, PyQt5
    crashes in one of some 20 deletions.
    """

    def __init__(self, callbacks: tuple[Callable[[], object], ...]) -> None:
        self._callbacks = callbacks

    def happened(self, *_: object) -> None:
        """It is deleted."""
        _waited_for.discard(self)
        callbacks, self._callbacks = self._callbacks, ()
        for callback in callbacks:
            callback()


_waited_for: set[_Deletion] = set()
