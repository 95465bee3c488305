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
    if shutil.which("Xvfb") is None:
        yield None
        return
    with virtual_display() as name:
        os.environ["DISPLAY"] = name
        try:
            yield name
        finally:
            os.environ.pop("DISPLAY", None)


@contextlib.contextmanager
def virtual_display(size: str = "1280x800") -> Iterator[str]:
    """A display of one's own, `size` pixels wide and high; its name.

    Raises:
        FileNotFoundError: there is no Xvfb.
        RuntimeError: it ended at once.
    """
    read, write = os.pipe()
    # Xvfb picks a free number and writes it once it accepts clients: no race, no waiting. Without
    # -noreset it begins anew when its last client goes, and refuses the next one meanwhile.
    options = ["-screen", "0", f"{size}x24", "-dpi", "96", "-nolisten", "tcp", "-noreset"]
    with open(read) as pipe:
        try:
            server = subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), *options],
                pass_fds=[write],
                preexec_fn=end_with_parent,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(write)
        try:
            number = pipe.readline().strip()
            if not number:
                raise RuntimeError(f"Xvfb ended with {server.wait()} before it was ready")
            yield f":{number}"
        finally:
            server.terminate()
            server.wait()


def end_with_parent() -> None:
    """Let Linux end a child with us: a test that times out ends pytest without clean-up."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
