"""Signing and verifying: message frames to `Message` and back.

Messaging document, "The Wire Protocol"::

    identities..., DELIMITER, signature, header, parent_header, metadata, content, buffers...

The order of the checks is the security of it. Counts and sizes come first, since they cost
nothing; then the signature, compared in constant time; only a message that proved the key is
remembered against replay (or an outsider could block a message by sending its signature first)
and only then is anything parsed. Buffers are outside the signature: that is the protocol's.
"""

from __future__ import annotations

import collections
import getpass
import hmac
import itertools
import secrets
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from qtkernel.protocol.encode import from_json, to_json
from qtkernel.protocol.errors import BadFrames, BadMessage, BadSignature, ReplayedMessage
from qtkernel.protocol.message import (
    DELIMITER,
    PROTOCOL_VERSION,
    SIGNATURE_SCHEME,
    Header,
    Message,
)

# A message comes through a scheduler with two or three identities; ZMTP gives each 255 bytes.
MAX_IDENTITIES = 32
MAX_IDENTITY_SIZE = 255

# Headers are a quarter of a kilobyte. They go out again as the parent of every message of a
# cell, so a huge one would be multiplied.
MAX_HEADER_SIZE = 64 * 1024

SIGNED_PARTS = 4
SIGNATURE_SIZE = 64
_HEX_DIGITS = b"0123456789abcdef"

# References of our own: a cell may replace these in their modules.
_new_hmac = hmac.new
_equal = hmac.compare_digest
_now = datetime.now


class _NewHeader(msgspec.Struct, frozen=True):
    """A header on its way out; msgspec writes the aware date as ISO 8601 with a Z."""

    msg_id: str
    msg_type: str
    session: str
    username: str
    date: datetime
    version: str = PROTOCOL_VERSION


_encode_header = msgspec.json.Encoder().encode
_decode_header = msgspec.json.Decoder(Header).decode


class Session:
    """One key and one session id. Any method may be called from any thread.

    Args:
        key: the shared secret of the connection file.
        signature_scheme: only ``hmac-sha256``.
        session_id: the id in our headers; a random one by default.
        username: the user in our headers; the login name by default.
        digest_history: how many messages are remembered against replay.

    Raises:
        ValueError: no key, another signature scheme, or no history.
    """

    def __init__(
        self,
        key: bytes,
        *,
        signature_scheme: str = SIGNATURE_SCHEME,
        session_id: str | None = None,
        username: str | None = None,
        digest_history: int = 65536,
    ) -> None:
        if not key:
            raise ValueError(
                "the key is empty: a kernel runs whatever it is sent, so messages must be signed"
            )
        if signature_scheme != SIGNATURE_SCHEME:
            raise ValueError(
                f"signature scheme {signature_scheme!r} is not supported, only {SIGNATURE_SCHEME!r}"
            )
        if digest_history < 1:
            raise ValueError("digest_history must be 1 or more, or every message can be replayed")
        self.key = key
        self.session_id = secrets.token_hex(16) if session_id is None else session_id
        self.username = _login_name() if username is None else username
        self._hmac = _new_hmac(key, digestmod="sha256")
        self._counter = itertools.count(1)
        self._taken = _Taken(digest_history)

    def new_msg_id(self) -> str:
        """An id that no other message of this session has."""
        # one C call: threads cannot draw the same number
        return f"{self.session_id}_{next(self._counter)}"

    def pack(
        self,
        msg_type: str,
        content: object,
        *,
        parent_header: bytes = b"{}",
        metadata: Mapping[str, Any] | None = None,
        identities: Sequence[bytes] = (),
        buffers: Sequence[Any] = (),
    ) -> list[bytes | memoryview]:
        """Make the frames of a new message.

        Args:
            msg_type: the message type.
            content: a mapping, a struct, or bytes that are a JSON object already.
            parent_header: the header of the request that caused it, verbatim.
            metadata: anything beside the content.
            identities: the routing prefix; on IOPub the topic.
            buffers: binary data, not signed and not copied (unless it is not contiguous).

        Raises:
            TypeError: the content is no JSON object, or a buffer has no buffer protocol.
        """
        header = self._new_header(msg_type)
        # null, or nothing, for "no parent" breaks clients
        parent = parent_header or b"{}"
        metadata_bytes = to_json(metadata) if metadata else b"{}"
        content_bytes = content if isinstance(content, bytes) else to_json(content)
        if content_bytes[:1] != b"{":
            raise TypeError(f"the content of {msg_type} is not an object")
        signature = self._sign(header, parent, metadata_bytes, content_bytes)
        frames: list[bytes | memoryview] = [
            *identities,
            DELIMITER,
            signature,
            header,
            parent,
            metadata_bytes,
            content_bytes,
        ]
        if buffers:
            frames.extend(map(_contiguous, buffers))
        return frames

    def unpack(self, frames: Sequence[Any]) -> Message:
        """Verify the frames of a message and decode all but its content.

        Args:
            frames: bytes, or anything with the buffer protocol (``zmq.Frame``).

        Raises:
            BadFrames: it is no message of this protocol.
            BadSignature: not signed with our key, or altered.
            ReplayedMessage: taken before.
            BadMessage: signed, but header, parent header, metadata or content are not what they
                must be. Syntax inside of the content is left to whoever decodes it.
        """
        identities = _identities(frames)
        start = len(identities) + 1
        if len(frames) < start + 1 + SIGNED_PARTS:
            raise BadFrames(
                f"{len(frames) - start} frames behind the delimiter, expected 5 or more"
            )
        if len(frames[start + 1]) > MAX_HEADER_SIZE or len(frames[start + 2]) > MAX_HEADER_SIZE:
            raise BadFrames(f"a header of more than {MAX_HEADER_SIZE} bytes")
        signature, header, parent, metadata, content = map(_bytes, frames[start : start + 5])
        self._verify(signature, header, parent, metadata, content)
        self._taken.take(signature)
        request = Message(identities, _header(header), header, b"{}", {}, b"{}", [])
        try:
            _fill(request, parent, metadata, content)
        except BadMessage as error:
            raise BadMessage(str(error), request) from None
        request.buffers = [memoryview(frame) for frame in frames[start + 5 :]]
        return request

    def pack_alone(self, content: object) -> list[bytes]:
        """Make the frames of a content that is signed and sent alone, without header and all.

        Messaging document, "Kernel startup handshake".
        """
        content_bytes = to_json(content)
        return [DELIMITER, self._sign(content_bytes), content_bytes]

    def unpack_alone(self, frames: Sequence[Any]) -> bytes:
        """Verify the frames of such a content, and return it as it came.

        Raises:
            BadFrames: it is no such message.
            BadSignature: not signed with our key, or altered.
        """
        start = len(_identities(frames)) + 1
        if len(frames) != start + 2:
            raise BadFrames(f"{len(frames) - start} frames behind the delimiter, expected 2")
        signature, content = map(_bytes, frames[start:])
        self._verify(signature, content)
        return content

    def _new_header(self, msg_type: str) -> bytes:
        header = _NewHeader(self.new_msg_id(), msg_type, self.session_id, self.username, _now(UTC))
        try:
            return _encode_header(header)
        except UnicodeEncodeError:
            # a reply is named after its request, and that name is whatever a frontend wrote
            return to_json(header)

    def _sign(self, *parts: bytes) -> bytes:
        mac = self._hmac.copy()
        for part in parts:
            mac.update(part)
        return mac.hexdigest().encode()

    def _verify(self, signature: bytes, *parts: bytes) -> None:
        if len(signature) != SIGNATURE_SIZE or signature.translate(None, _HEX_DIGITS):
            raise BadSignature("the signature is not 64 lower-case hex digits")
        if not _equal(signature, self._sign(*parts)):
            raise BadSignature("the signature does not match: another key, or an altered message")


