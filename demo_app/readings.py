"""The table of readings: one row for each channel, updated in place."""

from typing import Any

from qtpy import QtCore, QtGui

from demo_app import look
from demo_app.model import Bench, Channel
from demo_app.settings import engineering

HEADINGS = ("Channel", "Waveform", "Frequency", "Vpp", "RMS", "Mean")
SWEEPS_PER_UPDATE = 15
"""A person cannot read digits that change 30 times a second."""
Role = QtCore.Qt.ItemDataRole
Align = QtCore.Qt.AlignmentFlag
Index = QtCore.QModelIndex


class ReadingsModel(QtCore.QAbstractTableModel):  # type: ignore[misc]
    """Presents a bench's channels; ``UserRole`` has the plain value (volts, hertz, None)."""

    def __init__(self, bench: Bench, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.bench = bench
        self._rows = len(bench.channels)
        bench.channel_added.connect(self._append)
        bench.channel_changed.connect(self.update_readings)
        bench.changed.connect(self.update_readings)  # a stop shows what the held sweep says
        bench.swept.connect(self._count_sweep)

    def rowCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802 (Qt's name)
        """Rows of the table; an item has no children."""
        return 0 if parent is not None and parent.isValid() else self._rows

    def columnCount(self, parent: QtCore.QModelIndex | None = None) -> int:  # noqa: N802
        """Columns of the table; an item has no children."""
        return 0 if parent is not None and parent.isValid() else len(HEADINGS)

    def headerData(  # noqa: N802
        self, section: int, orientation: QtCore.Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        """The columns' headings, aligned as their cells are."""
        if orientation != QtCore.Qt.Orientation.Horizontal or not 0 <= section < len(HEADINGS):
            return None
        if role == Role.TextAlignmentRole:
            return self._alignment(section)
        return HEADINGS[section] if role == Role.DisplayRole else None

    def data(self, index: QtCore.QModelIndex, role: int = Role.DisplayRole) -> Any:
        """One cell in the given role."""
        if not index.isValid() or index.row() >= self._rows:
            return None
        channel, column = self.bench.channels[index.row()], index.column()
        if role == Role.UserRole:
            return self._value(channel, column)
        if role == Role.DisplayRole:
            value = self._value(channel, column)
            if isinstance(value, str):
                return value
            return engineering(value, "Hz", 4) if column == 2 else engineering(value, "V")
        if role == Role.ForegroundRole and column == 0:
            return QtGui.QColor(look.channel_colour(index.row()))
        if role == Role.TextAlignmentRole:
            return self._alignment(column)
        return None

    def update_readings(self, *_details: object) -> None:
        """Tell the views that the readings are new; selection and scrolling stay."""
        last = self.index(self._rows - 1, len(HEADINGS) - 1)
        self.dataChanged.emit(self.index(0, 0), last)

    @staticmethod
    def _alignment(column: int) -> int:
        return int((Align.AlignLeft if column < 2 else Align.AlignRight) | Align.AlignVCenter)

    @staticmethod
    def _value(channel: Channel, column: int) -> str | float | None:
        if column < 2:
            return (channel.name, channel.waveform)[column]
        readings = channel.readings
        if not channel.enabled:
            return None
        return (readings.frequency, readings.vpp, readings.rms, readings.mean)[column - 2]

    def _append(self, _channel: Channel) -> None:
        self.beginInsertRows(Index(), self._rows, self._rows)
        self._rows += 1
        self.endInsertRows()

    def _count_sweep(self) -> None:
        # a single sweep is shown at once
        if not self.bench.running or self.bench.sweeps % SWEEPS_PER_UPDATE == 0:
            self.update_readings()
