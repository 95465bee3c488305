"""Applications of Qt's with a kernel inside, each at an edge.

    python edge.py EDGE CONNECTION_FILE

EDGE is the name of a function below. Each says "ready" when frontends can attach. A cell can call
`say`, and `app.quit()`.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import qtkernel
from tests.support.binding import IS_PYSIDE, QtCore, QtWidgets

FILE = sys.argv[2]


def say(text: object) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


def embed(file: str = FILE, **names: Any) -> qtkernel.EmbeddedKernel:
    """A kernel whose cells have what they need."""
    namespace = {"app": app, "say": say, "QtCore": QtCore, "QtWidgets": QtWidgets} | names
    return qtkernel.embed(namespace, connection_file=file)


app = QtWidgets.QApplication(sys.argv[:1])


def plain() -> int:
    """An ordinary one, which does not close its kernel."""
    embed()
    say("ready")
    return int(app.exec())


def no_streams() -> None:
    """A windowed application without a console."""
    sys.stdout = sys.stderr = None  # type: ignore[assignment]
    kernel = embed()
    say("ready")
    app.exec()
    kernel.close()
    say(f"streams: {sys.stdout} {sys.stderr}")
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def redirected_before() -> None:
    """It has replaced stdout before, by something without a descriptor."""
    sys.stdout = mine = io.StringIO()
    kernel = embed(host_print=lambda: print("from the host"))
    say("ready")
    app.exec()
    kernel.close()
    say(f"same: {sys.stdout is mine}, text: {mine.getvalue()!r}")


def redirected_after() -> None:
    """It replaces stdout while the kernel is there."""
    before = sys.stdout
    kernel = embed()
    beneath = sys.stdout
    sys.stdout = mine = io.StringIO()
    say("ready")
    app.exec()
    kernel.close()
    say(f"same: {sys.stdout is mine}")
    print("later", file=beneath, flush=True)  # it may have kept what was there
    sys.stdout = before


def twice() -> None:
    """It runs its event loop two times."""
    kernel = embed()
    say("ready")
    say(f"first: {app.exec()}")
    say(f"second: {app.exec()}")
    kernel.close()


def nested() -> None:
    """It runs an event loop within its event loop, all the time."""
    inner = QtCore.QEventLoop()
    embed(inner=inner)

    def run() -> None:
        say("ready")
        inner.exec()
        say("inner ended")

    QtCore.QTimer.singleShot(0, run)
    app.exec()


def exits() -> None:
    """The interpreter ends with the kernel open, without a loop ever run."""
    embed()
    say("ready")


def exits_3() -> None:
    """The same by sys.exit."""
    embed()
    say("ready")
    sys.exit(3)


def fails() -> None:
    """The same by an exception."""
    embed()
    say("ready")
    raise LookupError("the application's own")


def deleted() -> None:
    """The application object goes before the kernel does."""
    kernel = embed()
    say("ready")
    app.exec()
    kernel.user_ns.clear()
    shut_down()
    say("deleted")
    kernel.close()
    say(f"trace: {kernel.trace()}")


def shut_down() -> None:
    """Let the application object go."""
    global app
    if IS_PYSIDE:
        app.shutdown()  # it keeps the object otherwise
    del app


def blocked() -> None:
    """Its GUI thread hangs, in code of its own, until the test says so on stdin."""
    embed(hang=lambda: QtCore.QTimer.singleShot(0, hang_here))
    say("ready")
    app.exec()


def hang_here() -> None:
    """Wait for the test."""
    say("hangs")
    try:
        sys.stdin.readline()
    except KeyboardInterrupt:
        say("the host was interrupted")
    say("goes on")


def refused() -> None:
    """It embeds in threads that are not its GUI thread."""

    def attempt() -> None:
        try:
            embed()
        except Exception as error:
            say(f"{type(error).__name__}: {error}")

    class Worker(QtCore.QThread):
        def run(self) -> None:
            attempt()

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    worker = Worker()
    worker.start()
    worker.wait()
    say(f"file: {os.path.exists(FILE)}")


def busy_thread() -> None:
    """A QThread of its own works all the time."""

    class Worker(QtCore.QThread):
        count = 0

        def run(self) -> None:
            while not self.isInterruptionRequested():
                self.count += 1
                self.msleep(1)

    worker = Worker()
    worker.start()
    embed(worker=worker)
    say("ready")
    app.exec()
    worker.requestInterruption()
    worker.wait()


def signals() -> None:
    """It has a SIGINT handler and a wakeup descriptor of its own."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    signal.signal(signal.SIGINT, handler)
    signal.set_wakeup_fd(ours.fileno())

    def look() -> str:
        wakeup = signal.set_wakeup_fd(ours.fileno())
        own = signal.getsignal(signal.SIGINT) is handler
        return f"{own} {wakeup == ours.fileno()}"

    notifier = QtCore.QSocketNotifier(theirs.fileno(), QtCore.QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: (theirs.recv(100), say(f"woken: {look()}")))
    kernel = embed(
        look_later=lambda: QtCore.QTimer.singleShot(0, lambda: say(f"between: {look()}"))
    )
    say("ready")
    app.exec()
    kernel.close()
    say(f"after: {look()}")
    signal.set_wakeup_fd(-1)
    for end in (ours, theirs):
        end.close()


