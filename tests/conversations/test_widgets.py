"""ipywidgets, with a frontend that does by hand what its JavaScript half would."""

from __future__ import annotations

import threading
from typing import Any

from qtkernel.protocol import Channel
from tests.conversations.conftest import Conversation, Start
from tests.support.bare_client import BareClient
from tests.support.said import Said, around, cell_input, executed, published, stream

SLIDER = """
import ipywidgets, threading
changes = []
slider = ipywidgets.IntSlider(value=3)
slider.observe(lambda change: changes.append((change.new, threading.get_ident())), "value")
"""


def with_slider(start: Start) -> Conversation:
    """A kernel in which a slider is. Not a fixture: pytest's stdout is another one then."""
    conversation = start()
    conversation.talk(lambda client: client.run(SLIDER))
    return conversation


def move(client: BareClient, comm_id: str, value: int) -> str:
    """What the JavaScript of a slider sends when the user moves it; the message's id."""
    data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
    return client.send("comm_msg", {"comm_id": comm_id, "data": data})


def updates(heard: list[Said], comm_id: str) -> list[Any]:
    """The state that the kernel has sent to a widget."""
    return [
        each.content["data"]["state"]
        for each in heard
        if each.msg_type == "comm_msg" and each.content["comm_id"] == comm_id
    ]


def test_a_slider_opens_its_comms(start: Start) -> None:
    def script(client: BareClient) -> None:
        msg_id, heard, _answer = client.run(SLIDER)
        opened = [each.content for each in heard if each.msg_type == "comm_open"]
        assert {each["target_name"] for each in opened} == {"jupyter.widget"}
        names = [each["data"]["state"]["_model_name"] for each in opened]
        assert names[-1] == "IntSliderModel"
        assert {each.parent for each in heard} == {msg_id}
        comms = client.ask("comm_info_request", {"target_name": "jupyter.widget"})["comms"]
        assert comms == {each["comm_id"]: {"target_name": "jupyter.widget"} for each in opened}
        assert client.ask("comm_info_request", {"target_name": "other"})["comms"] == {}

    start().talk(script)


def test_moved_by_the_user_and_by_a_cell(start: Start) -> None:
    conversation = with_slider(start)
    comm_id = conversation.namespace["slider"].comm.comm_id

    def script(client: BareClient) -> None:
        msg_id = move(client, comm_id, 7)
        # the echo tells other frontends; ipywidgets sends it
        heard = client.output(msg_id)
        assert heard[0] == around(msg_id)[0]
        assert heard[-1] == around(msg_id)[-1]
        assert updates(heard, comm_id) == [{"value": 7}]
        msg_id, heard, answer = client.run("slider.value += 2; slider.value")
        assert answer == executed(msg_id, 2)
        assert updates(heard, comm_id) == [{"value": 9}]

    conversation.talk(script)
    here = threading.get_ident()
    assert conversation.namespace["changes"] == [(7, here), (9, here)]


def test_widgets_live_while_a_cell_awaits(start: Start) -> None:
    conversation = with_slider(start)
    comm_id = conversation.namespace["slider"].comm.comm_id

    def script(client: BareClient) -> None:
        code = (
            "import asyncio\n"
            "moved = asyncio.Event()\n"
            "slider.observe(lambda change: moved.set(), 'value')\n"
            "await moved.wait()\n"
            "print(slider.value)"
        )
        cell = client.execute(code)
        client.published_until(lambda each: each.msg_type == "execute_input")
        moved = move(client, comm_id, 8)
        heard = client.output(cell)
        assert [each for each in heard if each.parent == moved][-1] == around(moved)[-1]
        assert [each for each in heard if each.parent == cell] == [
            stream(cell, "8\n"),
            around(cell)[-1],
        ]
        assert client.said() == executed(cell, 2)

    conversation.talk(script)


def test_widgets_live_while_a_cell_asks(start: Start) -> None:
    conversation = with_slider(start)
    comm_id = conversation.namespace["slider"].comm.comm_id

    def script(client: BareClient) -> None:
        cell = client.execute("answer = input(), slider.value")
        client.said(Channel.STDIN)
        moved = move(client, comm_id, 5)
        client.output(moved)
        client.send("input_reply", {"value": "x"}, Channel.STDIN)
        client.output(cell)
        assert client.said() == executed(cell, 2)

    conversation.talk(script)
    assert conversation.namespace["answer"] == ("x", 5)


def test_a_failing_handler_is_shown_under_its_message(start: Start) -> None:
    conversation = with_slider(start)
    comm_id = conversation.namespace["slider"].comm.comm_id

    def script(client: BareClient) -> None:
        client.run("slider.observe(lambda change: 1 / 0, 'value')")
        msg_id = move(client, comm_id, 4)
        heard = client.output(msg_id)
        (error,) = [each for each in heard if each.msg_type == "error"]
        assert (error.content["ename"], error.parent) == ("ZeroDivisionError", msg_id)

    conversation.talk(script)


