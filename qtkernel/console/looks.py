"""How a console looks: the application's font and palette, also when they change.

qtconsole has a style sheet of its own, black on white or a named style. Here the text widget keeps
the palette that the application gives it, and only what stands out has colours of its own
(`theme`). Text that is in the document already is recoloured when the palette changes.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

from qtkernel import qt
from qtkernel.console.theme import RGB, Theme, ansi_rgb, hexadecimal, readable


class Looks:
    """The looks of a `ConsoleWidget`.

    Args:
        widget: the console; its ``_control`` is the text widget.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._theme: Theme | None = None
        self._font = ""
        widget.setStyleSheet("")
        widget._ansi_processor.get_format = MethodType(self._ansi_format, widget._ansi_processor)
        self.refresh()

    @property
    def theme(self) -> Theme:
        """The colours as they are now."""
        assert self._theme is not None
        return self._theme

    def refresh(self) -> None:
        """Take on the palette and the font that the application has now, if they are others."""
        self._refresh_font()
        control = self._widget._control
        control.ensurePolished()  # a style sheet of the host's changes the palette
        roles = qt.QtGui.QPalette.ColorRole
        palette = control.palette()
        theme = Theme(_rgb(palette.color(roles.Base)), _rgb(palette.color(roles.Text)))
        if theme != self._theme:
            before, self._theme = self._theme, theme
            self._apply(before)

    def _refresh_font(self) -> None:
        font = fixed_font(qt.QtWidgets.QWidget.font(self._widget))
        if font.toString() != self._font:
            self._font = font.toString()
            self._widget._set_font(font)

    def _apply(self, before: Theme | None) -> None:
        widget, theme = self._widget, self.theme
        document = widget._control.document()
        document.setDefaultStyleSheet(theme.style_sheet())
        widget._highlighter.set_style(theme.pygments_style())
        widget.area.host_format = self.named_format("host")
        if before is not None:
            with widget.area.editing():
                _recolour(document, before.originals(), theme)
            self._highlight_again()

    def _highlight_again(self) -> None:
        highlighter = self._widget._highlighter
        on, highlighter.highlighting_on = highlighter.highlighting_on, True
        highlighter.rehighlight()
        highlighter.highlighting_on = on

    def named_format(self, name: str) -> Any:
        """The format of what has a name in `theme.NAMED`."""
        text_format = qt.QtGui.QTextCharFormat()
        text_format.setForeground(_colour(self.theme.named(name)))
        return text_format

    def _ansi_format(self, ansi: Any) -> Any:
        """The format of what comes next, after the escape sequences so far."""
        text_format = qt.QtGui.QTextCharFormat()
        colour = ansi_rgb(ansi.foreground_color, ansi.intensity > 0)
        behind = ansi_rgb(ansi.background_color)
        if behind is not None:
            text_format.setBackground(_colour(behind))
            text_format.setForeground(_colour(readable(colour or self.theme.text, behind)))
        elif colour is not None:
            text_format.setForeground(_colour(self.theme.shown(colour)))
        if ansi.bold:
            text_format.setFontWeight(qt.QtGui.QFont.Weight.Bold)
        text_format.setFontItalic(ansi.italic)
        text_format.setFontUnderline(ansi.underline)
        return text_format


def fixed_font(font: Any) -> Any:
    """The application's font, if all its characters are as wide; else the system's that has such.

    In the same size.
    """
    if qt.QtGui.QFontInfo(font).fixedPitch():
        return font
    database = qt.QtGui.QFontDatabase
    fixed = database.systemFont(database.SystemFont.FixedFont)
    if not qt.QtGui.QFontInfo(fixed).fixedPitch():  # measured: so on Qt's offscreen platform
        fixed = qt.QtGui.QFont("monospace")
        fixed.setStyleHint(qt.QtGui.QFont.StyleHint.TypeWriter)
    if font.pointSizeF() > 0:
        fixed.setPointSizeF(font.pointSizeF())
    else:
        fixed.setPixelSize(font.pixelSize())
    return fixed


def _recolour(document: Any, originals: dict[RGB, RGB], theme: Theme) -> None:
    """Give all text the colours that it would have had."""
    changes = []
    block = document.begin()
    while block.isValid():
        for fragment in _fragments(block):
            text_format = fragment.charFormat()
            no_background = text_format.background().style() == qt.QtCore.Qt.BrushStyle.NoBrush
            original = originals.get(_rgb(text_format.foreground().color()))
            if original is not None and no_background and _has_foreground(text_format):
                changes.append((fragment.position(), fragment.length(), theme.shown(original)))
        block = block.next()
    cursor = qt.QtGui.QTextCursor(document)
    keep = qt.QtGui.QTextCursor.MoveMode.KeepAnchor
    for position, length, colour in changes:
        cursor.setPosition(position)
        cursor.setPosition(position + length, keep)
        text_format = qt.QtGui.QTextCharFormat()
        text_format.setForeground(_colour(colour))
        cursor.mergeCharFormat(text_format)


def _fragments(block: Any) -> list[Any]:
    found = []
    iterator = block.begin()
    while not iterator.atEnd():
        found.append(iterator.fragment())
        iterator += 1
    return found


def _has_foreground(text_format: Any) -> bool:
    return bool(text_format.hasProperty(qt.QtGui.QTextFormat.Property.ForegroundBrush))


def _rgb(colour: Any) -> RGB:
    return colour.red(), colour.green(), colour.blue()


def _colour(rgb: RGB) -> Any:
    return qt.QtGui.QColor(hexadecimal(rgb))
