"""JupyterLab's debugger: its panel, a click into the gutter, steps; the kernel on Qt's loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.support.debugger import Debugger
from tests.lab.support.notebook import Notebook, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CODE = """\
def scaled(values, gain):
    total = 0
    for value in values:
        total += value * gain
    return total

readings = [1, 2, 3]
label = "volts"
result = scaled(readings, 10)
result"""


def test_breakpoint_variables_steps_and_continue(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(CODE, "result + 1", "1 / 0")
    debugger = Debugger(lab)
    debugger.toggle()
    debugger.click_gutter(0, line=4)
    expect(debugger.breakpoints).to_have_count(1)
    lab.start(0)
    expect(debugger.variables).to_have_text(["gain10", "total0", "value1", "valueslist"])
    expect(debugger.stopped_line).to_have_text("        total += value * gain")
    expect(debugger.frames).to_have_text(["scaled", "<module>"])
    lab.look("debugger")
    lab.page.keyboard.press("F10")
    expect(debugger.stopped_line).to_have_text("    for value in values:")
    expect(debugger.variables).to_have_text(["gain10", "total10", "value1", "valueslist"])
    lab.page.keyboard.press("F9")
    expect(debugger.variables).to_have_text(["gain10", "total10", "value2", "valueslist"])
    debugger.click_gutter(0, line=4)
    expect(debugger.breakpoints).to_have_count(0)
    lab.page.keyboard.press("F9")
    expect(lab.ended(0, count=1)).to_contain_text("60")
    expect(debugger.stopped_line).to_have_count(0)
    # the names of the notebook, while nothing has stopped, without those that are nobody's
    expect(debugger.variables).to_have_text(
        ["scaledfunction", "readingslist", "label'volts'", "result60"]
    )
    lab.look("debugger-globals")
    expect(lab.run(1, count=2)).to_contain_text("61")
    debugger.toggle()
    expect(lab.run(2, count=3)).to_contain_text("ZeroDivisionError")


def test_what_has_stopped_is_interrupted(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(CODE, "'alive'")
    debugger = Debugger(lab)
    debugger.toggle()
    debugger.click_gutter(0, line=8)
    expect(debugger.breakpoints).to_have_count(1)
    lab.start(0)
    expect(debugger.stopped_line).to_have_text('label = "volts"')
    lab.press("i", "i")
    expect(lab.ended(0, count=1)).to_contain_text("KeyboardInterrupt")
    expect(lab.run(1, count=2)).to_contain_text("alive")
