"""matplotlib's figures, of cells and of others."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.real_shell import RealShell

pytest.importorskip("matplotlib")

# how matplotlib_inline watches its settings
pytestmark = pytest.mark.filterwarnings("ignore:InlineBackend._figure_format")


def types(said: list[tuple[str, Any]]) -> list[str]:
    return [msg_type for msg_type, _content in said]


def pictures(bench: RealShell) -> list[dict[str, Any]]:
    """The data of the figures that have been shown since the last time."""
    return [
        content["data"]
        for msg_type, content in bench.iopub.take()
        if msg_type == "display_data" and content["data"]["text/plain"].startswith("<Figure")
    ]


def draw(name: str | None = None, width: float = 1) -> None:
    """Make a small figure with something in it: empty ones are not shown as pictures."""
    from matplotlib import pyplot as plt

    plt.figure(name, figsize=(width, 1)).add_subplot()


class Inline(RealShell):
    """A guest's shell with figures inline, begun in the test: pytest exchanges stdout before."""

    def begin(self) -> None:
        self.namespace["draw"] = draw
        self.fine("%matplotlib inline\nfrom matplotlib import pyplot as plt")
        self.iopub.take()

    def run(self, code: str, parent: Any = "cell", **more: Any) -> Any:
        if "plt" not in self.namespace and "%matplotlib" not in code:
            self.begin()
        return super().run(code, parent, **more)


@pytest.fixture
def inline() -> Iterator[Inline]:
    bench = Inline()
    yield bench
    bench.close()


