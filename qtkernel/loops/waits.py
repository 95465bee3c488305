"""Ending what a cell waits in, where the toolkit alone knows what that is."""

from __future__ import annotations

from typing import Protocol


class Waits(Protocol):
    """What a backend may have as its attribute ``waits``, beside the seam. For its own thread."""

    def begin(self) -> None:
        """Code of a cell is about to run: what is open now is not the cell's."""

    def end(self) -> None:
        """End what the innermost event loop belongs to; the cell has entered it."""

    def strike_on_return(self) -> bool:
        """Raise SIGINT when the callback that is running now has returned to the toolkit.

        False if that cannot be had. Whoever asks for the interrupt repeats the signal anyway.
        """

    def call_off_strike(self) -> None:
        """Do not, if it has not happened yet."""


class NoWaits:
    """Of a backend that cannot end anything: the interrupt comes when the call returns."""

    def begin(self) -> None:
        """Nothing to note."""

    def end(self) -> None:
        """Nothing to end."""

    def strike_on_return(self) -> bool:
        """It cannot be had."""
        return False

    def call_off_strike(self) -> None:
        """There is none."""


_NO_WAITS = NoWaits()


def waits_of(loop: object) -> Waits:
    """What `loop` offers."""
    waits: Waits = getattr(loop, "waits", _NO_WAITS)
    return waits
