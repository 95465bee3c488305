"""Which threads, and which work in thread pools, a cell has started.

A context variable does not cross ``threading.Thread`` and the stack of a thread does not say who
has started it (``Thread(target=print)`` has no frame of the cell's at all). So while code of a cell
runs, and only then, the two doors through which threads get work tell the kernel:

* ``Thread.start``: the thread belongs to the cell. ``threading.Timer``, multiprocessing's
  ThreadPool, joblib and their like come through here.
* ``ThreadPoolExecutor.submit``: the one call belongs to the cell, and not the worker thread, which
  may be the host's, or work for the host afterwards. ``asyncio.to_thread`` comes through here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.thread import ThreadPoolExecutor
from typing import Any

from qtkernel.interpreter import IOPub
from qtkernel.shell.environment import SharedTake

_get_ident = threading.get_ident


def noting_threads(iopub: IOPub) -> tuple[SharedTake, SharedTake]:
    """Tell `iopub` of the threads that are started in a step; it knows which are a cell's.

    New functions each time (0.8 us): if a library that a cell has imported keeps them, to call them
    from its own, they must go on calling what was there before, and not come back to it.
    """
    submitting: set[int] = set()

    def make_start(start_before: Callable[..., None]) -> Callable[..., None]:
        def start(self: threading.Thread) -> None:
            if _get_ident() not in submitting:
                iopub.claim_thread(self)
            start_before(self)

        return start

    def make_submit(submit_before: _Submit) -> _Submit:
        def submit(
            self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
        ) -> Future[Any]:
            ident = _get_ident()
            submitting.add(ident)
            try:
                return submit_before(self, iopub.carried(fn), *args, **kwargs)
            finally:
                submitting.discard(ident)

        return submit

    return (
        SharedTake(lambda: threading.Thread.start, _set_start, make_start, yields=True),
        SharedTake(lambda: ThreadPoolExecutor.submit, _set_submit, make_submit, yields=True),
    )


_Submit = Callable[..., Future[Any]]


def _set_start(start: Callable[..., None]) -> None:
    threading.Thread.start = start  # type: ignore[method-assign]


def _set_submit(submit: _Submit) -> None:
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
