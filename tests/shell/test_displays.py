"""What libraries display, and how; and objects that cannot be displayed."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from qtkernel.protocol.encode import from_json, to_json
from tests.support.real_shell import RealShell

PNG = b"\x89PNG\r\n\x1a\n123"


def of_type(bench: RealShell, msg_type: str) -> list[dict[str, Any]]:
    """The contents of the messages of one type since the last time, as they are sent."""
    said = [content for each, content in bench.iopub.take() if each == msg_type]
    return from_json(to_json(said))  # type: ignore[no-any-return]


def result(bench: RealShell, code: str) -> dict[str, Any]:
    """The data of a cell's result."""
    bench.iopub.take()
    bench.fine(code)
    (content,) = of_type(bench, "execute_result")
    return content["data"]  # type: ignore[no-any-return]


# Libraries


def test_pandas(bench: RealShell) -> None:
    pytest.importorskip("pandas")
    bench.fine("import pandas as pd; frame = pd.DataFrame({'n': range(100)})")
    data = result(bench, "frame")
    assert set(data) == {"text/plain", "text/html"}
    assert "<table" in data["text/html"]
    bench.fine("pd.options.display.max_rows = 4")
    assert "100 rows" in result(bench, "frame")["text/html"]
    assert set(result(bench, "frame.n")) == {"text/plain"}
    bench.fine("pd.options.display.html.table_schema = True")
    assert "application/vnd.dataresource+json" in result(bench, "frame")
    bench.fine("pd.options.display.html.table_schema = False; pd.reset_option('max_rows')")


def test_pillow(bench: RealShell) -> None:
    pytest.importorskip("PIL")
    data = result(bench, "from PIL import Image; Image.new('RGB', (3, 2), 'red')")
    assert base64.b64decode(data["image/png"]).startswith(PNG[:8])
    assert base64.b64decode(data["image/jpeg"]).startswith(b"\xff\xd8")


def test_rich_knows_where_it_is(bench: RealShell) -> None:
    pytest.importorskip("rich")
    bench.fine("import rich; rich.print('[bold]text[/]')")
    (content,) = of_type(bench, "display_data")
    assert set(content["data"]) == {"text/plain", "text/html"}
    assert "font-weight: bold" in content["data"]["text/html"]
    assert result(bench, "rich.get_console().is_jupyter") == {"text/plain": "True"}


def test_rich_shows_exceptions_once_and_the_cell_has_failed(bench: RealShell) -> None:
    pytest.importorskip("rich")
    bench.fine("from rich.traceback import install; install();")
    outcome = bench.run("1/0")
    assert outcome.error is not None
    assert (outcome.error.ename, outcome.error.evalue) == ("ZeroDivisionError", "division by zero")
    said = bench.iopub.take()
    assert [msg_type for msg_type, _content in said] == ["display_data"]
    # a wrong use of a magic stays a line
    outcome = bench.run("%nosuchmagic")
    assert outcome.error is not None
    assert [msg_type for msg_type, _content in bench.iopub.take()] == ["error"]


def test_an_exception_that_a_handler_shows(bench: RealShell) -> None:
    bench.fine(
        "def show(shell, kind, value, trace, tb_offset=None): print('handled', kind.__name__)\n"
        "get_ipython().set_custom_exc((ValueError,), show)"
    )
    outcome = bench.run("raise ValueError('x')")
    assert outcome.error is not None
    assert (outcome.error.ename, outcome.error.evalue) == ("ValueError", "x")
    assert bench.iopub.text() == "handled ValueError\n"
    assert of_type(bench, "error") == []
    bench.run("1/0")
    assert len(of_type(bench, "error")) == 1


def test_tqdm_draws_in_place(bench: RealShell) -> None:
    pytest.importorskip("tqdm")
    bench.fine("from tqdm import tqdm\nfor _ in tqdm(range(3), mininterval=0): pass")
    text = bench.iopub.text("stderr")
    assert text.startswith("\r")
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert "3/3" in text.rpartition("\r")[2]


@pytest.mark.parametrize("module", ["tqdm.auto", "tqdm.autonotebook"])
def test_tqdm_for_notebooks_falls_back_to_text_without_a_warning(
    bench: RealShell, module: str
) -> None:
    """Its widgets are for ipykernel alone: it looks for that one's module."""
    pytest.importorskip("tqdm")
    bench.fine(f"from {module} import tqdm\nimport sys\nlist(tqdm([1], file=sys.stdout));")
    assert {msg_type for msg_type, _content in bench.iopub.said} == {"stream"}
    assert bench.iopub.text("stderr") == ""
    assert "1/1" in bench.iopub.text()


def test_a_progress_bar_is_one_display(bench: RealShell) -> None:
    bench.fine("from IPython.display import ProgressBar\nfor _ in ProgressBar(2): pass")
    said = bench.iopub.take()
    assert [m for m, _c in said] == ["display_data"] + ["update_display_data"] * 3
    assert len({c["transient"]["display_id"] for _m, c in said}) == 1


