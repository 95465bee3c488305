"""What can be wrong with an event loop, each with the remedy in its message."""

from __future__ import annotations


class NoEventLoop(RuntimeError):
    """The host has no event loop yet that a kernel could live in."""


class NoDisplay(RuntimeError):
    """A window system is needed and there is none; Qt would end the process over it."""


class UnknownEventLoop(ValueError):
    """No backend of this name, or one that a plug-in announces and cannot deliver."""


class WrongThread(RuntimeError):
    """The call belongs on the application's own (GUI) thread."""
