"""The composition root: here the parts meet, and here is what a host sees of a kernel.

* `assembly` puts one kernel together and takes it apart again; nobody else knows all parts.
* `endpoints` decides where a kernel can be reached, and writes the connection file.
* `outside` has all that is there only if the kernel can be reached from outside its process.
* `embedded` is the guest in a host's process, with a host's loop; `begin` makes one: `embed`.
* `standalone` owns its process: signals, the parent's death, switching loops.
* `classic` has the calls of IPython 0.13's kernel, for code of that time.
* `undo` remembers how to give back what was taken.

Importing a package puts it into its parent under its name: as soon as anything in here has been
imported, ``qtkernel.embed`` is this package and no longer the function. So it can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qtkernel.embed.embedded import EmbeddedKernel


class _EmbedPackage(ModuleType):
    """The package, standing in for the function of its name."""

    def __call__(self, user_ns: dict[str, Any] | None = None, **more: Any) -> EmbeddedKernel:
        """See `qtkernel.embed.begin.embed`."""
        from qtkernel.embed.begin import embed

        return embed(user_ns, **more)


sys.modules[__name__].__class__ = _EmbedPackage