other = inline


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """What a test finds and leaves in this process' matplotlib."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def size(png: str) -> tuple[int, int]:
    """Width and height in pixels."""
    header = base64.b64decode(png)[16:24]
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")


# When they are shown


def test_a_figure_is_shown_at_the_end_of_its_cell_and_closed(inline: Inline) -> None:
    inline.fine("plt.plot([1, 2])\nprint('after')\n3")
    said = inline.iopub.take()
    assert types(said) == ["stream", "execute_result", "display_data"]
    data = said[-1][1]["data"]
    assert set(data) == {"text/plain", "image/png"}
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    inline.fine("print(plt.get_fignums())")
    assert inline.iopub.text() == "[]\n"


def test_show_shows_at_once(inline: Inline) -> None:
    inline.fine("plt.plot([1]); plt.show(); print('between'); plt.plot([2]); plt.show()")
    assert types(inline.iopub.take()) == ["display_data", "stream", "display_data"]


def test_display_shows_at_once_and_the_end_of_the_cell_again(inline: Inline) -> None:
    inline.fine("figure = plt.figure(); display(figure)")
    assert len(pictures(inline)) == 2
    inline.fine("figure")  # the object is there as long as it has a name
    assert types(inline.iopub.take()) == ["execute_result"]


def test_a_cell_that_fails_shows_what_it_has_drawn(inline: Inline) -> None:
    assert inline.run("plt.plot([1])\n1/0").error is not None
    assert types(inline.iopub.take()) == ["error", "display_data"]


def test_a_cell_that_awaits(inline: Inline) -> None:
    inline.fine("import asyncio\nplt.plot([1])\nawait asyncio.sleep(0)\nplt.figure();")
    assert len(pictures(inline)) == 2


def test_figures_may_stay_open(inline: Inline) -> None:
    inline.fine("%config InlineBackend.close_figures = False\nplt.plot([1]);")
    assert len(pictures(inline)) == 1
    inline.fine("plt.plot([2]); draw();")
    assert len(pictures(inline)) == 1  # the new one
    inline.fine("print(plt.get_fignums())")
    assert inline.iopub.text() == "[1, 2]\n"


def test_figures_that_nobody_is_to_see_yet(inline: Inline) -> None:
    inline.fine("plt.ioff(); plt.plot([1]);")
    assert pictures(inline) == []
    inline.fine("plt.ion(); plt.show()", parent="the next")
    assert inline.iopub.parents[-1] == "the next"
    assert len(pictures(inline)) == 1


def test_a_figure_that_cannot_be_drawn(inline: Inline) -> None:
    result = inline.run(
        "class Bad(plt.Figure):\n"
        "    def draw(self, renderer): raise ValueError('cannot be drawn')\n"
        "plt.figure(FigureClass=Bad).add_subplot(); draw();"
    )
    assert result.error is None
    said = inline.iopub.take()
    errors = [content for msg_type, content in said if msg_type == "error"]
    assert {error["evalue"] for error in errors} == {"cannot be drawn"}
    assert "image/png" in said[-1][1]["data"]
    inline.fine("print(plt.get_fignums())")
    assert inline.iopub.text() == "[]\n"


def test_an_error_before_the_drawing(inline: Inline) -> None:
    inline.fine(
        "class Odd(plt.Figure):\n"
        "    def get_facecolor(self): raise ValueError('no colour')\n"
        "plt.figure(FigureClass=Odd); draw();"
    )
    said = inline.iopub.take()
    assert ("error", "no colour") in [(m, c.get("evalue")) for m, c in said]
    assert sum(m == "display_data" for m, c in said) == 1


def test_a_restart_closes_what_is_open(inline: Inline) -> None:
    from matplotlib import pyplot as plt

    hosts = plt.figure("host")
    inline.fine("%config InlineBackend.close_figures = False\ndraw('cell');")
    assert plt.get_figlabels() == ["host", "cell"]
    inline.shell.reset(new_session=False)  # %reset
    assert plt.get_figlabels() == ["host", "cell"]
    inline.interpreter.reset()
    assert plt.get_figlabels() == ["host"]
    assert plt.figure("host") is hosts


def test_a_cell_may_throw_matplotlib_out(inline: Inline) -> None:
    thrown = {name: sys.modules[name] for name in sys.modules if name.startswith("matplotlib")}
    inline.fine("draw();")
    try:
        inline.fine(
            "import sys\n"
            "for name in list(sys.modules):\n"
            "    if name.startswith('matplotlib'): del sys.modules[name]"
        )
        inline.fine("1;")
        inline.iopub.take()
        assert inline.fine("2").error is None
        assert types(inline.iopub.take()) == ["execute_result"]
    finally:
        sys.modules.update(thrown)


# What they are shown as


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        ("['png']", {"image/png"}),
        ("{'svg', 'png'}", {"image/svg+xml", "image/png"}),
        ("{'pdf', 'jpg'}", {"application/pdf", "image/jpeg"}),
    ],
)
def test_formats(inline: Inline, formats: str, expected: set[str]) -> None:
    inline.fine(f"%config InlineBackend.figure_formats = {formats}")
    inline.fine("draw();")
    (data,) = pictures(inline)
    assert set(data) == expected | {"text/plain"}


def test_twice_the_pixels(inline: Inline) -> None:
    inline.fine("%config InlineBackend.figure_format = 'retina'")
    inline.fine("draw();")
    ((_type, content),) = inline.iopub.take()
    width, height = size(content["data"]["image/png"])
    assert content["metadata"] == {"image/png": {"width": width // 2, "height": height // 2}}


def test_dpi_and_bounding_box(inline: Inline) -> None:
    inline.fine(
        "%config InlineBackend.print_figure_kwargs = dict(bbox_inches=None, dpi=30)\ndraw(width=2);"
    )
    (data,) = pictures(inline)
    assert size(data["image/png"]) == (60, 30)


def test_parameters_of_the_backend(make_shell: Callable[..., RealShell]) -> None:
    from traitlets.config import Config

    bench = make_shell(config=Config({"InlineBackend": {"rc": {"figure.dpi": 50}}}))
    bench.fine("%matplotlib inline\nimport matplotlib\nprint(matplotlib.rcParams['figure.dpi'])")
    assert bench.iopub.text() == "50.0\n"
    bench.fine("%matplotlib agg\nprint(matplotlib.rcParams['figure.dpi'])")
    assert bench.iopub.text() == "50.0\n100.0\n"


def test_matplotlib_inline_s_own_settings(inline: Inline) -> None:
    inline.fine(
        "from matplotlib_inline import backend_inline as backend\n"
        "backend.set_matplotlib_formats('svg'); backend.set_matplotlib_close(False)\n"
        "draw();"
    )
    (data,) = pictures(inline)
    assert set(data) == {"text/plain", "image/svg+xml"}
    inline.fine("print(plt.get_fignums())")
    assert inline.iopub.text() == "[1]\n"


def test_captured(inline: Inline) -> None:
    inline.fine("%%capture captured\nplt.plot([1])")
    assert inline.iopub.take() == []
    inline.fine("print([sorted(each.data) for each in captured.outputs][-1])")
    assert inline.iopub.text() == "['image/png', 'text/plain']\n"


# Whose they are


def test_the_host_s_figures_are_neither_shown_nor_closed(inline: Inline) -> None:
    from matplotlib import pyplot as plt

    hosts = plt.figure("host")
    inline.fine("draw(); plt.show(); draw('cell');")
    assert len(pictures(inline)) == 2
    assert plt.get_figlabels() == ["host"]
    assert plt.figure("host") is hosts


def test_a_figure_of_the_host_made_while_a_cell_runs(inline: Inline) -> None:
    from matplotlib import pyplot as plt

    def slot() -> None:
        with inline.iopub.request(None):
            plt.figure("host")

    inline.namespace["slot"] = slot
    inline.fine("draw('cell'); slot();")
    assert len(pictures(inline)) == 1
    assert plt.get_figlabels() == ["host"]


def test_a_slot_of_a_cell_s_shows_its_figure_with_the_next_cell(inline: Inline) -> None:
    inline.fine("def slot(): plt.figure()", parent="first")
    with inline.iopub.request("first"):
        inline.namespace["slot"]()
    inline.fine("1;", parent="second")
    assert len(pictures(inline)) == 1
    assert inline.iopub.parents[-1] == "first"


def test_a_handler_of_a_comm_leaves_the_figures_of_an_awaiting_cell(inline: Inline) -> None:
    """The `comm` package triggers IPython's events around each message."""

    def message() -> None:
        with inline.iopub.request("comm"):
            inline.shell.events.trigger("pre_execute")
            draw("comm")
            inline.shell.events.trigger("post_execute")

    inline.namespace["message"] = message
    inline.fine(
        "import asyncio\ndraw('cell')\n"
        "asyncio.get_running_loop().call_soon(message)\n"
        "await asyncio.sleep(0.01)\nprint(plt.get_figlabels());"
    )
    assert inline.iopub.text() == "['cell']\n"
    assert [p for p in inline.iopub.parents if p is not None][-3:] == ["comm", "cell", "cell"]


