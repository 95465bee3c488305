"""Comms and what packages look up to reach them."""

from __future__ import annotations

import gc
import re
import threading
import weakref
from collections.abc import Callable
from typing import Any

import comm
import pytest
from comm import DummyComm

from tests.support.real_shell import RealShell

Start = Callable[..., RealShell]


def opening(target_name: str = "t", comm_id: str = "c1", **data: Any) -> dict[str, Any]:
    """A comm_open of a frontend."""
    return message("comm_open", comm_id, data, target_name=target_name)


def message(msg_type: str, comm_id: str, data: Any, **more: Any) -> dict[str, Any]:
    """A comm message of a frontend."""
    return {
        "header": {"msg_id": "m1", "msg_type": msg_type},
        "msg_id": "m1",
        "msg_type": msg_type,
        "parent_header": {},
        "metadata": {},
        "content": {"comm_id": comm_id, "data": data, **more},
        "buffers": [],
    }


REGISTER = """
import comm
seen = []
def handle(opened, msg):
    seen.append(("open", opened.comm_id, msg["content"]["data"]))
    opened.on_msg(lambda msg: seen.append(("msg", msg["content"]["data"])))
    opened.on_close(lambda msg: seen.append(("close", msg["content"]["data"])))
comm.get_comm_manager().register_target("t", handle)
"""


def test_a_comm_of_a_cell(bench: RealShell) -> None:
    bench.run(
        "import comm\n"
        "c = comm.create_comm('t', data={'a': 1}, metadata={'version': '2'}, buffers=[b'x'])\n"
        "c.send({'b': 2}); c.close({'d': 3})"
    )
    comm_id = bench.namespace["c"].comm_id
    assert bench.iopub.said == [
        (
            "comm_open",
            {"data": {"a": 1}, "comm_id": comm_id, "target_name": "t", "target_module": None},
        ),
        ("comm_msg", {"data": {"b": 2}, "comm_id": comm_id}),
        ("comm_close", {"data": {"d": 3}, "comm_id": comm_id}),
    ]
    assert bench.iopub.extras[0] == ({"version": "2"}, [b"x"])
    assert bench.interpreter.comms(None) == {}


IPYKERNELS = """
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from ipykernel.comm import Comm
    c = Comm("t", data={"a": 1})
heard = []
c.on_msg(lambda msg: heard.append(msg["content"]["data"]))
c.send("text", buffers=[b"x"])
"""


def test_a_comm_of_ipykernels_class(bench: RealShell) -> None:
    bench.run(IPYKERNELS)
    comm_id = bench.namespace["c"].comm_id
    assert bench.interpreter.comms("t") == {comm_id: "t"}
    bench.interpreter.comm_message(message("comm_msg", comm_id, {"b": 2}))
    assert bench.namespace["heard"] == [{"b": 2}]
    bench.namespace["c"].close()
    assert bench.iopub.said == [
        (
            "comm_open",
            {"data": {"a": 1}, "comm_id": comm_id, "target_name": "t", "target_module": None},
        ),
        ("comm_msg", {"data": "text", "comm_id": comm_id}),
        ("comm_close", {"data": {}, "comm_id": comm_id}),
    ]
    assert bench.iopub.extras[1][1] == [b"x"]
    assert bench.interpreter.comms(None) == {}


def test_open_comms_are_told_by_target(bench: RealShell) -> None:
    bench.run("import comm; a, b = comm.create_comm('t'), comm.create_comm('u')")
    a, b = (bench.namespace[name].comm_id for name in "ab")
    assert bench.interpreter.comms(None) == {a: "t", b: "u"}
    assert bench.interpreter.comms("u") == {b: "u"}
    assert bench.interpreter.comms("v") == {}


def test_a_comm_from_the_frontend(bench: RealShell) -> None:
    bench.run(REGISTER)
    bench.interpreter.comm_message(opening(a=1))
    assert bench.interpreter.comms("t") == {"c1": "t"}
    bench.interpreter.comm_message(message("comm_msg", "c1", {"b": 2}))
    bench.interpreter.comm_message(message("comm_close", "c1", {"d": 3}))
    bench.interpreter.comm_message(message("comm_msg", "c1", {"late": 1}))
    assert bench.namespace["seen"] == [
        ("open", "c1", {"a": 1}),
        ("msg", {"b": 2}),
        ("close", {"d": 3}),
    ]
    assert bench.interpreter.comms(None) == {}
    assert bench.iopub.said == []


def test_an_unknown_target_is_closed_at_once(bench: RealShell) -> None:
    bench.interpreter.comm_message(opening("nowhere"))
    assert bench.iopub.said == [("comm_close", {"data": {}, "comm_id": "c1"})]
    assert bench.interpreter.comms(None) == {}


@pytest.mark.parametrize("msg_type", ["comm_msg", "comm_close"])
def test_messages_to_an_unknown_comm_are_ignored(bench: RealShell, msg_type: str) -> None:
    bench.interpreter.comm_message(message(msg_type, "nowhere", {}))
    assert bench.iopub.said == []


