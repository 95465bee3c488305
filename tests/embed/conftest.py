"""Kernels in this process, on a loop of the test's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import qtkernel
from qtkernel.embed.embedded import EmbeddedKernel
from qtkernel.loops.base import EventLoop
from qtkernel.loops.headless import HeadlessLoop


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    """The host's loop; nothing that it calls may fail."""
    errors: list[BaseException] = []
    created = HeadlessLoop(errors.append)
    yield created
    created.close()
    assert errors == []


Embed = Callable[..., EmbeddedKernel]


class Refusing(dict[str, Any]):
    """A namespace that IPython cannot set up."""

    def setdefault(self, *_arguments: Any) -> Any:
        raise AttributeError


@pytest.fixture
def embed(loop: EventLoop, runtime_dir: Any) -> Iterator[Embed]:
    """`qtkernel.embed` in the test's loop and runtime directory; closed at the end."""
    del runtime_dir
    kernels: list[EmbeddedKernel] = []

    def begin(user_ns: dict[str, Any] | None = None, **more: Any) -> EmbeddedKernel:
        namespace: dict[str, Any] = {} if user_ns is None else user_ns
        kernels.append(qtkernel.embed(namespace, **({"loop": loop} | more)))
        return kernels[-1]

    yield begin
    for kernel in reversed(kernels):
        kernel.close()