def test_two_kernels_show_their_own(inline: Inline, other: Inline) -> None:
    one, two = inline, other
    for bench in (one, two):
        bench.begin()
    one.fine("%config InlineBackend.figure_format = 'svg'")
    one.namespace["other"] = lambda: two.run("draw('two');")
    one.fine("draw('one'); other(); print(plt.get_figlabels())")
    assert one.iopub.text() == "['one']\n"
    (ones,), (twos,) = pictures(one), pictures(two)
    assert "image/svg+xml" in ones
    assert "image/png" in twos


def test_a_kernel_that_comes_later(make_shell: Callable[..., RealShell]) -> None:
    """matplotlib_inline selects formats once in a process."""
    for _ in range(2):
        bench = make_shell()
        bench.fine("%matplotlib inline\nfrom matplotlib import pyplot as plt\nplt.plot([1]);")
        (data,) = pictures(bench)
        assert "image/png" in data
        bench.close()
        bench.close = lambda: None  # type: ignore[method-assign]


# What stays as it is


def test_all_is_put_back(make_shell: Callable[..., RealShell]) -> None:
    import matplotlib
    from matplotlib import pyplot as plt
    from matplotlib_inline import backend_inline
    from matplotlib_inline.config import InlineBackend

    def state() -> list[Any]:
        return [
            dict.__getitem__(matplotlib.rcParams, "backend"),
            dict.__getitem__(matplotlib.rcParamsDefault, "backend"),
            matplotlib.is_interactive(),
            plt._backend_mod,
            plt.draw_if_interactive,
            plt._REPL_DISPLAYHOOK,
            hasattr(plt.show, "_needmain"),
            backend_inline.show,
            backend_inline.flush_figures,
            backend_inline.new_figure_manager_given_figure,
            InlineBackend.initialized(),
            vars(backend_inline.configure_inline_support).get("current_backend", "unset"),
        ]

    before = state()
    one, two = make_shell(), make_shell()
    one.fine("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.figure();")
    two.fine("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.figure();")
    for bench in (one, two):
        bench.close()
        bench.close = lambda: None  # type: ignore[method-assign]
    assert state() == before


