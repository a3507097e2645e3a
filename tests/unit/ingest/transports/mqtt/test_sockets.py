"""The socket between the broker and paho: no packet makes it keep more than a piece of it."""

import contextlib
import socket
from hashlib import sha256

from ingest.transports.mqtt.packets import KEPT_BYTES, Frame, Published
from ingest.transports.mqtt.sockets import READ_BYTES, BufferedSocket
from tests.unit.ingest.transports.mqtt.test_packets import publish


def test_a_message_of_many_megabytes_passes_through_without_being_kept() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        payload = bytes(range(256)) * (20 * 4096)
        waiting = publish(b"eldercare/v1/b/sos", payload, 7) + publish(b"eldercare/v1/b/sos", b"{}", 8)
        connection = BufferedSocket(_WithoutDelay(ours))  # type: ignore[arg-type]
        most, found = 0, list[Frame | Published]()
        while len(found) < 2:
            with contextlib.suppress(BlockingIOError):
                waiting = waiting[theirs.send(waiting[: 2 * READ_BYTES]) :]
            connection.fill()
            while (packet := connection.next_packet()) is not None:
                found.append(packet)
                if isinstance(packet, Frame):
                    connection.skip(packet)
            most = max(most, len(connection._incoming))
        assert found[0] == Published(
            7, "eldercare/v1/b/sos", payload[:KEPT_BYTES], False, False, len(payload), sha256(payload).hexdigest()
        )
        assert isinstance(found[1], Frame)
        assert most <= 3 * READ_BYTES


class _WithoutDelay:
    """A socket of the machine itself, which knows nothing of TCP's settings."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner

    def setsockopt(self, *_: int) -> None:
        """Nothing."""

    def recv(self, size: int) -> bytes:
        """As of the socket inside."""
        return self._inner.recv(size)