@pytest.mark.parametrize("error", ["ValueError('no')", "SystemExit(1)", "KeyboardInterrupt()"])
def test_a_failing_target_closes_and_says_why(bench: RealShell, error: str) -> None:
    bench.run(
        f"def fail(*a): raise {error}\nget_ipython().kernel.comm_manager.register_target('t', fail)"
    )
    bench.interpreter.comm_message(opening())
    (shown, said), closed = bench.iopub.said
    assert (shown, said["ename"]) == ("error", error.partition("(")[0])
    trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(said["traceback"]))
    assert "in fail(" in trace
    assert "comms.py" not in trace
    assert closed == ("comm_close", {"data": {}, "comm_id": "c1"})


def test_a_failing_handler_leaves_its_comm_open(bench: RealShell) -> None:
    bench.run(REGISTER)
    bench.interpreter.comm_message(opening())
    bench.run("get_ipython().comms.comms['c1'].on_msg(lambda msg: 1 / 0)")
    bench.interpreter.comm_message(message("comm_msg", "c1", {}))
    ((shown, said),) = bench.iopub.said
    assert (shown, said["ename"]) == ("error", "ZeroDivisionError")
    assert bench.interpreter.comms(None) == {"c1": "t"}


def test_a_handler_finds_what_a_cell_finds(bench: RealShell) -> None:
    bench.run(
        "import sys, comm, asyncio\n"
        "async def later(): done.append(True)\n"
        "found, done = [], []\n"
        "def handle(opened, msg):\n"
        "    found[:] = [get_ipython(), comm.get_comm_manager(), input.__name__]\n"
        "    asyncio.ensure_future(later())\n"
        "comm.get_comm_manager().register_target('t', handle)"
    )
    bench.interpreter.comm_message(opening())
    assert bench.namespace["found"] == [bench.shell, bench.shell.comms, "_input"]
    bench.loop.call_later(0.05, bench.loop.stop)
    bench.loop.run()
    assert bench.namespace["done"] == [True]


def test_the_hosts_own_code_has_no_comms_of_ours(bench: RealShell) -> None:
    assert isinstance(comm.create_comm("t"), DummyComm)
    assert comm.get_comm_manager() is not bench.shell.comms
    assert bench.iopub.said == []


def test_a_comm_is_closed_from_whatever_code(bench: RealShell) -> None:
    bench.run("import comm; c = comm.create_comm('t')")
    bench.iopub.take()
    bench.namespace["c"].close()  # a slot of the host's
    assert [said[0] for said in bench.iopub.said] == ["comm_close"]
    assert bench.interpreter.comms(None) == {}


def test_each_kernel_has_its_own(make_shell: Start) -> None:
    one, two = make_shell(), make_shell()
    for each in (one, two):
        each.run("import comm; c = comm.create_comm('t')")
    assert [said[0] for said in one.iopub.said] == ["comm_open"]
    assert list(one.shell.comms.comms) == [one.namespace["c"].comm_id]
    assert list(two.shell.comms.comms) == [two.namespace["c"].comm_id]
    two.shell.close()
    one.run("d = comm.create_comm('t')")
    assert len(one.shell.comms.comms) == 2


def test_nothing_is_left_behind(make_shell: Start) -> None:
    before = comm.create_comm, comm.get_comm_manager
    bench = make_shell()
    assert comm.create_comm is not before[0]
    kept = comm.create_comm
    bench.run("import comm; c = comm.create_comm('t')")
    bench.iopub.take()
    bench.shell.close()
    assert (comm.create_comm, comm.get_comm_manager) == before
    bench.namespace["c"].send({"a": 1})
    bench.namespace["c"].close()
    assert bench.namespace["c"].kernel is None
    assert bench.iopub.said == []
    assert isinstance(kept("t"), DummyComm)  # one that somebody has imported by name


def test_a_restart_closes_all(bench: RealShell) -> None:
    bench.run(REGISTER + "c = comm.create_comm('t')\n")
    comm_id = bench.namespace["c"].comm_id
    bench.iopub.take()
    bench.shell.comms.close_all()
    assert bench.iopub.said == [("comm_close", {"data": {}, "comm_id": comm_id})]
    bench.interpreter.comm_message(opening())  # its target has gone, too
    assert bench.iopub.said[1:] == [("comm_close", {"data": {}, "comm_id": "c1"})]


def test_ipywidgets_is_found_by_a_kernel_that_has_not_imported_it(make_shell: Start) -> None:
    make_shell().run("import ipywidgets")
    later = make_shell()
    control = opening("jupyter.widget.control") | {"metadata": {"version": "1.0.0"}}
    later.interpreter.comm_message(control)
    assert later.interpreter.comms(None) == {"c1": "jupyter.widget.control"}


