"""The one line that a console begins with."""

from __future__ import annotations

from collections.abc import Sequence

from qtkernel.console.kernel import ConsoleKernel

_NAMES = 6  # are listed by name


def banner_of(kernel: ConsoleKernel) -> str:
    """What is there, and how to attach from outside: ``win, model  ·  jupyter console ...``."""
    names = _listed(kernel.injected)
    here = (
        f"Live Python in this application: {names}" if names else "Live Python in this application"
    )
    if kernel.transport is None:
        return here
    return f"{here}  ·  from a terminal: {kernel.attach_command}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES])
    more = len(names) - _NAMES
    return f"{shown} and {more} more" if more > 0 else shown
