"""What cells print and display, and where it lands."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from qtkernel.console import displays, output
from tests.console.conftest import CONTROL, Key, Script, Sit, User, play
from tests.support.binding import QtCore, QtGui, QtWidgets

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def run(user: User, code: str) -> str:
    """Run a cell; what it has put out."""
    number = user.kernel.execution_count

    def script() -> Script:
        user.console.run(code)
        yield user.at_prompt(number + 1)

    play(user, script())
    return user.output(number)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("print('a'); print('b')", "a\nb"),
        ("print('no line feed', end='')", "no line feed"),
        ("print('\\n\\nafter two')", "\n\nafter two"),
        ("print(' 10%', end=''); print('\\r 20%')", " 20%"),
        ("print('longer\\rshort')", "shortr"),
        ("print('abc\\b\\bX')", "aXc"),
        ("print('gone\\x1b[2K\\rhere')", "here"),
        ("print('keep this\\r\\x1b[4G\\x1b[Ka')", "keea"),
        ("print('one\\ntwo\\nthree\\x1b[2A\\rONE\\x1b[2B')", "ONE\ntwo\nthree"),
        ("print('a\\r\\nb')", "a\nb"),
        ("print('\\x1b]0;title\\x07text \\x1b[?25l\\x1b(Bmore')", "text more"),
        ("print('\\x1b[31mred\\x1b[0m plain')", "red plain"),
        ("print('tab\\tbed', chr(0), chr(7))", "tab\tbed  "),
        ("print('\\U0001f40d \\u2603 \\u00e9')", "\U0001f40d \u2603 \u00e9"),
        ("1, 'one'", "Out[1]: (1, 'one')"),
        ("import sys; sys.stderr.write('err\\n'); None", "err"),
        ("[*range(60)]", "Out[1]: \n[" + ",\n ".join(map(str, range(60))) + "]"),
    ],
)
def test_printed(sit: Sit, code: str, shown: str) -> None:
    assert run(sit(), code) == shown


def test_a_sequence_that_arrives_in_two_pieces(sit: Sit) -> None:
    user = sit()
    for piece in ("a\x1b", "[3", "1mb\x1b[0mc\r", "\nd\n"):
        user.console.area.text(piece, "somebody")
        user.console.area.flush()
    assert "abc\nd\n\nIn [1]: " in user.text


def test_progress_bars_move_in_place(sit: Sit) -> None:
    # what tqdm writes for two nested bars
    code = (
        "import sys\nfor i in range(3):\n"
        "    for j in range(3):\n"
        "        sys.stderr.write('\\r outer %d' % i + '\\n\\r inner %d' % j + '\\x1b[A')\n"
        "        sys.stderr.flush()\n"
        "sys.stderr.write('\\n\\n')\nprint('done')"
    )
    assert run(sit(), code) == " outer 2\n inner 2\ndone"


def test_clear_output_takes_back_what_the_cell_has_put_out(sit: Sit) -> None:
    user = sit()
    assert run(user, "print('first cell')") == "first cell"
    assert run(user, "from IPython.display import clear_output, display") == ""
    code = (
        "for i in 1, 2:\n    print('a', i)\n    display(i)\n    clear_output(wait=True)\nprint(9)"
    )
    assert run(user, code) == "9"
    assert (
        run(user, "print('x'); clear_output(); print('y', end=''); clear_output(wait=True)") == "y"
    )
    assert user.output(1) == "first cell"


def test_a_display_is_updated_where_it_is(sit: Sit) -> None:
    user = sit()
    run(
        user, "from IPython.display import display; h = display('one', display_id=True); print('x')"
    )
    assert run(user, "h.update('two\\nlines'); print('y')") == "y"
    assert user.output(1) == "'two\\nlines'\nx"
    assert run(user, "h.update([1]*30)") == ""
    assert user.output(1).startswith("[1,\n 1,")
    assert user.output(1).endswith("1]\nx")


SVG = (
    "from IPython.display import SVG, display\n"
    'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10">\'\n'
    '\'<rect width="20" height="10" fill="#00ff00"/></svg>\'))'
)


PNG = """
from IPython.display import Image, display
def picture(columns, rows, colour, **more):
    image = QtGui.QImage(columns, rows, QtGui.QImage.Format.Format_RGB32)
    image.fill(QtGui.QColor(colour))
    buffer = QtCore.QBuffer()
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return Image(data=bytes(buffer.data()), **more)
"""


def coloured(user: User, colour: str) -> tuple[int, int]:
    """How wide and high what is shown in a colour is, in pixels."""
    QtWidgets.QApplication.processEvents()
    picture = user.control.viewport().grab().toImage()
    places = [
        (x, y)
        for y in range(picture.height())
        for x in range(picture.width())
        if picture.pixelColor(x, y).name() == colour
    ]
    columns, rows = {x for x, _ in places}, {y for _, y in places}
    return len(columns), len(rows)


def test_pictures_are_shown(sit: Sit) -> None:
    user = sit()
    assert run(user, SVG) == "\ufffc"
    width, height = coloured(user, "#00ff00")
    assert (abs(width - 20) < 3, abs(height - 10) < 3) == (True, True)
    user.kernel.push({"QtGui": QtGui})
    run(user, PNG)
    run(user, "display(picture(30, 12, '#ff00ff'))")
    assert coloured(user, "#ff00ff") == (30, 12)
    assert run(user, "picture(30, 12, '#0000fe')") == "Out[4]: \n\ufffc"
    assert coloured(user, "#0000fe") == (30, 12)


def test_a_picture_of_more_dots_than_pixels_and_one_that_is_too_wide(sit: Sit) -> None:
    user = sit()
    user.kernel.push({"QtGui": QtGui})
    run(user, PNG)
    run(user, "display(picture(60, 24, '#ff00ff', width=30, height=12))")
    assert coloured(user, "#ff00ff") == (30, 12)
    run(user, "display(picture(4000, 400, '#0000fe'))")
    room = user.control.viewport().width()
    width, height = coloured(user, "#0000fe")
    assert room - 40 < width < room
    assert abs(height - width / 10) <= 2


def test_old_pictures_give_their_memory_back(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "PICTURE_BYTES", 4 * 100 * 100 * 2)
    user = sit()
    user.kernel.push({"QtGui": QtGui})
    run(user, PNG)
    run(user, "for i in range(5): display(picture(100, 100 + i, '#ff00ff'))")
    document = user.control.document()
    kind = QtGui.QTextDocument.ResourceType.ImageResource
    names = [
        fragment.charFormat().toImageFormat().name()
        for fragment in fragments(document)
        if fragment.charFormat().isImageFormat()
    ]
    kept = [not document.resource(kind, QtCore.QUrl(name)).isNull() for name in names]
    assert kept == [False, False, False, False, True]


def fragments(document: Any) -> list[Any]:
    found = []
    block = document.begin()
    while block.isValid():
        parts = block.begin()
        while not parts.atEnd():
            found.append(parts.fragment())
            parts += 1
        block = block.next()
    return found


def test_a_picture_that_cannot_be_read_is_its_text(sit: Sit) -> None:
    user = sit()
    bundle = "{'image/png': 'bm90IGEgcG5n', 'text/plain': 'a picture'}"
    code = f"from IPython.display import display; display({bundle}, raw=True)"
    assert run(user, code) == "a picture"


def test_output_of_a_callback_lands_above_the_prompt(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run("timer = QtCore.QTimer(); timer.setSingleShot(True)")
        yield user.at_prompt(2)
        user.console.run("timer.timeout.connect(lambda: print('la' + 'ter')); 0")
        yield user.at_prompt(3)
        user.type("x = 'half typ")
        user.kernel.user_ns["timer"].start(0)
        yield user.sees("later")
        user.type("ed'")

    play(user, script())
    assert user.text.endswith("Out[2]: 0\nlater\n\nIn [3]: x = 'half typed'")


@pytest.mark.qt_no_exception_capture
def test_an_exception_in_a_slot_is_shown(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run("timer = QtCore.QTimer(); timer.setSingleShot(True)")
        yield user.at_prompt(2)
        user.console.run("timer.timeout.connect(lambda: 1/0); 0")
        yield user.at_prompt(3)
        user.kernel.user_ns["timer"].start(0)
        yield user.sees("ZeroDivisionError: division by zero")
        user.type("1\n")
        yield user.at_prompt(4)

    play(user, script())


def test_what_the_host_prints_is_shown_when_asked_for_marked_and_apart(sit: Sit) -> None:
    user = sit()
    write = sys.stdout.write  # the kernel's, which passes on

    def script() -> Script:
        write("not asked for\n")
        user.console.host_output = True
        user.type("print('of a cell', end='')\n")
        yield user.at_prompt(2)
        write("of the host\nin two")
        yield user.sees("in two")
        write(" parts\n")
        yield user.sees("parts")
        user.console.host_output = False
        write("no more\n")
        user.type("1\n")
        yield user.at_prompt(3)

    play(user, script())
    assert "\nof a cell\nhost │ of the host\nhost │ in two parts\n\nIn [2]: " in user.text
    assert "not asked for" not in user.text
    assert "no more" not in user.text


def test_only_the_latest_lines_stay_and_the_prompt_with_them(sit: Sit) -> None:
    user = sit()
    most = output.MAX_LINES

    def script() -> Script:
        user.type("typed")
        user.console.run(f"for i in range({3 * most}): print(i)")
        yield lambda: not user.console.has_cells()

    play(user, script())
    lines = user.text.split("\n")
    assert lines[-3:] == [str(3 * most - 1), "", "In [2]: typed"]
    assert most / 2 < len(lines) <= most * 1.2
    user.press(Key.Key_Escape)
    assert run(user, "print('on')") == "on"


def test_a_line_without_an_end_is_broken(sit: Sit) -> None:
    user = sit()
    run(user, "print('x' * 3_000_000)")
    assert max(map(len, user.text.split("\n"))) <= 20_000
    assert len(user.text) < 1.1 * output.MAX_DOCUMENT


def test_control_l_clears_all_but_what_is_typed(sit: Sit) -> None:
    user = sit()
    run(user, "print('x')")
    user.type("kept")
    user.press(Key.Key_L, CONTROL)
    assert user.text == "In [2]: kept"
    user.type(" = 1\n")

    def script() -> Script:
        yield user.at_prompt(3)
        user.press(Key.Key_L, CONTROL)
        user.console.run("print('y')")
        yield user.at_prompt(4)

    play(user, script())
    assert user.text == "In [3]: print('y')\ny\n\nIn [4]: "


def test_output_after_clearing_while_a_cell_runs(sit: Sit) -> None:
    user = sit()

    def script() -> Script:
        user.console.run("import asyncio; gate = asyncio.Event(); await gate.wait(); print('z')")
        yield lambda: user.text.endswith("In [2]: ")
        user.press(Key.Key_L, CONTROL)
        assert user.text == "In [2]: "
        user.kernel.user_ns["gate"].set()
        yield user.sees("z")
        yield user.at_prompt(2)

    play(user, script())
    assert user.text == "z\n\nIn [2]: "
