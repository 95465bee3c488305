"""What `import qtkernel` promises: its names, at any time, and that it costs nothing."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import qtkernel
from tests.support.binding import BINDING

NAMES = [
    "Client",
    "EmbeddedKernel",
    "Executed",
    "Kernel",
    "__version__",
    "embed",
    "embed_kernel",
    "launch_kernel",
]


def python(code: str) -> str:
    """The output of `code` in a Python of its own, which must end well and quietly."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_names() -> None:
    assert sorted(qtkernel.__all__) == sorted(NAMES)
    assert dir(qtkernel) == qtkernel.__all__
    for name in NAMES:
        assert getattr(qtkernel, name) is not None


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'qtkernel' has no attribute 'nonsense'"):
        _ = qtkernel.nonsense


def test_importing_it_imports_nothing_else() -> None:
    heavy = ["zmq", "IPython", "msgspec", "qtpy", BINDING, "traitlets", "asyncio", "comm"]
    code = f"import sys, qtkernel\nprint([name for name in {heavy} if name in sys.modules])"
    assert python(code) == "[]\n"


@pytest.mark.parametrize("package", ["ipykernel", "tornado", "jupyter_client", "tkinter", BINDING])
def test_using_all_of_it_does_not_import(package: str) -> None:
    code = (
        "import sys, qtkernel\n"
        "[getattr(qtkernel, name) for name in qtkernel.__all__]\n"
        "import qtkernel.app, qtkernel.embed.standalone\n"
        f"print({package!r} in sys.modules)"
    )
    assert python(code) == "False\n"


@pytest.mark.parametrize(
    "first",
    [
        "pass",
        "qtkernel.embed",
        "qtkernel.EmbeddedKernel",
        "qtkernel.launch_kernel",
        "import qtkernel.embed.standalone",
        "from qtkernel import embed",
    ],
)
def test_embed_can_be_called_whatever_was_imported_before(first: str) -> None:
    """The package of the function's name takes its place as soon as it is imported."""
    code = (
        f"import qtkernel\n{first}\n"
        "try:\n    qtkernel.embed(5)\n"
        "except TypeError as error:\n    print(error)\n"
        "from qtkernel import embed\n"
        "try:\n    embed(user_ns=5)\n"
        "except TypeError as error:\n    print(error)\n"
    )
    assert python(code) == "user_ns must be a dict, not int; try vars(object)\n" * 2


def test_the_default_namespace_is_the_caller_s_in_either_shape(tmp_path: Path) -> None:
    code = (
        "import os, qtkernel\n"
        f"os.environ['JUPYTER_RUNTIME_DIR'] = {str(tmp_path)!r}\n"
        "from qtkernel.loops.headless import HeadlessLoop\n"
        "from qtkernel.embed.begin import embed as function\n"
        "for embed in (function, qtkernel.embed):\n"
        "    with embed(loop=HeadlessLoop()) as kernel:\n"
        "        print(kernel.user_ns is globals())\n"
    )
    assert python(code) == "True\nTrue\n"


def test_each_name_is_where_it_says() -> None:
    for name, home in qtkernel._HOMES.items():
        assert hasattr(importlib.import_module(home), name)
