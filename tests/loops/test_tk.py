"""What only Tk does: roots that come and go, and the host's own mainloop."""

from __future__ import annotations

import os
import threading
import tkinter
from collections.abc import Callable
from typing import Any

import pytest

from qtkernel.loops.base import EventLoop
from qtkernel.loops.errors import WrongThread
from qtkernel.loops.tk import TkLoop

Run = Callable[[EventLoop], None]
Errors = list[BaseException]


@pytest.mark.parametrize("polling", [False, True])
def test_the_hosts_mainloop_drives_the_loop(root: Any, errors: Errors, polling: bool) -> None:
    loop = TkLoop(root, errors.append, polling=polling)
    seen: list[str] = []
    read, write = os.pipe()
    loop.add_reader(read, lambda: (seen.append(os.read(read, 1).decode()), root.quit()))
    loop.call_later(0.01, lambda: loop.call_soon_threadsafe(lambda: os.write(write, b"x")))
    root.after(10_000, root.quit)
    root.mainloop()
    loop.close()
    os.close(read)
    os.close(write)
    assert seen == ["x"]


def test_a_run_ends_when_the_hosts_root_is_destroyed(root: Any, errors: Errors, run: Run) -> None:
    loop = TkLoop(root, errors.append)
    loop.call_later(0.01, root.destroy)
    run(loop)
    loop.close()


def test_a_standalone_run_outlives_every_window(screen: str, errors: Errors, run: Run) -> None:
    loop = TkLoop(None, errors.append)
    seen: list[str] = []

    def open_and_close() -> None:
        window = tkinter.Tk(screen)
        window.after(5, lambda: (seen.append("served the window"), window.destroy()))

    loop.call_soon_threadsafe(open_and_close)
    loop.call_later(0.1, open_and_close)
    loop.call_later(0.2, loop.stop)
    run(loop)
    loop.close()
    assert seen == ["served the window"] * 2


def test_the_loops_interpreter_is_nobodys_default_root(errors: Errors) -> None:
    loop = TkLoop(None, errors.append)
    assert tkinter._default_root is None
    loop.close()


def test_the_hosts_nested_loop_is_served_what_was_posted_before_it(
    root: Any, errors: Errors, run: Run
) -> None:
    loop = TkLoop(root, errors.append)
    seen: list[str] = []
    read, write = os.pipe()

    def dialog(name: str) -> None:
        answer = tkinter.StringVar(root)
        loop.call_soon_threadsafe(lambda: (seen.append(f"within {name}"), answer.set("yes")))
        root.after(2000, lambda: answer.set("late"))
        root.wait_variable(answer)
        seen.append(f"{name} closed")

    def reader() -> None:
        os.read(read, 1)
        dialog("reader")
        loop.call_soon_threadsafe(lambda: dialog("batch"))
        loop.call_soon_threadsafe(lambda: seen.append("rest of the batch"))
        loop.call_later(0.02, timer)

    def timer() -> None:
        loop.call_later(0, loop.stop)
        dialog("timer")

    loop.add_reader(read, reader)
    os.write(write, b"x")
    run(loop)
    loop.close()
    os.close(read)
    os.close(write)
    assert seen[:2] == ["within reader", "reader closed"]
    assert seen.index("rest of the batch") < seen.index("batch closed")
    assert seen[5:] == ["within timer", "timer closed"]


def test_another_thread_is_refused(root: Any) -> None:
    caught: list[BaseException] = []

    def create() -> None:
        try:
            TkLoop(root)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=create)
    thread.start()
    thread.join()
    assert isinstance(caught[0], WrongThread)
    caught.clear()


def test_descriptors_beyond_the_reach_of_select(errors: Errors, run: Run) -> None:
    """Tcl waits with select() and would panic, ending the host."""
    import fcntl
    import resource

    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 1100:
        pytest.skip("the process may not open so many files")
    loop = TkLoop(None, errors.append)
    read, write = os.pipe()
    high = fcntl.fcntl(read, fcntl.F_DUPFD_CLOEXEC, 1050)
    loop.add_reader(high, loop.stop)
    os.write(write, b"x")
    run(loop)
    loop.close()
    for fd in (read, write, high):
        os.close(fd)
