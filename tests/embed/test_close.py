"""close(): everything is given back, everybody is answered, as often as one likes."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qtkernel
from qtkernel.embed.undo import UndoStack
from qtkernel.loops.base import EventLoop
from qtkernel.protocol import Channel, read_connection_file
from qtkernel.shell.streams import StreamProxy
from tests.embed.conftest import Embed
from tests.support.bare_client import BareClient, converse
from tests.support.said import Said, aborted, executed, failed

Kernel = qtkernel.EmbeddedKernel


def with_client(kernel: Kernel, loop: EventLoop, script: Callable[[BareClient], Any]) -> Any:
    """Talk to a kernel, on another thread, while its loop runs on this one."""
    info = read_connection_file(kernel.connection_file)

    def run_script() -> Any:
        with BareClient(info) as client:
            return script(client)

    return converse(loop, run_script)


def process() -> dict[str, Any]:
    """What a kernel could leave behind."""
    return {
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "threads": threading.enumerate(),
        "environ": dict(os.environ),
        "path": list(sys.path),
        "main": sys.modules["__main__"],
        "displayhook": sys.displayhook,
        "excepthook": sys.excepthook,
        "sigint": signal.getsignal(signal.SIGINT),
        "wakeup": _wakeup_fd(),
    }


def _wakeup_fd() -> int:
    fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(fd)
    return fd


def test_the_process_is_as_it_was(embed: Embed, loop: EventLoop, runtime_dir: Path) -> None:
    before = process()
    namespace: dict[str, Any] = {"mine": 1}
    kernel = embed(namespace)
    assert with_client(kernel, loop, lambda c: c.ask("execute_request", {"code": "made = 2\n3"}))
    kernel.close()
    assert process() == before
    assert list(runtime_dir.iterdir()) == []
    assert namespace == {"mine": 1, "made": 2}
    assert kernel.closed
    kernel.close()


def test_as_a_context_manager(embed: Embed, runtime_dir: Path) -> None:
    kernel = embed()
    with pytest.raises(KeyError), kernel as entered:
        _ = {}["an error of the application's"]
    assert entered is kernel
    assert kernel.closed
    assert list(runtime_dir.iterdir()) == []


def test_again_and_again(embed: Embed, runtime_dir: Path) -> None:
    """No descriptor, no thread and no file stays behind."""

    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    embed().close()
    before, threads = descriptors(), threading.active_count()
    for _ in range(50):
        embed().close()
    assert descriptors() <= before
    assert threading.active_count() == threads
    assert list(runtime_dir.iterdir()) == []


def test_a_closed_kernel_can_be_collected(
    embed: Embed, loop: EventLoop, capsys: pytest.CaptureFixture[str]
) -> None:
    del embed
    import weakref

    class Marked(dict[str, Any]):
        pass

    namespace = Marked()
    kernel = qtkernel.embed(namespace, loop=loop)
    # some of matplotlib's functions keep the sys.stdout of its import like this
    code = "import sys, types; types.kept = lambda file=sys.stdout: file"
    with_client(kernel, loop, lambda c: c.ask("execute_request", {"code": code}))
    kernel.close()
    gone = [weakref.ref(each) for each in (kernel._assembly, kernel._assembly.publisher)]
    marked = weakref.ref(namespace)
    del kernel, namespace
    gc.collect()
    kept = vars(types).pop("kept")()
    assert [each() for each in gone] == [None, None]
    assert marked() is None
    assert kept.write("the host's\n") == 11
    assert capsys.readouterr().out.endswith("the host's\n")


def test_a_stdout_that_the_host_has_put_there_meanwhile_stays(embed: Embed) -> None:
    before = sys.stdout
    kernel = embed()
    assert isinstance(sys.stdout, StreamProxy)
    sys.stdout = mine = io.StringIO()
    kernel.close()
    try:
        assert sys.stdout is mine
    finally:
        sys.stdout = before


def test_two_kernels_may_be_closed_in_any_order(embed: Embed, loop: EventLoop) -> None:
    before = process()
    one, two = embed({"n": 1}), embed({"n": 2})
    for kernel, n in ((one, "1"), (two, "2"), (one, "1")):
        _, heard, _ = with_client(kernel, loop, lambda c: c.run("print(n)"))
        assert [s.content["text"] for s in heard if s.msg_type == "stream"] == [n + "\n"]
    one.close()
    _, heard, _ = with_client(two, loop, lambda c: c.run("print(n)"))
    assert [s.content["text"] for s in heard if s.msg_type == "stream"] == ["2\n"]
    two.close()
    after = process()
    assert {k for k in before if before[k] is not after[k] and before[k] != after[k]} == set()


def test_from_another_thread_it_is_refused(embed: Embed) -> None:
    kernel = embed()
    errors: list[BaseException] = []

    def close() -> None:
        try:
            kernel.close()
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=close)
    thread.start()
    thread.join()
    assert "belongs to the thread that embed() was called on" in str(errors[0])
    assert not kernel.closed


# Everybody is answered


def test_called_by_a_cell_it_happens_when_the_cell_has_ended(
    embed: Embed, loop: EventLoop, runtime_dir: Path
) -> None:
    namespace: dict[str, Any] = {}
    kernel = embed(namespace)
    namespace["kernel"] = kernel

    def script(client: BareClient) -> Said:
        msg_id, heard, answer = client.run("kernel.close()\nprint(kernel.closed)")
        assert [s.content["text"] for s in heard if s.msg_type == "stream"] == ["False\n"]
        assert answer == executed(msg_id, 1)
        return answer

    with_client(kernel, loop, script)
    loop.call_later(0.2, loop.stop)
    loop.run()
    assert kernel.closed
    assert list(runtime_dir.iterdir()) == []


def close_soon(kernel: Kernel, loop: EventLoop) -> Callable[[], object]:
    """Close from the host's side, as its own button would; from any thread."""
    return lambda: loop.call_soon_threadsafe(kernel.close)


