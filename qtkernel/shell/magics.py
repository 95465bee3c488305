"""Magics that mean something else under a kernel than in a terminal."""

from __future__ import annotations

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magics.namespace import NamespaceMagics


@magics_class
class KernelMagics(Magics):  # type: ignore[misc]
    """Registered by `ZMQInteractiveShell.init_magics`, over IPython's own."""

    @line_magic  # type: ignore[untyped-decorator]
    def gui(self, parameter_s: str = "") -> None:
        """Run the kernel on another event loop, from the end of this cell on.

        Usage::

            %gui qt | tk | headless | asyncio

        Without a name it is headless: no toolkit's windows are served. In a kernel that is
        embedded in an application the loop is the application's and cannot be switched.

        Unlike IPython's own, which logs what is wrong, this fails, so that a notebook stops.
        """
        self.shell.enable_gui(parameter_s.strip() or "headless")


@magics_class
class GuestNamespaceMagics(NamespaceMagics):  # type: ignore[misc]
    """``%who`` and all that goes by it, ``%reset -s`` and ``%reset_selective`` among them."""

    @line_magic  # type: ignore[untyped-decorator]
    def who_ls(self, parameter_s: str = "") -> list[str]:
        """Return a sorted list of the variables that cells have made, of the given types if any.

        The application's own names are not among them; see ``dir()``.
        """
        names = super().who_ls(parameter_s)
        return [name for name in names if name not in self.shell.host_names]


# the decorator has seen this class only
GuestNamespaceMagics.magics = {
    kind: NamespaceMagics.magics[kind] | GuestNamespaceMagics.magics[kind]
    for kind in ("line", "cell")
}
