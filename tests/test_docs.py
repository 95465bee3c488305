"""What the documentation says is so: its Python runs, its links lead somewhere, its names exist."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from qtkernel.app import main
from qtkernel.console.dock import ConsoleDock
from qtkernel.embed.begin import embed
from qtkernel.embed.embedded import EmbeddedKernel

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
GUIDE = ROOT / "docs" / "guide.md"
TELLING = [ROOT / "README.md", GUIDE]
"""The documents that tell how to use it."""

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")

PICTURE_BYTES = 200_000
RECORDING_BYTES = 1_500_000


def named(path: Path) -> str:
    """The path as a reader of the repository knows it."""
    return str(path.relative_to(ROOT))


def prose(document: Path) -> str:
    """What is not in a block of code."""
    return _FENCE.sub("", document.read_text("utf-8"))


def blocks(document: Path, language: str) -> Iterator[str]:
    """The blocks of code in a language, each at its own line: a traceback names the document's."""
    text = document.read_text("utf-8")
    for found in _FENCE.finditer(text):
        if found[1] == language:
            yield "\n" * text.count("\n", 0, found.start(2)) + found[2]


def links(document: Path) -> list[str]:
    """Where it leads to, but for the web."""
    return [each for each in _LINK.findall(prose(document)) if "://" not in each]


