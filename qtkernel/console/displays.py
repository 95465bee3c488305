"""What cells display: text and pictures, and those among them that change afterwards."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections import deque
from typing import Any, Final

from qtkernel import qt
from qtkernel.console.output import OutputArea
from qtkernel.console.upstream import svg_to_image

MAX_DISPLAYS: Final = 1000
"""Displays that can still be updated; the oldest ones stay as they are."""

PICTURE_BYTES: Final = 64 << 20
"""What pictures may use; of older ones a frame is left."""

_PICTURES: Final = {"image/png": "PNG", "image/jpeg": "JPG"}


class Displays:
    """Shows data bundles in an `OutputArea`.

    Args:
        screen: the console widget, for its pictures and prompts.
        area: where they go.
    """

    def __init__(self, screen: Any, area: OutputArea) -> None:
        self._screen = screen
        self._area = area
        self._regions: dict[str, tuple[Any, Any]] = {}
        self._pictures: deque[tuple[str, int]] = deque()
        self._picture_bytes = 0

    def show(self, message: dict[str, Any], number: int | None = None) -> None:
        """Show a display_data or an execute_result, which has a number."""
        content = message["content"]
        display_id = content.get("transient", {}).get("display_id")
        area = self._area

        def insert(cursor: Any) -> None:
            if number is not None:
                self._screen.insert_out_prompt(cursor, number)
            first = cursor.position()
            self._render(cursor, content, after_prompt=number is not None)
            if display_id:
                self._remember(display_id, first, cursor.position())

        area.insert(insert, message["parent_header"].get("msg_id", ""))
        area.end_line()

    def update(self, message: dict[str, Any]) -> None:
        """Show an update_display_data where the display is, if it is still there."""
        region = self._regions.get(message["content"].get("transient", {}).get("display_id", ""))
        if region is None or region[0].position() >= region[1].position():
            return
        first, last = region
        self._area.flush()
        with self._area.editing():
            cursor = qt.QtGui.QTextCursor(self._area.document)
            cursor.setPosition(first.position())
            keep = qt.QtGui.QTextCursor.MoveMode.KeepAnchor
            cursor.setPosition(last.position(), keep)
            cursor.removeSelectedText()
            self._render(cursor, message["content"], after_prompt=False)
            last.setPosition(cursor.position())

    def _remember(self, display_id: str, first: int, last: int) -> None:
        cursors = []
        for position in (first, last):
            cursor = qt.QtGui.QTextCursor(self._area.document)
            cursor.setPosition(position)
            cursor.setKeepPositionOnInsert(True)
            cursors.append(cursor)
        self._regions.pop(display_id, None)
        self._regions[display_id] = (cursors[0], cursors[1])
        while len(self._regions) > MAX_DISPLAYS:
            del self._regions[next(iter(self._regions))]

    def _render(self, cursor: Any, content: dict[str, Any], after_prompt: bool) -> None:
        data = content["data"]
        image, svg = _image(data, content.get("metadata", {}))
        if image is not None:
            if after_prompt:
                cursor.insertText("\n")
            self._insert_image(cursor, image, svg)
            return
        text = data.get("text/plain")
        if text is None:
            text = f"[{', '.join(data) or 'nothing'}]"
        if after_prompt and "\n" in text:
            cursor.insertText("\n")  # so that its lines are aligned
        self._area.insert_text(cursor, text)

    def _insert_image(self, cursor: Any, image: Any, svg: str | None) -> None:
        image_format = self._screen.add_image(image)
        ratio = image.devicePixelRatio()
        width, height = image.width() / ratio, image.height() / ratio
        room = max(self._area.width - 20, 100)
        if width > room:
            width, height = room, height * room / width
        image_format.setWidth(width)
        image_format.setHeight(height)
        cursor.insertImage(image_format)
        if svg is not None:
            self._screen.svg_of(image_format.name(), svg)
        self._pictures.append((image_format.name(), image.sizeInBytes()))
        self._picture_bytes += image.sizeInBytes()
        while self._picture_bytes > PICTURE_BYTES and len(self._pictures) > 1:
            name, size = self._pictures.popleft()
            self._picture_bytes -= size
            self._screen.forget_image(name)


def _image(data: dict[str, Any], metadata: dict[str, Any]) -> tuple[Any, str | None]:
    """The picture in a data bundle, None if there is none or it cannot be read; and its SVG."""
    if "image/svg+xml" in data:
        try:
            return svg_to_image(data["image/svg+xml"]), data["image/svg+xml"]
        except ValueError:
            return None, None
    for mime, name in _PICTURES.items():
        if mime in data:
            image = qt.QtGui.QImage()
            try:
                readable = image.loadFromData(b64decode(data[mime]), name)
            except binascii.Error:
                readable = False
            if readable:
                return _sized(image, metadata.get(mime) or {}), None
    return None, None


def _sized(image: Any, wanted: dict[str, Any]) -> Any:
    # a width in the metadata means a picture of more dots than pixels: IPython's retina=True
    width = wanted.get("width")
    if width and int(width) > 0:
        image.setDevicePixelRatio(image.width() / int(width))
    return image
