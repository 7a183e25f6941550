"""Frames between a host and a child: four bytes of length, big-endian, then one JSON object with a `kind`.

Nothing else crosses the border. A pickle would hand the host to whoever writes into the socket; JSON gives plain data,
which is checked for size here and for shape by who reads it.
"""

import json
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

MAX_FRAME = 4 * 1024 * 1024
"""Bytes of one frame's JSON."""
_LENGTH = 4
_CHUNK = 256 * 1024

Frame = dict[str, Any]


class ProtocolError(Exception):
    """What came, or was to be sent, is no frame; the text says what is wrong with it."""


def encode(frame: Frame) -> bytes:
    """The frame as bytes.

    Raises:
        ProtocolError: it is larger than MAX_FRAME, or no plain JSON data.
    """
    try:
        body = json.dumps(frame, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"it can't be written as JSON: {error}") from error
    if len(body) > MAX_FRAME:
        raise ProtocolError(f"it has {len(body):,} bytes; a frame may have {MAX_FRAME:,}")
    return len(body).to_bytes(_LENGTH) + body


class Decoder:
    """Bytes in, frames out. Holds at most one incomplete frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with this piece.

        Raises:
            ProtocolError: the bytes are no frames. What came before has been given out.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH:
            length = int.from_bytes(self._buffer[:_LENGTH])
            if length > MAX_FRAME:
                raise ProtocolError(f"a frame claims to have {length:,} bytes; it may have {MAX_FRAME:,}")
            if len(self._buffer) < _LENGTH + length:
                return
            body = bytes(self._buffer[_LENGTH : _LENGTH + length])
            del self._buffer[: _LENGTH + length]
            yield _parse(body)


def _parse(body: bytes) -> Frame:
    try:
        frame = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame is no JSON: {error}"[:200]) from error
    if type(frame) is not dict or type(frame.get("kind")) is not str:
        raise ProtocolError("a frame is no JSON object with a kind")
    return frame


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


class Channel:
    """The child's end: sends from any thread, receives on one."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sending = threading.Lock()
        self._decoder = Decoder()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def send(self, frame: Frame) -> None:
        """Waits until the host has taken it.

        Raises:
            ProtocolError: the frame won't do.
            OSError: the host is gone.
        """
        data = encode(frame)
        with self._sending:
            self._socket.sendall(data)

    def receive(self, patience: float) -> list[Frame] | None:
        """What has come; empty after `patience` seconds without anything, None when the host has closed.

        Raises:
            ProtocolError: the host speaks another language.
            OSError: somebody closed the socket in this process.
        """
        ready = self._poll.poll(patience * 1000)
        if not ready:
            return []
        if ready[0][1] & select.POLLNVAL:
            raise OSError("the channel was closed in this process")
        data = self._socket.recv(_CHUNK)
        return list(self._decoder.feed(data)) if data else None
