"""Conversations of everything else: comms, control, subshells, unknown and broken messages."""

from __future__ import annotations

from qtkernel.protocol import Channel
from tests.conversations.comparison.talk import Talk, conversation


@conversation
def greeting(talk: Talk) -> None:
    """What a subscriber hears first."""
    with talk.exchange("iopub_welcome") as exchange:
        exchange.heard += talk.peer.greeting


@conversation
def information(talk: Talk) -> None:
    """kernel_info, connect, comm_info and usage, on each channel that serves them."""
    for ask in (talk.request, talk.control):
        ask("kernel_info_request")
        ask("kernel_info_request", {"more": 1}, "kernel_info_request, unknown field")
        ask("connect_request")
        ask("comm_info_request")
        ask("usage_request")
    talk.request("comm_info_request", {"target_name": "nobody"}, "unknown target")
    talk.request("comm_info_request", {"target_name": None}, "null")
    talk.request("comm_info_request", {"target_name": 5}, "a number")


@conversation
def shell_requests_on_control(talk: Talk) -> None:
    """Which messages the control channel serves that belong on the shell channel."""
    talk.control("execute_request", {"code": "1 + 1"})
    talk.control("complete_request", {"code": "pri", "cursor_pos": 3})
    talk.control("inspect_request", {"code": "print", "cursor_pos": 3})
    talk.control("is_complete_request", {"code": "1"})
    talk.control(
        "history_request", {"hist_access_type": "tail", "n": 1, "output": False, "raw": True}
    )
    talk.control("comm_open", {"comm_id": "1", "target_name": "nobody", "data": {}})
    talk.request("interrupt_request", title="interrupt_request on shell")
    talk.request("debug_request", {"type": "request", "seq": 1, "command": "debugInfo"})
    talk.request("create_subshell_request", title="create_subshell_request on shell")
    talk.execute("'afterwards'")


@conversation
def unknown_messages(talk: Talk) -> None:
    """Types that nobody serves, and old ones."""
    for ask in (talk.request, talk.control):
        for msg_type in (
            "no_such_request",
            "no_such_message",
            "",
            "execute_reply",
            "status",
            "input_reply",
            "object_info_request",
            "version_request",
            "apply_request",
            "clear_request",
            "abort_request",
            "stack_request",
            "comm_nonsense",
        ):
            content = {"oname": "print"} if msg_type == "object_info_request" else {}
            ask(msg_type, content, f"{msg_type!r}")


@conversation
def broken_messages(talk: Talk) -> None:
    """Signed, and still not a message."""

    def send(title: str, msg_type: str = "kernel_info_request", **more: object) -> None:
        with talk.exchange(title) as exchange:
            exchange.send(msg_type, unread=True, **more)

    send("content is no JSON", raw=b"{nonsense")
    send("content is not UTF-8", raw=b'{"a": "\xff"}')
    send("content is empty", raw=b"")
    send("content is null", raw=b"null")
    send("content is a list", raw=b"[]")
    send("content is a list, for a cell", "execute_request", raw=b"[]")
    send("content is a number, for completion", "complete_request", raw=b"7")
    send("metadata is null", metadata=None)
    send("metadata is a list", "execute_request", raw=b'{"code": "1"}', metadata=[1])
    send("no username, no date", header={"username": None, "date": None})
    send("session is null", header={"session": None})
    send("version is a number", header={"version": 5})
    send("date is no date", header={"date": "yesterday"})
    send("an unknown header field", header={"colour": ["green"]})
    send("a parent header", parent_header={"msg_id": "somebody's"})
    send("a parent header that is null", parent_header=None)
    send("buffers", buffers=[b"one", b"\x00two"])
    send("msg_id with strange characters", header={"msg_id": "\u00e9 '\N{SNAKE}\""})
    send("unknown subshell", header={"subshell_id": "nobody"})
    send(
        "a cell for an unknown subshell",
        "execute_request",
        raw=b'{"code": "1"}',
        header={"subshell_id": "nobody"},
    )
    send("subshell_id null", header={"subshell_id": None})
    talk.count_anew()
    talk.execute("'afterwards'")


OPEN = (
    "import comm\n"
    "def opened(c, message):\n"
    "    print('opened', message['content']['data'], [bytes(b) for b in message['buffers']])\n"
    "    def heard(m):\n"
    "        print('heard', m['content']['data'])\n"
    "        c.send({'echo': m['content']['data']}, buffers=m['buffers'])\n"
    "    c.on_msg(heard)\n"
    "    c.on_close(lambda m: print('closed', m['content']['data']))\n"
    "    c.send({'hello': 1}, metadata={'m': 2}, buffers=[b'xyz'])\n"
    "comm.get_comm_manager().register_target('target', opened)\n"
    "def failing(c, message):\n"
    "    raise ValueError('refused')\n"
    "comm.get_comm_manager().register_target('failing', failing)"
)


