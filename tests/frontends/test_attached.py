"""Who is attached, with real frontends: they come, die, are counted, and are let in or not."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pexpect
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import Program, next_number
from tests.frontends.support.wire import parent_id

HOST = Path(__file__).parent / "hosts" / "doorman.py"

TRANSPORTS = {"ipc": ["transport=ipc"], "tcp": ["transport=tcp"], "curve": ["curve=True"]}

LONG_GRACE = 5.0
"""Seconds in which a frontend is back on the busiest machine."""

QUESTIONS = {
    "input": "input('anybody there?')",
    "getpass": "import getpass; getpass.getpass('anybody there?')",
    "input in a thread": (
        "import asyncio, concurrent.futures\n"
        "with concurrent.futures.ThreadPoolExecutor(1) as pool:\n"
        "    future = asyncio.wrap_future(pool.submit(input, 'anybody there?'))\n"
        "    await future"
    ),
}

FRONTEND = """
import sys
from jupyter_client.blocking.client import BlockingKernelClient
client = BlockingKernelClient()
client.load_connection_file(sys.argv[1])
client.start_channels(hb=False)
client.wait_for_ready(timeout=30)
client.execute(sys.argv[2])
print(client.get_stdin_msg(timeout=30)["content"]["prompt"], flush=True)
sys.stdin.read()
"""


def let_go(other: Frontend) -> None:
    """Wait until the kernel's sockets have let go of a connection that was cut before this.

    A routing id that comes back earlier is ignored for good: libzmq refuses it as long as the other
    has it (ROUTER_HANDOVER is off). It lets go in three steps, each done before the next request.
    """
    for _ in range(3):
        other.reply(other.client.kernel_info())


class Cable:
    """A TCP connection to each of some ports that can be cut; zmq makes new ones through it."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._listeners: list[socket.socket] = []
        self._whole = threading.Event()
        self._whole.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.ports = {name: self._listen(port) for name, port in ports.items()}

    def _listen(self, port: int) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, port: int) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = listener.accept()
                self._whole.wait()
                far = socket.create_connection(("127.0.0.1", port))
                self._pairs.append((near, far))
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):  # cut
            while data := source.recv(65536):
                target.sendall(data)

    def cut(self) -> None:
        """Drop all connections that there are; others wait until it is mended."""
        self._whole.clear()
        pairs, self._pairs = self._pairs, []
        for end in itertools.chain.from_iterable(pairs):
            with contextlib.suppress(OSError):  # the other side was faster
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def mend(self) -> None:
        """Let connections be made again."""
        self._whole.set()

    def close(self) -> None:
        """End it."""
        self.mend()
        for listener in self._listeners:
            with contextlib.suppress(
                OSError
            ):  # it is not connected, and accept() ends all the same
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()


class Door:
    """The running host and how to reach it."""

    def __init__(
        self, start: Starter, policy: str = "all", *options: str, grace: float | None = None
    ) -> None:
        self.connection_file = start.home.runtime / f"kernel-door-{next_number()}.json"
        self.program: Program = start.program(
            [sys.executable, str(HOST), str(self.connection_file), policy, *options],
            expected=lambda _line: policy == "broken",
            environment={} if grace is None else {"GRACE": str(grace)},
        )
        self.program.wait_for_line("ready")

    def wait_for(self, event: str, frontend: Frontend) -> None:
        """Wait until the host has been told."""
        self.program.wait_for_line(f"{event} {frontend.client.session.session}")


def sessions(frontend: Frontend) -> list[str]:
    """Who is attached, as a cell sees it."""
    found = frontend.run("[client.session for client in kernel.clients]").result
    return [part.strip("'[] ") for part in found.split(",")]


def session(frontend: Frontend) -> str:
    return str(frontend.client.session.session)


@pytest.fixture(params=TRANSPORTS.values(), ids=TRANSPORTS)
def door(request: pytest.FixtureRequest, start: Starter) -> Door:
    """A host that lets everybody in, over each transport."""
    return Door(start, "all", *request.param)


