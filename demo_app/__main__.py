"""``python -m demo_app``: open the bench, with a kernel inside."""

import argparse
import sys
from collections.abc import Sequence

from qtpy import QtWidgets

import qtkernel
from demo_app import look
from demo_app.model import Bench
from demo_app.window import BenchWindow


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the application until its window is closed; return Qt's exit code."""
    parser = argparse.ArgumentParser(
        prog="demo_app", description="Signal Bench, with a live console. Ctrl+Q quits."
    )
    parser.add_argument("--connection-file", metavar="PATH", help="write the connection file here")
    parser.add_argument(
        "--transport",
        choices=("ipc", "tcp"),
        default="auto",
        help="how other programs reach the kernel",
    )
    parser.add_argument(
        "--theme", choices=tuple(look.THEMES), default="dark", help="dark unless light"
    )
    args = parser.parse_args(arguments)

    app = QtWidgets.QApplication(sys.argv[:1])
    app.setApplicationName("Signal Bench")
    look.dress(app, args.theme)
    bench = Bench()
    bench.channels[0].set(waveform="vibration", noise=0.05)
    window = BenchWindow(bench)

    kernel = qtkernel.embed(
        {"win": window, "model": bench},
        name="Signal Bench",
        connection_file=args.connection_file,
        transport=args.transport,
    )
    app.aboutToQuit.connect(kernel.close)

    window.add_kernel(kernel)
    window.closed.connect(app.quit)  # also when a cell's windows are still open
    window.show()
    bench.start()
    status: int = app.exec_()
    return status


if __name__ == "__main__":
    sys.exit(main())