@conversation
def comms(talk: Talk) -> None:
    """Comms that a frontend opens, and one that a cell opens."""
    talk.execute(OPEN)
    ask = talk.request
    first = {"comm_id": "c1", "target_name": "target", "data": {"a": [1, None]}}
    ask("comm_open", first, "open", buffers=[b"one", b""], metadata={"version": 1})
    ask("comm_open", {"comm_id": "c2", "target_name": "target", "data": {}}, "open another")
    ask("comm_open", {"comm_id": "c3", "target_name": "failing", "data": {}}, "a target that fails")
    ask("comm_info_request", title="two are open")
    ask("comm_info_request", {"target_name": "target"}, "of this target")
    ask("comm_info_request", {"target_name": "failing"}, "of the other")
    ask("comm_msg", {"comm_id": "c1", "data": {"b": 2}}, "a message")
    ask("comm_msg", {"comm_id": "c1", "data": {"b": 3}}, "with buffers", buffers=[b"\x00\xff"])
    ask("comm_msg", {"comm_id": "c2", "data": {}, "more": 1}, "to the other, unknown field")
    ask("comm_close", {"comm_id": "c1", "data": {"end": 1}}, "close")
    ask("comm_msg", {"comm_id": "c1", "data": {}}, "a message after that")
    ask("comm_info_request", title="one is open")
    talk.execute("c = comm.create_comm(target_name='front', data={'x': 1}, metadata={'m': 1})")
    talk.execute("c.send({'y': 2}, buffers=[memoryview(b'abc')])")
    talk.execute("c.on_msg(lambda m: print('got', m['content']['data']))")
    talk.execute(
        "import threading; t = threading.Thread(target=c.send, args=({'z': 3},))\n"
        "t.start(); t.join()"
    )
    talk.execute("c.close({'bye': 1})")
    talk.execute("c.close()", "close again")
    talk.execute("c.send({})", "send after close")
    ask("comm_close", {"comm_id": "c2", "data": {}}, "close the last one")
    ask("comm_info_request", title="none is open")


@conversation
def comms_that_nobody_has(talk: Talk) -> None:
    """Unknown targets and ids, and contents that are wrong."""
    ask = talk.request
    ask("comm_open", {"comm_id": "u1", "target_name": "nobody", "data": {"a": 1}}, "unknown target")
    ask("comm_open", {"comm_id": "u2", "target_name": "nobody"}, "unknown target, no data")
    ask("comm_info_request")
    ask("comm_msg", {"comm_id": "u1", "data": {}}, "comm_msg to nobody")
    ask("comm_close", {"comm_id": "u1", "data": {}}, "comm_close of nobody")
    ask("comm_open", {}, "comm_open of nothing")
    ask("comm_open", {"comm_id": None, "target_name": "nobody"}, "comm_id null")
    ask("comm_msg", {}, "comm_msg of nothing")
    ask("comm_close", {}, "comm_close of nothing")
    ask("comm_info_request", title="comm_info_request at the end")


@conversation
def subshells(talk: Talk) -> None:
    """create, list and delete, and a cell in one."""
    talk.control("list_subshell_request", title="list when there are none")
    talk.control("delete_subshell_request", {"subshell_id": "nobody"}, "delete an unknown one")
    talk.control("delete_subshell_request", {}, "delete without an id")
    made = talk.control("create_subshell_request", title="create")
    reply = next(each for each in made.heard if each.msg_type == "create_subshell_reply")
    number = reply.content.get("subshell_id", "nobody")
    there = {"header": {"subshell_id": number}}
    talk.control("list_subshell_request", title="list when there is one")
    for code in ("subshell = 1; print(subshell)", "1/0", "subshell"):
        with talk.exchange(f"{code} in a subshell") as exchange:
            exchange.execute_in(number, code)
    talk.request("complete_request", {"code": "subshe", "cursor_pos": 6}, **there)
    talk.request("inspect_request", {"code": "subshell", "cursor_pos": 3}, **there)
    talk.request("is_complete_request", {"code": "if 1:"}, **there)
    talk.request("kernel_info_request", title="kernel_info_request in a subshell", **there)
    talk.execute("subshell + 1")
    talk.control("delete_subshell_request", {"subshell_id": number}, "delete")
    talk.control("list_subshell_request", title="list when it has gone")
    with talk.exchange("a cell for one that has gone") as exchange:
        exchange.execute_in(number, "1")