def test_requests_that_wait_are_answered(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()

    def script(client: BareClient) -> None:
        first = client.execute("import asyncio\nawait asyncio.sleep(60)")
        client.published_until(lambda each: each.msg_type == "execute_input")
        waiting = [client.execute("never"), client.execute("never")]
        info = client.send("kernel_info_request")
        assert client.said().parent == info  # so the two before it have been read
        close_soon(kernel, loop)()
        answers = [client.said() for _ in range(3)]
        assert answers[0] == failed(first, 1, "CancelledError")
        assert answers[1:] == [aborted(msg_id, 2) for msg_id in waiting]

    with_client(kernel, loop, script)
    assert kernel.closed


def test_a_cell_that_waits_for_input_is_answered(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()

    def script(client: BareClient) -> None:
        first = client.execute("input('? ')")
        assert client.said(Channel.STDIN).msg_type == "input_request"
        waiting = client.execute("never")
        info = client.send("kernel_info_request")
        assert client.said().parent == info
        close_soon(kernel, loop)()
        answers = {each.parent: each for each in (client.said(), client.said())}
        assert answers[first].content["ename"] == "StdinClosed"
        assert answers[waiting].content["status"] == "aborted"

    with_client(kernel, loop, script)
    loop.call_later(0.1, loop.stop)
    loop.run()
    assert kernel.closed


def test_what_was_said_before_is_sent(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()

    def script(client: BareClient) -> None:
        msg_id = client.execute("print('x' * 1000_000)\nprint('end')")
        assert client.said().parent == msg_id
        close_soon(kernel, loop)()
        heard = client.output(msg_id)
        text = "".join(s.content["text"] for s in heard if s.msg_type == "stream")
        assert text.endswith("end\n")

    with_client(kernel, loop, script)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_cannot_close_its_parent_s_kernel(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()
    pid = os.fork()
    if pid == 0:
        kernel._assembly.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert Path(kernel.connection_file).exists()
    assert with_client(kernel, loop, lambda c: c.ask("kernel_info_request"))["status"] == "ok"


# What frontends ask for


def test_a_shutdown_is_a_detaching(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()
    answer = with_client(
        kernel, loop, lambda c: c.ask("shutdown_request", {"restart": False}, Channel.CONTROL)
    )
    assert answer == {"status": "ok", "restart": False}
    assert not kernel.closed
    assert with_client(kernel, loop, lambda c: c.ask("kernel_info_request"))["status"] == "ok"


def test_a_host_may_end_with_it(embed: Embed, loop: EventLoop) -> None:
    ended: list[int] = []
    kernel = embed(on_shutdown=lambda: ended.append(threading.get_ident()))
    with_client(kernel, loop, lambda c: c.ask("shutdown_request", {}, Channel.CONTROL))
    with_client(kernel, loop, lambda c: c.ask("kernel_info_request"))
    assert ended == [threading.get_ident()]


def test_a_restart_takes_the_cells_names_and_leaves_the_host_s(
    embed: Embed, loop: EventLoop
) -> None:
    namespace: dict[str, Any] = {"model": 1}
    kernel = embed(namespace)

    def script(client: BareClient) -> int:
        client.ask("execute_request", {"code": "made = 2"})
        client.ask("shutdown_request", {"restart": True}, Channel.CONTROL)
        client.ask("kernel_info_request")
        return int(client.ask("execute_request", {"code": "model"})["execution_count"])

    assert with_client(kernel, loop, script) == 1
    assert "made" not in namespace
    assert namespace["model"] == 1


def test_gui_is_refused_with_the_reason(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()
    answer = with_client(kernel, loop, lambda c: c.ask("execute_request", {"code": "%gui qt"}))
    assert answer["ename"] == "UsageError"
    assert "the application owns its loop" in answer["evalue"]
    same = with_client(kernel, loop, lambda c: c.ask("execute_request", {"code": "%gui headless"}))
    assert same["status"] == "ok"


# By hand


def test_one_iteration_at_a_time(embed: Embed, loop: EventLoop) -> None:
    kernel = embed()
    assert kernel.do_one_iteration() is False
    info = read_connection_file(kernel.connection_file)
    client = BareClient(info)
    client.execute("x = 5")
    served = False
    while not served:
        kernel._assembly.outside.shell._socket.poll(5000)
        served = kernel.do_one_iteration()
    assert kernel.user_ns["x"] == 5
    client.close()
    del loop


# The undo stack


def test_undos_run_backwards_once_and_whatever_fails(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    undo = UndoStack()
    for n in range(3):
        undo.push(lambda n=n: done.append(n))
        undo.push(lambda: 1 / 0)
    undo.run()
    undo.run()
    assert done == [2, 1, 0]
    assert caplog.text.count("could not undo one thing") == 3
