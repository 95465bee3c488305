"""The command line: whatever is wrong is one line on stderr and exit code 2."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qtkernel._version import __version__
from qtkernel.protocol import ConnectionInfo, new_key, write_connection_file

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="displays are Linux's affair here")


def qtkernel(
    *arguments: str, without: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m qtkernel``, which has to end by itself."""
    variables = {k: v for k, v in os.environ.items() if k not in without} | environment
    return subprocess.run(
        [sys.executable, "-m", "qtkernel", *arguments],
        capture_output=True,
        text=True,
        env=variables,
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that says what is wrong."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("qtkernel: error: ")
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("qtkernel: error: ").strip()


# Arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--Nonsense.trait"], "unrecognized arguments: --Nonsense.trait"),
        (["--Shell.trait=1", "--nonsense=2"], "unrecognized arguments: --nonsense=2"),
        (["--transport", "udp"], "argument --transport: invalid choice: 'udp'"),
        (["--log-level", "loud"], "argument --log-level: invalid choice: 'loud'"),
        (["-c", "1", "-m", "this"], "-c and -m exclude each other"),
        (["--ip", "127.0.0.1", "--transport", "ipc"], "--ip is for --transport=tcp"),
        (["--gui"], "argument --gui: expected one argument"),
        (["--gui", "nonsense"], "no event loop 'nonsense'; there are: qt, tk, headless, asyncio"),
        (["--gui", "headless", "no/such/script.py"], "there is no file 'no/such/script.py' to run"),
        (["--gui", "headless", "-m", "no.such"], "there is no module 'no.such' to run"),
        (["--gui", "headless", "--profile", "nowhere"], "there is no IPython profile 'nowhere'"),
        (["--gui", "headless", "--ip", "192.0.2.1"], "this machine has no such address"),
    ],
)
def test_wrong_arguments(arguments: list[str], words: str) -> None:
    assert words in refused(qtkernel(*arguments))


def test_a_profile_that_fails(homes: Path) -> None:
    directory = homes / "ipython" / "profile_broken"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "ipython_config.py").write_text("1/0\n")
    line = refused(qtkernel("--gui=headless", "--profile=broken"))
    assert "ipython_config.py fails: ZeroDivisionError: division by zero" in line


# Connection files


@pytest.mark.parametrize(
    ("mode", "text", "words"),
    [
        (0o644, "{}", "is open to other users (mode 0644)"),
        (0o600, "nonsense", "is not a JSON object"),
        (0o600, '{"key": ""}', 'field "key": expected a secret'),
        (0o600, '{"key": "k", "transport": "udp"}', 'field "transport"'),
        (0o600, '{"key": "k", "signature_scheme": "hmac-md5"}', 'field "signature_scheme"'),
    ],
)
def test_an_unsafe_or_broken_connection_file(
    tmp_path: Path, mode: int, text: str, words: str
) -> None:
    file = tmp_path / "kernel.json"
    file.write_text(text)
    file.chmod(mode)
    line = refused(qtkernel("--gui=headless", "-f", str(file)))
    assert words in line
    assert str(file) in line
    assert file.read_text() == text


def test_a_directory_for_a_connection_file(tmp_path: Path) -> None:
    assert "is not a regular file" in refused(qtkernel("--gui=headless", "-f", str(tmp_path)))


