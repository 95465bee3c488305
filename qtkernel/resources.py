"""The files that come with the package: in a wheel within it, in a checkout beside it."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_CHECKOUT = Path(__file__).parent.parent / "resources"


class ResourceMissing(RuntimeError):
    """The installation is not complete."""


def resource(name: str) -> Traversable:
    """A file or directory of ``resources/``.

    Raises:
        ResourceMissing: it is not there.
    """
    for found in (files("qtkernel") / "resources" / name, _CHECKOUT / name):
        if found.is_file() or found.is_dir():
            return found
    raise ResourceMissing(f"qtkernel's resource {name} is missing; install qtkernel again")