def test_what_the_host_has_chosen_since_stays(make_shell: Callable[..., RealShell]) -> None:
    import matplotlib
    from matplotlib import pyplot as plt

    bench = make_shell()
    before = dict.__getitem__(matplotlib.rcParams, "backend"), plt._backend_mod
    try:
        bench.fine("%matplotlib inline")
        plt.switch_backend("svg")
        bench.close()
        bench.close = lambda: None  # type: ignore[method-assign]
        assert matplotlib.get_backend() == "svg"
    finally:
        matplotlib.rcParams._set("backend", before[0])
        plt._backend_mod = before[1]


def test_another_loop_s_backend_is_refused_before_anything_changes(
    bench: RealShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib

    before = dict.__getitem__(matplotlib.rcParams, "backend")

    def refuse(name: str) -> None:
        if name == "tk":
            raise RuntimeError(f"not {name}")

    monkeypatch.setattr(bench.shell, "switch_loop", refuse)
    result = bench.run("%matplotlib tk")
    assert result.error is not None
    assert result.error.traceback == ["UsageError: not tk"]
    assert dict.__getitem__(matplotlib.rcParams, "backend") == before
    # and it may be tried again
    bench.fine("%matplotlib inline")


def test_matplotlib_looks_for_a_backend_that_the_loop_serves(
    bench: RealShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left to itself it takes the first toolkit that is installed."""
    from matplotlib import pyplot as plt

    def refuse(name: str) -> None:
        raise RuntimeError(f"not {name}")

    monkeypatch.setattr(bench.shell, "switch_loop", refuse)
    monkeypatch.setattr(plt, "_REPL_DISPLAYHOOK", plt._ReplDisplayHook.NONE)
    monkeypatch.setattr(plt.backend_registry, "resolve_backend", lambda name: (name, "tk"))
    bench.fine(
        "import matplotlib.pyplot as plt\n"
        "try:\n    plt.switch_backend('svg')\n"
        "except ImportError as error:\n    print(repr(error.__cause__))"
    )
    assert bench.iopub.text() == "NotImplementedError('not tk')\n"
    assert plt._REPL_DISPLAYHOOK is plt._ReplDisplayHook.NONE  # it asks again for the next one


def test_the_names_that_there_are(bench: RealShell) -> None:
    bench.fine("%matplotlib --list")
    assert "'inline'" in bench.iopub.text()


# Without %matplotlib

_PLAIN = """
import os, sys
BEFORE = len(sys.meta_path)
from tests.support.real_shell import RealShell
bench = RealShell(owns_process=True)
bench.fine("1")
assert not {"matplotlib", "numpy", "matplotlib_inline"} & set(sys.modules)
bench.fine("import matplotlib\\nprint(type(matplotlib.__spec__.loader).__name__)")
bench.fine("import matplotlib.pyplot as plt\\nplt.plot([1])\\nprint(plt.get_backend())")
types = [msg_type for msg_type, _ in bench.iopub.said]
print(types, bench.iopub.text().split(), file=sys.__stdout__)
assert os.environ.get("MPLBACKEND") == GIVEN
assert len(sys.meta_path) == BEFORE, sys.meta_path
"""


def run_plain(tmp_path: Any, backend: str | None) -> str:
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    environment.pop("MPLBACKEND", None)
    if backend is not None:
        environment["MPLBACKEND"] = backend
    code = _PLAIN.replace("GIVEN", repr(backend))
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plots_are_inline_without_being_asked_for(tmp_path: Any) -> None:
    said = run_plain(tmp_path, None)
    assert "'display_data'" in said
    assert "'SourceFileLoader', 'module://matplotlib_inline.backend_inline'" in said


def test_the_user_s_choice_of_a_backend_stands(tmp_path: Any) -> None:
    said = run_plain(tmp_path, "agg")
    assert "display_data" not in said
    assert "'agg'" in said
