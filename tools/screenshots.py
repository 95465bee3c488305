"""Make the pictures of the documentation from the real program: ``make screenshots``.

A desktop of its own (Xvfb, a window manager), the demo application, and a keyboard and a mouse from
outside, as a person would use it. Nothing in the pictures is put together. They are written to
docs/images.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image as Pillow

from tests.support.desktop import Desktop, desktop
from tests.support.pixels import Image

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1240, 780
FRAME = 0.125
"""Seconds from one picture of the recording to the next."""

Rect = tuple[int, int, int, int]
CONSOLE: Rect = (0, 560, WIDTH, 180)  # where the text of the docked console is
SETTLED = 0.7  # seconds without a change, but for the cursor's blinking
CURSOR = 80  # pixels that a blinking cursor changes, at most
PATIENCE = 30.0


class Demo:
    """The demo application, at the top left of the desktop, and somebody in front of it."""

    def __init__(self, screen: Desktop, home: Path, *arguments: str) -> None:
        self.screen = screen
        self.file = home / "kernel-signal-bench.json"
        environment = screen.environment() | {"JUPYTER_RUNTIME_DIR": str(home)}
        command = [sys.executable, "-m", "demo_app", "--connection-file", str(self.file)]
        self.process = subprocess.Popen([*command, *arguments], cwd=ROOT, env=environment)
        window = screen.window(self.process.pid, "Signal Bench")
        screen.activate(window)
        # without a title bar: the window's own content is what the pictures show
        screen.undecorate(window)
        screen.place(window, 0, 0)
        screen.resize(window, WIDTH, HEIGHT)
        self.settle()
        screen.click(600, 700)
        self.settle()

    def settle(self, rect: Rect = CONSOLE, before: Image | None = None) -> None:
        """Wait until the console shows what it has to show: something else than `before`."""
        deadline = time.monotonic() + PATIENCE
        last, since = self.screen.look(rect), time.monotonic()
        begun = before is None or differ(before, last)
        while not begun or time.monotonic() - since < SETTLED:
            time.sleep(0.05)
            now = self.screen.look(rect)
            begun = begun or before is None or differ(before, now)
            if differ(last, now):
                last, since = now, time.monotonic()
            if time.monotonic() > deadline:
                raise TimeoutError("the console does not come to rest" if begun else "no answer")

    def type(self, text: str) -> None:
        """Type into the console, and wait for what comes of it."""
        before = self.screen.look(CONSOLE)
        self.screen.type(text)
        self.settle(before=before)

    def example(self, number: int) -> None:
        """Choose an entry of the Examples menu by its key."""
        before = self.screen.look(CONSOLE)
        self.screen.key(f"ctrl+{number}")
        self.settle(before=before)

    def save(self, name: str) -> None:
        """Write the picture of the window."""
        self.picture().save(IMAGES / f"{name}.png", optimize=True)
        say(f"{name}.png  {(IMAGES / f'{name}.png').stat().st_size // 1024} KB")

    def picture(self, rect: Rect = (0, 0, WIDTH, HEIGHT)) -> Pillow.Image:
        """What is on the screen."""
        return Pillow.open(io.BytesIO(self.screen.look(rect).png())).convert("RGB")

    def close(self) -> None:
        """Quit as a person does."""
        self.screen.key("ctrl+q")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def differ(one: Image, other: Image) -> bool:
    """Whether two pictures of the same place differ by more than a cursor."""
    if bytes(one.pixels) == bytes(other.pixels):
        return False
    return sum(a != b for a, b in zip(one.pixels, other.pixels, strict=True)) > CURSOR


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, flush=True)


@contextlib.contextmanager
def demo(screen: Desktop, *arguments: str) -> Iterator[Demo]:
    """The demo application for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="qtk-") as home:
        begun = Demo(screen, Path(home), *arguments)
        try:
            yield begun
        finally:
            begun.close()


def dark(app: Demo) -> None:
    """A session: results, output, an error, and the application that has followed."""
    app.example(2)
    app.type("model.channels[0].set(waveform='triangle', amplitude=1.5, position=2)\n")
    app.type("[round(each.readings.rms, 3) for each in model.channels]\n")
    app.save("console-dark")


