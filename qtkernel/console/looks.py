"""How a console looks: the application's font and palette, also when they change.

qtconsole has a style sheet of its own, black on white or a named style. Here the text widget keeps
the palette that the application gives it, and only what stands out has colours of its own
(`theme`). Each character that has one also has, in its format, the colour that it was made from:
so text that is in the document already is coloured anew when the palette changes.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.theme import NAMED, RGB, Theme, ansi_rgb, hexadecimal, mixed, readable, rgb_of

_MADE_FROM: Final = 0x100000 + 0x714B  # a property of formats (QTextFormat.UserProperty and more)
_CHANGES: Final = ("PaletteChange", "FontChange", "StyleChange", "ApplicationPaletteChange")
_FAINT: Final = 0.12  # of the way from the background to the text: tips, brackets that match


class Looks(qt.QtCore.QObject):  # type: ignore[misc]
    """The looks of a `ConsoleWidget`.

    Args:
        widget: the console, which owns this; its ``_control`` is the text widget.
    """

    def __init__(self, widget: Any) -> None:
        super().__init__(widget)
        self._widget = widget
        self._theme: Theme | None = None
        self._font = ""
        widget.setStyleSheet("")
        widget._ansi_processor.get_format = MethodType(self._ansi_format, widget._ansi_processor)
        self._timer = qt.QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.refresh)
        kinds = qt.QtCore.QEvent.Type
        self._changes = [getattr(kinds, name) for name in _CHANGES]
        self._font_change = kinds.FontChange
        self.refresh()
        widget._control.installEventFilter(self)

    @property
    def theme(self) -> Theme:
        """The colours as they are now."""
        assert self._theme is not None
        return self._theme

    def eventFilter(self, _control: Any, event: Any) -> bool:  # noqa: N802
        """Qt's: take on what is new, soon: several changes come at once."""
        kind = event.type()
        if kind in self._changes:
            self._timer.start(0)
        # Qt would give the document the application's own font, for a moment
        return bool(kind == self._font_change)

    def refresh(self) -> None:
        """Take on the palette and the font that the application has now, if they are others."""
        control = self._widget._control
        control.ensurePolished()  # a style sheet of the host's changes both
        font = fixed_font(control.font())
        if font.toString() != self._font:
            self._font = font.toString()
            self._widget._set_font(font)
            self._widget._call_tip_widget.setFont(font)
        theme = _theme_of(control)
        if theme != self._theme:
            before, self._theme = self._theme, theme
            self._apply(before)

    def _apply(self, before: Theme | None) -> None:
        widget, theme = self._widget, self.theme
        document = widget._control.document()
        document.setDefaultStyleSheet(theme.style_sheet())
        widget._highlighter.set_style(theme.pygments_style())
        widget.area.host_format = self.named_format("host")
        self._apply_around()
        if before is not None:
            with widget.area.editing():  # inputs are highlighted again, because prompts change
                _recolour(document, before, theme)

    def _apply_around(self) -> None:
        """What qtconsole has in colours of its own."""
        faint = mixed(self.theme.background, self.theme.text, _FAINT)
        self._widget._bracket_matcher.format.setBackground(_colour(faint))
        tip = self._widget._call_tip_widget
        palette = qt.QtGui.QPalette(self._widget._control.palette())
        palette.setColor(qt.QtGui.QPalette.ColorRole.ToolTipBase, _colour(faint))
        text = readable(self.theme.text, faint)
        palette.setColor(qt.QtGui.QPalette.ColorRole.ToolTipText, _colour(text))
        tip.setPalette(palette)

    def named_format(self, name: str) -> Any:
        """The format of what has a name in `theme.NAMED`."""
        text_format = qt.QtGui.QTextCharFormat()
        self._set_colour(text_format, NAMED[name])
        return text_format

    def _set_colour(self, text_format: Any, colour: RGB) -> None:
        text_format.setForeground(_colour(self.theme.shown(colour)))
        red, green, blue = colour
        text_format.setProperty(_MADE_FROM, red << 16 | green << 8 | blue)

    def _ansi_format(self, ansi: Any) -> Any:
        """The format of what comes next, after the escape sequences so far."""
        text_format = qt.QtGui.QTextCharFormat()
        colour = ansi_rgb(ansi.foreground_color, ansi.intensity > 0)
        behind = ansi_rgb(ansi.background_color)
        if behind is not None:  # then both stay as they are, on any palette
            text_format.setBackground(_colour(behind))
            text_format.setForeground(_colour(readable(colour or self.theme.text, behind)))
        elif colour is not None:
            self._set_colour(text_format, colour)
        if ansi.bold:
            text_format.setFontWeight(qt.QtGui.QFont.Weight.Bold)
        text_format.setFontItalic(ansi.italic)
        text_format.setFontUnderline(ansi.underline)
        return text_format


def _theme_of(control: Any) -> Theme:
    # those of the active window: some palettes have others for a window behind
    palette = control.palette()
    group, roles = qt.QtGui.QPalette.ColorGroup.Active, qt.QtGui.QPalette.ColorRole
    base = palette.brush(group, roles.Base)
    text = rgb_of(palette.color(group, roles.Text))
    if base.style() == qt.QtCore.Qt.BrushStyle.SolidPattern and base.color().alpha() == 255:
        return Theme(rgb_of(base.color()), text)
    # a picture, a gradient or something transparent: whatever it is, the text is to be read on it
    return Theme(rgb_of(palette.color(group, roles.Window)), text)


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


def _recolour(document: Any, before: Theme, theme: Theme) -> None:
    """Give all text the colours that it would have had."""
    prompts = {before.named(name): NAMED[name] for name in ("in", "out")}
    changes = []
    block = document.begin()
    while block.isValid():
        for fragment in _fragments(block):
            original = _made_from(fragment.charFormat(), prompts)
            if original is not None:
                changes.append((fragment.position(), fragment.length(), original))
        block = block.next()
    cursor = qt.QtGui.QTextCursor(document)
    keep = qt.QtGui.QTextCursor.MoveMode.KeepAnchor
    for position, length, original in changes:
        cursor.setPosition(position)
        cursor.setPosition(position + length, keep)
        text_format = qt.QtGui.QTextCharFormat()
        text_format.setForeground(_colour(theme.shown(original)))
        cursor.mergeCharFormat(text_format)


def _made_from(text_format: Any, prompts: dict[RGB, RGB]) -> RGB | None:
    """The colour that was asked for; of prompts, which are HTML, by what they look like."""
    if text_format.hasProperty(_MADE_FROM):
        value = int(text_format.property(_MADE_FROM))
        return value >> 16, value >> 8 & 255, value & 255
    if text_format.hasProperty(qt.QtGui.QTextFormat.Property.ForegroundBrush):
        return prompts.get(rgb_of(text_format.foreground().color()))
    return None


def _fragments(block: Any) -> list[Any]:
    found = []
    iterator = block.begin()
    while not iterator.atEnd():
        found.append(iterator.fragment())
        iterator += 1
    return found


def _colour(rgb: RGB) -> Any:
    return qt.QtGui.QColor(hexadecimal(rgb))
