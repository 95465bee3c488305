"""Keys and buttons as the X server sees them, on a connection of our own.

While a cell blocks the event loop, Qt reads nothing from its own connection. XInput 2 tells anybody
who asks of every press ("raw events", XI2proc.txt), without taking it from whom it is for.

Through libxcb, which every program with Qt's xcb platform has loaded. Xlib would end the process
at an error of ours, and its handlers are the whole process's. libxcb-xinput need not be there, so
the two requests of that extension are made by hand.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

CONTROL_KEYS: Final = (0xFFE3, 0xFFE4)
"""The keysyms of both Control keys (keysymdef.h)."""

_GENERIC_EVENT: Final = 35
_ALL_MASTER_DEVICES: Final = 1
_KEY_PRESS, _KEY_RELEASE, _BUTTON_PRESS = 13, 14, 15  # XI_RawKeyPress, ...
_SELECT_EVENTS, _QUERY_VERSION = 46, 47  # minor opcodes of XInputExtension
_EVENT: Final = struct.Struct("=BBHIHHII")  # type, extension, -, -, kind, device, time, detail


class NoXInput(RuntimeError):
    """There is no X server that tells; the message says why."""


class Press(NamedTuple):
    """A key or button has been pressed, or a key let go."""

    kind: str
    """"key", "key up" or "button"."""
    detail: int
    """The key code, or the number of the button."""
    time: int
    """The server's, in milliseconds."""


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Request(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("opcode", ctypes.c_uint8),
        ("is_void", ctypes.c_uint8),
    )


