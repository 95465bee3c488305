"""Commands of the system: ``!cmd``, ``x = !cmd``, ``%%bash`` and their kin.

The application lives on while one runs: its event loop is served in a nested run (`Waiting`), and
a thread reads what the command writes. The output goes where it is written for the cell: under its
request, and into ``%%capture`` if that is around.

``!cmd`` gets a terminal to write to, as in IPython: programs write their lines as they come, and
draw their progress bars. It gets nothing to read: one that asks meets the end of its input, and
does not wait for ever. ``x = !cmd`` and scripts get pipes.

On Windows, which has neither, commands are left to IPython, and stop the application.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qtkernel.interpreter import IOPub, Wait, Waiting

Write = Callable[[str], object]

_CHUNK = 1 << 16
_LOOK = 0.05  # seconds between two looks for an interrupt, on a thread that gets no signals
_PATIENCE = 1.0  # seconds that a command which was told to end may take, before it is told again
_LEFT_BEHIND = 0.05  # seconds that output may still be on its way when the command has ended
_AT_MOST = 1.0  # seconds that it may go on coming, from what the command has left behind
_LINES_AND_COLUMNS = (24, 80)
_ESCALATION = ("SIGINT", "SIGTERM", "SIGKILL")  # at each request to end, one after the other

_pread, _pwrite, _clock = os.read, os.write, time.monotonic


class CommandsClosed(RuntimeError):
    """The kernel was closed, or the application ended its loop, while a command ran."""


class Commands:
    """Runs commands for the code of one kernel's cells, from whatever thread."""

    def __init__(self, waiting: Waiting, iopub: IOPub) -> None:
        self._waiting = waiting
        self._iopub = iopub
        self._running: list[_Command] = []
        self._closed = False

    def run(
        self,
        argv: Sequence[str],
        *,
        write: Write,
        write_error: Write | None = None,
        terminal: bool = False,
        stdin: bytes | None = None,
    ) -> int:
        """Run a command to its end; returns its exit code, negative if a signal has ended it.

        Args:
            argv: the program and its arguments.
            write: takes what it writes, on another thread.
            write_error: takes what it writes to stderr; by default the two are one.
            terminal: whether it writes to a terminal.
            stdin: what it reads.

        Raises:
            OSError: it cannot be started.
            KeyboardInterrupt: it was interrupted, and has ended.
            CommandsClosed: see there; the command has been told to end.
        """
        __tracebackhide__ = True
        if self._closed:
            raise CommandsClosed("the kernel has been closed")
        command = _Command(argv, terminal, stdin, write, write_error)
        self._running.append(command)
        try:
            command.start(self._iopub.carried(command.pump), self._waiting.look)
            self._wait(command)
        except BaseException:
            if not self._waiting.can_wait():
                command.end_and_join()
            raise
        finally:
            self._running.remove(command)
        command.raise_failure()
        return command.exit_code()

    def _wait(self, command: _Command) -> None:
        __tracebackhide__ = True
        if not self._waiting.can_wait():
            command.join()
            return
        try:
            done = self._waiting.until_done(command, command.end)
        except BaseException:
            command.end(by_force=True)
            raise
        if not done:
            command.end(by_force=True)
            raise CommandsClosed("the application ended its event loop while a command ran")
        if self._closed:
            raise CommandsClosed("the kernel was closed while a command ran")
        if command.interrupted:
            raise KeyboardInterrupt

    def close(self) -> None:
        """End what runs."""
        self._closed = True
        for command in list(self._running):
            command.end(by_force=True)


