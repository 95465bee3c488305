"""The icons of ``resources/icons``, drawn in the colours of the application's palette.

They are SVG, and are drawn at the very size that the screen has for them. What draws SVG (QtSvg) is
there wherever qtconsole is, which imports it, too; the three bindings have it in their wheels.
"""

from __future__ import annotations

from typing import Any, Final

from qtkernel import qt
from qtkernel.console.theme import mixed, rgb_of
from qtkernel.resources import resource

DISABLED: Final = 0.4
"""How far what is disabled is from its background to the colour of what is not. A host's palette
may have no colour of its own for that."""

_GAP: Final = 3  # pixels between an icon and the text beside it
_SIZES: Final = (16, 20, 24, 32, 48)  # pixels: what menus ask for, at whatever ratio


def icon(name: str, palette: Any) -> Any:
    """The icon `name`, a QIcon for a menu or a window, in the colour of the palette's text."""
    made = qt.QtGui.QIcon()
    renderer = _renderer(name, palette.color(qt.QtGui.QPalette.ColorRole.WindowText))
    for size in _SIZES:
        pixmap = qt.QtGui.QPixmap(size, size)
        pixmap.fill(qt.QtGui.QColor(0, 0, 0, 0))
        painter = qt.QtGui.QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        made.addPixmap(pixmap)
    return made


class IconButton(qt.QtWidgets.QToolButton):  # type: ignore[misc]
    """A flat button with an icon, and perhaps a short text beside it.

    It draws the icon itself, and not by a QIcon: so it is in the palette's colour of the moment,
    and has all the dots of a screen that has more of them than pixels (Qt 5 gives an icon those
    only if the application asks for them).

    Args:
        name: of the icon.
        parent: a QWidget.
    """

    def __init__(self, name: str, parent: Any) -> None:
        super().__init__(parent)
        self._name = name
        self._renderers: dict[str, Any] = {}
        self.setObjectName(f"{name}Button")
        self.setAutoRaise(True)

    def sizeHint(self) -> Any:  # noqa: N802
        """Qt's: the style's for an icon, and the text."""
        content = self.iconSize()
        if self.text():
            width = content.width() + _GAP + self.fontMetrics().horizontalAdvance(self.text())
            content = qt.QtCore.QSize(width, content.height())
        kind = qt.QtWidgets.QStyle.ContentsType.CT_ToolButton
        return self.style().sizeFromContents(kind, self._option(), content, self)

    def minimumSizeHint(self) -> Any:  # noqa: N802
        """Qt's: nothing of it may be cut off."""
        return self.sizeHint()

    def paintEvent(self, _event: Any) -> None:  # noqa: N802
        """Qt's: what is around the icon is the style's."""
        painter = qt.QtWidgets.QStylePainter(self)
        control = qt.QtWidgets.QStyle.ComplexControl.CC_ToolButton
        painter.drawComplexControl(control, self._option())
        painter.setPen(self._colour())
        text, size = self.text(), self.iconSize().width()
        width = size + (_GAP + self.fontMetrics().horizontalAdvance(text) if text else 0)
        left = (self.width() - width) // 2
        self._renderer().render(
            painter, qt.QtCore.QRectF(left, (self.height() - size) // 2, size, size)
        )
        if text:
            flags = qt.QtCore.Qt.AlignmentFlag
            rest = qt.QtCore.QRect(left + size + _GAP, 0, self.width(), self.height())
            painter.drawText(rest, int(flags.AlignLeft | flags.AlignVCenter), text)
        painter.end()

    def _option(self) -> Any:
        """What the style is told: a button with nothing on it."""
        option = qt.QtWidgets.QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = ""
        option.toolButtonStyle = qt.QtCore.Qt.ToolButtonStyle.ToolButtonIconOnly
        return option

    def _colour(self) -> Any:
        group, roles = qt.QtGui.QPalette.ColorGroup.Active, qt.QtGui.QPalette.ColorRole
        text = rgb_of(self.palette().color(group, roles.ButtonText))
        if not self.isEnabled():
            text = mixed(rgb_of(self.palette().color(group, roles.Window)), text, DISABLED)
        return qt.QtGui.QColor(*text)

    def _renderer(self) -> Any:
        colour = self._colour()
        if colour.name() not in self._renderers:
            self._renderers = {colour.name(): _renderer(self._name, colour)}
        return self._renderers[colour.name()]


def _renderer(name: str, colour: Any) -> Any:
    svg = resource(f"icons/{name}.svg").read_text("utf-8").replace("currentColor", colour.name())
    return qt.module("QtSvg").QSvgRenderer(qt.QtCore.QByteArray(svg.encode()))