class XInput:
    """A connection that is told of presses. It belongs to one thread.

    Raises:
        NoXInput: there is no display, or it has no XInput 2.
    """

    def __init__(self, display: str | None = None) -> None:
        self._xcb = _library()
        name = display or os.environ.get("DISPLAY", "")
        self._connection: Any = self._xcb.xcb_connect(name.encode(), None)
        try:
            if self._xcb.xcb_connection_has_error(self._connection):
                raise NoXInput(f"no connection to the X server {name!r}")
            setup = self._xcb.xcb_get_setup(self._connection)
            self.root = int(self._xcb.xcb_setup_roots_iterator(setup).screen.contents.root)
            self._opcode = self._extension()
            self._select()
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """The descriptor that is readable when there is something."""
        return int(self._xcb.xcb_get_file_descriptor(self._connection))

    def close(self) -> None:
        """Idempotent."""
        if self._connection is not None:
            self._xcb.xcb_disconnect(self._connection)
            self._connection = None

    def presses(self) -> Iterator[Press]:
        """What has been pressed. It ends for good when the server is gone.

        Raises:
            NoXInput: the connection is broken.
        """
        while self._connection is not None:
            event = self._xcb.xcb_poll_for_event(self._connection)
            if not event:
                break
            with _freed(event):
                found = self._press(ctypes.string_at(event, _EVENT.size))
            if found is not None:
                yield found
        if self._connection is None or self._xcb.xcb_connection_has_error(self._connection):
            raise NoXInput("the connection to the X server is broken")

    def _press(self, data: bytes) -> Press | None:
        kind, extension, _, _, which, _, time, detail = _EVENT.unpack(data)
        names = {_KEY_PRESS: "key", _KEY_RELEASE: "key up", _BUTTON_PRESS: "button"}
        if kind & 0x7F != _GENERIC_EVENT or extension != self._opcode or which not in names:
            return None
        return Press(names[which], detail, time)

    def pointer_in(self, window: int) -> tuple[int, int] | None:
        """Where the pointer is in `window`, in pixels; None if it is not on that one's surface.

        A window that lies on top of it there counts, and so the pointer is in that one.
        """
        path, at = [], self.root
        while at:
            path.append(at)
            reply = self._reply("query_pointer", _POINTER, at)
            if reply is None:
                return None
            at, x, y = reply.child, reply.win_x, reply.win_y
            if path[-1] == window:
                return x, y
        return None

    def focus(self) -> int:
        """The window that has the keyboard, 0 without one."""
        reply = self._reply("get_input_focus", _FOCUS)
        return 0 if reply is None else int(reply.focus)

    def keysyms(self, keycode: int) -> set[int]:
        """What is written on a key, on all levels and in all layouts."""
        request = self._xcb.xcb_get_keyboard_mapping(self._connection, keycode, 1)
        reply = self._xcb.xcb_get_keyboard_mapping_reply(self._connection, request, None)
        if not reply:
            return set()
        with _freed(reply):
            count = ctypes.cast(reply, ctypes.POINTER(ctypes.c_uint8))[1]
            return set(struct.unpack(f"={count}I", ctypes.string_at(reply + 32, 4 * count)))

    def pressed_keys(self) -> set[int]:
        """The codes of the keys that are down."""
        request = self._xcb.xcb_query_keymap(self._connection)
        reply = self._xcb.xcb_query_keymap_reply(self._connection, request, None)
        if not reply:
            return set()
        with _freed(reply):
            keys = ctypes.string_at(reply + 8, 32)
        return {8 * at + bit for at, byte in enumerate(keys) for bit in range(8) if byte >> bit & 1}

    def _reply(self, name: str, form: type[Any], *arguments: Any) -> Any | None:
        request = getattr(self._xcb, f"xcb_{name}")(self._connection, *arguments)
        reply = getattr(self._xcb, f"xcb_{name}_reply")(self._connection, request, None)
        if not reply:
            return None
        with _freed(reply):
            return form.from_buffer_copy(ctypes.string_at(reply, ctypes.sizeof(form)))

    def _extension(self) -> int:
        name = b"XInputExtension"
        request = self._xcb.xcb_query_extension(self._connection, len(name), name)
        reply = self._xcb.xcb_query_extension_reply(self._connection, request, None)
        if not reply:
            raise NoXInput("the X server does not answer")
        with _freed(reply):
            present, opcode = ctypes.string_at(reply, 10)[8:10]
        if not present:
            raise NoXInput("the X server has no XInput extension")
        return opcode

    def _select(self) -> None:
        # a client that has not said which version it speaks gets no raw events
        version = self._send(_QUERY_VERSION, struct.pack("=HH", 2, 2), is_void=False)
        reply = self._xcb.xcb_wait_for_reply(self._connection, version, None)
        if not reply:
            raise NoXInput("the X server has no XInput 2")
        _free(reply)
        mask = 1 << _KEY_PRESS | 1 << _KEY_RELEASE | 1 << _BUTTON_PRESS
        wanted = struct.pack("=IHHHHI", self.root, 1, 0, _ALL_MASTER_DEVICES, 1, mask)
        self._send(_SELECT_EVENTS, wanted, is_void=True)
        self._xcb.xcb_flush(self._connection)

    def _send(self, minor: int, body: bytes, *, is_void: bool) -> int:
        data = struct.pack("=BBH", 0, minor, 1 + len(body) // 4) + body
        buffer = ctypes.create_string_buffer(data, len(data))
        # libxcb writes into the two before the first that it is given
        parts = (_Iovec * 4)()
        parts[2] = _Iovec(ctypes.addressof(buffer), len(data))
        first = ctypes.byref(parts, 2 * ctypes.sizeof(_Iovec))
        request = _Request(1, None, self._opcode, is_void)
        return int(self._xcb.xcb_send_request(self._connection, 0, first, ctypes.byref(request)))


class _Pointer(ctypes.Structure):
    _fields_ = (
        *(("type", ctypes.c_uint8), ("same_screen", ctypes.c_uint8), ("-", ctypes.c_uint16)),
        *(("length", ctypes.c_uint32), ("root", ctypes.c_uint32), ("child", ctypes.c_uint32)),
        *(("root_x", ctypes.c_int16), ("root_y", ctypes.c_int16)),
        *(("win_x", ctypes.c_int16), ("win_y", ctypes.c_int16)),
    )


class _Focus(ctypes.Structure):
    _fields_ = (
        *(("type", ctypes.c_uint8), ("revert_to", ctypes.c_uint8), ("-", ctypes.c_uint16)),
        *(("length", ctypes.c_uint32), ("focus", ctypes.c_uint32)),
    )


class _Screen(ctypes.Structure):
    _fields_ = (("root", ctypes.c_uint32),)


class _Screens(ctypes.Structure):
    _fields_ = (
        ("screen", ctypes.POINTER(_Screen)),
        ("rest", ctypes.c_int),
        ("index", ctypes.c_int),
    )


_POINTER, _FOCUS = _Pointer, _Focus


def _library() -> Any:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        raise NoXInput(str(error)) from None
    pointer, number = ctypes.c_void_p, ctypes.c_uint32
    results: dict[str, Any] = {
        "connect": pointer,
        "get_setup": pointer,
        "setup_roots_iterator": _Screens,
        "poll_for_event": pointer,
        "wait_for_reply": pointer,
        "send_request": ctypes.c_uint,
    }
    arguments: dict[str, tuple[Any, ...]] = {
        "connect": (ctypes.c_char_p, pointer),
        "setup_roots_iterator": (pointer,),
        "query_pointer": (pointer, number),
        "get_keyboard_mapping": (pointer, ctypes.c_uint8, ctypes.c_uint8),
        "query_extension": (pointer, ctypes.c_uint16, ctypes.c_char_p),
        "send_request": (pointer, ctypes.c_int, pointer, pointer),
        "wait_for_reply": (pointer, ctypes.c_uint, pointer),
    }
    requests = (
        *("query_pointer", "get_input_focus", "get_keyboard_mapping"),
        *("query_keymap", "query_extension"),
    )
    for name in requests:
        results |= {name: _Cookie, f"{name}_reply": pointer}
        arguments[f"{name}_reply"] = (pointer, _Cookie, pointer)
    plain = ("connection_has_error", "get_file_descriptor", "disconnect", "flush")
    for name in (*results, *plain):
        function = getattr(xcb, f"xcb_{name}")
        function.restype = results.get(name, ctypes.c_int)
        function.argtypes = arguments.get(name, (pointer,))
    return xcb


def _free(memory: int) -> None:
    free = ctypes.CDLL(None).free
    free.argtypes = (ctypes.c_void_p,)
    free(memory)


@contextlib.contextmanager
def _freed(memory: int) -> Iterator[None]:
    """libxcb hands over what malloc has given it."""
    try:
        yield
    finally:
        _free(memory)