def test_frontends_come_and_go(door: Door, start: Starter) -> None:
    one = start.frontend(door)
    door.wait_for("attached", one)
    assert sessions(one) == [session(one)]
    two = start.frontend(door)
    door.wait_for("attached", two)
    two.control("kernel_info_request")  # by another socket
    assert sessions(one) == [session(one), session(two)]
    two.close()
    door.wait_for("detached", two)
    assert sessions(one) == [session(one)]
    assert not [line for line in door.program.stdout if "tached" in line], "once each"


def test_a_frontend_that_disconnects_and_connects_again(door: Door, start: Starter) -> None:
    one, two = start.frontend(door), start.frontend(door)
    door.wait_for("attached", one)
    one.client.stop_channels()
    let_go(two)
    again = BlockingKernelClient(session=one.client.session)
    again.load_connection_file(str(door.connection_file))
    again.start_channels(hb=False)
    one.client = again
    while again.get_iopub_msg(timeout=30)["msg_type"] != "iopub_welcome":
        pass
    one.outcome(again.kernel_info())
    two.close()
    door.wait_for("detached", two)  # it was lost after the other, which would be gone as well
    assert sessions(one) == [session(one)]
    assert door.program.stdout.count(f"detached {session(one)}") == 0


@pytest.mark.parametrize("code", QUESTIONS.values(), ids=QUESTIONS)
def test_a_process_that_is_killed_while_it_is_asked(door: Door, start: Starter, code: str) -> None:
    other = start.frontend(door)
    code = f"try:\n    {code.replace(chr(10), chr(10) + '    ')}\nexcept EOFError: ended = 'EOF'"
    dying = start.program([sys.executable, "-c", FRONTEND, str(door.connection_file), code])
    dying.wait_for_line("anybody there?")
    dying.process.kill()
    assert other.run("ended", timeout=10).result == "'EOF'"


def test_a_silent_bystander_is_not_taken_for_the_one_that_is_killed(
    door: Door, start: Starter
) -> None:
    start.wire(door)  # connects, and says nothing
    other = start.frontend(door)
    dying = start.program(
        [sys.executable, "-c", FRONTEND, str(door.connection_file), "input('anybody there?')"]
    )
    dying.wait_for_line("anybody there?")
    dying.process.kill()
    assert other.run("'the queue goes on'", timeout=10).result == "'the queue goes on'"


def test_a_connection_that_drops_for_a_moment_ends_no_question(start: Starter) -> None:
    door = Door(start, "all", "transport=tcp", grace=LONG_GRACE)
    other = start.frontend(door)
    info = json.loads(door.connection_file.read_text())
    cable = Cable({n: p for n, p in info.items() if n.endswith("_port")})
    through = start.home.directory / "through.json"
    through.write_text(json.dumps(info | cable.ports))
    through.chmod(0o600)
    door.connection_file = through
    try:
        frontend = start.frontend(door)
        msg_id = frontend.start("input('still there?')")
        assert frontend.prompt() == "still there?"
        cable.cut()
        let_go(other)
        cable.mend()
        # who is not back would be let go of when the grace is over
        with pytest.raises(AssertionError):
            frontend.reply(msg_id, timeout=1.5 * LONG_GRACE)
        frontend.answer("yes")
        assert frontend.reply(msg_id)["content"]["status"] == "ok"
    finally:
        cable.close()


def test_a_killed_frontend_ends_pdb(start: Starter) -> None:
    door = Door(start)
    other = start.frontend(door)
    dying = start.program(
        [sys.executable, "-c", FRONTEND, str(door.connection_file), "import pdb; pdb.set_trace()"]
    )
    dying.wait_for_line("")
    dying.process.kill()
    # nobody else's cell is aborted for it
    assert other.run("'the queue goes on'", timeout=10).result == "'the queue goes on'"


