"""Magics that mean something else under a kernel than in a terminal."""

from __future__ import annotations

from IPython.core.magic import Magics, line_magic, magics_class


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