def test_a_place_where_none_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = tmp_path / "file" / "kernel.json"
    assert "cannot write the connection file" in refused(
        qtkernel("--gui=headless", "-f", str(file))
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_connection_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "kernel.json"
    file.write_text("{}")
    file.chmod(0)
    assert "Permission denied" in refused(qtkernel("--gui=headless", "-f", str(file)))


def test_a_port_in_use(tmp_path: Path) -> None:
    file = tmp_path / "kernel.json"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        write_connection_file(file, ConnectionInfo(key=new_key(), iopub_port=port))
        line = refused(qtkernel("--gui=headless", "-f", str(file)))
    assert f"cannot bind tcp://127.0.0.1:{port} for the iopub channel: it is in use" in line


# Displays


@needs_linux
def test_no_display(runtime_dir: Path) -> None:
    line = refused(
        qtkernel(
            "--gui=qt",
            without=("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"),
            JUPYTER_RUNTIME_DIR=str(runtime_dir),
        )
    )
    assert "display" in line.lower()
    assert list(runtime_dir.iterdir()) == []


# What answers without a kernel


def test_version() -> None:
    done = qtkernel("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"qtkernel {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["install", "--help"], ["uninstall", "--help"]])
def test_help(arguments: list[str]) -> None:
    done = qtkernel(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: qtkernel")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_which_imports_neither_ipython_nor_zmq(argument: str) -> None:
    code = (
        "import sys\nfrom qtkernel.app import main\n"
        f"try:\n    main([{argument!r}])\nexcept SystemExit as ended:\n"
        "    heavy = [n for n in ('IPython', 'zmq', 'qtpy', 'traitlets') if n in sys.modules]\n"
        "    sys.exit(repr((ended.code, heavy)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "(0, [])\n"


# A kernel


def test_it_says_how_to_attach_and_ends_on_sigterm(runtime_dir: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "qtkernel", "--gui=headless"],
        stderr=subprocess.PIPE,
        env=os.environ | {"JUPYTER_RUNTIME_DIR": str(runtime_dir)},
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    (file,) = runtime_dir.glob("kernel-*.json")
    assert line == f"To attach: jupyter console --existing {file.name}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    process.terminate()
    assert process.wait(20) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    assert list(runtime_dir.iterdir()) == []


def test_settings_of_ipythons(homes: Path) -> None:
    """What configuration files can set, the command line can, over a profile of the user's."""
    directory = homes / "ipython" / "profile_mine"
    directory.mkdir(parents=True)
    (directory / "ipython_config.py").write_text(
        "c.HistoryManager.hist_file = 'elsewhere'\nc.InteractiveShell.autocall = 1\n"
    )
    code = (
        "import os, signal; ip = get_ipython(); print(ip.history_manager.hist_file, ip.autocall)\n"
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    settings = ["--profile=mine", "--HistoryManager.hist_file=:memory:"]
    done = qtkernel("--gui=headless", *settings, "-c", code)
    assert (done.stdout, done.returncode) == (":memory: 1\n", 0)


SWITCHING = """
from qtkernel.embed.endpoints import Wishes
from qtkernel.embed.standalone import StandaloneKernel
from qtkernel.loops.errors import UnknownEventLoop
kernel = StandaloneKernel("headless", Wishes(name="test"))
kernel.start()
loops = [kernel.assembly.loop.name]
for name in ("nonsense", "headless", "asyncio", "nonsense", "asyncio", "headless", "asyncio"):
    try:
        kernel.switch_loop(name)
    except UnknownEventLoop as error:
        loops.append("refused")
    loops.append(kernel._next.name if kernel._next else "stays")
kernel._switch_now()
loops.append(kernel.assembly.loop.name)
kernel.end()
kernel.run()
print(" ".join(loops))
"""


def test_switching_to_a_loop_that_is_not_there_changes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SWITCHING],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == [
        "headless",
        "refused", "stays",
        "stays",
        "asyncio",
        "refused", "asyncio",
        "asyncio",
        "stays",
        "asyncio",
        "asyncio",
    ]  # fmt: skip


# The calls of old


def test_embed_kernel_blocks_until_exit(runtime_dir: Path) -> None:
    code = (
        "import qtkernel\n"
        "def scope():\n"
        "    local = 5\n"
        "    qtkernel.embed_kernel(name='old')\n"
        "    print('after', local)\n"
        "scope()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"JUPYTER_RUNTIME_DIR": str(runtime_dir)},
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("To attach: jupyter console --existing kernel-old-")
    from qtkernel.protocol import read_connection_file
    from tests.support.bare_client import BareClient

    (file,) = runtime_dir.glob("kernel-old-*.json")
    with BareClient(read_connection_file(file)) as client:
        _, heard, _ = client.run("local + 1")
        assert heard[2].content["data"] == {"text/plain": "6"}
        client.execute("exit")
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "after 5\n", "")
    assert list(runtime_dir.iterdir()) == []


def test_launch_kernel_gives_the_ports(runtime_dir: Path) -> None:
    from qtkernel import launch_kernel
    from qtkernel.protocol import read_connection_file
    from tests.support.bare_client import BareClient

    kernel = launch_kernel(gui="headless")
    process, shell_port, iopub_port, stdin_port, hb_port = kernel
    assert len({shell_port, iopub_port, stdin_port, hb_port}) == 4
    assert Path(kernel.connection_file).parent == runtime_dir
    with BareClient(read_connection_file(kernel.connection_file)) as client:
        assert client.ask("kernel_info_request")["status"] == "ok"
        client.send("shutdown_request", {"restart": False})
        assert process.wait(20) == 0


def test_launch_kernel_that_fails_says_so(
    runtime_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from qtkernel.embed.classic import KernelNotStarted, launch_kernel

    began = time.monotonic()
    with pytest.raises(KernelNotStarted, match="exit code 2"):
        launch_kernel(gui="nonsense")
    assert time.monotonic() - began < 20
    assert "no event loop 'nonsense'" in capfd.readouterr().err
    assert list(runtime_dir.iterdir()) == []
