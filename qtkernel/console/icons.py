"""The icons of ``resources/icons``, in the colours of the application's palette."""

from __future__ import annotations

from typing import Any, Final

from qtkernel import qt
from qtkernel.resources import resource

SIZE: Final = 16
"""Pixels of an icon at 96 dots per inch."""

_DISABLED: Final = 0.35  # opacity: a host's palette may have no colour of its own for that
_SCALES: Final = (1, 2, 3)  # device pixel ratios; others are scaled down from the next


def icon(name: str, palette: Any) -> Any:
    """The icon `name`, a QIcon, enabled and disabled, in the colour of the text on buttons."""
    drawing = resource(f"icons/{name}.svg").read_text("utf-8")
    made = qt.QtGui.QIcon()
    modes = qt.QtGui.QIcon.Mode
    colour = palette.color(qt.QtGui.QPalette.ColorRole.ButtonText)
    for mode, opacity in ((modes.Normal, 1.0), (modes.Disabled, _DISABLED)):
        for scale in _SCALES:
            made.addPixmap(_pixmap(drawing, colour, opacity, SIZE * scale), mode)
    return made


def _pixmap(drawing: str, colour: Any, opacity: float, size: int) -> Any:
    svg = drawing.replace("currentColor", colour.name())
    renderer = qt.module("QtSvg").QSvgRenderer(qt.QtCore.QByteArray(svg.encode()))
    pixmap = qt.QtGui.QPixmap(size, size)
    pixmap.fill(qt.QtGui.QColor(0, 0, 0, 0))
    painter = qt.QtGui.QPainter(pixmap)
    painter.setRenderHint(qt.QtGui.QPainter.RenderHint.Antialiasing)
    painter.setOpacity(opacity)
    renderer.render(painter)
    painter.end()
    return pixmap
