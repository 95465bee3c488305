"""``jupyter console --kernel``: a console that starts a kernel of its own, and may interrupt it.

What a cell says is put together in it, so that it is not found where it is typed.
"""

from __future__ import annotations

import os
import select
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.console import Console
from tests.frontends.support.programs import PATIENCE

LONG = "def long_one():\n" + "".join(f"    line_{i} = {i}\n" for i in range(60))


PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def console(start_shared: Starter) -> Iterator[Console]:
    """A console at a prompt. It takes an empty line for the end of a cell; see `Console`."""
    (start_shared.home.directory / "long.py").write_text(LONG)
    (start_shared.home.directory / "short.py").write_text("loaded = 'a ' + 'file'; loaded")
    with closing(Console.owning(start_shared.home, asks=False)) as console:
        console.wait_for_prompt(1)
        console.run("import asyncio, getpass, os, time")
        yield console


BEGIN = "print('be', 'gun', flush=True); "


@pytest.mark.parametrize(
    "line",
    [
        f"{BEGIN}time.sleep(60)",
        f"{BEGIN}await asyncio.sleep(60)",
        f"{BEGIN}[0 for _ in iter(int, 1)]",
        f"{BEGIN}get_ipython().system('sleep 60')",
        # not before the console asks: in between it would interrupt the kernel, and then ask
        "input('be ' + 'gun')",
    ],
    ids=["sleep", "await", "loop", "command", "input"],
)
def test_ctrl_c(console: Console, line: str) -> None:
    console.type(line)
    console.expect("be gun")
    # as a person does, once again if nothing happens: in one of some 200 sessions on a busy
    # machine nothing did (of 3,500 that other clients sent the kernel missed none)
    for _ in range(3):
        console.child.sendintr()
        with suppress(AssertionError):
            console.expect("KeyboardInterrupt", 5)
            break
    console.wait_for_next()
    console.run("'un' + 'hurt'", "'unhurt'")


def test_questions(console: Console) -> None:
    console.type("input('your ' + 'name? ')[::-1]")
    console.expect("your name\\? ")
    console.answer("Ada")
    console.wait_for_next("adA")
    console.type("len(getpass.getpass('your ' + 'secret: '))")
    console.expect("your secret: ")
    console.answer("xyzzy")
    console.wait_for_next(rf"Out\[{console.number}\]: 5")
    assert "xyzzy" not in console.shown()


def test_help(console: Console) -> None:
    # what fits is printed
    console.run("asyncio.sleep?", "Signature:", "Coroutine that completes after a given time")
    # what does not goes to the terminal's own pager
    console.run("%run long.py")
    console.type("long_one??")
    console.expect("line_30 = 30")
    console.child.send("G")
    console.expect("line_59 = 59")
    console.child.send("q")
    console.wait_for_next()
    console.run("nothing_there?", "Object `nothing_there` not found")


def test_next_input(console: Console) -> None:
    console.run("get_ipython().set_next_input('2' * 3 + ' * 2')")
    console.expect("222 \\* 2")
    console.type("")
    console.wait_for_next("444")
    # the last cell, taken up again
    console.child.send("\x1b[A")
    console.expect("222 \\* 2")
    console.type("")
    console.wait_for_next("444")
    console.run("%load short.py")
    console.expect("loaded = 'a ' \\+ 'file'; loaded")
    console.type("")
    console.wait_for_next("'a file'")


def test_figures(start: Starter) -> None:
    pictures = start.home.directory / "pictures"
    pictures.mkdir()
    picture = pictures / "picture.png"
    handler = "--ZMQTerminalInteractiveShell"
    options = [f"{handler}.image_handler=tempfile"]
    for word in ("cp", "{file}", f"{pictures}/picture.{{format}}"):
        options.append(f"{handler}.tempfile_image_handler={word}")
    with closing(Console.owning(start.home, *options, asks=False)) as console:
        console.wait_for_prompt(1)
        console.run("from IPython.display import Image")
        console.run(f"Image({PNG!r}, format='png')", "Out")
        assert picture.read_bytes() == PNG
        console.run("from matplotlib import pyplot")
        console.run("axes = pyplot.figure(figsize=(2, 1)).add_subplot()")
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert len(picture.read_bytes()) > len(PNG)
        # nobody can show it: in words
        shutil.rmtree(pictures)
        console.run("axes.figure", "<Figure size 200x100 with 1 Axes>")


@pytest.mark.parametrize("way", ["exit", "ctrl-d"])
def test_the_kernel_ends_with_it(start: Starter, way: str) -> None:
    with closing(Console.owning(start.home, asks=False)) as console:
        console.wait_for_prompt(1)
        console.type("import os; 'pid ' + str(os.getpid()) + ' it is'")
        console.child.expect(r"pid (\d+) it is")
        ended = os.pidfd_open(int(console.child.match.group(1)))
        try:
            console.wait_for_prompt(2)
            if way == "exit":
                console.type("exit()")
            else:
                console.child.sendeof()
                console.expect("Do you really want to exit")
                console.answer("y")
            console.expect("Shutting down kernel")
            console.wait_for_end()
            assert select.select([ended], [], [], PATIENCE)[0], "the kernel still runs"
        finally:
            os.close(ended)
    assert list(start.home.runtime.iterdir()) == []
