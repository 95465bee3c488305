"""Telling a launcher where the kernel is, which has chosen its ports itself.

Messaging document, "Kernel startup handshake" (protocol 5.6).
"""

from __future__ import annotations

import zmq

from qtkernel.protocol import BadFrames, BadSignature, ConnectionInfo, Session
from qtkernel.protocol.registration import RegistrationInfo

ACKNOWLEDGED_WITHIN = 10.0
"""Seconds that the launcher has to answer; without that the kernel must not stay."""


class RegistrationFailed(OSError):
    """The launcher cannot be told; the message says why."""


def register(
    context: zmq.Context[zmq.Socket[bytes]],
    registration: RegistrationInfo,
    info: ConnectionInfo,
    timeout: float = ACKNOWLEDGED_WITHIN,
) -> None:
    """Tell the launcher the ports in `info`, and wait until it has acknowledged that.

    It is told once. A launcher that is late is waited for, since libzmq goes on connecting.

    Args:
        timeout: seconds.

    Raises:
        RegistrationFailed: there is no acknowledgement, or one that is not signed with the key.
    """
    session = Session(registration.key.encode(), signature_scheme=registration.signature_scheme)
    endpoint = registration.endpoint
    with context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.ipv6 = registration.transport == "tcp" and ":" in registration.registration_ip
        try:
            socket.connect(endpoint)
        except zmq.ZMQError as error:
            raise RegistrationFailed(f"cannot connect to {endpoint} to register: {error}") from None
        socket.send_multipart(session.pack_alone(registration.message(info)))
        _wait(socket, session, endpoint, timeout)


def _wait(socket: zmq.Socket[bytes], session: Session, endpoint: str, timeout: float) -> None:
    if not socket.poll(int(1000 * timeout)):
        raise RegistrationFailed(
            f"no acknowledgement from {endpoint} within {timeout:g} s: perhaps the launcher that "
            "wrote the registration file has ended, or has another key; start the kernel anew"
        )
    try:
        session.unpack_alone(socket.recv_multipart())
    except (BadFrames, BadSignature) as error:
        raise RegistrationFailed(
            f"whoever answers at {endpoint} does not acknowledge this kernel: {error}; "
            "the registration file must be the one that its launcher has written"
        ) from None
