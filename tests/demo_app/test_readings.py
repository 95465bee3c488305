"""The table of readings keeps the contract of Qt's item models."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from demo_app import look
from demo_app.model import Bench
from demo_app.readings import HEADINGS, SWEEPS_PER_UPDATE, ReadingsModel
from tests.support.binding import QtCore, QtTest

Qt = QtCore.Qt


@pytest.fixture
def model(bench: Bench) -> ReadingsModel:
    model = ReadingsModel(bench)
    # any breach ends in a qCritical or an abort, which fails the test
    tester = QtTest.QAbstractItemModelTester
    tester(model, tester.FailureReportingMode.Warning, parent=model)
    return model


def text(model: ReadingsModel, row: int) -> list[str]:
    return [model.index(row, column).data() for column in range(len(HEADINGS))]


def test_rows_show_what_the_channels_read(bench: Bench, model: ReadingsModel) -> None:
    bench.channels[0].set(noise=0, waveform="square", amplitude=2, offset=1)
    bench.sweep()
    assert text(model, 0)[:2] == ["CH1", "square"]
    # the sweep starts with the clock, and a square's edge may fall on either of two samples
    assert model.index(0, 2).data(Qt.ItemDataRole.UserRole) == pytest.approx(1000, rel=0.004)
    assert text(model, 0)[2].endswith("Hz")
    assert text(model, 0)[3] == "4.00 V"
    assert model.index(0, 4).data(Qt.ItemDataRole.UserRole) == pytest.approx(5**0.5, rel=0.01)
    colour = model.index(0, 0).data(Qt.ItemDataRole.ForegroundRole)
    assert colour.name() == look.channel_colour(0)


def test_a_channel_that_is_off_has_no_readings(bench: Bench, model: ReadingsModel) -> None:
    bench.channels[0].enabled = False
    assert text(model, 0) == ["CH1", "sine", "—", "—", "—", "—"]


def test_a_new_channel_is_a_new_row(bench: Bench, model: ReadingsModel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(model.rowsInserted, timeout=1000):
        bench.add_channel(waveform="triangle")
    assert model.rowCount() == 2
    assert text(model, 1)[:2] == ["CH2", "triangle"]


def test_sweeps_update_in_place_at_a_rate_that_can_be_read(
    bench: Bench, model: ReadingsModel
) -> None:
    heard: list[str] = []
    model.dataChanged.connect(lambda *_: heard.append("dataChanged"))
    model.modelReset.connect(lambda: heard.append("modelReset"))
    model.layoutChanged.connect(lambda *_: heard.append("layoutChanged"))
    bench.sweep()
    assert heard == ["dataChanged"]  # stopped: at once
    bench.start()
    heard.clear()
    for _ in range(3 * SWEEPS_PER_UPDATE):
        bench.sweep()
    assert heard == ["dataChanged"] * 3
    heard.clear()
    bench.stop()
    assert heard == ["dataChanged"]


def test_headings_and_numbers_are_aligned_alike(model: ReadingsModel) -> None:
    across = Qt.Orientation.Horizontal
    assert [model.headerData(n, across) for n in range(len(HEADINGS))] == list(HEADINGS)
    for column in range(len(HEADINGS)):
        role = Qt.ItemDataRole.TextAlignmentRole
        assert model.headerData(column, across, role) == model.index(0, column).data(role)
