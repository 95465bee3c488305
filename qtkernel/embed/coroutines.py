"""Where the coroutines of cells run: on the host's own asyncio loop, or on a guest of ours.

A host that runs asyncio on its GUI thread (qasync, PySide6.QtAsyncio) has a loop already, and cells
use it. Everybody else gets a `GuestLoop`, which the kernel's event loop steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from qtkernel.loops.base import EventLoop
from qtkernel.loops.coroutines import GuestLoop
from qtkernel.loops.current import host_loop


class Coroutines:
    """The guest loop of one kernel, made when it is first needed.

    Args:
        loop: returns the kernel's event loop as it is now.
        adopt: called with each guest loop once, before anything runs on it.
        guest: a guest loop that is there already.
    """

    def __init__(
        self,
        loop: Callable[[], EventLoop],
        adopt: Callable[[GuestLoop], object],
        guest: GuestLoop | None,
    ) -> None:
        self._loop = loop
        self._adopt = adopt
        self._guest = guest

    def start(self) -> None:
        """Let the kernel's event loop step the guest that is there already, if one is."""
        if self._guest is not None:
            self._adopt(self._guest)
            self.loop_changed()

    def asyncio_loop(self) -> asyncio.AbstractEventLoop:
        """The loop for cells that await: the host's, if it runs one here, else the guest."""
        loop = host_loop()
        return self.guest().asyncio_loop if loop is None else loop

    def guest(self) -> GuestLoop:
        """The guest loop."""
        if self._guest is None:
            self._guest = GuestLoop(self._loop())
            self._adopt(self._guest)
        return self._guest

    def loop_changed(self) -> None:
        """Let another event loop step the guest from now on."""
        guest = self._guest
        if guest is None:
            return
        if getattr(self._loop(), "asyncio_loop", None) is guest.asyncio_loop:
            guest.unhost()  # the loop at the top is the guest itself
        else:
            guest.rehost(self._loop())

    def end(self) -> None:
        """Cancel all that cells have left on the guest loop; it cannot be used any more."""
        if self._guest is not None:
            self._guest.close()

    def forget(self) -> None:
        """Have a new guest loop made for the next cell that awaits."""
        self._guest = None
