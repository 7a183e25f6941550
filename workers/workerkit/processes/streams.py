"""What a child prints: bytes of a pipe, as text of its run. RunOutput decides what is kept of it."""

import codecs
import os
from collections.abc import Callable

CHUNK = 256 * 1024
"""Bytes read at once."""


class PipeReader:
    """Reads one pipe to its end. The bytes are taken as UTF-8; what is none is replaced."""

    def __init__(self, descriptor: int, sink: Callable[[str], None]) -> None:
        self.descriptor = descriptor
        self.ended = False
        self._sink = sink
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> None:
        """Takes what has come, without waiting for more."""
        try:
            data = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.ended = not data
        if text := self._decoder.decode(data, final=self.ended):
            self._sink(text)
