"""Run the tests with every Qt binding on every Python, one pair after the other.

    python tools/matrix.py [--only 3.12-pyqt6] [-- PYTEST_ARGUMENT ...]

Each pair, a *cell*, has a virtual environment of its own below build/matrix, which is made once and
brought up to date when pyproject.toml changes. A Python that the machine has not got is said so,
and does not fail the rest. The table goes to the terminal and to build/matrix/results.txt; beside
it are each cell's output and its results as XML. The exit code is the number of cells that failed.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "matrix"
PYTHONS = ("3.11", "3.12", "3.13")
BINDINGS = ("PyQt5", "PyQt6", "PySide6")

TESTS = (
    *("loops", "kernel", "shell", "embed", "conversations", "frontends", "console", "desktop"),
    "demo_app",
)
"""What meets Qt, IPython, asyncio, signals, frames or a whole process. Left out: tests/protocol and
tests/channels (bytes and sockets, the same everywhere) and the tests marked slow (minutes each)."""

WITHOUT_QT = "tk or headless"
"""Tests of kernels that have no Qt in them: each Python runs them once, with the first binding."""

VERSIONS = """
import importlib.metadata as m, platform, sys
of = lambda *names: " ".join(f"{name} {m.version(name)}" for name in names)
print(platform.python_version() + ",", of(sys.argv[1], "ipython", "pyzmq"))
"""


@dataclass(frozen=True)
class Cell:
    """One Python and one binding."""

    python: str
    binding: str

    @property
    def name(self) -> str:
        """What ``--only`` takes."""
        return f"{self.python}-{self.binding.lower()}"

    @property
    def requirements(self) -> list[str]:
        """What is installed: our project from this checkout, the binding, and what tests need."""
        # QtAsyncio, which some tests have for a host, is not among the essentials
        addons = ["PySide6-Addons"] if self.binding == "PySide6" else []
        return ["-e", f"{ROOT}[test,{self.binding.lower()}]", *addons]

    @property
    def tests(self) -> list[str]:
        """Which tests it runs, as pytest's arguments."""
        paths = [f"tests/{name}" for name in TESTS]
        once = [] if self.binding == BINDINGS[0] else ["-k", f"not ({WITHOUT_QT})"]
        return ["-m", "not slow", *once, *paths]

    @property
    def distribution(self) -> str:
        """What the binding is called on PyPI."""
        return "PySide6-Essentials" if self.binding == "PySide6" else self.binding

    @property
    def interpreter(self) -> Path:
        """The Python of the cell's environment."""
        return BUILD / self.name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@dataclass
class Result:
    """How the tests of a cell ended."""

    cell: Cell
    outcome: str
    """passed, FAILED, or why there is no result."""

    counts: Counter[str]
    seconds: float = 0.0
    versions: str = ""

    @property
    def row(self) -> str:
        """The line of the table."""
        kinds = ("passed", "failed", "skipped", "xfailed")
        numbers = " ".join(f"{self.counts[kind]:>7}" for kind in kinds)
        row = f"{self.cell.name:<13} {self.outcome:<19} {numbers} {self.seconds:>6.0f}"
        return f"{row}  {self.versions}".rstrip()


HEADING = f"{'cell':<13} {'outcome':<19}  passed  failed skipped xfailed      s  versions"


def find_python(version: str) -> str | None:
    """A Python of this version on the PATH or, where a shim of pyenv's refuses, under pyenv."""
    return next((path for path in _candidates(version) if _is_version(path, version)), None)


def _candidates(version: str) -> Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield on_path
    if shutil.which("pyenv") is not None:
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True)
        versions = Path(root.stdout.strip(), "versions")
        yield from (str(path) for path in versions.glob(f"{version}.*/bin/python{version}"))


def _is_version(path: str, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def set_up(cell: Cell, python: str) -> None:
    """Make the cell's environment, or bring it up to date when pyproject.toml has changed."""
    stamp = BUILD / cell.name / "stamp"
    project = (ROOT / "pyproject.toml").read_bytes() + " ".join(cell.requirements).encode()
    wanted = hashlib.sha256(project).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"{cell.name}: making its environment")
    subprocess.run([python, "-m", "venv", str(BUILD / cell.name)], check=True)
    install = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", *cell.requirements]
    subprocess.run([str(cell.interpreter), *install], check=True)
    stamp.write_text(wanted)


def run(cell: Cell, pytest_arguments: Sequence[str]) -> Result:
    """Set the cell up and run its tests."""
    python = find_python(cell.python)
    if python is None:
        say(f"{cell.name}: *** THERE IS NO PYTHON {cell.python} ON THIS MACHINE ***")
        return Result(cell, "not on this machine", Counter())
    try:
        set_up(cell, python)
    except subprocess.CalledProcessError as error:
        say(f"{cell.name}: its environment cannot be made: {error}")
        return Result(cell, "FAILED", Counter())
    query = [str(cell.interpreter), "-c", VERSIONS, cell.distribution]
    versions = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    say(f"{cell.name}: testing with {versions}")
    report, log = BUILD / f"{cell.name}.xml", BUILD / f"{cell.name}.log"
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    with log.open("w") as output:
        code = subprocess.run(
            [str(cell.interpreter), "-m", "pytest", f"--junit-xml={report}", *pytest_arguments],
            cwd=ROOT,
            env=_environment(cell),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    seconds = time.monotonic() - begun
    counts = _counts(report)
    say(f"{cell.name}: {dict(counts)} in {seconds:.0f} s, see {log.relative_to(ROOT)}")
    return Result(cell, "FAILED" if code else "passed", counts, seconds, versions)


def _environment(cell: Cell) -> dict[str, str]:
    # another binding that the user has chosen for himself must not come in
    environment = {name: value for name, value in os.environ.items() if name != "QT_API"}
    return environment | {"QTKERNEL_TEST_BINDING": cell.binding}


def _counts(report: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    if not report.exists():
        # a timeout ends pytest hard
        say("  there is no report: pytest has not come to its end")
        return counts
    for case in ElementTree.parse(report).iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        skipped = case.find("skipped")
        if bad:
            say(f"  FAILED {case.get('classname')}::{case.get('name')}")
            counts["failed"] += 1
        elif skipped is not None:
            counts["xfailed" if skipped.get("type") == "pytest.xfail" else "skipped"] += 1
        else:
            counts["passed"] += 1
    return counts


def say(line: str) -> None:
    """Report, at once."""
    print(line, flush=True)


def main() -> int:
    """Run the cells that the command line asks for."""
    cells = [Cell(*pair) for pair in itertools.product(PYTHONS, BINDINGS)]
    names = [cell.name for cell in cells]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=names, help="a cell; may be repeated")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest's, instead of our choice")
    arguments = parser.parse_args()
    chosen = [cell for cell in cells if arguments.only is None or cell.name in arguments.only]
    BUILD.mkdir(parents=True, exist_ok=True)
    results = [run(cell, arguments.pytest or cell.tests) for cell in chosen]
    table = "\n".join([HEADING, *(result.row for result in results)])
    (BUILD / "results.txt").write_text(f"{table}\n")
    say(f"\n{table}")
    return sum(result.outcome == "FAILED" for result in results)


if __name__ == "__main__":
    sys.exit(main())