def test_a_console_that_is_killed(start: Starter) -> None:
    door = Door(start)
    frontend = start.frontend(door)
    door.wait_for("attached", frontend)
    environment = start.home.environment | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    console = pexpect.spawn(
        sys.executable,
        ["-m", "jupyter_console", "--existing", door.connection_file.name],
        env=environment | {"PYTHONWARNINGS": "ignore"},
        cwd=str(start.home.directory),
        timeout=30,
    )
    try:
        console.expect(rb"In \[")
        door.program.wait_for_line("attached")
        told = frontend.run("client = kernel.clients[1]; client.pid, client.process").result
        if sys.platform == "linux":
            name = Path(f"/proc/{console.pid}/comm").read_text().strip()
            assert told == repr((console.pid, name))
        os.kill(console.pid, signal.SIGKILL)
        door.program.wait_for_line("detached")
    finally:
        console.close(force=True)
    assert sessions(frontend) == [session(frontend)]


# on_attach


def test_nobody_is_let_in(start: Starter) -> None:
    door = Door(start, "none")
    wire = start.wire(door)
    for msg_type in ("execute_request", "kernel_info_request", "complete_request"):
        reply = wire.request(msg_type, {"code": "1", "cursor_pos": 0})
        assert (reply["status"], reply["ename"]) == ("error", "AttachRefused"), reply
    door.program.write_line("")  # it still listens


def test_a_refused_frontend_neither_interrupts_nor_shuts_down(start: Starter) -> None:
    door = Door(start, "dialog")
    first = start.frontend(door)
    door.wait_for("attached", first)
    refused = subprocess.Popen(
        [sys.executable, "-c", CONTROLLING, str(door.connection_file)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    try:
        door.program.wait_for_line("asks: ")
        # undecided: what it asks for waits, and the first is served
        msg_id = first.start("import time\ntime.sleep(0.3); 'not interrupted'")
        assert first.outcome(msg_id).result == "'not interrupted'"
        assert first.control("kernel_info_request")["content"]["status"] == "ok"
        door.program.write_line("No")
        out, _ = refused.communicate(timeout=30)
        assert out.split() == ["AttachRefused"] * 4
    finally:
        refused.kill()
        refused.wait()
    assert first.run("1").result == "1"


CONTROLLING = """
import sys
from jupyter_client.blocking.client import BlockingKernelClient
client = BlockingKernelClient()
client.load_connection_file(sys.argv[1])
client.start_channels(hb=False)
def control(msg_type):
    client.control_channel.send(client.session.msg(msg_type, {"restart": False}))
    return client.get_control_msg
waiting = [control("interrupt_request"), control("shutdown_request")]
client.kernel_info()
client.execute("broken_into = True")
waiting += [client.get_shell_msg] * 2
for wait in waiting:
    print(wait(timeout=30)["content"].get("ename"))
"""


def test_a_person_lets_it_in(start: Starter) -> None:
    door = Door(start, "dialog")
    first = start.frontend(door)
    door.wait_for("attached", first)
    wire = start.wire(door)
    ids = [wire.send("execute_request", {"code": f"said = {n}; print({n})"}) for n in range(3)]
    asks = door.program.wait_for_line("asks: ")
    if sys.platform == "linux":
        assert f"(pid {os.getpid()})" in asks
    door.program.wait_for_line("asking a person")  # that is the host's own output
    assert not wire.has_reply(0)
    assert first.run("'said' in globals()").result == "False"
    assert first.run("len(kernel.clients)").result == "1"
    # its cell asks, while the dialog is open
    msg_id = first.start("input('? ')")
    assert first.prompt() == "? "
    first.answer("yes")
    assert first.outcome(msg_id).result == "'yes'"
    door.program.write_line("Yes")
    assert [parent_id(wire.receive()) for _ in ids] == ids, "nothing is lost, and in order"
    assert first.run("len(kernel.clients), said").result == "(2, 2)"


def test_an_on_attach_that_fails(start: Starter) -> None:
    door = Door(start, "broken")
    reply = start.wire(door).request("kernel_info_request")
    assert reply["ename"] == "AttachRefused"
    door.program.wait_for_error_line("on_attach failed")
    door.program.wait_for_error_line("AttributeError")
