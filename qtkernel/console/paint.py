"""Painting one widget now, and nothing else, without an event loop.

``QWidget.repaint()`` would paint all that waits to be painted in the whole window: paint events of
the host's, in the midst of a cell that may be changing what they show. So the widget is drawn into
a backing store of our own on the same window, and only its rectangle is flushed. When the event
loop runs again, Qt paints the widget into its own store as always.
"""

from __future__ import annotations

from typing import Any, Final

from qtkernel import qt

# Elsewhere a second store would take the place of the whole window's content, or is not shown
_PLATFORMS: Final = ("xcb", "windows", "offscreen", "minimal")


class Painter:
    """Paints one widget. It keeps the memory that takes until `forget`.

    Args:
        widget: opaque, and somewhere in a window.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._store: Any = None
        self._handle: Any = None

    def paint(self) -> None:
        """Bring what the widget looks like now to the screen. It must be visible."""
        window = self._widget.window()
        handle = window.windowHandle()
        if handle is None or not (handle.isExposed() and self._widget.isVisible()):
            return
        surfaces = qt.QtGui.QSurface.SurfaceType
        if qt.QtGui.QGuiApplication.platformName() in _PLATFORMS and handle.surfaceType() in (
            surfaces.RasterSurface,
            surfaces.RasterGLSurface,
        ):
            self._paint_alone(window, handle)
        else:
            self._widget.repaint()

    def _paint_alone(self, window: Any, handle: Any) -> None:
        if self._store is None or self._handle is not handle:
            self._handle, self._store = handle, qt.QtGui.QBackingStore(handle)
        if self._store.size() != window.size():
            self._store.resize(window.size())
        origin = self._widget.mapTo(window, qt.QtCore.QPoint(0, 0))
        region = qt.QtGui.QRegion(qt.QtCore.QRect(origin, self._widget.size()))
        self._store.beginPaint(region)
        painter = qt.QtGui.QPainter(self._store.paintDevice())
        self._widget.render(painter, origin)
        painter.end()
        self._store.endPaint()
        self._store.flush(region)

    def forget(self) -> None:
        """Free the memory."""
        self._store = self._handle = None
