"""``jupyter console``, in a terminal, as a person uses it; attached to an application's kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.frontends.conftest import Starter
from tests.frontends.support.console import Console
from tests.frontends.support.programs import HostProgram


@pytest.fixture
def console(host: HostProgram) -> Iterator[Console]:
    """A console attached to the host; it takes an empty line for the end of a cell."""
    with closing(Console.attached(host, asks=False)) as console:
        yield console


@pytest.fixture(scope="module")
def host(start_shared: Starter) -> HostProgram:
    """An application."""
    return start_shared.host()


def next_prompt(host: HostProgram, start: Starter) -> int:
    """The number of the next cell."""
    return int(start.frontend(host).run("", store_history=False).content["execution_count"]) + 1


def test_a_session(host: HostProgram, console: Console, start: Starter) -> None:
    number = next_prompt(host, start)
    console.wait_for_prompt(1)  # it learns the kernel's own number with the first reply
    console.type("6 * 7")
    console.expect(rf"Out\[{number}\]: 42")
    console.wait_for_prompt(number + 1)
    console.type("first.setWindowTitle('typed')")
    console.wait_for_prompt(number + 2)
    assert "typed" in host.ask("report")
    # Tab
    console.child.send("tick\t")
    console.expect("ticker")
    console.type(".count > 0")
    console.expect(rf"Out\[{number + 2}\]: True")
    console.wait_for_prompt(number + 3)
    console.type("input('your ' + 'name? ')[::-1]")
    console.expect("your name\\? ")
    console.answer("Ada")
    console.expect(rf"Out\[{number + 3}\]: ")
    console.expect("adA")
    console.wait_for_prompt(number + 4)
    console.type("1 / 0")
    console.expect("ZeroDivisionError")
    console.wait_for_prompt(number + 5)
    console.type("exit()")
    console.wait_for_end()
    assert start.frontend(host).run("'alive'").result == "'alive'"


def test_several_lines(host: HostProgram, start: Starter) -> None:
    number = next_prompt(host, start)
    with closing(Console.attached(host)) as console:
        console.wait_for_prompt(1)
        # the kernel says that the first is not all, and how to indent the second
        console.type("for i in range(3):")
        console.expect(r"\.\.\.: ")
        console.type("second.setWindowTitle(f'line {i}')")
        console.expect(r"\.\.\.: ")
        console.type("")
        console.wait_for_prompt(number + 1)
        assert "line 2" in host.ask("report")
        console.type("exit")
        console.wait_for_end()


def test_ctrl_c(host: HostProgram, console: Console, start: Starter) -> None:
    number = next_prompt(host, start)
    other = start.frontend(host)
    console.wait_for_prompt(1)  # it learns the kernel's own number with the first reply
    console.type("print('be', 'gun'); import time; time.sleep(60)")
    console.expect("be gun")
    console.child.sendintr()
    # jupyter_console's own limit: it has no manager, and does not send an interrupt_request
    console.expect("Cannot interrupt kernels we didn't start")
    other.interrupt()
    console.expect("KeyboardInterrupt")
    console.wait_for_prompt(number + 1)
    console.type("'un' + 'hurt'")
    console.expect("'unhurt'")
    console.wait_for_prompt(number + 2)
    console.child.sendeof()
    console.expect(r"exit")
    console.child.sendline("y")
    console.wait_for_end()
    assert start.frontend(host).run("'alive'").result == "'alive'"
