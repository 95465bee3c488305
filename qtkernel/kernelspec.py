"""The kernelspec: what makes a kernel appear in the lists of Jupyter's frontends.

Its template and logos are in ``resources/kernelspec``.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec
from jupyter_core.paths import SYSTEM_JUPYTER_PATH, jupyter_data_dir, jupyter_path

from qtkernel.resources import ResourceMissing, resource

DEFAULT_NAME = "qtkernel"
LOGOS = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")

# jupyter_client's own rule, but for names of dots only: those are other directories
_NAME = re.compile(r"(?!\.+$)[a-z0-9_.-]+", re.IGNORECASE | re.ASCII)


class KernelSpecError(Exception):
    """A kernelspec cannot be installed or removed; says which and why."""


def template() -> Traversable:
    """The directory with the kernelspec's template, in the wheel or in a checkout."""
    try:
        return resource("kernelspec")
    except ResourceMissing as error:
        raise KernelSpecError(str(error)) from None


def make(gui: str, display_name: str | None, options: Sequence[str] = ()) -> dict[str, Any]:
    """The content of kernel.json for this Python and the loop `gui`."""
    spec: dict[str, Any] = msgspec.json.decode((template() / "kernel.json").read_bytes())
    spec["metadata"]["debugger"] = importlib.util.find_spec("debugpy") is not None
    run = [sys.executable, "-m", "qtkernel", f"--gui={gui}", *options]
    spec["argv"] = [*run, "-f", "{connection_file}"]
    if display_name is not None:
        spec["display_name"] = display_name
    elif gui != "qt":
        spec["display_name"] = f"Python (qtkernel, {gui})"
    return spec


def install(
    *,
    name: str = DEFAULT_NAME,
    display_name: str | None = None,
    gui: str = "qt",
    prefix: str | None = None,
    user: bool = False,
    options: Sequence[str] = (),
) -> Path:
    """Write a kernelspec; returns its directory.

    Args:
        name: the directory's name, by which ``--kernel`` knows it.
        display_name: what people see.
        gui: the event loop that the kernel starts with.
        prefix: install under this prefix's ``share/jupyter``.
        user: install for this user; without `prefix` and `user`, for the whole system.
        options: what the kernel is started with besides.

    Raises:
        KernelSpecError: the name is not allowed or another program's, or the directory cannot be
            written.
    """
    if not _NAME.fullmatch(name):
        raise KernelSpecError(
            f"--name {name!r}: a kernel's name is made of letters, digits and . _ - only"
        )
    directory = _kernels_dir(prefix, user) / name.lower()
    spec = make(gui, display_name, options)
    if (directory / "kernel.json").exists():
        _check_ours(directory)
    _writing(directory, lambda: _write(directory, spec))
    return directory


def uninstall(*, name: str = DEFAULT_NAME, prefix: str | None = None, user: bool = False) -> Path:
    """Remove a kernelspec that `install` has written; returns where it was.

    Without `prefix` and `user` it is looked for wherever Jupyter looks.

    Raises:
        KernelSpecError: there is none, or it is not one of this program's.
    """
    if prefix is not None or user:
        places = [_kernels_dir(prefix, user)]
    else:
        places = [Path(path) / "kernels" for path in jupyter_path()]
    found = [place / name.lower() for place in places if (place / name.lower()).is_dir()]
    if not _NAME.fullmatch(name) or not found:
        looked = ", ".join(str(place) for place in places)
        raise KernelSpecError(f"there is no kernelspec {name!r} in {looked}")
    directory = found[0]
    _check_ours(directory)
    _writing(directory, lambda: shutil.rmtree(directory))
    return directory


def _kernels_dir(prefix: str | None, user: bool) -> Path:
    if prefix is not None:
        return Path(prefix) / "share" / "jupyter" / "kernels"
    return Path(jupyter_data_dir() if user else SYSTEM_JUPYTER_PATH[0]) / "kernels"


def _write(directory: Path, spec: dict[str, Any]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for logo in LOGOS:
        (directory / logo).write_bytes((template() / logo).read_bytes())
    data = msgspec.json.format(msgspec.json.encode(spec), indent=1)
    (directory / "kernel.json").write_bytes(data)


def _writing(directory: Path, action: Callable[[], object]) -> None:
    try:
        action()
    except OSError as error:
        raise KernelSpecError(
            f"cannot write {directory}: {error.strerror}; try --user or --sys-prefix"
        ) from None


def _check_ours(directory: Path) -> None:
    try:
        spec = msgspec.json.decode((directory / "kernel.json").read_bytes())
    except (OSError, ValueError):
        spec = None
    argv = spec.get("argv") if isinstance(spec, dict) else None
    if not isinstance(argv, list) or "qtkernel" not in argv:
        raise KernelSpecError(f"{directory} is the kernelspec of another program; it stays")
