"""A whole kernel on a real loop, and a frontend on a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import qtkernel
from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop
from qtkernel.protocol import read_connection_file
from tests.support.bare_client import BareClient, converse


@pytest.fixture(params=["headless", "qt"])
def loop(request: pytest.FixtureRequest) -> Iterator[EventLoop]:
    """The host's loop; nothing that it calls may fail."""
    errors: list[BaseException] = []
    if request.param == "qt":
        from qtkernel.loops.qt import QtLoop

        created: EventLoop = QtLoop(request.getfixturevalue("qapp"), errors.append)
    else:
        created = HeadlessLoop(errors.append)
    yield created
    created.close()
    assert errors == []


class Conversation:
    """A kernel in this process, and frontends that talk to it."""

    def __init__(self, loop: EventLoop, namespace: dict[str, Any], **more: Any) -> None:
        self.loop = loop
        self.namespace = namespace
        self.kernel = qtkernel.embed(namespace, loop=loop, **more)
        self.info = read_connection_file(self.kernel.connection_file)

    def talk(self, script: Callable[[BareClient], Any], **more: Any) -> Any:
        """Run a frontend's part while the loop runs."""

        def run() -> Any:
            with BareClient(self.info, **more) as client:
                return script(client)

        return converse(self.loop, run)


Start = Callable[..., Conversation]


@pytest.fixture
def start(loop: EventLoop, runtime_dir: Path) -> Iterator[Start]:
    """Begin conversations; the kernels are closed at the end."""
    del runtime_dir
    begun: list[Conversation] = []

    def begin(namespace: dict[str, Any] | None = None, **more: Any) -> Conversation:
        begun.append(Conversation(loop, {} if namespace is None else namespace, **more))
        return begun[-1]

    yield begin
    for conversation in reversed(begun):
        conversation.kernel.close()