@conversation
def debugging_before_it_begins(talk: Talk) -> None:
    """debug_request before a debugger is attached."""

    def ask(command: str, arguments: object = None, **more: object) -> None:
        content = {"type": "request", "seq": 1, "command": command, "arguments": arguments} | more
        talk.control("debug_request", content, command)

    ask("debugInfo", {})


@conversation
def interpreter_state(talk: Talk) -> None:
    """What code finds around it."""
    for code in (
        "__name__, __doc__, __builtins__.__name__",
        "type(get_ipython()).__module__.partition('.')[0]",
        "import pdb; pdb.Pdb.__module__",
        "hasattr(__import__('sys'), 'of_startup')",
        "import sys; sys.modules['__main__'].__dict__ is globals()",
        "sys.path[0], sys.argv[1:2]",
        "get_ipython().user_ns is globals()",
        "sorted(n for n in globals() if n[0] == '_' and not n.strip('_i').isdigit())",
        "In[-1]",
        "type(In).__name__, type(Out).__name__",
        "get_ipython().kernel is not None",
        "get_ipython().kernel.get_parent()['header']['msg_type']",
        "get_ipython().get_parent()['header']['username']",
        "get_ipython().get_parent()['content']['code']",
        "get_ipython().kernel.shell is get_ipython()",
        "import os; names = ('TERM', 'CLICOLOR', 'PAGER', 'GIT_PAGER', 'MPLBACKEND')",
        "[os.environ.get(n) for n in names]",
        "sys.ps1",
        "import threading; threading.current_thread() is threading.main_thread()",
        "%pwd\nNone",
        "%who_ls",
        "%lsmagic\nNone",
        "%config",
        "%colors",
        "%precision 3\n1.23456",
        "%precision\n1.23456",
        "%pprint",
        "%pprint",
        "%automagic",
        "%automagic",
        "%env QTK_TEST=5",
        "%env QTK_TEST",
        "%set_env QTK_TEST 6",
        "%macro -q m 1-1\nm",
        "%alias hello echo hello",
        "%unalias hello",
        "%store",
        "%%capture captured\nprint('captured')\n5",
        "captured.stdout, captured.outputs",
        "captured.show()",
        "%%writefile written.py\nw = 5\nprint('in the script', __name__)",
        "%run written.py\nw",
        "%run -i written.py",
        "%run -n written.py",
        "%%python -c pass",
        "%%html\n<b>h</b>",
        "%%latex\n$x$",
        "%%markdown\n*m*",
        "%%javascript\n1",
        "%%svg\n<svg></svg>",
        "%%time\nNone",
        "%%prun -q\n1",
        "%history -l 2",
        "%rerun 1",
        "%doctest_mode",
        "%doctest_mode",
        "%logstate",
        "%reset_selective -f w",
        "%xdel captured",
        "%psearch -e builtin no_such*",
        "%gui",
        "%gui nonsense",
        "%matplotlib --list",
        "%sx echo hello",
        "x = !echo assigned\nx",
        "!echo shell",
        "!echo wrong 1>&2",
        "!exit 3",
        "!test -t 0 && echo a terminal || echo nothing",
        "_exit_code",
        "!sleep 1 &",
        "%%bash\necho bash\necho wrong >&2",
        "%%bash\nexit 3",
        "%%sh --out captured_text\necho captured",
        "captured_text",
        "%system echo system",
        "%cd -q .",
        "%dhist",
        "%bookmark -l",
        "%load_ext no_such_extension",
        "%load_ext autoreload",
        "%autoreload 0",
        "%debug",
        "%pdb",
        "%pdb",
        "%tb",
        "get_ipython().events.register('post_run_cell', lambda r: print('post', r.success))",
        "'with a callback'",
        "get_ipython().events.reset_all() if hasattr(get_ipython().events, 'reset_all') else None",
        "get_ipython().ast_node_interactivity = 'all'",
        "1\n2\nx = 3\n4",
        "get_ipython().ast_node_interactivity = 'last_expr'",
        "%reset -f\n'x' in globals()",
        "%reset -f out\nOut",
    ):
        talk.execute(code)


@conversation
def control_while_a_cell_runs(talk: Talk) -> None:
    """The control channel answers while the shell channel is busy."""
    with talk.exchange("kernel_info on control") as exchange:
        exchange.execute("import time; print('begun', flush=True); time.sleep(0.5)")
        exchange.until_printed("begun")
        asked = exchange.send("kernel_info_request", channel=Channel.CONTROL)
        exchange.until(Channel.CONTROL, lambda message: message.parent_id == asked.msg_id)
        exchange.send("list_subshell_request", channel=Channel.CONTROL)
