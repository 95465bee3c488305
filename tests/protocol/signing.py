"""Signed frames, made without the code under test, and threads that fight for them."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from typing import Any

from qtkernel.protocol import DELIMITER

KEY = b"a secret"
HEADER = b'{"msg_id":"m1","msg_type":"execute_request"}'


def signed(
    header: bytes = HEADER,
    parent: bytes = b"{}",
    metadata: bytes = b"{}",
    content: bytes = b"{}",
    *more: bytes,
    key: bytes = KEY,
) -> list[bytes]:
    """Frames with a right signature, made without the code under test."""
    parts = (header, parent, metadata, content)
    signature = hmac.new(key, b"".join(parts), "sha256").hexdigest().encode()
    return [DELIMITER, signature, *parts, *more]


def together(count: int, work: Callable[[], object]) -> list[Any]:
    """Run `work` in `count` threads that start at once; its results or what it raised."""
    start = threading.Barrier(count)
    results: list[Any] = []

    def run() -> None:
        start.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
