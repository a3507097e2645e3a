"""A socket that turns many small reads into few system calls, and knows where packets end."""

import asyncio
import contextlib
import socket
import ssl

from ingest.transports.mqtt.packets import Flowing, Frame, Published, flowing, frame

READ_BYTES = 64 * 1024


class BufferedSocket:
    """Stands where paho-mqtt expects a socket. It never blocks once it is non-blocking, as paho makes it.

    `fill` reads, `recv` serves one packet of what was read. `send` writes at once; the event loop writes what the
    kernel does not take, as soon as it can.
    """

    def __init__(self, inner: socket.socket | ssl.SSLSocket) -> None:
        inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._inner = inner
        self._incoming = bytearray()
        self._position = 0
        self._limit = 0
        self._flow: Flowing | None = None
        self._outgoing = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waits_to_write = False
        self.ended = False
        """The peer has closed, or the connection broke."""

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the loop write, from now on, what cannot be written at once."""
        self._loop = loop
        self._write()

    def detach(self) -> None:
        """Take it out of the loop, as must be done before it is closed."""
        if self._loop is not None and self._inner.fileno() >= 0:
            self._loop.remove_reader(self._inner.fileno())
            self._loop.remove_writer(self._inner.fileno())
        self._loop = None

    def fill(self) -> None:
        """Read what the kernel has, at most some 64 KiB, or notice the end."""
        del self._incoming[: self._position]
        self._position = self._limit = 0
        try:
            while True:
                data = self._inner.recv(READ_BYTES)
                if not data:
                    self.ended = True
                    return
                self._incoming += data
                # Decrypted bytes that stay inside the TLS layer would wake nobody.
                if not (isinstance(self._inner, ssl.SSLSocket) and self._inner.pending()):
                    return
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self.ended = True

    def next_packet(self) -> Frame | Published | None:
        """The next complete packet, or None. A message that is too large to be kept comes as its hash and its
        beginning. Raises ValueError where there is no packet to be found."""
        if self._flow is None:
            packet = frame(self._incoming, self._position)
            begun = flowing(self._incoming, self._position) if packet is None else None
            if begun is None:
                return packet
            self._flow, self._position = begun
        self._position += self._flow.feed(memoryview(self._incoming)[self._position :])
        if not self._flow.is_complete:
            return None
        flow, self._flow = self._flow, None
        return flow.message()

    def hand_out(self, packet: Frame) -> bytearray:
        """Let `recv` serve this packet and nothing beyond; returns the buffer it lies in."""
        self._limit = packet.end
        return self._incoming

    def skip(self, packet: Frame) -> None:
        """Pass a packet that was read without `recv`."""
        self._position = packet.end

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes of the packet handed out; b"" at the end. Raises BlockingIOError after the packet."""
        start, end = self._position, min(self._position + size, self._limit)
        if start >= end:
            if self.ended:
                return b""
            raise BlockingIOError
        self._position = end
        return bytes(self._incoming[start:end])

    def send(self, data: bytes | bytearray) -> int:
        """Take all of `data`; returns its length. The next read reports a broken connection."""
        self._outgoing += data
        self._write()
        return len(data)

    async def flushed(self, timeout_s: float) -> None:
        """Wait until everything has gone to the kernel, at most `timeout_s` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._drained.wait()

    def _write(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._inner.send(self._outgoing)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.ended = True  # the next read reports it, in the one place where the end is handled
            self._outgoing.clear()
        if self._outgoing:
            self._drained.clear()
        else:
            self._drained.set()
        self._watch()

    def _watch(self) -> None:
        if self._loop is None or bool(self._outgoing) == self._waits_to_write:
            return
        self._waits_to_write = bool(self._outgoing)
        if self._waits_to_write:
            self._loop.add_writer(self._inner.fileno(), self._write)
        else:
            self._loop.remove_writer(self._inner.fileno())

    def setblocking(self, flag: bool) -> None:
        """As of the socket inside."""
        self._inner.setblocking(flag)

    def fileno(self) -> int:
        """As of the socket inside."""
        return self._inner.fileno()

    def close(self) -> None:
        """As of the socket inside."""
        self.detach()
        self._inner.close()
