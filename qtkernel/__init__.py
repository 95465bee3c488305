"""A Jupyter kernel that lives inside a desktop application's own event loop.

    import qtkernel
    kernel = qtkernel.embed({"win": window, "model": model})
    print(kernel.attach_command)

The floor plan. A floor is what a thing may touch; arrows point down, and the packages of floor 2
never import each other (import-linter holds this).

* floor 4: ``app`` (the command line), ``kernelspec``
* floor 3: ``embed``, where the parts are put together; below it ``console``, the live console in
  the host's own window (all that is qtconsole)
* floor 2: ``channels`` (all that is zmq), ``kernel`` (requests and replies), ``shell`` (all that is
  IPython)
* floor 1: ``loops``, the event-loop seam and its backends
* floor 0: ``protocol`` (messages, signing, connection files), ``interpreter`` (the wall between
  kernel and shell), ``qt`` (the one door to Qt)

The public names below are imported when they are first used: ``import qtkernel`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from qtkernel._version import __version__

if TYPE_CHECKING:
    from qtkernel.embed.begin import embed
    from qtkernel.embed.classic import embed_kernel, launch_kernel
    from qtkernel.embed.embedded import EmbeddedKernel
    from qtkernel.kernel.clients import Client
    from qtkernel.kernel.events import Executed
    from qtkernel.kernel.kernel import Kernel

__all__ = [
    "Client",
    "EmbeddedKernel",
    "Executed",
    "Kernel",
    "__version__",
    "embed",
    "embed_kernel",
    "launch_kernel",
]

_HOMES = {
    "Client": "qtkernel.kernel.clients",
    "EmbeddedKernel": "qtkernel.embed.embedded",
    "Executed": "qtkernel.kernel.events",
    "Kernel": "qtkernel.kernel.kernel",
    "embed": "qtkernel.embed.begin",
    "embed_kernel": "qtkernel.embed.classic",
    "launch_kernel": "qtkernel.embed.classic",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qtkernel' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
