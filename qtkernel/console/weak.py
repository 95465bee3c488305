"""Callbacks that keep nobody alive."""

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
