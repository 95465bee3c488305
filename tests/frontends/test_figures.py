"""matplotlib: inline in kernels of their own, in windows of an application, and left as it was."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.frontends.conftest import Starter
from tests.frontends.support.frontends import Frontend, Outcome
from tests.frontends.support.programs import KernelProgram, Program, next_number

HOSTS = Path(__file__).with_name("hosts")


def pictures(outcome: Outcome, mime: str = "image/png") -> list[Any]:
    """The figures that were displayed."""
    assert outcome.status == "ok", outcome.content
    return [c["data"][mime] for c in outcome.contents("display_data")]


def image(data: str) -> Image.Image:
    """A PNG, as it came."""
    return Image.open(io.BytesIO(base64.b64decode(data)))


def builds_font_cache(line: str) -> bool:
    """matplotlib says so once in a new home."""
    return "font cache" in line


# A kernel of its own


@pytest.fixture(scope="module")
def kernel(start_shared: Starter) -> KernelProgram:
    return start_shared.kernel("headless", expected=builds_font_cache)


@pytest.fixture
def frontend(kernel: KernelProgram, attach: Callable[[Any], Frontend]) -> Frontend:
    return attach(kernel)


def test_nothing_imports_matplotlib_but_the_user(start: Starter) -> None:
    frontend = start.frontend(start.kernel("headless"))
    frontend.run("import json, os, sys\nclass A:\n    def _repr_html_(self): return '<b>'\nA()")
    frontend.outcome(frontend.client.complete("import matp"))
    frontend.run("%lsmagic")
    code = "[name for name in sys.modules if name.partition('.')[0].startswith('matplotlib')]"
    assert frontend.run(code).result == "[]"
    assert frontend.run("os.environ.get('MPLBACKEND')").contents("execute_result") == []
    # nor is there anything of the kind in what a command sees
    assert frontend.run("!echo [$MPLBACKEND]").text() == "[]\n"


def test_a_figure_is_shown_at_the_end_of_the_cell_that_made_it(frontend: Frontend) -> None:
    outcome = frontend.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]);\nprint('after')")
    (png,) = pictures(outcome)
    assert image(png).size[0] > 300
    types = [m["msg_type"] for m in outcome.messages]
    assert types.index("stream") < types.index("display_data")
    assert pictures(frontend.run("1")) == []
    assert frontend.run("plt.get_fignums()").result == "[]"
    backend = "module://matplotlib_inline.backend_inline"
    assert frontend.run("plt.get_backend()").result == repr(backend)


def test_show_shows_at_once_and_awaiting_cells_at_their_end(frontend: Frontend) -> None:
    frontend.run("import matplotlib.pyplot as plt, asyncio")
    outcome = frontend.run("plt.plot([1]); plt.show(); print('after')")
    types = [m["msg_type"] for m in outcome.messages]
    assert types.index("display_data") < types.index("stream")
    code = "plt.plot([1])\nawait asyncio.sleep(0.01)\nplt.plot([2])\nprint('after');"
    assert len(pictures(frontend.run(code))) == 1


def test_formats_and_resolution(frontend: Frontend) -> None:
    frontend.run("import matplotlib.pyplot as plt\n%matplotlib inline")
    width = image(pictures(frontend.run("plt.figure(); plt.plot([1]);"))[0]).size[0]
    frontend.run("%config InlineBackend.figure_formats = ['retina']")
    (display,) = frontend.run("plt.plot([1]);").contents("display_data")
    assert image(display["data"]["image/png"]).size[0] == pytest.approx(2 * width, abs=4)
    assert display["metadata"]["image/png"]["width"] == pytest.approx(width, abs=2)
    frontend.run("%config InlineBackend.figure_formats = ['svg']")
    assert "<svg" in pictures(frontend.run("plt.plot([1]);"), "image/svg+xml")[0]
    frontend.run("%config InlineBackend.figure_formats = ['png']")
    frontend.run("%config InlineBackend.print_figure_kwargs = {'bbox_inches': None}")
    assert image(pictures(frontend.run("plt.subplots(dpi=50, figsize=(4, 2));"))[0]).size == (
        200,
        100,
    )


def test_figures_that_stay_open(frontend: Frontend) -> None:
    frontend.run("import matplotlib.pyplot as plt\n%config InlineBackend.close_figures = False")
    assert len(pictures(frontend.run("figure, axes = plt.subplots()"))) == 1
    assert pictures(frontend.run("1")) == []
    assert frontend.run("plt.get_fignums() == [figure.number]").result == "True"
    frontend.run("%config InlineBackend.close_figures = True\nplt.close('all')")


def test_a_figure_that_cannot_be_drawn_says_so(frontend: Frontend) -> None:
    outcome = frontend.run("import matplotlib.pyplot as plt\nplt.title('$\\\\nonsense$');")
    assert "nonsense" in outcome.contents("error")[0]["evalue"]
    assert frontend.run("plt.close('all'); 1").result == "1"


@pytest.mark.parametrize("loop", ["qt", "tk"])
def test_windows_on_the_kernels_own_loop(start_shared: Starter, loop: str) -> None:
    """``%matplotlib qt`` moves the kernel to that loop; the window lives between cells."""
    frontend = start_shared.frontend(start_shared.kernel("headless"))
    frontend.run(f"%matplotlib {loop}\nimport matplotlib.pyplot as plt")
    frontend.run(
        "figure, axes = plt.subplots(); drawn = []\n"
        "figure.canvas.mpl_connect('draw_event', drawn.append)\n"
        "timer = figure.canvas.new_timer(interval=10); ticks = []\n"
        "timer.add_callback(lambda: ticks.append(1)); timer.start()"
    )
    code = "import time\nfor _ in range(200):\n    if ticks and drawn: break\n    plt.pause(0.05)"
    frontend.run(code)
    assert frontend.run("bool(ticks), bool(drawn), plt.show()").result == "(True, True, None)"
    assert frontend.run("timer.stop(); del timer; plt.close('all'); 1").result == "1"


@pytest.mark.parametrize(
    "wait", ["plt.show(block=True)", "plt.pause(60)", "plt.ginput(timeout=60)"]
)
def test_a_wait_for_a_window_is_interrupted(
    windowed: KernelProgram, attach: Callable[[Any], Frontend], wait: str
) -> None:
    frontend = attach(windowed)
    frontend.run("import matplotlib.pyplot as plt; plt.close('all'); figure, axes = plt.subplots()")
    msg_id = frontend.start(f"print('begins'); {wait}\nprint('never')")
    frontend.wait_for_text(msg_id, "begins\n")
    # the kernel answers meanwhile: its own loop is what waits
    assert frontend.outcome(frontend.client.complete("figur", 5)).content["matches"]
    frontend.interrupt()
    outcome = frontend.outcome(msg_id)
    assert outcome.ename == "KeyboardInterrupt"
    assert outcome.text() == "begins\n"
    assert frontend.run("figure.number in plt.get_fignums()").result == "True"


def test_show_waits_until_the_last_window_is_closed(
    windowed: KernelProgram, attach: Callable[[Any], Frontend]
) -> None:
    frontend = attach(windowed)
    outcome = frontend.run(
        "import matplotlib.pyplot as plt; plt.close('all')\n"
        "one, two = plt.figure(), plt.figure(); timer = one.canvas.new_timer(interval=20)\n"
        "timer.single_shot = True; said = []\n"
        "def close():\n"
        "    said.append(len(plt.get_fignums())); three = plt.figure()\n"
        "    for figure in (one, two, three): plt.close(figure)\n"
        "timer.add_callback(close); timer.start()\n"
        "plt.show(block=True)\n"
        "said, plt.get_fignums()"
    )
    assert outcome.result == "([2], [])"


def test_a_toolkit_that_cannot_be_loaded_changes_nothing(
    windowed: KernelProgram, attach: Callable[[Any], Frontend]
) -> None:
    frontend = attach(windowed)
    before = frontend.run("import matplotlib; matplotlib.get_backend()").result
    outcome = frontend.run("%matplotlib tk")
    assert outcome.ename == "ImportError"
    assert "'qt' is currently running" in outcome.content["evalue"]
    assert frontend.run("matplotlib.get_backend()").result == before
    assert frontend.run("get_ipython().waiting.loop_name").result == "'qt'"
    # its figures would be in a browser: no loop is needed
    assert frontend.run("%matplotlib webagg").status == "ok"
    frontend.run("%matplotlib qt")


@pytest.fixture(scope="module")
def windowed(start_shared: Starter) -> KernelProgram:
    program = start_shared.kernel("qt", expected=builds_font_cache)
    frontend = start_shared.frontend(program)
    assert frontend.run("%matplotlib qt").status == "ok"
    frontend.close()
    return program


def test_drawing_at_the_end_of_a_cell_is_interrupted(frontend: Frontend) -> None:
    msg_id = frontend.start(
        "import matplotlib.pyplot as plt, time\n"
        "class Slow(plt.Figure):\n"
        "    def draw(self, renderer):\n"
        "        print('draws', flush=True); time.sleep(60)\n"
        "plt.figure(FigureClass=Slow).add_subplot();"
    )
    frontend.wait_for_text(msg_id, "draws\n")
    frontend.interrupt()
    assert frontend.outcome(msg_id).ename == "KeyboardInterrupt"
    assert frontend.run("plt.get_fignums()").result == "[]"


# An application that plots itself


@pytest.fixture
def plotting(start_shared: Starter) -> Plotting:
    return Plotting(start_shared)


class Plotting:
    """A host of plotting.py and a frontend of it."""

    def __init__(self, start: Starter) -> None:
        file = start.home.runtime / f"kernel-plotting-{next_number()}.json"
        command = [sys.executable, str(HOSTS / "plotting.py"), str(file)]
        self.program: Program = start.watch(Program(start.home, command))
        self.before = self._state("before")
        self.program.wait_for_line("ready")
        self.program.connection_file = file  # type: ignore[attr-defined]
        self.frontend = start.frontend(self.program)

    def _state(self, name: str) -> Any:
        line = self.program.wait_for_line(f"{name}: ")
        return json.loads(line.removeprefix(f"{name}: "))

    def ask(self, command: str) -> None:
        self.program.write_line(command)
        self.program.wait_for_line(f"{command}: ")

    def state(self) -> Any:
        self.program.write_line("state")
        return self._state("state")


def test_a_cell_shows_its_own_figures_and_not_the_applications(plotting: Plotting) -> None:
    frontend = plotting.frontend
    assert plotting.state() == plotting.before
    outcome = frontend.run("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.subplots();")
    assert len(pictures(outcome)) == 1
    assert plotting.state()["figures"] == plotting.before["figures"]
    plotting.ask("plot")  # now on the inline backend, which is the process's
    assert pictures(frontend.run("1")) == []
    assert len(pictures(frontend.run("plt.subplots(); plt.show()"))) == 1
    assert [number for number, _kind in plotting.state()["figures"]] == [1, 2]


def test_the_end_of_the_kernel_gives_matplotlib_back(plotting: Plotting) -> None:
    plotting.frontend.run("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1]);")
    assert plotting.state()["makes"] == "FigureCanvasAgg"
    plotting.ask("close")
    assert plotting.state() == plotting.before


def test_windows_of_cells_in_an_application(plotting: Plotting) -> None:
    """Interactive, alive, drawn at the end of the cell; closing them ends nobody."""
    frontend = plotting.frontend
    frontend.run("%matplotlib qt\nimport matplotlib.pyplot as plt")
    outcome = frontend.run(
        "figure, axes = plt.subplots(); drawn = []\n"
        "figure.canvas.mpl_connect('draw_event', drawn.append)\n"
        "plt.show(); axes.plot([1, 2]); window = figure.canvas.manager.window\n"
        "window.isVisible()"
    )
    assert outcome.result == "True"
    # drawn by the host's loop, between cells
    code = "import asyncio\nwhile not drawn: await asyncio.sleep(0.01)\ndrawn.clear()"
    assert frontend.run(code).status == "ok"
    frontend.run("axes.plot([3, 4]);")
    assert frontend.run("while not drawn: await asyncio.sleep(0.01)").status == "ok"
    frontend.run("window.close()")
    assert frontend.run("plt.get_fignums()").result == "[1]"  # the application's own is there
    plotting.ask("close")
    assert plotting.state() == plotting.before


def test_an_application_is_not_moved_to_another_toolkit(plotting: Plotting) -> None:
    outcome = plotting.frontend.run("%matplotlib tk")
    assert outcome.ename == "UsageError"
    assert "runs the qt event loop" in outcome.content["evalue"]
    plotting.ask("close")
    assert plotting.state() == plotting.before


def test_a_cell_that_waits_for_a_window_leaves_the_application_alive(
    start_shared: Starter,
) -> None:
    host = start_shared.host()
    frontend = start_shared.frontend(host)
    frontend.run("import matplotlib.pyplot as plt; figure, axes = plt.subplots(); plt.show()")
    frontend.run("QtCore.QTimer.singleShot(500, figure.canvas.manager.window.close)")
    host.ask("start over")
    outcome = frontend.run(
        "before = ticker.count; plt.show(block=True); ticker.count - before > 20"
    )
    assert outcome.result == "True"


def test_the_applications_window_is_the_user_s_to_draw_in(start_shared: Starter) -> None:
    frontend = start_shared.frontend(start_shared.host())
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.get_backend()"
    assert frontend.run(code).result == "'qtagg'"
    assert pictures(frontend.run("plt.close('all')")) == []
