"""Whole notebooks, executed by nbclient: what they show equals what they show with ipykernel.

Each notebook beside this file is run with both kernels in the same test. What may differ is in
`INTENDED`, with where docs/differences.md tells users why; an entry that no longer occurs fails.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

HERE = Path(__file__).parent
DIFFERENCES = (HERE.parents[1] / "docs" / "differences.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted(path.stem for path in HERE.glob("*.ipynb"))

KERNELS = {
    "qtkernel": [sys.executable, "-m", "qtkernel", "--gui=headless", "-f", "{connection_file}"],
    "ipykernel": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
}

Outputs = list[dict[str, Any]]


@dataclass(frozen=True)
class Intended:
    """A difference that is meant to be there.

    Args:
        source: what the cell begins with.
        title: a heading in docs/differences.md.
        ours: says whether our outputs are what they are meant to be, given ipykernel's.
    """

    notebook: str
    source: str
    title: str
    ours: Callable[[Outputs, Outputs], bool]


def as_error(ename: str) -> Callable[[Outputs, Outputs], bool]:
    """An error where ipykernel writes text to stderr."""

    def check(ours: Outputs, theirs: Outputs) -> bool:
        (error,), (text,) = ours, theirs
        return (error["output_type"], error["ename"]) == ("error", ename) and (
            (text["output_type"], text["name"]) == ("stream", "stderr")
            and error["evalue"].split("(")[0] in text["text"]
        )

    return check


def refused_stdin(ours: Outputs, theirs: Outputs) -> bool:
    """The same error, in our own words and without frames of the kernel's."""
    (mine,), (other,) = ours, theirs
    hidden = "kernelbase.py" in "".join(other["traceback"]) and "kernel/" not in "".join(
        mine["traceback"]
    )
    return mine["ename"] == other["ename"] and "cannot answer" in mine["evalue"] and hidden


def plain_lines(ours: Outputs, theirs: Outputs) -> bool:
    """The same text, with lines that end as the command has ended them."""
    return ours == json.loads(json.dumps(theirs).replace("\\r\\n", "\\n"))


def in_true_order(ours: Outputs, theirs: Outputs) -> bool:
    """The same outputs in the order in which they were made."""

    def text(each: dict[str, Any]) -> str:
        return json.dumps(each, sort_keys=True)

    names = [each.get("name") for each in ours]
    return sorted(map(text, ours)) == sorted(map(text, theirs)) and names[0] == "stderr"


INTENDED = (
    Intended(
        "plain",
        "import sys\nprint('to stderr'",
        "Text keeps its order",
        in_true_order,
    ),
    Intended(
        "errors",
        "%nonsense",
        "What fails is an error message",
        as_error("UsageError"),
    ),
    Intended(
        "errors",
        "raise ExceptionGroup",
        "What fails is an error message",
        as_error("ExceptionGroup"),
    ),
    Intended("stdin", "input(", "Some errors have other words", refused_stdin),
    Intended("stdin", "import getpass", "Some errors have other words", refused_stdin),
    *(
        Intended("magics", source, "Commands' lines end as they are written", plain_lines)
        for source in ("!echo from the shell", "%env QTKERNEL_TEST", "%pwd\n%ls")
    ),
)


# Running


@pytest.fixture(scope="module", autouse=True)
def directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Homes for the kernels; matplotlib's cache of fonts is made once."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        for name in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(home / name.lower()))
            (home / name.lower()).mkdir()
        patch.delenv("MPLBACKEND", raising=False)
        patch.setenv("PYTHONPATH", str(HERE.parents[1]))  # this checkout, whatever is installed
        yield


class _Manager(AsyncKernelManager):  # type: ignore[misc]
    argv: list[str]

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=self.argv, display_name="", language="python")