def test_a_handler_is_interrupted(start: Start) -> None:
    conversation = with_slider(start)
    comm_id = conversation.namespace["slider"].comm.comm_id

    def script(client: BareClient) -> None:
        client.run(
            "def spin(change):\n"
            "    print('spinning', flush=True)\n"
            "    while True: pass\n"
            "slider.observe(spin, 'value')"
        )
        msg_id = move(client, comm_id, 4)
        client.published_until(lambda each: each.msg_type == "stream")
        client.send("interrupt_request", {}, Channel.CONTROL)
        heard = client.output(msg_id)
        (error,) = [each for each in heard if each.msg_type == "error"]
        assert (error.content["ename"], error.parent) == ("KeyboardInterrupt", msg_id)
        msg_id, heard, answer = client.run("7")
        assert answer == executed(msg_id, 3)

    conversation.talk(script)


# ipywidgets.Output: the frontend shows in the widget what comes under the message it is told of


def test_output_of_a_cell_in_a_widget(start: Start) -> None:
    conversation = with_slider(start)

    def script(client: BareClient) -> None:
        client.run("out = ipywidgets.Output()")
        comm_id = conversation.namespace["out"].comm.comm_id
        code = "print(1)\nwith out:\n    print(2)\nprint(3)"
        cell, heard, _answer = client.run(code)

        def capturing(msg_id: str) -> Said:
            data = {"method": "update", "state": {"msg_id": msg_id}, "buffer_paths": []}
            return published(cell, "comm_msg", {"data": data, "comm_id": comm_id})

        assert heard == around(
            cell,
            cell_input(cell, code, 3),
            stream(cell, "1\n"),
            capturing(cell),
            stream(cell, "2\n"),
            capturing(""),
            stream(cell, "3\n"),
        )

    conversation.talk(script)


def test_output_of_a_handler_in_a_widget(start: Start) -> None:
    conversation = with_slider(start)
    comm_id = conversation.namespace["slider"].comm.comm_id

    def script(client: BareClient) -> None:
        client.run(
            "out = ipywidgets.Output()\n"
            "@out.capture()\n"
            "def tell(change): print('moved to', change.new)\n"
            "slider.observe(tell, 'value')"
        )
        out_id = conversation.namespace["out"].comm.comm_id
        moved = move(client, comm_id, 6)
        heard = client.output(moved)
        assert updates(heard, out_id) == [{"msg_id": moved}, {"msg_id": ""}]
        assert stream(moved, "moved to 6\n") in heard

    conversation.talk(script)


def test_an_error_in_a_widget_is_shown_there_and_ends_there(start: Start) -> None:
    conversation = with_slider(start)

    def script(client: BareClient) -> None:
        client.run("out = ipywidgets.Output()")
        out_id = conversation.namespace["out"].comm.comm_id
        cell, heard, answer = client.run("with out:\n    1 / 0\nprint('after')")
        assert answer == executed(cell, 3)
        assert [each.msg_type for each in heard][2:-1] == [
            "comm_msg",
            "error",
            "comm_msg",
            "stream",
        ]
        assert updates(heard, out_id) == [{"msg_id": cell}, {"msg_id": ""}]

    conversation.talk(script)


def test_output_of_a_thread_in_a_widget(start: Start) -> None:
    conversation = with_slider(start)

    def script(client: BareClient) -> None:
        cell, heard, _answer = client.run(
            "out = ipywidgets.Output()\n"
            "def work():\n"
            "    with out: print('from the thread')\n"
            "thread = threading.Thread(target=work); thread.start(); thread.join()"
        )
        out_id = conversation.namespace["out"].comm.comm_id
        assert updates(heard, out_id) == [{"msg_id": cell}, {"msg_id": ""}]
        assert stream(cell, "from the thread\n") in heard

    conversation.talk(script)


def test_buffers_both_ways(start: Start) -> None:
    def script(client: BareClient) -> None:
        client.run(
            "import comm\n"
            "def handle(opened, msg):\n"
            "    opened.on_msg(lambda msg: opened.send(\n"
            "        {'sizes': [len(each) for each in msg['buffers']]}, buffers=msg['buffers']))\n"
            "comm.get_comm_manager().register_target('echo', handle)"
        )
        client.output(client.send("comm_open", {"comm_id": "c", "target_name": "echo"}))
        big = bytes(range(256)) * 4096
        client.send("comm_msg", {"comm_id": "c", "data": {}}, buffers=[big, b""])
        while True:
            message = client.message(Channel.IOPUB)
            if message.msg_type == "comm_msg":
                break
        assert message.content_dict() == {"comm_id": "c", "data": {"sizes": [len(big), 0]}}
        assert [bytes(each) for each in message.buffers] == [big, b""]

    start().talk(script)


def test_a_restart_closes_widgets(start: Start) -> None:
    conversation = with_slider(start)
    comm_id = conversation.namespace["slider"].comm.comm_id

    def script(client: BareClient) -> None:
        client.send("shutdown_request", {"restart": True}, Channel.CONTROL)
        closed = published("", "comm_close", {"data": {}, "comm_id": comm_id})
        client.published_until(lambda each: each == closed)
        client.said(Channel.CONTROL)
        assert client.ask("comm_info_request")["comms"] == {}

    conversation.talk(script)


def test_the_end_of_a_kernel_leaves_widgets_dead_and_harmless(start: Start) -> None:
    one = start()
    one.talk(lambda client: client.run(SLIDER))
    slider = one.namespace["slider"]
    one.kernel.close()
    slider.value = 50
    slider.close()
    assert slider.comm is None
    two = start()
    answer = two.talk(lambda client: client.run("import ipywidgets; ipywidgets.IntText()")[2])
    assert answer.content["status"] == "ok"
