"""The screen of the bench: graticule, traces, markers and readouts, drawn with QPainter."""

from functools import lru_cache

import numpy as np
from qtpy import QtCore, QtGui, QtWidgets

from demo_app import look
from demo_app.model import DIVISIONS, SAMPLES, Bench, Channel, Trace
from demo_app.settings import engineering, tick

ROWS = 8
"""Vertical divisions."""
LEFT, TOP, RIGHT, BOTTOM = 66, 40, 20, 72
LABEL = 72
"""Room for the label of a division, in pixels."""
Align = QtCore.Qt.AlignmentFlag


@lru_cache(maxsize=8)
def _spread(left: float, right: float, count: int) -> Trace:
    return np.linspace(left, right, count)


class Screen(QtWidgets.QWidget):  # type: ignore[misc]
    """Shows a bench and repaints when it changes; it asks nothing of it and sets nothing."""

    def __init__(self, bench: Bench, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.bench = bench
        self.grid_visible = True
        self.curves: dict[str, tuple[Channel, Trace, float, str]] = {}
        self._backdrop: QtGui.QPixmap | None = None
        self.setObjectName("plot")
        self.setMinimumSize(420, 220)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_OpaquePaintEvent)
        bench.swept.connect(self._swept)
        bench.markers_changed.connect(self.update)
        for signal in (bench.changed, bench.channel_changed, bench.channel_added):
            signal.connect(self.refresh)

    def refresh(self, *_details: object) -> None:
        """Repaint all of it at the loop's next turn; several calls make one repaint."""
        self._backdrop = None
        self.update()

    @property
    def field(self) -> QtCore.QRectF:
        """Where the traces are."""
        return QtCore.QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)

    def _swept(self) -> None:
        self.update(self.field.toAlignedRect())  # nothing else of it has changed

    def show_grid(self, visible: bool) -> None:
        """Show or hide the graticule."""
        self.grid_visible = visible
        self.refresh()

    def add_curve(self, label: str, trace: Trace, colour: str = "", channel: int = 0) -> None:
        """Draw a curve of one's own with the traces, in volts, on the scales of a channel.

        Raises ValueError if it has not as many points as a sweep. One with the same label goes.
        """
        if len(trace) != SAMPLES:
            raise ValueError(f"a curve has {SAMPLES} points, as a sweep; this has {len(trace)}")
        held, scales = np.array(trace, dtype=float), self.bench.channels[channel]
        self.curves[label] = (scales, held, scales.interval, colour or look.colours.trigger)
        self.update()

    def clear_curves(self) -> None:
        """Remove the curves that `add_curve` has drawn."""
        self.curves.clear()
        self.update()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self._backdrop = None

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QtGui.QPainter(self)
        field = self.field
        # nothing of it changes from sweep to sweep, and its texts take longer than the traces
        if self._backdrop is None:
            self._backdrop = self._draw_backdrop(field)
        painter.drawPixmap(0, 0, self._backdrop)
        painter.setClipRect(field.toRect())
        for row, (label, curve) in enumerate(self.curves.items()):
            channel, trace, interval, colour = curve
            self._draw_trace(painter, field, channel, trace, interval, QtGui.QColor(colour))
            painter.setFont(look.mono(11))
            painter.drawText(field.adjusted(8, 6 + 16 * row, 0, 0), Align.AlignLeft, f"— {label}")
        for index, channel in reversed(list(enumerate(self.bench.channels))):
            if channel.enabled:
                ink = QtGui.QColor(look.channel_colour(index))
                self._draw_trace(painter, field, channel, channel.trace, channel.interval, ink)
        if self.bench.markers:
            self._draw_markers(painter, field)
        painter.end()

    def _draw_backdrop(self, field: QtCore.QRectF) -> QtGui.QPixmap:
        ratio = self.devicePixelRatioF()
        backdrop = QtGui.QPixmap(self.size() * ratio)
        backdrop.setDevicePixelRatio(ratio)
        backdrop.fill(QtGui.QColor(look.colours.screen))
        painter = QtGui.QPainter(backdrop)
        if self.grid_visible:
            self._draw_graticule(painter, field)
        self._draw_axes(painter, field)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        self._draw_pointers(painter, field)
        self._draw_header(painter, field)
        self._draw_badges(painter, field)
        painter.end()
        return backdrop

    def _draw_graticule(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        column, row = field.width() / DIVISIONS, field.height() / ROWS
        painter.setPen(QtGui.QColor(look.colours.grid))
        for n in range(1, DIVISIONS):
            x = field.left() + n * column
            painter.drawLine(QtCore.QLineF(x, field.top(), x, field.bottom()))
        for n in range(1, ROWS):
            y = field.top() + n * row
            painter.drawLine(QtCore.QLineF(field.left(), y, field.right(), y))
        # the centre cross carries five ticks to a division, to read a trace by eye
        painter.setPen(QtGui.QColor(look.colours.axis))
        centre = field.center()
        painter.drawLine(QtCore.QLineF(centre.x(), field.top(), centre.x(), field.bottom()))
        painter.drawLine(QtCore.QLineF(field.left(), centre.y(), field.right(), centre.y()))
        for n in range(1, DIVISIONS * 5):
            x = field.left() + n * column / 5
            painter.drawLine(QtCore.QLineF(x, centre.y() - 3, x, centre.y() + 3))
        for n in range(1, ROWS * 5):
            y = field.top() + n * row / 5
            painter.drawLine(QtCore.QLineF(centre.x() - 3, y, centre.x() + 3, y))

    def _draw_axes(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        painter.setPen(QtGui.QColor(look.colours.axis))
        painter.drawRect(field)
        painter.setFont(look.mono(11))
        painter.setPen(QtGui.QColor(look.colours.dim))
        # where they would touch, every second one has no label; the trigger's always has
        every = 1 if field.width() / DIVISIONS > LABEL else 2
        for n in range(DIVISIONS // 2 % every, DIVISIONS + 1, every):
            x = field.left() + n * field.width() / DIVISIONS
            label = tick((n - DIVISIONS // 2) * self.bench.timebase, self.bench.span / 2, "s")
            box = QtCore.QRectF(x - 40, field.bottom() + 6, 80, 14)
            if n == DIVISIONS:  # the last one would leave the widget
                box.moveRight(field.right() + RIGHT - 4)
            painter.drawText(box, Align.AlignRight if n == DIVISIONS else Align.AlignHCenter, label)
        # volts belong to a channel: the axis is the first one's, in its colour
        first = self.bench.channels[0]
        painter.setPen(QtGui.QColor(look.channel_colour(0)).darker(125))
        for n in range(0, ROWS + 1):
            y = field.top() + n * field.height() / ROWS
            volts = (ROWS / 2 - n - first.position) * first.scale
            label = tick(volts, ROWS / 2 * first.scale, "V")
            box = QtCore.QRectF(0, y - 8, LEFT - 18, 16)
            painter.drawText(box, Align.AlignRight | Align.AlignVCenter, label)

    def _draw_trace(
        self,
        painter: QtGui.QPainter,
        field: QtCore.QRectF,
        channel: Channel,
        trace: Trace,
        interval: float,
        ink: QtGui.QColor,
    ) -> None:
        unit = field.height() / ROWS / channel.scale
        zero = field.center().y() - channel.position * field.height() / ROWS
        # no more points than there are pixels
        shown = trace[:: max(1, round(SAMPLES / field.width()))]
        # a sweep that is held keeps its own time when the timebase changes
        reach = interval * SAMPLES / self.bench.span * field.width() / 2
        middle = field.center().x()
        line = look.polyline(
            _spread(middle - reach, middle + reach, len(shown)), zero - shown * unit
        )
        # Qt's raster engine is quick with lines of one pixel: a wide one of 800 points took 4 ms
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(ink, 1))
        painter.drawPolyline(line)

    def _draw_markers(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        painter.setFont(look.mono(11, bold=True))
        metrics = painter.fontMetrics()
        ink = QtGui.QColor(look.colours.marker)
        for row, marker in enumerate(self.bench.markers):
            x = field.center().x() + marker.time / self.bench.span * field.width()
            painter.setPen(QtGui.QPen(ink, 1.2, QtCore.Qt.PenStyle.DashLine))
            painter.drawLine(QtCore.QLineF(x, field.top(), x, field.bottom()))
            text = f"{marker.label}  {engineering(marker.time, 's')}"
            flag = QtCore.QRectF(x, 0, metrics.horizontalAdvance(text) + 16, 20)
            flag.moveTop(field.top() + 10 + row % 6 * 26)
            if flag.right() > field.right():
                flag.moveRight(x)
            painter.fillRect(flag, ink)
            painter.setPen(QtGui.QColor(look.colours.screen))
            painter.drawText(flag, Align.AlignCenter, text)

    def _draw_pointers(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        """Draw the trigger's place on top, and each channel's zero on the left edge."""
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(look.colours.trigger))
        x, y = field.center().x(), field.top()
        painter.drawPolygon(
            QtGui.QPolygonF(
                [QtCore.QPointF(x + dx, y + dy) for dx, dy in ((-6, -7), (6, -7), (0, 2))]
            )
        )
        for index, channel in enumerate(self.bench.channels):
            if not channel.enabled:
                continue
            y = field.center().y() - channel.position * field.height() / ROWS
            corners = ((-14, -7), (-6, -7), (0, 0), (-6, 7), (-14, 7))
            painter.setPen(QtCore.Qt.PenStyle.NoPen)
            painter.setBrush(QtGui.QColor(look.channel_colour(index)))
            painter.drawPolygon(
                QtGui.QPolygonF([QtCore.QPointF(field.left() + dx, y + dy) for dx, dy in corners])
            )
            painter.setPen(QtGui.QColor(look.colours.screen))
            painter.setFont(look.mono(10, bold=True))
            box = QtCore.QRectF(field.left() - 14, y - 7, 10, 14)
            painter.drawText(box, Align.AlignCenter, str(index + 1))
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)

    def _draw_header(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        bench = self.bench
        state, ink = ("● RUN", look.colours.run) if bench.running else ("■ STOP", look.colours.stop)
        strip = QtCore.QRectF(field.left(), 8, field.width(), 20)
        painter.setFont(look.mono(13, bold=True))
        painter.setPen(QtGui.QColor(ink))
        painter.drawText(strip, Align.AlignLeft | Align.AlignVCenter, state)
        painter.setFont(look.mono(12))
        painter.setPen(QtGui.QColor(look.colours.ink))
        rate = engineering(SAMPLES / bench.span, "S/s")
        text = f"{engineering(bench.timebase, 's/div')}    {rate}    {SAMPLES} pts"
        text = f"{text}    T CH1 ↗" if field.width() > 560 else text
        painter.drawText(strip, Align.AlignRight | Align.AlignVCenter, text)

    def _draw_badges(self, painter: QtGui.QPainter, field: QtCore.QRectF) -> None:
        width = (field.width() - 3 * 8) / 4
        for index, channel in enumerate(self.bench.channels):
            ink = QtGui.QColor(look.channel_colour(index) if channel.enabled else look.colours.axis)
            badge = QtCore.QRectF(
                field.left() + index * (width + 8), field.bottom() + 34, width, 26
            )
            painter.setPen(ink)
            painter.drawRoundedRect(badge, 3, 3)
            name = QtCore.QRectF(
                badge.left(), badge.top(), 38 if width > 100 else 22, badge.height()
            )
            painter.fillRect(name, ink)
            painter.setPen(QtGui.QColor(look.colours.screen))
            painter.setFont(look.mono(12, bold=True))
            text = channel.name if width > 100 else str(index + 1)
            painter.drawText(name, Align.AlignCenter, text)
            painter.setPen(ink)
            painter.setFont(look.mono(12))
            unit = "V/div" if width > 130 else "V"
            text = engineering(channel.scale, unit) if channel.enabled else "off"
            rest = badge.adjusted(name.width() + 8, 0, -4, 0)
            painter.drawText(rest, Align.AlignLeft | Align.AlignVCenter, text)
