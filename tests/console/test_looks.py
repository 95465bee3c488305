"""A console looks like the application that it is in, also when that changes its looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qtkernel.console.theme import CONTRAST, RGB, contrast, rgb_of
from tests.console.conftest import Script, Sit, User, play
from tests.support.binding import QtCore, QtGui, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

SHEET = """
QWidget { background: #263238; color: #eceff1; }
QTextEdit { background: #101418; color: #cfd8dc; }
"""
COLOURED = "".join(f"\x1b[{code}m{code} " for code in (*range(30, 38), *range(90, 98)))
MORE = "".join(f"\x1b[38;5;{code}m{code} " for code in range(16, 256, 9))
CODE = f"""
print({COLOURED!r}, {MORE!r}, "\\x1b[0m\\x1b[38;2;250;250;120mtrue\\x1b[41;37mbehind\\x1b[0m plain")
def hello(x: int = 3) -> str:
    '''What it does.'''
    return len("text" + str(x))  # a comment

class Something(Exception): pass
None
"""


@pytest.fixture(autouse=True)
def application(qapp: Any) -> Iterator[Any]:
    """The application, which gets back its looks."""
    palette, font, style = QtGui.QPalette(), qapp.font(), qapp.style().objectName()
    qapp.setStyle("Fusion")
    qapp.setPalette(palette_of("#ffffff", "#000000", "#efefef"))
    yield qapp
    qapp.setStyleSheet("")
    qapp.setStyle(style)
    qapp.setPalette(palette)
    qapp.setFont(font)


def palette_of(base: str, text: str, window: str) -> Any:
    palette, roles = QtGui.QPalette(), QtGui.QPalette.ColorRole
    for colour, names in ((base, ("Base",)), (window, ("Window", "Button"))):
        for name in names:
            palette.setColor(getattr(roles, name), QtGui.QColor(colour))
    for name in ("Text", "WindowText", "ButtonText"):
        palette.setColor(getattr(roles, name), QtGui.QColor(text))
    return palette


DARK = ("#1e1f22", "#dfe1e5", "#2b2d30")
SOLARIZED = ("#fdf6e3", "#4a5a61", "#eee8d5")
MID = ("#6e6e6e", "#ffffff", "#666666")


def coloured(user: User) -> dict[str, list[tuple[RGB, RGB | None]]]:
    """What is in the document: for each text its colours, that of the paper None."""
    found: dict[str, list[tuple[RGB, RGB | None]]] = {}
    document = user.control.document()
    default = rgb_of(user.control.palette().color(QtGui.QPalette.ColorRole.Text))
    no_brush = QtCore.Qt.BrushStyle.NoBrush
    block = document.begin()
    while block.isValid():
        highlighted = block.layout().formats()
        # PySide's format belongs to the range that it is of
        copies = [QtGui.QTextCharFormat(each.format) for each in highlighted]
        ranges = [
            (each.start, each.length, copy) for each, copy in zip(highlighted, copies, strict=True)
        ]
        iterator = block.begin()
        while not iterator.atEnd():
            fragment = iterator.fragment()
            ranges.insert(
                0,
                (
                    fragment.position() - block.position(),
                    fragment.length(),
                    fragment.charFormat(),
                ),
            )
            iterator += 1
        for start, length, text_format in ranges:
            brush, behind = text_format.foreground(), text_format.background()
            colour = default if brush.style() == no_brush else rgb_of(brush.color())
            paper = None if behind.style() == no_brush else rgb_of(behind.color())
            text = block.text()[start : start + length]
            found.setdefault(text.strip(), []).append((colour, paper))
        block = block.next()
    return found


def unreadable(user: User) -> dict[str, Any]:
    """The texts that have not enough contrast to what is behind them."""
    base = rgb_of(user.control.palette().color(QtGui.QPalette.ColorRole.Base))
    return {
        text: colours
        for text, colours in coloured(user).items()
        if text and any(contrast(one, other or base) < CONTRAST for one, other in colours)
    }


def filled(user: User) -> Script:
    """Put something of everything into a console."""
    user.console.run(CODE)
    yield user.at_prompt(2)
    user.console.run("{'a': 1}")
    user.console.run("1/0")
    user.console.run("'not run'")
    yield user.sees("ZeroDivisionError: division by zero")
    yield user.sees("Not run")
    user.console.host_output = True
    print("the host's")
    yield user.sees("host │ the host's")
    user.type("lambda x: 'abc'")
    yield user.sees("lambda x: 'abc'")


def settled() -> Script:
    for _ in range(3):
        yield lambda: True


def background(widget: Any) -> RGB:
    return rgb_of(widget.grab().toImage().pixelColor(widget.width() - 30, widget.height() - 5))


@pytest.mark.parametrize("colours", [DARK, SOLARIZED, MID], ids=["dark", "solarized", "mid"])
def test_old_text_can_be_read_on_a_palette_that_comes_later(
    sit: Sit, application: Any, colours: tuple[str, str, str]
) -> None:
    user = sit()

    def script() -> Script:
        yield from filled(user)
        assert not unreadable(user)
        before, text = coloured(user), user.text
        application.setPalette(palette_of(*colours))
        yield lambda: user.console.looks.theme.background == rgb_of(QtGui.QColor(colours[0]))
        assert not unreadable(user)
        assert user.text == text
        application.setPalette(palette_of("#ffffff", "#000000", "#efefef"))
        yield lambda: user.console.looks.theme.background == (255, 255, 255)
        assert coloured(user) == before

    play(user, script())


def test_inputs_keep_their_syntax_colours(sit: Sit, application: Any) -> None:
    user = sit()

    def script() -> Script:
        yield from filled(user)
        application.setPalette(palette_of(*DARK))
        yield lambda: user.console.looks.theme.is_dark
        keyword = user.console.looks.theme.named("keyword")
        assert [colour for colour, _ in coloured(user)["return"]] == [keyword]
        assert (keyword, None) in coloured(user)["lambda"]

    play(user, script())


def test_also_while_a_question_is_asked(sit: Sit, application: Any) -> None:
    user = sit()

    def script() -> Script:
        user.type("name = input('who? ')\n")
        yield user.is_asked("who? ")
        user.type("return")
        application.setPalette(palette_of(*DARK))
        yield lambda: user.console.looks.theme.is_dark
        string = user.console.looks.theme.named("string")
        assert (string, None) in coloured(user)["'who? '"]
        user.type(" it\n")
        yield user.at_prompt(2)
        assert not unreadable(user)
        assert user.kernel.user_ns["name"] == "return it"

    play(user, script())


def test_a_style_sheet_of_the_hosts_is_followed(sit: Sit, application: Any) -> None:
    user = sit()

    def script() -> Script:
        yield from filled(user)
        application.setStyleSheet(SHEET)
        yield lambda: user.console.looks.theme.background == (0x10, 0x14, 0x18)
        assert not unreadable(user)
        assert user.console.looks.theme.text == (0xCF, 0xD8, 0xDC)
        application.setStyleSheet("")
        yield lambda: user.console.looks.theme.background == (255, 255, 255)
        assert not unreadable(user)
        user.console.window().setStyleSheet("QTextEdit { background: #003000; color: #80ff80; }")
        yield lambda: user.console.looks.theme.background == (0, 0x30, 0)
        assert not unreadable(user)

    play(user, script())


def test_the_paper_is_the_palettes(sit: Sit, application: Any) -> None:
    user = sit()
    application.setPalette(palette_of(*DARK))

    def script() -> Script:
        yield lambda: user.console.looks.theme.is_dark
        yield from settled()
        assert background(user.control.viewport()) == rgb_of(QtGui.QColor(DARK[0]))

    play(user, script())


def test_a_window_behind_looks_the_same(sit: Sit, application: Any) -> None:
    user = sit()
    palette = palette_of(*DARK)
    groups, roles = QtGui.QPalette.ColorGroup, QtGui.QPalette.ColorRole
    palette.setColor(groups.Inactive, roles.Base, QtGui.QColor("#ffffff"))
    application.setPalette(palette)

    def script() -> Script:
        yield lambda: user.console.looks.theme.background == rgb_of(QtGui.QColor(DARK[0]))

    play(user, script())


@pytest.mark.parametrize("pixels", [False, True])
def test_the_font_is_fixed_and_has_the_applications_size(
    sit: Sit, application: Any, pixels: bool
) -> None:
    user = sit()
    font = QtGui.QFont(application.font())
    if pixels:
        font.setPixelSize(23)
    else:
        font.setPointSizeF(17.5)

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        application.setFont(font)
        assert QtGui.QFontInfo(user.console.font).fixedPitch()  # there is no moment of another one
        yield lambda: (size(user) == (-1, 23)) if pixels else (size(user)[0] == 17.5)
        assert QtGui.QFontInfo(user.console.font).fixedPitch()
        assert user.console._keyboard.completions.view.font().pointSizeF() == size(user)[0]
        user.console.change_font_size(2)
        assert size(user) != (-1, 23)
        user.console.reset_font()
        assert (size(user) == (-1, 23)) if pixels else (size(user)[0] == 17.5)

    play(user, script())


def size(user: User) -> tuple[float, int]:
    font = user.control.document().defaultFont()
    return font.pointSizeF(), font.pixelSize()


def test_a_fixed_font_of_the_hosts_is_taken(sit: Sit) -> None:
    user = sit()
    family = QtGui.QFontInfo(user.console.font).family()

    def script() -> Script:
        user.console.setStyleSheet(f"QTextEdit {{ font-family: '{family}'; font-size: 21px; }}")
        yield lambda: size(user)[1] == 21

    play(user, script())
    assert QtGui.QFontInfo(user.console.font).family() == family


def test_another_style_is_followed(sit: Sit, application: Any) -> None:
    user = sit()

    def script() -> Script:
        yield from filled(user)
        application.setStyle("Windows")
        yield from settled()
        assert not unreadable(user)
        user.type("; 1\n")
        yield user.sees("; 1\nOut[4]: 1")

    play(user, script())


def test_calltips_and_brackets_can_be_read(sit: Sit, application: Any) -> None:
    user = sit()
    palette = palette_of(*DARK)
    roles = QtGui.QPalette.ColorRole
    for role in (roles.ToolTipBase, roles.ToolTipText):  # seen in many a dark theme
        palette.setColor(role, QtGui.QColor("#ffffff"))
    application.setPalette(palette)

    def script() -> Script:
        yield lambda: user.console.looks.theme.is_dark
        tip = user.console._call_tip_widget.palette()
        assert contrast(rgb_of(tip.color(roles.ToolTipText)), rgb_of(tip.color(roles.ToolTipBase)))
        bracket = user.console._bracket_matcher.format.background().color()
        assert contrast(user.console.looks.theme.text, rgb_of(bracket)) >= CONTRAST

    play(user, script())


def test_what_the_user_has_typed_and_undone_stays(sit: Sit, application: Any) -> None:
    user = sit()

    def script() -> Script:
        yield lambda: user.text.endswith("In [1]: ")
        user.type("abc = 'x'")
        cursor = user.control.textCursor()
        cursor.movePosition(QtGui.QTextCursor.MoveOperation.Left)
        user.control.setTextCursor(cursor)
        position = cursor.position()
        application.setPalette(palette_of(*DARK))
        yield lambda: user.console.looks.theme.is_dark
        assert user.typed == "abc = 'x'"
        assert user.control.textCursor().position() == position

    play(user, script())


def test_a_long_transcript_is_recoloured_in_a_moment(sit: Sit, application: Any) -> None:
    user = sit()

    def script() -> Script:
        user.type("for i in range(4000): print(f'\\x1b[3{i % 8}m{i}\\x1b[0m plain')\n\n")
        yield user.at_prompt(2)
        application.setPalette(palette_of(*DARK))
        yield lambda: user.console.looks.theme.is_dark
        assert not unreadable(user)

    play(user, script())


def test_a_widget_in_a_window_with_a_sheet_of_its_own(sit: Sit) -> None:
    user = sit()
    frame = QtWidgets.QFrame()
    frame.setStyleSheet("QTextEdit { background: #202830; color: #f0f0f0; }")
    column = QtWidgets.QVBoxLayout(frame)
    column.addWidget(user.console)
    frame.show()

    def script() -> Script:
        yield lambda: user.console.looks.theme.background == (0x20, 0x28, 0x30)
        user.console.setParent(None)
        user.console.show()
        yield lambda: user.console.looks.theme.background == (255, 255, 255)

    play(user, script())
    frame.deleteLater()
