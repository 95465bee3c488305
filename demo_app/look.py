"""The colours and fonts of the bench, and the stylesheet beside the package."""

from pathlib import Path

from qtpy import QtGui, QtWidgets

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
STYLE = RESOURCES / "styles" / "demo.qss"
ICON = RESOURCES / "kernelspec" / "logo-64x64.png"

CHANNEL_COLOURS = ("#f5c542", "#35c9d6", "#ee6fa8", "#8fd460")
MARKER, TRIGGER = "#ff8a5c", "#e9edf2"
SCREEN, GRID, AXIS, INK, DIM = "#0b0f14", "#1e2833", "#3c4b5c", "#c9d3de", "#8595a6"


def channel_colour(index: int) -> str:
    """The colour of the channel with this index, the same in every view."""
    return CHANNEL_COLOURS[index % len(CHANNEL_COLOURS)]


def mono(pixels: int, *, bold: bool = False) -> QtGui.QFont:
    """A fixed-width font of this height in pixels: readings that change must not jump."""
    font = QtGui.QFont("DejaVu Sans Mono")
    font.setStyleHint(QtGui.QFont.StyleHint.Monospace)
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font


def dress(app: QtWidgets.QApplication) -> None:
    """Give the application its style, palette, icon and stylesheet.

    Raises FileNotFoundError if ``resources/styles/demo.qss`` is not where the checkout has it.
    """
    if not STYLE.is_file():
        raise FileNotFoundError(f"the demo runs from a checkout; its stylesheet is not at {STYLE}")
    app.setStyle("Fusion")
    role = QtGui.QPalette.ColorRole
    palette = QtGui.QPalette()
    for part, colour in (
        (role.Window, "#171c23"),
        (role.WindowText, INK),
        (role.Base, "#10151b"),
        (role.AlternateBase, "#141a21"),
        (role.Text, INK),
        (role.Button, "#28313c"),
        (role.ButtonText, INK),
        (role.ToolTipBase, "#28313c"),
        (role.ToolTipText, INK),
        (role.Highlight, "#2f6f9f"),
        (role.HighlightedText, "#ffffff"),
    ):
        palette.setColor(part, QtGui.QColor(colour))
    for part in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, part, QtGui.QColor("#566270"))
    app.setPalette(palette)
    app.setWindowIcon(QtGui.QIcon(str(ICON)))
    app.setStyleSheet(STYLE.read_text(encoding="utf-8"))
