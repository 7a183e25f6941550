"""How other processes call a host to the database: by the time of its lock file."""

import os
import time
from contextlib import suppress
from pathlib import Path


class Doorbell:
    """Rung by whoever has committed a command; the host hears it at its next look.

    To see a file's time takes a host a few microseconds, where a look into the database takes some hundred, ten times
    a second. A ring that is lost, as on a file system that keeps no times, costs a second: a host looks that often
    unasked.
    """

    def __init__(self, lock_file: Path) -> None:
        self._path = os.fspath(lock_file)
        self._heard = self._time()

    def ring(self) -> None:
        """Never raises; nothing happens where there is no host, and so no lock file."""
        now = time.time_ns()
        with suppress(OSError):
            os.utime(self._path, ns=(now, now))

    def rang(self) -> bool:
        """Whether somebody has rung since the last call."""
        before, self._heard = self._heard, self._time()
        return self._heard != before

    def _time(self) -> int | None:
        try:
            return os.stat(self._path).st_mtime_ns  # noqa: PTH116 -- Path.stat() takes ten times as long
        except OSError:
            return None
