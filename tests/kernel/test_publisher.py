"""Under which request an output goes out."""

from __future__ import annotations

import asyncio
import os
import threading
from contextvars import copy_context

import pytest

from qtkernel.kernel.attribution import Attribution
from qtkernel.kernel.publisher import Publisher
from qtkernel.loops.turns import Turns
from qtkernel.protocol import Session
from tests.support.pure_kernel import KEY, PureKernel
from tests.support.recorder import Recorder
from tests.support.said import Said, published


@pytest.fixture
def publisher(recorder: Recorder) -> Publisher:
    return Publisher(Session(KEY), recorder.on("iopub"))


def test_the_current_request_is_a_stack(house: PureKernel, publisher: Publisher) -> None:
    outer, inner = house.message("a", {}), house.message("b", {})
    assert publisher.current() is None
    with publisher.request(outer):
        with publisher.request(inner):
            assert publisher.current() is inner
            with publisher.request(None):
                assert publisher.current() is None
                assert not publisher.is_current()
        assert publisher.current() is outer
        assert publisher.is_current()
    assert publisher.current() is None


def test_output_goes_out_under_the_current_request_or_the_one_named(
    house: PureKernel, publisher: Publisher, recorder: Recorder
) -> None:
    one, two = house.message("a", {}), house.message("b", {})
    with publisher.request(one):
        publisher.publish("stream", {})
        publisher.publish("stream", {}, parent=two)
    publisher.publish("stream", {})
    recorder.expect(*(published(each, "stream", {}) for each in (one.msg_id, two.msg_id, "")))


def test_a_task_keeps_the_request_that_started_it(house: PureKernel, publisher: Publisher) -> None:
    message = house.message("a", {})

    async def later() -> object:
        await asyncio.sleep(0)
        return publisher.current()

    async def main() -> object:
        with publisher.request(message):
            task = asyncio.ensure_future(later())
        assert publisher.current() is None
        return await task

    assert asyncio.run(main()) is message


def test_a_thread_has_no_request_of_its_own(house: PureKernel, publisher: Publisher) -> None:
    seen = []
    with publisher.request(house.message("a", {})):
        thread = threading.Thread(target=lambda: seen.append(publisher.current()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_two_kernels_of_a_process_do_not_mix(house: PureKernel, publisher: Publisher) -> None:
    other = Publisher(Session(KEY), print)
    message = house.message("a", {})
    with publisher.request(message):
        assert other.current() is None
        with other.request(house.message("b", {})):
            assert publisher.current() is None


def test_a_stretch_may_end_in_another_context(house: PureKernel, publisher: Publisher) -> None:
    """As when a request was parked in between: no ValueError of a foreign token."""
    stretch = publisher.request(house.message("a", {}))
    copy_context().run(stretch.__enter__)
    stretch.__exit__(None, None, None)
    assert publisher.current() is None


def test_a_standalone_kernel_remembers_the_last_cell(house: PureKernel) -> None:
    cell = house.message("execute_request", {})
    forgetful = Attribution(Turns(complete=True))
    faithful = Attribution(Turns(complete=True), remember=True)
    for attribution in (forgetful, faithful):
        attribution.remember(cell)
        assert not attribution.is_current()
    assert forgetful.current() is None
    assert faithful.current() is cell


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_says_nothing(publisher: Publisher, recorder: Recorder) -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        publisher.publish("stream", {})
        os.write(write, str(len(recorder.messages)).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 10) == b"0"
    os.close(read)
    os.close(write)


def test_the_welcome_names_the_subscription_and_has_no_parent(publisher: Publisher) -> None:
    session = Session(KEY)
    for subscription in ("", "kernel.abc", "schön"):
        message = session.unpack(list(publisher.welcome(subscription)))
        assert message.identities == [subscription.encode()]
        assert message.msg_type == "iopub_welcome"
        assert message.content_dict() == {"subscription": subscription}
        assert message.parent_header_bytes == b"{}"


def test_the_notice_of_lost_output_is_a_line_on_stderr(
    publisher: Publisher, recorder: Recorder
) -> None:
    recorder.on("iopub")(publisher.overrun_notice())
    (notice,) = recorder.take()
    assert isinstance(notice, Said)
    assert notice.content["name"] == "stderr"
    assert notice.content["text"].endswith("\n")


def test_output_of_the_host_s_says_so(
    house: PureKernel, publisher: Publisher, recorder: Recorder
) -> None:
    assert publisher.host is None
    publisher.captures_host = True
    with publisher.request(house.message("a", {})):
        publisher.publish("stream", {"name": "stdout", "text": "x"}, parent=publisher.host)
    (message,) = recorder.messages
    assert message.parent_header_bytes == b"{}"
    assert message.metadata == {"qtkernel": {"origin": "host"}}
    recorder.take()


def test_buffers_and_metadata_go_along(publisher: Publisher, recorder: Recorder) -> None:
    publisher.publish("comm_msg", {}, metadata={"a": 1}, buffers=[b"xyz", memoryview(b"ab")])
    (message,) = recorder.messages
    assert message.metadata == {"a": 1}
    assert [bytes(buffer) for buffer in message.buffers] == [b"xyz", b"ab"]
    recorder.take()
