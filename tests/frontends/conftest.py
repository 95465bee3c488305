"""Real frontends, real kernels, real applications: each in a process of its own."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.support.debugging import DebugClient
from tests.frontends.support.frontends import Frontend
from tests.frontends.support.programs import Home, HostProgram, KernelProgram, Program
from tests.frontends.support.wire import Wire
from tests.support.xvfb import display

LOOPS = ("qt", "tk", "headless", "asyncio")

_running: list[Program] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Show what the kernels said below the test that failed."""
    report = yield
    if report.failed:
        report.sections += [(f"process of {item.name}", str(program)) for program in _running]
    return report


class Starter:
    """Starts programs, and ends them and looks at what they said when the test is over."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._stack = ExitStack()

    def program(self, arguments: list[str], **options: Any) -> Program:
        """Run any program."""
        return self.watch(Program(self.home, arguments, **options))

    def kernel(self, gui: str, *arguments: str, **options: Any) -> KernelProgram:
        """Run ``python -m qtkernel``."""
        return self.watch(KernelProgram(self.home, gui, arguments, **options))

    def host(self, **options: Any) -> HostProgram:
        """Run an application with a kernel inside."""
        return self.watch(HostProgram(self.home, **options))

    def frontend(self, program: Any) -> Frontend:
        """Connect a frontend to a kernel."""
        return self.frontend_of(program.connection_file)

    def frontend_of(self, connection_file: Path) -> Frontend:
        """Connect a frontend by a connection file."""
        frontend = Frontend(connection_file)
        self._stack.callback(frontend.close)
        return frontend

    def wire(self, program: Any, **options: Any) -> Wire:
        """Connect a bare socket to a kernel's shell channel."""
        wire = Wire(program.connection_file, **options)
        self._stack.callback(wire.close)
        return wire

    def watch(self, program: Any) -> Any:
        """End `program` when the test is over, and look at what it said."""
        _running.append(program)
        self._stack.callback(self._end, program)
        return program

    def _end(self, program: Program) -> None:
        program.stop()
        _running.remove(program)
        assert program.unexpected() == [], f"said on stderr by\n{program}"

    def close(self) -> None:
        """End everything."""
        self._stack.close()


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """A display for kernels and applications with windows."""
    with display() as name:
        if name is None:
            pytest.skip("there is neither a display nor Xvfb")
        yield name


_numbers = itertools.count()


@contextmanager
def starting(screen: str, directory: Path) -> Iterator[Starter]:
    """A home, and what is started in it."""
    path = directory / str(next(_numbers))
    path.mkdir()
    starter = Starter(Home(path, screen))
    try:
        yield starter
    finally:
        starter.close()


@pytest.fixture(scope="session")
def kernel_homes() -> Iterator[Path]:
    """Where homes are made: a short path, because the names of Unix sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="qtk-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture
def start(screen: str, kernel_homes: Path) -> Iterator[Starter]:
    """Starts programs for one test."""
    with starting(screen, kernel_homes) as starter:
        yield starter


@pytest.fixture(scope="module")
def start_shared(screen: str, kernel_homes: Path) -> Iterator[Starter]:
    """Starts programs for all tests of a module."""
    with starting(screen, kernel_homes) as starter:
        yield starter


@pytest.fixture(scope="module", params=LOOPS)
def kernel(request: pytest.FixtureRequest, start_shared: Starter) -> KernelProgram:
    """A kernel of each kind, shared by the tests of a module."""
    return start_shared.kernel(request.param)


@pytest.fixture(scope="module")
def debugged(start_shared: Starter) -> KernelProgram:
    """A kernel that is debugged, shared by the tests of a module."""
    return start_shared.kernel("qt")


@pytest.fixture
def client(debugged: KernelProgram, attach: Callable[[Any], Frontend]) -> Iterator[DebugClient]:
    """A frontend that has attached its debugger to `debugged`."""
    client = DebugClient(attach(debugged))
    client.attach()
    yield client
    client.do("disconnect")
    client.forget_breakpoints()


@pytest.fixture
def attach() -> Iterator[Callable[[Any], Frontend]]:
    """Connects frontends for one test to kernels that live longer."""
    with ExitStack() as stack:

        def connect(program: Any) -> Frontend:
            frontend = Frontend(program.connection_file)
            stack.callback(frontend.close)
            return frontend

        yield connect
