"""Whether installed packages are what was installed."""

import base64
import hashlib
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import Any

from workerkit.base import BaseWorker
from workerkit.context import RunContext
from workerkit.stock.check import CheckFailed, format_size, parse_size

_BLOCK = 256 * 1024
_SHOWN = 10
"""How many altered files are named in the log."""


class PackageFiles(BaseWorker):
    """Compares the installed files of Python packages with the checksums that came with them.

    Args:
        packages: their names; None: all of this interpreter's environment.
        rate: bytes (or a text such as `20 MB`) read per second at most, so that nobody notices.
    """

    interval = "1d"
    description = "checksums of installed packages"

    def __init__(self, packages: Iterable[str] | None = None, rate: float | str = "50 MB", **options: Any) -> None:
        super().__init__(**options)
        self.packages = None if packages is None else tuple(packages)
        self.rate = max(1, parse_size(rate))

    def run(self, ctx: RunContext) -> str:
        found = distributions() if self.packages is None else (distribution(name) for name in self.packages)
        files = [entry for package in found for entry in _checked_files(package)]
        altered, read = [], 0
        for number, (package, path, algorithm, wanted) in enumerate(files):
            ctx.progress(number, len(files), package)
            digest, size = self._digest(ctx, path, algorithm)
            read += size
            if digest != wanted:
                altered.append(path)
        ctx.progress(len(files), len(files), "done")
        if altered:
            for path in altered[:_SHOWN]:
                ctx.log.error("altered since it was installed: %s", path)
            raise CheckFailed(f"{len(altered)} of {len(files)} installed files were altered, e.g. {altered[0]}")
        return f"{len(files)} files as installed, {format_size(read)}"

    def _digest(self, ctx: RunContext, path: Path, algorithm: str) -> tuple[str, int]:
        digest, size = hashlib.new(algorithm), 0
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
                    ctx.sleep(len(block) / self.rate)
        except OSError as error:
            ctx.log.warning("%s", error)
            return "", size
        return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode(), size


def _checked_files(package: Distribution) -> list[tuple[str, Path, str, str]]:
    """Package, path, algorithm and checksum of every file for which the installer noted one."""
    return [
        (package.name, Path(str(package.locate_file(file))), file.hash.mode, file.hash.value)
        for file in package.files or ()
        if file.hash is not None and file.hash.mode in hashlib.algorithms_guaranteed
    ]
