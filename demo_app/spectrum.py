"""The spectrum of the traces, with the strongest line of each marked."""

import numpy as np
from qtpy import QtCore, QtGui, QtWidgets

from demo_app import look
from demo_app.model import Bench, Trace, spectrum
from demo_app.settings import engineering, tick

LEFT, TOP, RIGHT, BOTTOM = 62, 40, 18, 34
FLOOR, CEILING, STEP = -80, 20, 20
"""What is shown, and where there are lines, in dBV."""
PART = 8
"""The part of all frequencies that is shown: the first eighth, where the signals are."""
SWEEPS_PER_UPDATE = 6
Align = QtCore.Qt.AlignmentFlag


class Spectrum(QtWidgets.QWidget):  # type: ignore[misc]
    """Shows what frequencies the channels of a bench are made of, five times a second."""

    def __init__(self, bench: Bench, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.bench = bench
        self.setObjectName("spectrum")
        self.setMinimumSize(280, 220)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_OpaquePaintEvent)
        bench.swept.connect(self._count_sweep)
        for signal in (bench.changed, bench.channel_changed, bench.channel_added):
            signal.connect(self.refresh)

    def refresh(self, *_details: object) -> None:
        """Repaint at the loop's next turn."""
        self.update()

    @property
    def limit(self) -> float:
        """The highest frequency that is shown, in hertz."""
        return len(self.bench.channels[0].trace) / self.bench.span / 2 / PART

    def _count_sweep(self) -> None:
        if not self.bench.running or self.bench.sweeps % SWEEPS_PER_UPDATE == 0:
            self.update()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(look.colours.screen))
        field = QtCore.QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)
        self._draw_axes(painter, field)
        labels = 0
        for index, channel in enumerate(self.bench.channels):
            if channel.enabled:
                ink = QtGui.QColor(look.channel_colour(index))
                self._draw_channel(painter, field, channel.trace, ink, labels)
                labels += 1
        painter.end()

    def _draw_axes(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        painter.setFont(look.mono(12))
        painter.setPen(QtGui.QColor(look.colours.ink))
        strip = QtCore.QRectF(field.left(), 8, field.width(), 20)
        painter.drawText(strip, Align.AlignLeft | Align.AlignVCenter, "SPECTRUM")
        painter.drawText(strip, Align.AlignRight | Align.AlignVCenter, "dBV, Hann")
        painter.setFont(look.mono(11))
        for level in range(FLOOR, CEILING + 1, STEP):
            y = field.bottom() - (level - FLOOR) / (CEILING - FLOOR) * field.height()
            painter.setPen(QtGui.QColor(look.colours.grid))
            painter.drawLine(QtCore.QLineF(field.left(), y, field.right(), y))
            painter.setPen(QtGui.QColor(look.colours.dim))
            box = QtCore.QRectF(0, y - 8, LEFT - 10, 16)
            painter.drawText(box, Align.AlignRight | Align.AlignVCenter, f"{level}")
        for n in range(6):
            x = field.left() + n * field.width() / 5
            painter.setPen(QtGui.QColor(look.colours.grid))
            painter.drawLine(QtCore.QLineF(x, field.top(), x, field.bottom()))
            painter.setPen(QtGui.QColor(look.colours.dim))
            box = QtCore.QRectF(x - 40, field.bottom() + 6, 80, 14)
            if n == 5:  # the last one would leave the widget
                box.moveRight(field.right() + RIGHT - 4)
            label = tick(n * self.limit / 5, self.limit, "Hz")
            painter.drawText(box, Align.AlignRight if n == 5 else Align.AlignHCenter, label)
        painter.setPen(QtGui.QColor(look.colours.axis))
        painter.drawRect(field)

    def _draw_channel(
        self,
        painter: QtGui.QPainter,
        field: QtCore.QRectF,
        trace: Trace,
        ink: QtGui.QColor,
        row: int,
    ) -> None:
        frequencies, decibels = spectrum(trace, self.bench.span / len(trace))
        shown = frequencies <= self.limit
        x = field.left() + frequencies[shown] / self.limit * field.width()
        level = np.clip(decibels[shown], FLOOR, CEILING)
        y = field.bottom() - (level - FLOOR) / (CEILING - FLOOR) * field.height()
        painter.setPen(QtGui.QPen(ink, 1))
        painter.drawPolyline(look.polyline(x, y))
        peak = int(np.argmax(level))
        text = f"{engineering(float(frequencies[peak]), 'Hz')}  {decibels[peak]:.1f} dBV"
        painter.setBrush(ink)
        painter.drawEllipse(QtCore.QPointF(float(x[peak]), float(y[peak])), 2.5, 2.5)
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        box = field.adjusted(0, 6 + 16 * row, -8, 0)
        painter.drawText(box, Align.AlignRight | Align.AlignTop, text)
