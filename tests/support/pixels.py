"""What is on an X11 screen, by a connection of our own: libxcb, which every Qt on X11 brings."""

from __future__ import annotations

import ctypes
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Image:
    """A picture: rows of pixels, each ``0x??RRGGBB``."""

    width: int
    height: int
    pixels: memoryview

    def pixel(self, x: int, y: int) -> Rgb:
        """A pixel's red, green and blue, 0 to 255."""
        return _rgb(self.pixels[y * self.width + x])

    def colors(self) -> Counter[Rgb]:
        """How often each colour is there."""
        counted: Counter[Rgb] = Counter()
        for value, times in Counter(self.pixels).items():
            counted[_rgb(value)] += times
        return counted

    def background(self) -> Rgb:
        """The colour that is there most."""
        return self.colors().most_common(1)[0][0]

    def ink(self) -> int:
        """How many pixels are not of the background."""
        return len(self.pixels) - self.colors().most_common(1)[0][1]

    def rows(self) -> list[bytes]:
        """The rows, to be compared."""
        data, step = self.pixels.tobytes(), self.width * 4
        return [data[start : start + step] for start in range(0, len(data), step)]

    def lines(self) -> int:
        """How many lines of text there are: runs of rows that are not all background."""
        red, green, blue = self.background()
        rgb = bytes((blue, green, red)) * self.width
        inked = [_without_pad(row) != rgb for row in self.rows()]
        return sum(now and not before for before, now in zip([False, *inked], inked, strict=False))

    def crop(self, x: int, y: int, width: int, height: int) -> Image:
        """A part of it."""
        rows = self.rows()[y : y + height]
        data = b"".join(row[x * 4 : (x + width) * 4] for row in rows)
        return Image(width, height, memoryview(data).cast("I"))

    def png(self) -> bytes:
        """As a PNG file."""
        rows = b"".join(b"\0" + _swapped(row) for row in self.rows())
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _rgb(value: int) -> Rgb:
    return value >> 16 & 255, value >> 8 & 255, value & 255


def _without_pad(row: bytes) -> bytes:
    kept = bytearray(len(row) // 4 * 3)
    for channel in range(3):
        kept[channel::3] = row[channel::4]
    return bytes(kept)


def _swapped(row: bytes) -> bytes:
    kept = bytearray(len(row) // 4 * 3)
    for channel in range(3):
        kept[2 - channel :: 3] = row[channel::4]
    return bytes(kept)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


class _Screens(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("rem", ctypes.c_int), ("index", ctypes.c_int))


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


_PLACE = struct.Struct("=12xhhHH")
"""The beginning of two replies: after 12 bytes x and y, and in xcb_get_geometry's the size."""

_ROOT_AND_SIZE = struct.Struct("=I16xHH")
"""The beginning of xcb_screen_t: the root window, four fields, width and height."""

_Z_PIXMAP = 2


class Screen:
    """The first screen of a display of 24 bits, as anyone can see it.

    Not Xlib: that ends the process when the server is gone.
    """

    def __init__(self, display: str) -> None:
        self._xcb = _libxcb()
        self._connection = self._xcb.xcb_connect(display.encode(), None)
        if self._xcb.xcb_connection_has_error(self._connection):
            self._xcb.xcb_disconnect(self._connection)
            raise ConnectionError(f"no X server at {display!r}")
        setup = self._xcb.xcb_get_setup(self._connection)
        start = self._xcb.xcb_setup_roots_iterator(setup).data
        raw = ctypes.string_at(start, _ROOT_AND_SIZE.size)
        self._root, self.width, self.height = _ROOT_AND_SIZE.unpack(raw)

    def close(self) -> None:
        """Disconnect."""
        self._xcb.xcb_disconnect(self._connection)

    def look(self, rect: tuple[int, int, int, int] | None = None) -> Image:
        """What is at x, y, width, height, all of it by default.

        Raises:
            ValueError: not all of that is on the screen, or the server is gone.
        """
        x, y, width, height = rect or (0, 0, self.width, self.height)
        where = (self._root, x, y, width, height)
        reply = self._ask("get_image", _Z_PIXMAP, *where, 0xFFFFFFFF)
        if reply is None:
            raise ValueError(f"{rect} is not on the screen of {self.width} x {self.height}")
        try:
            length = self._xcb.xcb_get_image_data_length(reply)
            data = ctypes.string_at(self._xcb.xcb_get_image_data(reply), length)
        finally:
            _free(reply)
        assert length == width * height * 4, "the screen has not 24 bits a pixel"
        return Image(width, height, memoryview(data).cast("I"))

    def geometry(self, window: int) -> tuple[int, int, int, int]:
        """Where a window is on the screen: x, y, width, height, without its frame.

        Raises:
            ValueError: there is no such window.
        """
        _, _, width, height = self._place("get_geometry", window)
        x, y, _, _ = self._place("translate_coordinates", window, self._root, 0, 0)
        return x, y, width, height

    def _place(self, request: str, window: int, *arguments: int) -> tuple[int, int, int, int]:
        reply = self._ask(request, window, *arguments)
        if reply is None:
            raise ValueError(f"there is no window {window}")
        try:
            x, y, width, height = _PLACE.unpack(ctypes.string_at(reply, _PLACE.size))
        finally:
            _free(reply)
        return x, y, width, height

    def _ask(self, request: str, *arguments: int) -> int | None:
        cookie = getattr(self._xcb, f"xcb_{request}")(self._connection, *arguments)
        reply = getattr(self._xcb, f"xcb_{request}_reply")(self._connection, cookie, None)
        return int(reply) if reply else None


def _libxcb() -> Any:
    """The functions that are used here, with their types."""
    xcb = ctypes.CDLL("libxcb.so.1")
    pointer, number = ctypes.c_void_p, ctypes.c_int
    byte, word, short, size = ctypes.c_uint8, ctypes.c_uint32, ctypes.c_int16, ctypes.c_uint16
    for name, result, arguments in (
        ("connect", pointer, [ctypes.c_char_p, pointer]),
        ("connection_has_error", number, [pointer]),
        ("disconnect", None, [pointer]),
        ("get_setup", pointer, [pointer]),
        ("setup_roots_iterator", _Screens, [pointer]),
        ("get_geometry", _Cookie, [pointer, word]),
        ("get_geometry_reply", pointer, [pointer, _Cookie, pointer]),
        ("translate_coordinates", _Cookie, [pointer, word, word, short, short]),
        ("translate_coordinates_reply", pointer, [pointer, _Cookie, pointer]),
        ("get_image", _Cookie, [pointer, byte, word, short, short, size, size, word]),
        ("get_image_reply", pointer, [pointer, _Cookie, pointer]),
        ("get_image_data", pointer, [pointer]),
        ("get_image_data_length", number, [pointer]),
    ):
        function = getattr(xcb, f"xcb_{name}")
        function.restype, function.argtypes = result, arguments
    return xcb


def _free(pointer: int) -> None:
    free = ctypes.CDLL(None).free
    free.argtypes = [ctypes.c_void_p]
    free(pointer)
