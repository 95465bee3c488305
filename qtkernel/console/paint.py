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
        regions = self._regions(window)
        whole = qt.QtGui.QRegion()
        for at, region in regions.values():
            whole += region.translated(at)
        if whole.isEmpty():
            return  # behind another tab
        self._store.beginPaint(whole)
        painter = qt.QtGui.QPainter(self._store.paintDevice())
        painter.setClipRegion(whole)
        self._widget.render(painter, self._widget.mapTo(window, qt.QtCore.QPoint(0, 0)))
        painter.end()
        self._store.endPaint()
        for native, (at, region) in regions.items():
            self._store.flush(region, native.windowHandle(), at)

    def _regions(self, window: Any) -> dict[Any, tuple[Any, Any]]:
        """What can be seen of the widget, by the native window that it is in.

        Without what a scroll area cuts off, and what another widget in the window lies above. One
        native widget in a window makes its siblings native, too: each has a window of its own.

        Returns:
            For each native widget where it is in `window`, and the region within it.
        """
        regions: dict[Any, tuple[Any, Any]] = {}
        for part in (self._widget, *self._widget.findChildren(qt.QtWidgets.QWidget)):
            if not part.isVisible() or part.window() is not window:
                continue
            native = part if part.windowHandle() is not None else part.nativeParentWidget()
            if native not in regions:
                at = native.mapTo(window, qt.QtCore.QPoint(0, 0))
                regions[native] = (at, qt.QtGui.QRegion())
            place = part.mapTo(native, qt.QtCore.QPoint(0, 0))
            at, region = regions[native]
            # of a widget it is without its children's
            regions[native] = at, region + part.visibleRegion().translated(place)
        return regions

    def forget(self) -> None:
        """Free the memory."""
        self._store = self._handle = None
