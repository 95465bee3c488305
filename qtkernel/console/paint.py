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

_ORIGIN: Final = qt.QtCore.QPoint(0, 0)


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
        region = self._seen(window)
        if region.isEmpty():
            return  # behind another tab
        self._store.beginPaint(region)
        painter = qt.QtGui.QPainter(self._store.paintDevice())
        painter.setClipRegion(region)
        self._widget.render(painter, self._widget.mapTo(window, _ORIGIN))
        painter.end()
        self._store.endPaint()
        for native in self._natives():
            at = native.mapTo(window, _ORIGIN)
            part = region & qt.QtGui.QRegion(qt.QtCore.QRect(at, native.size()))
            self._store.flush(part.translated(-at), native.windowHandle(), at)

    def _seen(self, window: Any) -> Any:
        """The region of the window in which the widget can be seen.

        Without what a scroll area cuts off, and what another widget in the window lies above,
        which Qt's own `visibleRegion` leaves out only if that is opaque.
        """
        child = self._widget
        region = qt.QtGui.QRegion(child.rect())
        while child is not window:
            parent = child.parentWidget()
            region = region.translated(child.pos()) & qt.QtGui.QRegion(parent.rect())
            children = parent.children()
            for above in children[children.index(child) + 1 :]:
                if above.isWidgetType() and above.isVisible() and not above.isWindow():
                    region -= qt.QtGui.QRegion(above.geometry())
            child = parent
        return region

    def _natives(self) -> list[Any]:
        """The widgets with native windows that it is drawn in.

        One in a window makes its siblings and their parents native, too: all but the top-level.
        """
        parts = self._widget.findChildren(qt.QtWidgets.QWidget)
        inside = [part for part in parts if part.windowHandle() is not None and part.isVisible()]
        native = self._widget
        while native.windowHandle() is None:
            native = native.parentWidget()
        return [native, *(part for part in inside if not part.isWindow())]

    def forget(self) -> None:
        """Free the memory."""
        self._store = self._handle = None