def anchors(document: Path) -> set[str]:
    """What a link can name in it: its headings, spelled as forges do."""
    headings = re.findall(r"^#+ +(.+)$", prose(document), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", each.lower()) for each in headings]
    return {each.replace(" ", "-") for each in kept}


# Links and pictures


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        file, _, anchor = unquote(link).partition("#")
        target = (document.parent / file).resolve() if file else document
        assert target.exists(), f"{named(document)} leads to {link}, which does not exist"
        # a disk that takes capitals for small letters is more forgiving than a forge
        assert file == "" or target.name in os.listdir(target.parent), link
        assert anchor == "" or anchor in anchors(target), (
            f"{named(target)} has no heading #{anchor}"
        )


def test_each_picture_is_shown_and_is_made_by_a_script() -> None:
    shown = {
        Path(link).name for document in TELLING for link in links(document) if "images/" in link
    }
    script = "".join(path.read_text("utf-8") for path in (ROOT / "tools").glob("*screenshots.py"))
    made = {f"{name}.png" for name in re.findall(r'\.save\("([\w-]+)"\)', script)}
    made |= set(re.findall(r'IMAGES / "([\w.-]+)"', script))
    kept = {path.name for path in IMAGES.iterdir()}
    assert kept == shown
    assert kept == made


@pytest.mark.parametrize("picture", sorted(IMAGES.iterdir()), ids=named)
def test_a_picture_is_one_and_is_small(picture: Path) -> None:
    content = picture.read_bytes()
    if picture.suffix == ".png":
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert content.endswith(b"IEND\xaeB`\x82"), "it is cut off"
        assert len(content) < PICTURE_BYTES
    else:
        assert (content[:4], content[8:12]) == (b"RIFF", b"WEBP")
        assert int.from_bytes(content[4:8], "little") + 8 == len(content), "it is cut off"
        assert b"ANMF" in content, "it does not move"
        assert len(content) < RECORDING_BYTES


def test_each_picture_has_words_for_who_does_not_see_it() -> None:
    for document in TELLING:
        assert "![](" not in document.read_text("utf-8")


# Names


@pytest.mark.parametrize("document", TELLING, ids=named)
def test_what_is_called_exists(document: Path) -> None:
    owners = {"kernel": EmbeddedKernel, "dock": ConsoleDock}
    seen = 0
    for code in _CODE.findall(prose(document)):
        for owner, name in re.findall(r"\b(kernel|dock)\.(\w+)\b", code):
            if name == "json":
                continue
            assert hasattr(owners[owner], name), f"{named(document)}: {owner}.{name}"
            seen += 1
    assert seen > 5


@pytest.mark.parametrize("document", TELLING, ids=named)
def test_arguments_of_embed_exist(document: Path) -> None:
    calls = re.findall(r"\bembed\(([^`]*)\)`", prose(document))
    arguments = {name for call in calls for name in re.findall(r"\b(\w+)=", call)}
    assert arguments, "the pattern finds none any more"
    assert arguments <= set(inspect.signature(embed).parameters)


@pytest.mark.parametrize("document", TELLING, ids=named)
def test_commands_for_make_exist(document: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    wanted = set(re.findall(r"(?:`|^\$ )make ([\w-]+)", document.read_text("utf-8"), re.MULTILINE))
    assert wanted
    assert wanted <= targets


@pytest.mark.parametrize("document", TELLING, ids=named)
def test_extras_exist(document: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = re.findall(r"\bqtkernel\[([\w,]+)\]", document.read_text("utf-8"))
    assert wanted
    assert {each for extras in wanted for each in extras.split(",")} <= set(
        project["optional-dependencies"]
    )


def test_options_of_the_command_exist(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text("utf-8").partition("## On the command line")[2]
    wanted = set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", text.partition("\n## ")[0]))
    with pytest.raises(SystemExit):
        main(["--help"])
    offered = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["install", "--help"])
    offered += capsys.readouterr().out
    assert len(wanted) > 8
    missing = {each for each in wanted if not re.search(rf"(?<![\w-]){each}\b", offered)}
    assert not missing - {"--help"}


# Python

_BEFORE = """
import json, sys
from tests.support.binding import QtCore, QtWidgets
from tests.test_docs import blocks
from pathlib import Path

app = QtWidgets.QApplication(["host"])
# what a reader's own application has, where the document speaks of it
window, model = QtWidgets.QMainWindow(), {"gain": 3}
names = {"__name__": "__main__", "app": app, "window": window, "model": model}
names["QMessageBox"] = QtWidgets.QMessageBox

def wait(condition, what):
    def look():
        if condition():
            looking.stop()
            loop.quit()
    loop, looking = QtCore.QEventLoop(), QtCore.QTimer()
    looking.timeout.connect(look)
    looking.start(10)
    QtCore.QTimer.singleShot(25000, loop.quit)
    loop.exec()
    if not condition():
        sys.exit(f"waited in vain: {what}")

def run(document):
    found = list(blocks(Path(document), "python"))
    for block in found:
        exec(compile(block, document, "exec"), names)
        yield names["kernel"]
"""

_GUIDE = """
blocks_of_it = run(sys.argv[1])
first = next(blocks_of_it)
window, dock = names["window"], names["dock"]
assert dock.parent() is window and dock.isVisible()
dock.run("win.setWindowTitle(f'gain {model[\\"gain\\"]}')")
wait(lambda: window.windowTitle() == "gain 3", "the cell in the dock")
dock.toggleViewAction().trigger()
assert not dock.isVisible()
second = next(blocks_of_it)
assert second.user_ns["win"] is window
assert next(blocks_of_it, None) is None, "the test knows of two blocks"
second.close()
first.close()
"""

_README = """
blocks_of_it = run(sys.argv[1])
first = next(blocks_of_it)
assert first.user_ns["win"] is window
next(blocks_of_it)
dock = names["dock"]
assert isinstance(dock, QtWidgets.QDockWidget) and dock.parent() is window
dock.run("model['gain'] = 4")
wait(lambda: model["gain"] == 4, "the cell in the dock")
last = next(blocks_of_it)
assert last is not first
assert next(blocks_of_it, None) is None, "the test knows of three blocks"

asked = []
def answer():
    box = app.activeModalWidget()
    if isinstance(box, QtWidgets.QMessageBox):
        asked.append(box.text())
        box.button(QtWidgets.QMessageBox.StandardButton.Yes).click()
answering = QtCore.QTimer()
answering.timeout.connect(answer)
answering.start(20)
print(json.dumps({"file": last.connection_file}), flush=True)
wait(lambda: "from_outside" in last.user_ns, "the frontend that was let in")
assert len(asked) == 1 and asked[0].startswith("Allow "), asked
wait(lambda: not last.busy, "its cell's end")
last.close()
first.close()
"""


def host(document: Path, script: str, runtime: Path) -> subprocess.Popen[str]:
    """A program that runs a document's Python and looks at what came of it."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "QT_QPA_PLATFORM": "offscreen",
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "PYTHONWARNINGS": "error",
    }
    return subprocess.Popen(
        [sys.executable, "-c", _BEFORE + script, str(document)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def complaints(err: str) -> str:
    """What a program has written to stderr, but for what Qt says of its platform "offscreen"."""
    return "".join(
        line for line in err.splitlines(True) if not line.startswith("This plugin does not support")
    )


def test_the_guide_s_python_runs(runtime_dir: Path) -> None:
    with host(GUIDE, _GUIDE, runtime_dir) as program:
        out, err = program.communicate(timeout=55)
    assert (program.returncode, complaints(err)) == (0, "")
    assert out.startswith("jupyter console --existing ")


def test_the_readme_s_python_runs_and_its_dialog_lets_a_frontend_in(runtime_dir: Path) -> None:
    from jupyter_client import BlockingKernelClient

    with host(ROOT / "README.md", _README, runtime_dir) as program:
        assert program.stdout is not None
        lines = iter(program.stdout.readline, "")
        assert next(lines, "").startswith("jupyter console --existing ")
        told = next((line for line in lines if line.startswith("{")), None)
        if told is not None:
            client = BlockingKernelClient()
            client.load_connection_file(json.loads(told)["file"])
            client.start_channels()
            client.execute("from_outside = 1")
        out, err = program.communicate(timeout=55)
        if told is not None:
            client.stop_channels()
    assert (program.returncode, out, complaints(err)) == (0, "", "")