@pytest.mark.parametrize(
    ("code", "mime", "data"),
    [
        ("HTML('<b>x</b>')", "text/html", "<b>x</b>"),
        ("Latex('$x$')", "text/latex", "$x$"),
        ("Math('x')", "text/latex", r"$\displaystyle x$"),
        ("Markdown('*x*')", "text/markdown", "*x*"),
        ("SVG('<svg><rect/></svg>')", "image/svg+xml", "<svg><rect/></svg>"),
        ("JSON({'a': [1, None]})", "application/json", {"a": [1, None]}),
        ("Javascript('1')", "application/javascript", "1"),
        ("GeoJSON({'type': 'Point'})", "application/geo+json", {"type": "Point"}),
        ("Image(PNG)", "image/png", base64.b64encode(PNG).decode()),
    ],
)
def test_ipython_s_own_types(bench: RealShell, code: str, mime: str, data: object) -> None:
    bench.namespace["PNG"] = PNG
    bench.fine(f"from IPython.display import *\ndisplay({code})")
    (content,) = of_type(bench, "display_data")
    assert content["data"][mime] == data


# Objects that say themselves how


def test_a_bundle_with_metadata(bench: RealShell) -> None:
    bench.fine(
        "class Two:\n"
        "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {'text/x': '1', 'text/plain': 'p'}, {'text/x': {'k': 1}}\n"
        "display(Two()); display(Two(), include=['text/x']); Two()"
    )
    said = bench.iopub.take()
    assert [sorted(content["data"]) for _type, content in said] == [
        ["text/plain", "text/x"],
        ["text/x"],
        ["text/plain", "text/x"],
    ]
    assert said[0][1]["metadata"] == {"text/x": {"k": 1}}


def test_bytes_are_sent_as_base64(bench: RealShell) -> None:
    bench.namespace["PNG"] = PNG
    data = result(
        bench,
        "class Picture:\n"
        "    def _repr_png_(self): return PNG, {'width': 3}\n"
        "    def _repr_jpeg_(self): return PNG\n"
        "    def _repr_pdf_(self): return PNG\n"
        "Picture()",
    )
    assert {data[mime] for mime in ("image/png", "image/jpeg", "application/pdf")} == {
        base64.b64encode(PNG).decode()
    }


def test_an_object_that_displays_itself(bench: RealShell) -> None:
    bench.fine("class Own:\n    def _ipython_display_(self): print('own')\nOwn()")
    assert bench.iopub.text() == "own\n"
    assert of_type(bench, "execute_result") == []


# Objects that cannot


@pytest.mark.parametrize("kind", ["ValueError", "BaseException", "RecursionError"])
def test_a_repr_that_raises(bench: RealShell, kind: str) -> None:
    bench.run(f"class Bad:\n    def __repr__(self): raise {kind}('no')\nBad()")
    assert [c["ename"] for c in of_type(bench, "error")] == [kind]
    bench.fine("1")


def test_one_form_fails_and_the_others_are_shown(bench: RealShell) -> None:
    """The cell has failed, as with ipykernel: something that it was to show is not there."""
    result = bench.run(
        "class Half:\n"
        "    def _repr_html_(self): raise ValueError('no html')\n"
        "    def __repr__(self): return 'half'\n"
        "Half()"
    )
    assert result.error is not None
    assert result.error.evalue == "no html"
    said = bench.iopub.take()
    assert [(m, c.get("evalue")) for m, c in said] == [
        ("error", "no html"),
        ("execute_result", None),
    ]
    assert said[1][1]["data"] == {"text/plain": "half"}


def test_forms_of_the_wrong_type(bench: RealShell) -> None:
    with pytest.warns(match="returned invalid type"):
        data = result(
            bench,
            "class Wrong:\n"
            "    def _repr_html_(self): return 5\n"
            "    def _repr_svg_(self): return None\n"
            "    def __repr__(self): return 'wrong'\n"
            "Wrong()",
        )
    assert data == {"text/plain": "wrong"}


def test_a_huge_repr(bench: RealShell) -> None:
    bench.fine("class Huge:\n    def __repr__(self): return 'x' * 3_000_000\nHuge()")
    (content,) = of_type(bench, "execute_result")
    assert len(content["data"]["text/plain"]) == 3_000_000


# Elsewhere than in the cell


def test_displays_of_threads_and_slots_belong_to_their_cell(bench: RealShell) -> None:
    bench.fine(
        "import threading\n"
        "def slot(): display('later')\n"
        "thread = threading.Thread(target=display, args=('thread',))\n"
        "thread.start(); thread.join()"
    )
    with bench.iopub.request("cell"):
        bench.namespace["slot"]()
    texts = [content["data"]["text/plain"] for content in of_type(bench, "display_data")]
    assert texts == ["'thread'", "'later'"]