class _Command(Wait):
    """One running command: a process, and two threads that serve its pipes and wait for it."""

    def __init__(
        self,
        argv: Sequence[str],
        terminal: bool,
        stdin: bytes | None,
        write: Write,
        write_error: Write | None,
    ) -> None:
        self._argv = argv
        self._terminal = terminal
        self._stdin = stdin
        self._write = write
        self._write_error = write_error
        self._process: subprocess.Popen[bytes] | None = None
        self._told = 0
        self._failure: BaseException | None = None
        self._ended, self._say_ended = os.pipe()
        self._outputs: dict[int, Write] = {}
        self._threads: list[threading.Thread] = []
        self._served = threading.Event()

    # Beginning

    def start(self, pump: Callable[[], object], look: Callable[[], object]) -> None:
        """Start the process and the threads.

        Args:
            pump: runs `pump`, with whatever must be around it.
            look: called when `done` has been set.
        """
        try:
            ours, theirs = self._open_output()
            try:
                self._process = subprocess.Popen(
                    self._argv,
                    stdin=subprocess.DEVNULL if self._stdin is None else subprocess.PIPE,
                    stdout=theirs,
                    stderr=subprocess.STDOUT if self._write_error is None else subprocess.PIPE,
                    env=_environment(os.environ) if self._terminal else None,
                    # a group of its own, so that an interrupt ends what it has started as well
                    start_new_session=True,
                )
            except BaseException:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
        except BaseException:
            os.close(self._ended)
            os.close(self._say_ended)
            raise
        self._outputs[ours] = self._write
        if self._process.stderr is not None and self._write_error is not None:
            self._outputs[os.dup(self._process.stderr.fileno())] = self._write_error
            self._process.stderr.close()

        def serve() -> None:
            try:
                pump()
            finally:
                self._threads[0].join()
                self.done = True
                self._served.set()
                look()

        for name, target in (("wait", self._wait_for_process), ("output", serve)):
            thread = threading.Thread(target=target, name=f"qtkernel-command-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _open_output(self) -> tuple[int, int]:
        if not self._terminal:
            return os.pipe()
        import fcntl
        import pty
        import struct
        import termios

        ours, theirs = pty.openpty()
        settings = termios.tcgetattr(theirs)
        settings[1] &= ~termios.OPOST  # else each line would end in "\r\n"
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_LINES_AND_COLUMNS, 0, 0))
        return ours, theirs

    # On threads of its own

    def _wait_for_process(self) -> None:
        assert self._process is not None
        self._process.wait()
        os.close(self._say_ended)

    def pump(self) -> None:
        """Take what the command writes, and give it what it reads, until it has ended.

        Its end is not that of its output: a process that it leaves behind has the pipe, too.
        """
        decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in self._outputs}
        with selectors.DefaultSelector() as selector:
            selector.register(self._ended, selectors.EVENT_READ)
            for fd in self._outputs:
                selector.register(fd, selectors.EVENT_READ)
            self._open_stdin(selector)
            ended: float | None = None
            while decoders:
                events = selector.select(None if ended is None else _LEFT_BEHIND)
                if ended is not None and (not events or _clock() > ended + _AT_MOST):
                    break
                for key, _mask in events:
                    if key.fd == self._ended:
                        ended = _clock()
                        selector.unregister(self._ended)
                    elif key.fd in decoders:
                        self._take(key.fd, decoders, selector)
                    else:
                        self._give(selector)
        for fd, decoder in decoders.items():
            self._say(fd, decoder.decode(b"", final=True))
        self._close()

    def _take(self, fd: int, decoders: dict[int, Any], selector: Any) -> None:
        try:
            data = _pread(fd, _CHUNK)
        except OSError as error:
            if error.errno != errno.EIO:  # the end of a terminal, on Linux
                raise
            data = b""
        self._say(fd, decoders[fd].decode(data, final=not data))
        if not data:
            selector.unregister(fd)
            del decoders[fd]

    def _say(self, fd: int, text: str) -> None:
        if not text or self._failure is not None:
            return
        try:
            self._outputs[fd](text)
        except BaseException as error:
            # sys.stdout was a cell's own; the command must not wait for a full pipe
            self._failure = error

    def _open_stdin(self, selector: Any) -> None:
        pipe = self._process.stdin if self._process is not None else None
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe.fileno(), selectors.EVENT_WRITE)

    def _give(self, selector: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        pipe = self._process.stdin
        try:
            self._stdin = (self._stdin or b"")[_pwrite(pipe.fileno(), self._stdin or b"") :]
        except BrokenPipeError:
            self._stdin = b""  # it does not read all that it is given
        if not self._stdin:
            selector.unregister(pipe.fileno())
            pipe.close()

    def _close(self) -> None:
        for fd in (*self._outputs, self._ended):
            os.close(fd)
        assert self._process is not None
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    # Ending

    def end(self, by_force: bool = False) -> None:
        """Tell the command, and what it has started, to end; each time more urgently."""
        names = _ESCALATION[1:] if by_force else _ESCALATION
        name = names[min(self._told, len(names) - 1)]
        self._told += 1
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, getattr(signal, name))

    def join(self) -> None:
        """Wait for the end, on a thread that serves no event loop: a cell's, or a subshell's."""
        __tracebackhide__ = True
        # Python raises nothing in a thread that waits; and in Thread.join() it must not, for that
        # would take the thread that still runs for one that has ended (3.11)
        while not self._served.wait(_LOOK):
            pass

    def end_and_join(self) -> None:
        """On such a thread, when something has been raised there: an interrupt of the subshell."""
        for _ in _ESCALATION if self._threads else ():  # else it has not begun
            self.end()
            if self._served.wait(_PATIENCE):
                break

    def raise_failure(self) -> None:
        """Raise what the taker of the output has raised."""
        if self._failure is not None:
            raise self._failure

    def exit_code(self) -> int:
        """As IPython has it in ``_exit_code``: the signal's number, negative, if one ended it."""
        assert self._process is not None
        code = self._process.returncode
        return 128 - code if code > 128 else code  # what a shell says of its own commands


def shell_argv(command: str) -> list[str]:
    """A command line for the user's shell."""
    return [shutil.which(os.environ.get("SHELL", "sh")) or "/bin/sh", "-c", command]


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """For a terminal that nobody types at: pagers would wait for a key."""
    return {**environ, "TERM": "xterm-color", "CLICOLOR": "1", "PAGER": "cat", "GIT_PAGER": "cat"}
