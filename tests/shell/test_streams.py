"""stdout and stderr while a kernel lives: a cell's text to the frontends, the rest as ever."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from qtkernel.shell.streams import (
    FLUSH_DELAY,
    FLUSH_SIZE,
    OutputBuffer,
    StreamProxy,
    install_streams,
)
from tests.support.real_shell import Published, RealShell


class Behind(io.StringIO):
    """A host's own stream, with something of its own."""

    encoding = "latin-1"
    errors = "strict"
    extra = "host's"

    def __init__(self) -> None:
        super().__init__()
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1

    def fileno(self) -> int:
        return 77

    def isatty(self) -> bool:
        return True


class Streams:
    """A buffer and the two proxies in front of a host's streams."""

    def __init__(self) -> None:
        self.iopub = Published()
        self.timers: list[tuple[float, Any]] = []
        self.buffer = OutputBuffer(self.iopub, lambda *timer: self.timers.append(timer))
        self.behind = Behind()
        self.out = StreamProxy("stdout", self.behind, self.buffer, self.iopub)
        self.err = StreamProxy("stderr", self.behind, self.buffer, self.iopub)

    def texts(self) -> list[tuple[str, str]]:
        return [(content["name"], content["text"]) for _, content in self.iopub.take()]


@pytest.fixture
def streams() -> Streams:
    return Streams()


# Whose text it is


