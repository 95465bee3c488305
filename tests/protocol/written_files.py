"""Connection files to look at, from this process and from ones that are gone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from qtkernel.protocol import ConnectionInfo, default_path, write_connection_file

INFO = ConnectionInfo(
    shell_port=50001,
    control_port=50002,
    stdin_port=50003,
    iopub_port=50004,
    hb_port=50005,
    key="secret",
    kernel_name="an app",
)
ROOT = Path(__file__).parents[2]


def run(script: str, *args: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, **options)


def ended_process() -> int:
    """The pid of a process that was there and is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def rewrite(path: Path, **block: Any) -> Path:
    """Change who is said to have written a file."""
    members = json.loads(path.read_text())
    members["qtkernel"].update(block)
    path.write_text(json.dumps(members))
    return path


def written(directory: Path, name: str = "app", **options: Any) -> Path:
    path = default_path(directory, name)
    write_connection_file(path, options.pop("info", INFO), **options)
    return path


def stale(directory: Path, **options: Any) -> Path:
    return rewrite(written(directory, **options), pid=ended_process())
