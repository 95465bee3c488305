"""What forked children print, with a control thread that is held up, or gone."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from qtkernel.loops.headless import HeadlessLoop
from qtkernel.shell.children import ChildrenOutput
from qtkernel.shell.streams import OutputBuffer, StreamProxy
from tests.support.real_shell import Published

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here"),
    # of forks in a process with threads, from Python 3.12 on
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Bench:
    """A kernel's streams, and a thread that reads what its children print."""

    def __init__(self) -> None:
        self.iopub = Published()
        self.loop = HeadlessLoop()
        self.output = OutputBuffer(self.iopub, lambda *_timer: None)
        self.children = ChildrenOutput(self.iopub, self.output, self.loop)
        self.behind = io.StringIO()
        self.out = StreamProxy("stdout", self.behind, self.output, self.iopub)
        self.output.write_behind = lambda _name, text: self.out.write_behind(text)
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def fork(self, work: Callable[[], object]) -> None:
        """Do it in a child, and wait for that. Its exit code says whether it could."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work()
                self.out.flush()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    def texts(self) -> list[str]:
        return [content["text"] for _, content in self.iopub.take()]

    def close(self) -> None:
        self.children.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def open_descriptors() -> set[str]:
    return set(os.listdir("/dev/fd"))


def hold_up(bench: Bench) -> None:
    """Let the thread that reads do nothing for a moment."""
    go_on = threading.Event()
    begun = threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(10)

    bench.loop.call_soon_threadsafe(hold)
    assert begun.wait(10)
    threading.Timer(0.1, go_on.set).start()


def test_the_text_is_in_its_place_however_late_it_is_read(bench: Bench) -> None:
    with bench.iopub.request("cell"):
        hold_up(bench)
        bench.fork(lambda: bench.out.write("of the child"))
        bench.out.write(", then of the cell\n")
        bench.out.flush()
    assert "".join(bench.texts()) == "of the child, then of the cell\n"


def test_half_a_line_of_another_cell_is_sent_first(bench: Bench) -> None:
    def work() -> None:
        with bench.iopub.request("first"):
            bench.out.write("half a line")
        with bench.iopub.request("second"):
            bench.out.write("a whole one\nand half")

    with bench.iopub.request("cell"):
        bench.fork(work)
        bench.out.flush()
    assert bench.texts() == ["half a line", "a whole one\nand half"]
    assert [parent.msg_id for parent in bench.iopub.parents] == ["first", "second"]


def test_who_does_not_fork_in_a_cell_has_no_sockets(bench: Bench) -> None:
    before = open_descriptors()
    bench.fork(lambda: bench.out.write("a host's"))
    assert open_descriptors() == before
    with bench.iopub.request("cell"):
        bench.fork(lambda: None)
    assert len(open_descriptors() - before) == 2
    bench.fork(lambda: bench.out.write("a host's, later"))
    bench.out.flush()
    assert bench.texts() == []


def test_closing_takes_what_is_there_and_gives_the_sockets_back(bench: Bench) -> None:
    before = open_descriptors()
    with bench.iopub.request("cell"):
        bench.fork(lambda: None)
        hold_up(bench)
        bench.fork(lambda: bench.out.write("last words"))
        bench.close()
        assert open_descriptors() <= before
        bench.output.flush()
        assert bench.texts() == ["last words"]
        bench.fork(lambda: bench.out.write("to the host's own"))
    assert bench.texts() == []


def test_too_many_descriptors_are_no_error(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """Then it prints where the process does."""
    import resource

    bench.out = StreamProxy("stdout", sys.__stdout__, bench.output, bench.iopub)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        with bench.iopub.request("cell"):
            bench.fork(lambda: bench.out.write("at the terminal"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert bench.texts() == []
    assert capfd.readouterr().out == "at the terminal"