def test_a_cell_s_text_is_sent_and_the_host_s_passes_through(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        print("cell's", file=streams.out)
    print("host's", file=streams.out)
    streams.buffer.flush()
    assert streams.texts() == [("stdout", "cell's\n")]
    assert streams.iopub.parents == ["cell"]
    assert streams.behind.getvalue() == "host's\n"


def test_with_capture_the_host_s_text_is_sent_besides(streams: Streams) -> None:
    streams.iopub.captures_host = True
    print("host's", file=streams.out)
    with streams.iopub.request("cell"):
        print("cell's", file=streams.out)
    print("host's again", file=streams.err)
    streams.iopub.captures_host = False
    print("host's own", file=streams.out)
    streams.buffer.flush()
    assert streams.texts() == [
        ("stdout", "host's\n"),
        ("stdout", "cell's\n"),
        ("stderr", "host's again\n"),
    ]
    assert streams.iopub.parents == ["host", "cell", "host"]
    assert streams.behind.getvalue() == "host's\nhost's again\nhost's own\n"


def test_texts_merge_and_never_change_their_order(streams: Streams) -> None:
    with streams.iopub.request("one"):
        streams.out.write("a")
        streams.out.writelines(["b", "c"])
        streams.err.write("d")
        streams.out.write("e")
    with streams.iopub.request("two"):
        streams.out.write("f")
    streams.buffer.flush()
    assert streams.texts() == [
        ("stdout", "abc"),
        ("stderr", "d"),
        ("stdout", "e"),
        ("stdout", "f"),
    ]
    assert streams.iopub.parents == ["one", "one", "one", "two"]


def test_a_thread_without_a_request_writes_to_the_host_s(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        thread = threading.Thread(target=lambda: print("thread", file=streams.out))
        thread.start()
        thread.join()
    assert streams.behind.getvalue() == "thread\n"


def test_threads_of_a_cell_lose_nothing(streams: Streams) -> None:
    from contextvars import copy_context

    with streams.iopub.request("cell"):
        contexts = [copy_context() for _ in range(4)]

    def write(n: int) -> None:
        for _ in range(300):
            streams.out.write(f"<{n}>")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [
        threading.Thread(target=context.run, args=(write, n)) for n, context in enumerate(contexts)
    ]
    for thread in threads:
        thread.start()
    for _ in range(50):
        streams.buffer.flush()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    streams.buffer.flush()
    text = "".join(text for _, text in streams.texts())
    assert [text.count(f"<{n}>") for n in range(4)] == [300] * 4


# When it is sent


def test_text_waits_for_the_timer_and_no_longer(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        streams.out.write("a")
        streams.out.write("b")
    assert streams.texts() == []
    ((delay, flush),) = streams.timers
    assert delay == FLUSH_DELAY
    flush()
    assert streams.texts() == [("stdout", "ab")]
    with streams.iopub.request("cell"):
        streams.out.write("c")
    assert len(streams.timers) == 2, "and the next text sets the next timer"


def test_text_flushed_before_is_not_sent_twice(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        streams.out.write("a")
        streams.out.flush()
    ((_, flush),) = streams.timers
    flush()
    assert streams.texts() == [("stdout", "a")]


def test_much_text_is_sent_at_once(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        streams.out.write("x" * FLUSH_SIZE)
    assert [len(text) for _, text in streams.texts()] == [FLUSH_SIZE]


def test_an_interrupt_while_the_timer_is_set_does_not_stop_all_later_ones(
    streams: Streams,
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    streams.buffer._schedule = interrupted
    with streams.iopub.request("cell"):
        with pytest.raises(KeyboardInterrupt):
            streams.out.write("a")
        streams.buffer._schedule = lambda *timer: streams.timers.append(timer)
        streams.out.write("b")
    assert len(streams.timers) == 1
    streams.timers[0][1]()
    assert streams.texts() == [("stdout", "ab")]


def test_a_host_s_flush_is_the_host_s(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        streams.out.flush()
    assert streams.behind.flushed == 0
    streams.out.flush()
    assert streams.behind.flushed == 1


# What the proxies look like


def test_they_show_what_is_behind(streams: Streams) -> None:
    assert (streams.out.encoding, streams.out.errors) == ("latin-1", "strict")
    assert streams.out.extra == "host's"
    assert streams.out.fileno() == 77
    assert streams.out.getvalue() == ""
    assert streams.out.behind is streams.behind
    assert streams.out.writable()
    assert not streams.out.closed
    with pytest.raises(AttributeError):
        _ = streams.out.nonsense


def test_no_frontend_is_a_terminal(streams: Streams) -> None:
    assert streams.out.isatty()
    with streams.iopub.request("cell"):
        assert not streams.out.isatty()


@pytest.mark.parametrize("value", [b"bytes", 5, None])
def test_only_text_can_be_written(streams: Streams, value: Any) -> None:
    with pytest.raises(TypeError, match="must be str, not"):
        streams.out.write(value)
    with streams.iopub.request("cell"), pytest.raises(TypeError, match="must be str, not"):
        streams.out.write(value)
    streams.buffer.flush()
    assert streams.texts() == []


def test_closing_stdout_does_not_end_output(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        streams.out.close()
        streams.out.write("still")
    streams.buffer.flush()
    assert streams.texts() == [("stdout", "still")]


def test_nothing_behind() -> None:
    """A windowed application without a console has None there."""
    streams = Streams()
    proxy = StreamProxy("stdout", None, streams.buffer, streams.iopub)
    assert proxy.write("lost") == 4
    proxy.flush()
    assert not proxy.isatty()
    assert proxy.encoding == "utf-8"
    with pytest.raises(io.UnsupportedOperation):
        proxy.fileno()
    with pytest.raises(AttributeError):
        _ = proxy.buffer
    with streams.iopub.request("cell"):
        proxy.write("kept")
    streams.buffer.flush()
    assert streams.texts() == [("stdout", "kept")]


def test_a_closed_stream_behind_is_not_flushed(streams: Streams) -> None:
    streams.behind.close()
    streams.out.flush()


# Taking and giving back


@contextlib.contextmanager
def host_streams() -> Iterator[tuple[Behind, Behind]]:
    """A host's own two streams, in place. No fixture: pytest exchanges them before the test."""
    before = (sys.stdout, sys.stderr)
    hosts = (Behind(), Behind())
    sys.stdout, sys.stderr = hosts
    try:
        yield hosts
    finally:
        sys.stdout, sys.stderr = before


def test_the_very_objects_come_back(streams: Streams) -> None:
    with host_streams() as hosts:
        undo = install_streams(streams.buffer, streams.iopub)
        assert isinstance(sys.stdout, StreamProxy)
        undo()
        assert (sys.stdout, sys.stderr) == hosts


def test_what_the_host_has_put_there_meanwhile_stays(streams: Streams) -> None:
    with host_streams() as hosts:
        undo = install_streams(streams.buffer, streams.iopub)
        sys.stdout = replacement = Behind()
        undo()
        assert sys.stdout is replacement
        assert sys.stderr is hosts[1]


def test_none_comes_back_as_none(streams: Streams) -> None:
    with host_streams():
        sys.stdout = None  # type: ignore[assignment]
        undo = install_streams(streams.buffer, streams.iopub)
        print("nowhere")
        undo()
        assert sys.stdout is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_writes_to_its_parent_s_stream(bench: RealShell) -> None:
    read, write = os.pipe()
    bench.namespace["write"] = write
    host = os.fdopen(os.dup(write), "w")
    before, sys.stdout = sys.stdout, host
    bench.take_streams()
    bench.fine(
        "import os\nprint('parent')\npid = os.fork()\n"
        "if pid == 0:\n    print('child', flush=True)\n    os._exit(0)\n"
        "os.waitpid(pid, 0)"
    )
    assert bench.iopub.text() == "parent\n"
    bench.give_streams_back()
    sys.stdout = before
    host.close()
    assert os.read(read, 100) in (b"child\n", b"")
    os.close(read)
    os.close(write)


# What libraries do with sys.stdout


def test_bytes_come_in_their_order_among_texts(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        streams.out.write("a")
        assert streams.out.buffer.write(b"b") == 1
        streams.err.buffer.write(memoryview(b"c"))
        streams.out.write("d")
        streams.out.buffer.write(bytearray("ä€".encode()))
        streams.out.buffer.flush()
    assert streams.texts() == [("stdout", "ab"), ("stderr", "c"), ("stdout", "dä€")]
    assert streams.behind.getvalue() == ""


def test_a_character_in_pieces(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        for byte in "😀".encode():
            streams.out.buffer.write(bytes([byte]))
        streams.out.buffer.write(b"\xff\xc3")
    with streams.iopub.request("another"):
        streams.out.buffer.write(b"x")
    streams.buffer.flush()
    assert streams.texts() == [("stdout", "😀�"), ("stdout", "x")]


@pytest.mark.parametrize("value", ["text", 5, None])
def test_only_bytes_can_be_written_to_the_buffer(streams: Streams, value: Any) -> None:
    with streams.iopub.request("cell"), pytest.raises(TypeError):
        streams.out.buffer.write(value)


def test_the_hosts_bytes_are_the_hosts() -> None:
    streams = Streams()
    raw = io.BytesIO()
    text = io.TextIOWrapper(raw, "latin-1")
    proxy = StreamProxy("stdout", text, streams.buffer, streams.iopub)
    proxy.buffer.write(b"host's\xff")
    with streams.iopub.request("cell"):
        kept = proxy.buffer
    kept.write(b" and a thread's")
    assert raw.getvalue() == b"host's\xff and a thread's"
    assert streams.texts() == []
    proxy.reconfigure(encoding="utf-8")
    assert text.encoding == "utf-8"
    assert proxy.detach() is raw


def test_bytes_without_bytes_behind(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        kept = streams.out.buffer
    kept.write("ä".encode())
    assert streams.behind.getvalue() == "ä"


def test_a_cell_does_not_reconfigure_the_hosts_stream() -> None:
    streams = Streams()
    behind = io.TextIOWrapper(io.BytesIO(), "latin-1", "strict")
    proxy = StreamProxy("stderr", behind, streams.buffer, streams.iopub)
    with streams.iopub.request("cell"):
        proxy.reconfigure(encoding="utf-16", errors="ignore", line_buffering=True)
        assert (proxy.encoding, proxy.errors, proxy.mode) == ("utf-8", "replace", "w")
        with pytest.raises(TypeError):
            proxy.reconfigure(nonsense=1)
        with pytest.raises(io.UnsupportedOperation):
            proxy.detach()
    assert (behind.encoding, behind.errors, behind.line_buffering) == ("latin-1", "strict", False)


def test_a_wrapper_around_the_bytes_that_is_thrown_away(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        wrapper = io.TextIOWrapper(streams.out.buffer, "utf-8", write_through=True)
        wrapper.write("wrapped ä ")
        del wrapper
        print("after", file=streams.out)
    streams.buffer.flush()
    assert "".join(text for _, text in streams.texts()) == "wrapped ä after\n"


def test_nothing_behind_has_all_that_a_cell_looks_at() -> None:
    streams = Streams()
    proxy = StreamProxy("stderr", None, streams.buffer, streams.iopub)
    with streams.iopub.request("cell"):
        proxy.buffer.write(b"bytes")
        assert (proxy.name, proxy.mode, proxy.newlines) == ("<stderr>", "w", None)
        assert (proxy.line_buffering, proxy.write_through, proxy.closed) == (True, False, False)
        assert proxy.buffer.name == "<stderr>"
        assert not proxy.buffer.isatty()
        with pytest.raises(io.UnsupportedOperation):
            proxy.buffer.fileno()
    streams.buffer.flush()
    assert streams.texts() == [("stderr", "bytes")]


def test_empty_text_is_no_message(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        assert streams.out.write("") == 0
        streams.out.buffer.write(b"")
        streams.out.flush()
    assert streams.texts() == []
    assert streams.timers == []


def test_lone_surrogates_are_written(streams: Streams) -> None:
    with streams.iopub.request("cell"):
        streams.out.write("\udc80")
        streams.out.buffer.write("\udc80".encode("utf-8", "surrogatepass"))
    streams.buffer.flush()
    assert streams.texts() == [("stdout", "\udc80���")]


def test_what_a_wrapper_holds_back_is_seen_when_the_cell_has_ended(bench: RealShell) -> None:
    bench.take_streams()
    before = sys.stdout
    bench.fine(
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'utf-8')\nprint('ä')"
    )
    assert bench.iopub.text() == "ä\n"
    bench.fine("_ = sys.stdout.detach()")
    sys.stdout = before
    bench.fine("print('as ever')")
    assert bench.iopub.text() == "ä\nas ever\n"