WIDGET = """
import ipywidgets
class Data: pass
data = Data()
slider = ipywidgets.IntSlider()
slider.observe(lambda change, data=data: data, "value")
"""


@pytest.mark.parametrize("end", ["close", "restart"])
def test_widgets_end_with_what_made_them(make_shell: Start, end: str) -> None:
    first, second = make_shell(), make_shell()
    for each in (first, second):
        assert each.run(WIDGET).error is None
    first.iopub.take()
    data = weakref.ref(first.namespace["data"])
    slider = first.namespace["slider"]
    model_id = slider.model_id
    ends = {"close": first.shell.close, "restart": first.shell.comms.close_all}
    ends[end]()
    closed = [content["comm_id"] for said, content in first.iopub.said if said == "comm_close"]
    assert (model_id in closed) == (end == "restart")
    slider.value = 3  # of no consequence
    assert second.namespace["slider"].comm is not None  # another kernel's
    first.namespace.clear()
    del slider
    gc.collect()
    assert data() is None  # ipywidgets keeps all that are not closed, with their handlers


def test_a_widget_that_fails_to_close_is_closed(bench: RealShell) -> None:
    bench.run(
        "import ipywidgets\n"
        "class Odd(ipywidgets.IntSlider):\n"
        "    def close(self):\n"
        "        raise RuntimeError('I stay')\n"
        "odd, plain = Odd(), ipywidgets.IntSlider()\n"
    )
    bench.iopub.take()
    bench.shell.comms.close_all()
    assert bench.interpreter.comms(None) == {}
    said = [each for each in bench.iopub.said if each[0] == "error"]
    assert [content["evalue"] for _, content in said] == ["I stay"]
    bench.run("Odd.close = ipywidgets.IntSlider.close; odd.close()")


# What other packages look up


def test_the_parent_as_other_packages_ask_for_it(bench: RealShell) -> None:
    bench.run(
        "ip = get_ipython()\n"
        "parents = ip.get_parent(), ip.kernel.get_parent('shell'), ip.kernel._parent_header"
    )
    assert [each["header"]["msg_id"] for each in bench.namespace["parents"]] == ["cell"] * 3
    assert bench.shell.get_parent() == {}
    assert bench.shell.display_pub.parent_header == {}
    assert bench.shell.kernel.shell is bench.shell


def test_a_thread_can_choose_whose_output_it_makes(bench: RealShell) -> None:
    thread = threading.Thread(
        target=lambda: (
            bench.shell.set_parent({"header": {"msg_id": "m9", "msg_type": "execute_request"}}),
            bench.shell.display_pub.publish({"text/plain": "x"}),
        )
    )
    thread.start()
    thread.join()
    assert bench.iopub.parents == ["m9"]


def test_a_message_of_another_packages_own(bench: RealShell) -> None:
    kernel = bench.shell.kernel
    sent = kernel.session.send(kernel.iopub_socket, "data_pub", {"a": 1}, metadata={"m": 1})
    assert sent["header"]["version"] == "5.5"
    kernel.send_response(kernel.iopub_socket, "stream", {"name": "stdout", "text": "x"})
    assert bench.iopub.said == [("data_pub", {"a": 1}), ("stream", {"name": "stdout", "text": "x"})]
    assert bench.iopub.extras[0][0] == {"m": 1}
    parent = {"header": {"msg_id": "m5", "msg_type": "execute_request"}}
    kernel.session.send(kernel.iopub_socket, "stream", {}, parent=parent)
    assert bench.iopub.parents[-1].msg_id == "m5"


def test_a_socket_that_is_not_theirs_is_refused(bench: RealShell) -> None:
    with pytest.raises(ValueError, match="iopub_socket"):
        bench.shell.kernel.session.send(object(), "stream", {})


def test_a_display_can_be_hooked(bench: RealShell) -> None:
    bench.run(
        "from IPython.display import display, clear_output\n"
        "import threading\n"
        "seen = []\n"
        "def hook(msg):\n"
        "    seen.append(msg['msg_type'])\n"
        "    msg['content'].get('data', {}).pop('text/html', None)\n"
        "    return None if msg['msg_type'] == 'clear_output' else msg\n"
        "pub = get_ipython().display_pub\n"
        "pub.register_hook(hook)\n"
        "display({'text/plain': 'a', 'text/html': 'b'}, raw=True); clear_output()\n"
        "thread = threading.Thread(target=lambda: display({'text/html': 'c'}, raw=True))\n"
        "thread.start(); thread.join()\n"
        "removed = pub.unregister_hook(hook), pub.unregister_hook(hook)\n"
        "display({'text/html': 'd'}, raw=True)"
    )
    assert bench.namespace["seen"] == ["display_data", "clear_output"]
    assert bench.namespace["removed"] == (True, False)
    assert [content["data"] for _type, content in bench.iopub.said] == [
        {"text/plain": "a"},
        {"text/html": "c"},
        {"text/html": "d"},
    ]
