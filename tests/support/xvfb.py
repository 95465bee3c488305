"""A display for tests: the one that there is, else an Xvfb of our own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def display() -> Iterator[str | None]:
    """Set DISPLAY to a display that works for the time of the block, and yield its name.

    None where there is neither a display nor Xvfb. Only a server started here is ended.
    """
    if os.environ.get("DISPLAY"):
        yield os.environ["DISPLAY"]
        return
    program = shutil.which("Xvfb")
    if program is None:
        yield None
        return
    read, write = os.pipe()
    # Xvfb picks a free number and writes it once it accepts clients: no race, no waiting. Without
    # -noreset it begins anew when its last client goes, and refuses the next one meanwhile.
    options = ["-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(
        [program, "-displayfd", str(write), *options],
        pass_fds=[write],
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with open(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb ended with {server.wait()} before it was ready")
        os.environ["DISPLAY"] = f":{number}"
        yield os.environ["DISPLAY"]
    finally:
        os.environ.pop("DISPLAY", None)
        server.terminate()
        server.wait()


def _end_with_parent() -> None:
    """Let Linux end the server with us: a test that times out ends pytest without clean-up."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