def handler(*_: object) -> None:
    """The application's own."""
    say("the host got SIGINT")


def two() -> None:
    """It has two kernels, and closes them in the order that the cell says."""
    kernels: dict[str, qtkernel.EmbeddedKernel] = {}
    before = sys.stdout

    def close(name: str) -> None:
        QtCore.QTimer.singleShot(0, lambda: (kernels[name].close(), say(f"closed: {name}")))

    for name, file in (("one", FILE), ("two", FILE.replace(".json", "-two.json"))):
        kernels[name] = embed(file, name=name, close=close)
    say("ready")
    app.exec()
    for kernel in kernels.values():
        kernel.close()
    say(f"same: {sys.stdout is before}, trace: {kernels['one'].trace()}")


def closes_when_it_quits() -> int:
    """As applications do: in the signal that says so."""
    kernel = embed()
    app.aboutToQuit.connect(kernel.close)
    app.aboutToQuit.connect(lambda: say(f"closed: {kernel.closed}"))
    say("ready")
    return int(app.exec())


def closes_in_a_slot() -> None:
    """A button of its own closes the kernel, whatever a cell does meanwhile."""
    app.setQuitOnLastWindowClosed(False)
    kernel = embed(soon=lambda delay: QtCore.QTimer.singleShot(delay, close))

    def close() -> None:
        kernel.close()
        say("has called close")
        QtCore.QTimer.singleShot(0, look)

    def look() -> None:
        dialog = app.activeModalWidget()
        if dialog is not None:
            dialog.accept()
        if kernel.closed:
            say(f"closed, trace: {kernel.trace()}")
            app.quit()
        else:
            QtCore.QTimer.singleShot(20, look)

    say("ready")
    app.exec()


def another_application() -> None:
    """It makes a second application object when the first is gone."""
    global app
    embed().close()
    shut_down()
    gc.collect()  # a closed kernel is a cycle, with a namespace in it that has the application
    app = QtWidgets.QApplication(sys.argv[:1])
    kernel = embed()
    say("ready")
    app.exec()
    kernel.close()
    say(f"trace: {kernel.trace()}")


def again() -> None:
    """It embeds again after a close, under the same file."""
    embed().close()
    plain()


def fork_slot() -> None:
    """It forks in a slot of its own; the child goes back to the event loop for a while."""

    def fork() -> None:
        pid = os.fork()
        if pid:
            QtCore.QTimer.singleShot(50, lambda: wait(pid))
        else:
            QtCore.QTimer.singleShot(300, lambda: os._exit(5))

    def wait(pid: int) -> None:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            say(f"child: {os.waitstatus_to_exitcode(status)}")
        else:
            QtCore.QTimer.singleShot(50, lambda: wait(pid))

    embed(fork=lambda: QtCore.QTimer.singleShot(0, fork))
    say("ready")
    app.exec()


def fork_main() -> int:
    """It forks after its loop has ended; the child returns from main and ends as scripts do."""
    kernel = embed()
    say("ready")
    app.exec()
    pid = os.fork()
    if pid == 0:
        kernel.close()  # it is not the child's to close
        return 7
    _, status = os.waitpid(pid, 0)
    say(f"child: {os.waitstatus_to_exitcode(status)}, file: {os.path.exists(FILE)}")
    kernel.close()
    return 0


def sleeps() -> None:
    """It is killed, hard, while it does nothing."""
    embed()
    say("ready")
    time.sleep(60)


if __name__ == "__main__":
    run: Callable[[], int | None] = globals()[sys.argv[1]]
    code = run()
    if code is not None:
        sys.exit(code)