async def execute(name: str, kernel: str, directory: Path) -> Any:
    """Run a notebook; what it is then."""
    notebook = nbformat.read(HERE / f"{name}.ipynb", 4)
    client = NotebookClient(
        notebook,
        kernel_manager_class=type("Manager", (_Manager,), {"argv": KERNELS[kernel]}),
        timeout=50,
        resources={"metadata": {"path": str(directory)}},
    )
    looking = asyncio.ensure_future(look_again(client))
    try:
        await client.async_execute()
    finally:
        looking.cancel()
    return notebook


async def look_again(client: Any) -> None:
    """Wake nbclient where jupyter_client has lost a reply that is there.

    nbclient sends the state of an Output widget past its asyncio socket (`session.send` makes a
    plain one of it), which takes the edge of the descriptor that says that there is something to
    read. Seen with this notebook in 1 of 6 runs, with POLLIN among the socket's EVENTS.
    """
    while True:
        await asyncio.sleep(0.2)
        if client.kc is not None:
            client.kc.shell_channel.socket._schedule_remaining_events()


# Comparing


def normal(value: Any) -> Any:
    """Without what differs from one run to the next: addresses, model ids, processes."""
    text = json.dumps(value, sort_keys=True)
    text = re.sub(r"\b0x[0-9a-f]{6,}", "0x", text)
    text = re.sub(r"/tmp/(ipykernel_\d+|qtkernel-\d+-[0-9a-f]+)/", "/tmp/kernel/", text)
    ids: dict[str, str] = {}
    for found in re.findall(r"\b[0-9a-f]{32}\b", text):
        ids.setdefault(found, f"id-{len(ids)}")
    for found, name in ids.items():
        text = text.replace(found, name)
    return json.loads(text)


def comparable(outputs: Any) -> Outputs:
    """Text as one where it comes in pieces; tracebacks without the frame of a script magic."""
    joined: Outputs = []
    for each in normal(outputs):
        if each["output_type"] == "error":
            each["traceback"] = [
                part for part in each["traceback"] if "ScriptMagics.shebang" not in part
            ]
        if joined and each["output_type"] == "stream" and joined[-1].get("name") == each["name"]:
            joined[-1]["text"] += each["text"]
        else:
            joined.append(each)
    return joined


def cells(notebook: Any) -> list[Any]:
    """Its cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_equal_those_of_ipykernel(name: str, tmp_path: Path) -> None:
    async def both() -> list[Any]:
        runs = []
        for kernel in KERNELS:
            directory = tmp_path / kernel
            directory.mkdir()
            runs.append(execute(name, kernel, directory))
        return await asyncio.gather(*runs)

    ours, theirs = asyncio.run(both())
    left = [each for each in INTENDED if each.notebook == name]
    for mine, other in zip(cells(ours), cells(theirs), strict=True):
        assert mine.execution_count == other.execution_count
        assert (
            mine.metadata.get("execution", {}).keys() == other.metadata.get("execution", {}).keys()
        )
        shown = comparable(mine.outputs)
        expected = comparable(other.outputs)
        intended = [each for each in left if mine.source.startswith(each.source)]
        if intended and shown != expected:
            assert intended[0].ours(shown, expected), mine.source
            left.remove(intended[0])
        else:
            assert shown == expected, mine.source
    assert left == [], "these do not occur any more"
    assert states(ours) == states(theirs)


def test_the_page_has_each_intended_difference() -> None:
    assert [each for each in INTENDED if f"### {each.title}\n" not in DIFFERENCES] == []


def states(notebook: Any) -> Any:
    """The widgets that the notebook has kept, in the order of their models' names."""
    widgets = normal(notebook.metadata.get("widgets", {}))
    kept = widgets.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    return sorted(re.sub(r"id-\d+", "id", json.dumps(each)) for each in kept.values())


def test_there_are_notebooks_of_each_kind() -> None:
    assert set(NOTEBOOKS) >= {
        *("plain", "errors", "stdin", "displays", "widgets", "figures", "tables", "progress"),
        "waiting",
    }
