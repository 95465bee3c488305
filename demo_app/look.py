"""The colours and fonts of the bench, light and dark, and the stylesheet beside the package."""

from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import ArrayLike
from qtpy import QtCore, QtGui, QtWidgets

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
STYLE = RESOURCES / "styles" / "demo.qss"
ICON = RESOURCES / "kernelspec" / "logo-64x64.png"


@dataclass(frozen=True)
class Colours:
    """What everything is drawn in; the stylesheet has these names with a $ in front."""

    window: str
    panel: str
    base: str
    alternate: str
    button: str
    hover: str
    border: str
    ink: str
    heading: str
    dim: str
    faint: str
    select: str
    run: str
    stop: str
    screen: str
    grid: str
    axis: str
    trigger: str
    marker: str
    on_colour: str
    channels: tuple[str, str, str, str]


THEMES = {
    "dark": Colours(
        window="#171c23",
        panel="#1d242d",
        base="#10151b",
        alternate="#141a21",
        button="#28313c",
        hover="#313c49",
        border="#2a333f",
        ink="#c9d3de",
        heading="#e9edf2",
        dim="#8595a6",
        faint="#566270",
        select="#2f6f9f",
        run="#6fdc8c",
        stop="#ff6b6b",
        screen="#0b0f14",
        grid="#1e2833",
        axis="#3c4b5c",
        trigger="#e9edf2",
        marker="#ff8a5c",
        on_colour="#0b0f14",
        channels=("#f5c542", "#35c9d6", "#ee6fa8", "#8fd460"),
    ),
    "light": Colours(
        window="#eef1f4",
        panel="#ffffff",
        base="#ffffff",
        alternate="#f5f7f9",
        button="#ffffff",
        hover="#f0f5fa",
        border="#ccd4dc",
        ink="#22303c",
        heading="#0f1a24",
        dim="#5b6b7a",
        faint="#a3aeb9",
        select="#2f7fc1",
        run="#2ea45f",
        stop="#d64545",
        screen="#fcfdfe",
        grid="#e3e9ee",
        axis="#a9b6c2",
        trigger="#22303c",
        marker="#c2501c",
        on_colour="#ffffff",
        channels=("#b07a00", "#007f92", "#b8326f", "#4c8a16"),
    ),
}

colours = THEMES["dark"]
"""The theme that the application wears; `dress` changes it."""


def channel_colour(index: int) -> str:
    """The colour of the channel with this index, the same in every view."""
    return colours.channels[index % len(colours.channels)]


def mono(pixels: int, *, bold: bool = False) -> QtGui.QFont:
    """A fixed-width font of this height in pixels: readings that change must not jump."""
    font = QtGui.QFont("DejaVu Sans Mono")
    font.setStyleHint(QtGui.QFont.StyleHint.Monospace)
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font


def polyline(x: ArrayLike, y: ArrayLike) -> QtGui.QPolygonF:
    """A line through the points of two numpy arrays.

    By way of Qt's own stream format, which every binding reads in C++: 800 points take 0.03 ms
    and not the 0.4 ms of as many QPointF objects.
    """
    points = np.empty((np.size(x), 2), dtype=">f8")
    points[:, 0], points[:, 1] = x, y
    data = len(points).to_bytes(4, "big") + points.tobytes()
    stream = QtCore.QDataStream(QtCore.QByteArray(data))
    line = QtGui.QPolygonF()
    stream >> line
    return line


def dress(app: QtWidgets.QApplication, theme: str = "dark") -> None:
    """Give the application its style, palette, icon and stylesheet; also while it runs.

    Raises FileNotFoundError if ``resources/styles/demo.qss`` is not where the checkout has it.
    """
    global colours
    if not STYLE.is_file():
        raise FileNotFoundError(f"the demo runs from a checkout; its stylesheet is not at {STYLE}")
    colours = THEMES[theme]
    app.setStyle("Fusion")
    role = QtGui.QPalette.ColorRole
    palette = QtGui.QPalette()
    for part, colour in (
        (role.Window, colours.window),
        (role.WindowText, colours.ink),
        (role.Base, colours.base),
        (role.AlternateBase, colours.alternate),
        (role.Text, colours.ink),
        (role.Button, colours.button),
        (role.ButtonText, colours.ink),
        (role.ToolTipBase, colours.panel),
        (role.ToolTipText, colours.ink),
        (role.Highlight, colours.select),
        (role.HighlightedText, "#ffffff"),
    ):
        palette.setColor(part, QtGui.QColor(colour))
    for part in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, part, QtGui.QColor(colours.faint))
    app.setPalette(palette)
    app.setWindowIcon(QtGui.QIcon(str(ICON)))
    app.setStyleSheet(Template(STYLE.read_text(encoding="utf-8")).substitute(asdict(colours)))
