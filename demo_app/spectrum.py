"""The spectrum of the traces, with the strongest lines of each marked."""

import numpy as np
from qtpy import QtCore, QtGui, QtWidgets

from demo_app import look
from demo_app.model import SAMPLES, Bench, Channel, Trace, peaks, spectrum
from demo_app.settings import engineering, tick

LEFT, TOP, RIGHT, BOTTOM = 62, 40, 18, 34
FLOOR, CEILING, STEP = -80, 20, 20
"""What is shown, and where there are lines, in dBV."""
PART = 8
"""The part of all frequencies that is shown: the first eighth, where the signals are."""
SWEEPS_PER_UPDATE = 10
WEIGHT = 0.4
"""Of the newest spectrum in what is shown: the noise comes to rest, and a change is soon seen."""
ROW, ROW_WIDTH = 16, 140
"""Of a channel's strongest line, in the corner, in pixels."""
LABEL = 46
"""Room for the label of a frequency, in pixels."""
Align = QtCore.Qt.AlignmentFlag


class Spectrum(QtWidgets.QWidget):  # type: ignore[misc]
    """Shows what frequencies the channels of a bench are made of, three times a second."""

    def __init__(self, bench: Bench, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.bench = bench
        self._levels: dict[Channel, tuple[Trace, Trace]] = {}
        self._labels: list[QtCore.QRectF] = []
        self._peaks: list[tuple[QtCore.QPointF, str, str]] = []
        self.setObjectName("spectrum")
        self.setMinimumSize(280, 220)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_OpaquePaintEvent)
        bench.swept.connect(self._count_sweep)
        for signal in (bench.changed, bench.channel_changed, bench.channel_added):
            signal.connect(self.refresh)

    def refresh(self, *_details: object) -> None:
        """Begin the average anew, and repaint at the loop's next turn."""
        self._levels.clear()
        self.update()

    @property
    def limit(self) -> float:
        """The highest frequency that is shown, in hertz."""
        return SAMPLES / self.bench.span / 2 / PART

    def _count_sweep(self) -> None:
        if not self.bench.running:
            self.refresh()
        elif self.bench.sweeps % SWEEPS_PER_UPDATE == 0:
            for channel, (_frequencies, level) in self._levels.items():
                level += WEIGHT * (spectrum(channel.trace, channel.interval)[1] - level)
            self.update()

    def _shown(self, channel: Channel) -> tuple[Trace, Trace]:
        """The frequencies and levels of a channel that have a place here."""
        if channel not in self._levels:
            self._levels[channel] = spectrum(channel.trace, channel.interval)
        frequencies, level = self._levels[channel]
        end = int(np.searchsorted(frequencies, self.limit, side="right"))
        return frequencies[:end], level[:end]

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(look.colours.screen))
        field = QtCore.QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)
        self._draw_axes(painter, field)
        shown = [channel for channel in self.bench.channels if channel.enabled]
        rows = QtCore.QRectF(0, field.top(), ROW_WIDTH, 6 + ROW * len(shown))
        rows.moveRight(field.right())
        self._labels = [rows]
        self._peaks.clear()
        for row, channel in enumerate(shown):
            colour = look.channel_colour(self.bench.channels.index(channel))
            self._draw_channel(painter, field, channel, colour, row)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        for place, text, colour in self._peaks:  # when all curves are there: none goes through one
            painter.setPen(QtGui.QColor(colour))
            self._draw_label(painter, field, place, text)
        painter.end()

    def _draw_axes(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        painter.setFont(look.mono(12))
        painter.setPen(QtGui.QColor(look.colours.ink))
        strip = QtCore.QRectF(field.left(), 8, field.width(), 20)
        painter.drawText(strip, Align.AlignLeft | Align.AlignVCenter, "SPECTRUM")
        painter.drawText(strip, Align.AlignRight | Align.AlignVCenter, "dBV, Hann, avg")
        painter.setFont(look.mono(11))
        for level in range(FLOOR, CEILING + 1, STEP):
            y = field.bottom() - (level - FLOOR) / (CEILING - FLOOR) * field.height()
            painter.setPen(QtGui.QColor(look.colours.grid))
            painter.drawLine(QtCore.QLineF(field.left(), y, field.right(), y))
            painter.setPen(QtGui.QColor(look.colours.dim))
            box = QtCore.QRectF(0, y - 8, LEFT - 10, 16)
            painter.drawText(box, Align.AlignRight | Align.AlignVCenter, f"{level}")
        every = 1 if field.width() / 5 > LABEL else 2  # where labels would touch
        for n in range(6):
            x = field.left() + n * field.width() / 5
            painter.setPen(QtGui.QColor(look.colours.grid))
            painter.drawLine(QtCore.QLineF(x, field.top(), x, field.bottom()))
            if n % every:
                continue
            painter.setPen(QtGui.QColor(look.colours.dim))
            box = QtCore.QRectF(x - 40, field.bottom() + 6, 80, 14)
            if n == 5:  # the last one would leave the widget
                box.moveRight(field.right() + RIGHT - 4)
            label = tick(n * self.limit / 5, self.limit, "Hz")
            painter.drawText(box, Align.AlignRight if n == 5 else Align.AlignHCenter, label)
        painter.setPen(QtGui.QColor(look.colours.axis))
        painter.drawRect(field)

    def _draw_channel(
        self, painter: QtGui.QPainter, field: QtCore.QRectF, channel: Channel, colour: str, row: int
    ) -> None:
        frequencies, decibels = self._shown(channel)
        ink, below = QtGui.QColor(colour), QtGui.QColor(colour)
        below.setAlpha(28)
        level = np.clip(decibels, FLOOR, CEILING)
        x = field.left() + frequencies / self.limit * field.width()
        y = field.bottom() - (level - FLOOR) / (CEILING - FLOOR) * field.height()
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(below)
        corners = np.append(x, (x[-1], x[0])), np.append(y, (field.bottom(), field.bottom()))
        painter.drawPolygon(look.polyline(*corners))
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(ink, 1))
        painter.drawPolyline(look.polyline(x, y))
        painter.setBrush(ink)
        strongest = int(np.argmax(decibels))
        text = f"{engineering(float(frequencies[strongest]), 'Hz')}  {decibels[strongest]:.1f} dBV"
        box = field.adjusted(0, 6 + ROW * row, -8, 0)
        painter.drawText(box, Align.AlignRight | Align.AlignTop, text)
        for at in peaks(decibels):
            place = QtCore.QPointF(float(x[at]), float(y[at]))
            painter.drawEllipse(place, 2.5, 2.5)
            self._labels.append(QtCore.QRectF(place.x() - 3, place.y() - 3, 6, 6))
            self._peaks.append((place, engineering(float(frequencies[at]), "Hz"), colour))
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)

    def _draw_label(
        self, painter: QtGui.QPainter, field: QtCore.QRectF, place: QtCore.QPointF, text: str
    ) -> None:
        """Write above a place, or beside that, where nothing is that matters more."""
        size = painter.fontMetrics().size(0, text)
        box = QtCore.QRectF(0, 0, size.width() + 6, size.height())
        box.moveBottom(place.y() - 5)
        box.moveTop(max(box.top(), field.top()))
        for left in (box.width() / 2, 6, box.width() - 6):
            box.moveLeft(place.x() - left)
            box.moveLeft(min(max(box.left(), field.left()), field.right() - box.width()))
            if not any(box.intersects(other) for other in self._labels):
                break
        else:
            return
        self._labels.append(box)
        behind = QtGui.QColor(look.colours.screen)
        behind.setAlpha(190)
        painter.fillRect(box, behind)
        painter.drawText(box, Align.AlignCenter, text)
