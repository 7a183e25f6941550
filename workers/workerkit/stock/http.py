"""Whether an address answers as it should."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from workerkit.base import BaseWorker
from workerkit.context import RunContext
from workerkit.schedule import parse_duration
from workerkit.stock.check import CheckFailed, format_size

_MAX_BODY = 1024 * 1024
"""Bytes of an answer that are read; enough for a health page, bounded for anything else."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class HttpCheck(BaseWorker):
    """Fetches an address and fails unless the status is as expected, and the text there, if one is wanted.

    Args:
        url: an http or https address.
        expect: the status wanted, or several.
        contains: a text that the answer's first MiB must hold; empty: any answer will do.
        patience: how long each step of the exchange may take (as interval).
    """

    interval = "30s"
    description = "whether an address answers"

    def __init__(
        self,
        url: str,
        expect: int | Iterable[int] = 200,
        contains: str = "",
        patience: Any = "10s",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http or https address")
        self.url = url
        self.expect = frozenset((expect,) if isinstance(expect, int) else expect)
        self.contains = contains
        self.patience = parse_duration(patience) / 1_000_000
        # This machine is never reached through a proxy, whatever the environment says.
        proxies = [urllib.request.ProxyHandler({})] if parts.hostname in _LOOPBACK else []
        self._opener = urllib.request.build_opener(*proxies)

    def run(self, ctx: RunContext) -> str:
        started = time.monotonic()
        status, body = self._fetch()
        took = (time.monotonic() - started) * 1000
        ctx.log.info("%s answered %d with %s in %.0f ms", self.url, status, format_size(len(body)), took)
        if status not in self.expect:
            wanted = " or ".join(str(code) for code in sorted(self.expect))
            raise CheckFailed(f"{self.url} answered {status}; {wanted} was expected")
        if self.contains and self.contains.encode() not in body:
            raise CheckFailed(f"{self.url} answered {status} without the text {self.contains!r}")
        return f"{status} in {took:.0f} ms"

    def _fetch(self) -> tuple[int, bytes]:
        try:
            with self._opener.open(self.url, timeout=self.patience) as answer:
                return answer.status, answer.read(_MAX_BODY)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(_MAX_BODY)
        except urllib.error.URLError as error:
            reason = getattr(error.reason, "strerror", None) or error.reason
            raise CheckFailed(f"{str(reason).lower()}: {self.url} can't be reached") from error
        except (OSError, http.client.HTTPException) as error:
            raise CheckFailed(f"{self.url} gave no proper answer: {error or type(error).__name__}") from error
