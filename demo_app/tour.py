"""``make demo``: attach to the demo application from another process and drive it.

The tour is an ordinary frontend: it starts ``python -m demo_app``, attaches to its kernel with
jupyter_client's BlockingKernelClient, runs cells as a console would, and saves the window's picture
before and after. It ends with 0 only if every cell gave what was expected of it, the picture
changed, and the application ended by itself with exit code 0.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_client import BlockingKernelClient
from qtpy import QtGui

from demo_app.stage import TIMEOUT, TourError, application, display, wait_for_end

CHANGED_PIXELS = 0.03
"""The part of the window that has to differ; a running trace alone changes less than 0.01."""
PROCESS = """import os
from qtpy.QtCore import QThread
(os.getpid(), QThread.currentThread() is win.thread())"""
PICTURE = "win.grab().save({path!r})"
QUIT = """from qtpy.QtCore import QTimer
QTimer.singleShot(0, win.close)"""


class Cell(NamedTuple):
    """Code to run, and the text that its result has to be (None: it has no result)."""

    code: str
    result: str | None = None


CELLS = (
    Cell("model.timebase = 200e-6\nmodel.channels[0].frequency = 2500"),
    Cell("model.channels[0].set(waveform='triangle', amplitude=1.5, position=2)"),
    Cell(
        "model.add_channel(waveform='square', frequency=5000, amplitude=0.8, position=-2)",
        "<CH2: square 5000 Hz, 0.8 V>",
    ),
    Cell("round(model.channels[0].readings.frequency, -2)", "2500.0"),
    Cell("marker = model.add_marker(100e-6, 'peak')"),
    Cell("win.dock.run('model.channels')  # in the application's own console"),
    Cell("win.setWindowTitle('Signal Bench, driven from outside')"),
    Cell("win.log('hello from another process')"),
    Cell("model.stop()\nprint('acquisition held after', model.sweeps > 0, 'sweeps')"),
    Cell("len(win.cards), win.readings.rowCount(), model.running", "(2, 2, False)"),
)


def say(text: str = "") -> None:
    """Write a line to the terminal at once, also where stdout is a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Frontend:
    """A console's view of the kernel: runs cells and prints them with their output."""

    def __init__(self, connection_file: Path) -> None:
        self.client = BlockingKernelClient(connection_file=str(connection_file))
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT)

    def run(self, cell: Cell) -> str | None:
        """Run a cell and return its result as text; TourError if it is not the expected one."""
        results: list[str] = []

        def show(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                sys.stdout.write(content["text"])
            elif message["msg_type"] == "execute_result":
                results.append(content["data"]["text/plain"])
                say(f"Out[{content['execution_count']}]: {results[-1]}")
            elif message["msg_type"] == "execute_input":
                prompt = f"In [{content['execution_count']}]: "
                say(prompt + content["code"].replace("\n", "\n" + "...: ".rjust(len(prompt))))
            elif message["msg_type"] == "error":
                say("\n".join(content["traceback"]))

        reply = self.client.execute_interactive(cell.code, timeout=TIMEOUT, output_hook=show)
        say()
        if reply["content"]["status"] != "ok":
            raise TourError(f"the cell failed: {cell.code!r}")
        result = results[-1] if results else None
        if cell.result is not None and result != cell.result:
            raise TourError(f"expected {cell.result} from {cell.code!r}, got {result}")
        return result

    def interrupt(self) -> None:
        """Ask the kernel to interrupt the cell that runs, whoever sent it."""
        self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))

    def close(self) -> None:
        """Leave; the application goes on."""
        self.client.stop_channels()


def changed_part(before: Path, after: Path) -> float:
    """The part of the pixels, 0 to 1, that differ; TourError if a picture cannot be read."""
    one, two = QtGui.QImage(str(before)), QtGui.QImage(str(after))
    if one.isNull() or two.isNull() or one.size() != two.size():
        raise TourError(f"{before} and {after} are not two pictures of one size")
    places = [(x, y) for y in range(one.height()) for x in range(one.width())]
    part: float = sum(one.pixel(*at) != two.pixel(*at) for at in places) / len(places)
    return part


def scripted(app: subprocess.Popen[bytes], connection_file: Path, output: Path) -> None:
    """Run the whole session and check all of it."""
    before, after = output / "before.png", output / "after.png"
    frontend = Frontend(connection_file)
    try:
        result = frontend.run(Cell(PROCESS, f"({app.pid}, True)"))
        say(f"This frontend is process {os.getpid()}; (process, GUI thread) there: {result}\n")
        frontend.run(Cell(PICTURE.format(path=str(before)), "True"))
        for cell in CELLS:
            frontend.run(cell)
        frontend.run(Cell(PICTURE.format(path=str(after)), "True"))
        frontend.run(Cell(QUIT))
    except TimeoutError:
        if app.poll() is not None:
            raise TourError(f"the application ended with {app.returncode} during a cell") from None
        raise
    finally:
        frontend.close()
    wait_for_end(app)
    if connection_file.exists():
        raise TourError("the application left its connection file behind")
    part = changed_part(before, after)
    if part < CHANGED_PIXELS:
        raise TourError(f"only {part:.1%} of the window changed")
    say(f"{part:.1%} of the window changed: see {before} and {after}")


def interactive(app: subprocess.Popen[bytes], connection_file: Path) -> None:
    """Give the terminal to ``jupyter console``; afterwards wait for the window to be closed."""
    console = (sys.executable, "-m", "jupyter_console", "--existing", str(connection_file))
    frontend = Frontend(connection_file)
    # jupyter console interrupts only kernels that it has started itself, so Ctrl-C, which the
    # terminal sends to both of us while a cell runs, is taken to the kernel from here
    previous = signal.signal(signal.SIGINT, lambda _number, _frame: frontend.interrupt())
    try:
        status = subprocess.call(console)
    finally:
        signal.signal(signal.SIGINT, previous)
        frontend.close()
    if status != 0:
        raise TourError(f"jupyter console ended with exit code {status}")
    if app.poll() is None:
        say("The console is gone and the application lives on; close its window to end.")
    wait_for_end(app, timeout=None)


def main() -> int:
    """Run the tour; 0 only if everything happened."""
    parser = argparse.ArgumentParser(prog="demo_app.tour", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/demo"), help="for the pictures")
    parser.add_argument("--transport", choices=("ipc", "tcp"), help="of the kernel's channels")
    parser.add_argument("--interactive", action="store_true", help="attach jupyter console here")
    args = parser.parse_args()
    output = args.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    if args.interactive and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        parser.error("--interactive needs a display: there would be no window to look at")
    for name in {"SIGTERM", "SIGHUP"} & set(dir(signal)):
        # a closed terminal must not leave an application behind that nobody can see
        signal.signal(getattr(signal, name), lambda number, _frame: sys.exit(128 + number))
    try:
        with (
            tempfile.TemporaryDirectory(prefix="qtkernel-demo-") as directory,
            display() as environment,
            application(environment, Path(directory) / "demo.json", args.transport) as demo,
        ):
            if args.interactive:
                interactive(*demo)
            else:
                scripted(*demo, output)
    except (TourError, RuntimeError, OSError) as error:
        sys.stderr.write(f"demo failed: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