def light(app: Demo) -> None:
    """The same in the light theme, with an error's traceback."""
    app.example(2)
    app.type("model.channels[7].frequency = 440\n")
    app.save("console-light")


def live(app: Demo) -> None:
    """A cell that blocks the event loop and prints."""
    app.screen.key("ctrl+6")
    time.sleep(2.2)
    app.save("live-output")
    app.settle()


def question(app: Demo) -> None:
    """input() waits, and the trace goes on."""
    app.example(7)
    app.type("peak")
    app.save("input")
    app.type("\n")


def completion(app: Demo) -> None:
    """The popup."""
    app.type("model.ch")
    before = app.screen.look(CONSOLE)
    app.screen.key("Tab")
    app.settle(before=before)
    app.save("completion")
    app.screen.key("Escape", "ctrl+c")
    app.settle()


def plot(app: Demo) -> None:
    """An inline figure, in a console that has been made higher."""
    app.screen.drag((621, 508), (621, 440), (621, 360))
    app.settle()
    app.screen.key("ctrl+l")
    app.type("%matplotlib inline\n")
    app.type("from matplotlib import pyplot as plt\n")
    app.screen.type("plt.figure(figsize=(6, 2.6)); plt.grid(alpha=0.3); ")
    app.type("plt.plot(model.channels[0].trace);\n")
    time.sleep(1)
    app.settle()
    app.save("inline-plot")


def attached(app: Demo, screen: Desktop) -> None:
    """A terminal with jupyter console beside the dock."""
    console = Path(sys.executable).with_name("jupyter-console")
    terminal = subprocess.Popen(
        [
            *("xterm", "-T", "Terminal", "-fa", "DejaVu Sans Mono", "-fs", "9", "-bg", "#10151b"),
            *("-fg", "#c9d3de", "-geometry", "76x9+560+586", "-e", str(console)),
            *("--existing", str(app.file)),
        ],
        env=screen.environment() | {"JUPYTER_RUNTIME_DIR": str(app.file.parent)},
    )
    try:
        window = screen.window(terminal.pid, "Terminal")
        terminal_rect = (560, 586, 580, 180)
        app.settle(terminal_rect)
        time.sleep(2.5)
        screen.activate(window)
        screen.type("model.channels[0].frequency = 2000\n")
        app.settle(terminal_rect)
        screen.type("model.channels[0]\n")
        app.settle(terminal_rect)
        app.save("attached")
    finally:
        terminal.terminate()
        terminal.wait()


def recording(app: Demo) -> None:
    """A short film: an await, a scan with live output, the application alive or not."""
    frames: list[Pillow.Image] = []

    def film(seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            due = time.monotonic() + FRAME
            frames.append(app.picture().resize((930, 585), Pillow.Resampling.LANCZOS))
            time.sleep(max(0.0, due - time.monotonic()))

    def typing(text: str) -> None:
        for character in text:
            app.screen.type(character)
            film(FRAME)

    film(0.5)
    typing("model.channels[0].waveform = 'square'\n")
    film(1.5)
    app.screen.key("ctrl+5")
    film(3.5)
    app.screen.key("ctrl+6")
    film(4.5)
    path = IMAGES / "session.webp"
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=round(FRAME * 1000),
        loop=0,
        quality=70,
        method=4,
    )
    say(f"{path.name}  {path.stat().st_size // 1024} KB, {len(frames)} frames")


def main() -> int:
    """Make all pictures, or those that are named."""
    wanted = set(sys.argv[1:])
    os.environ.pop("DISPLAY", None)
    IMAGES.mkdir(parents=True, exist_ok=True)
    pictures: list[tuple[Callable[[Demo], None], tuple[str, ...]]] = [
        (dark, ()),
        (light, ("--theme", "light")),
        (live, ()),
        (question, ()),
        (completion, ()),
        (plot, ("--theme", "light")),
        (recording, ()),
    ]
    with desktop() as screen:
        for picture, arguments in pictures:
            if not wanted or picture.__name__ in wanted:
                with demo(screen, *arguments) as app:
                    picture(app)
        if not wanted or "attached" in wanted:
            with demo(screen) as app:
                attached(app, screen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