class _Taken:
    """The signatures of the last messages, oldest out first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: set[bytes] = set()
        self._order: collections.deque[bytes] = collections.deque()
        self._lock = threading.Lock()

    def take(self, signature: bytes) -> None:
        """Remember a signature.

        Raises:
            ReplayedMessage: it is remembered already.
        """
        with self._lock:
            if signature in self._known:
                raise ReplayedMessage("a message with this signature has been taken before")
            self._known.add(signature)
            self._order.append(signature)
            if len(self._order) > self._size:
                self._known.discard(self._order.popleft())


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        # a container's user may have no name, and nothing depends on it
        return ""


def _contiguous(buffer: Any) -> bytes | memoryview:
    view = memoryview(buffer)
    # libzmq sends one run of memory
    return view if view.contiguous else view.tobytes()


def _bytes(frame: Any) -> bytes:
    return frame if type(frame) is bytes else bytes(memoryview(frame))


def _identities(frames: Sequence[Any]) -> list[bytes]:
    """All frames before the delimiter."""
    identities: list[bytes] = []
    for frame in frames[: MAX_IDENTITIES + 1]:
        if len(frame) > MAX_IDENTITY_SIZE:
            raise BadFrames(f"an identity of more than {MAX_IDENTITY_SIZE} bytes")
        identity = _bytes(frame)
        if identity == DELIMITER:
            return identities
        identities.append(identity)
    raise BadFrames(f"no delimiter among the first {MAX_IDENTITIES + 1} frames")


def _header(data: bytes) -> Header:
    try:
        return _decode_header(data)
    except (ValueError, RecursionError):
        pass
    header = from_json(data)
    if not isinstance(header, dict):
        raise BadMessage("the header is not an object")
    # What we do not need may be of any type (a null username): only the first two must be right.
    known = {
        name: header[name] for name in Header.__struct_fields__ if isinstance(header.get(name), str)
    }
    for name in ("msg_id", "msg_type"):
        if name not in known:
            raise BadMessage(f"the header has no string {name}")
    return Header(**known)


def parent_of(message: Mapping[str, Any]) -> Message:
    """What `Message.to_dict` has returned, as far as it takes to be a parent again.

    Raises:
        BadMessage: there is no header in it with a msg_id and a msg_type.
    """
    data = to_json(message.get("header"))
    return Message([], _header(data), data, b"{}", {}, b"{}", [])


def _fill(request: Message, parent: bytes, metadata: bytes, content: bytes) -> None:
    """Check the parts behind the header and put them into `request`."""
    if parent != b"{}" and not isinstance(from_json(parent), dict | None):
        raise BadMessage("the parent header is neither an object nor null")
    decoded = {} if metadata == b"{}" else from_json(metadata)
    if not isinstance(decoded, dict):
        raise BadMessage("the metadata is not an object")
    # Decoding it takes its type, which is the reader's business; here one look must do.
    if content.lstrip()[:1] != b"{":
        raise BadMessage("the content is not an object")
    request.parent_header_bytes = parent
    request.metadata = decoded
    request.content_bytes = content
