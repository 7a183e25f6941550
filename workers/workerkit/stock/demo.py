"""The workers of `workerconsole demo`: they watch the machine that they run on, and one of them fails."""

from pathlib import Path

from workerkit.base import BaseWorker
from workerkit.stock.command import Command
from workerkit.stock.disk import DiskSpace
from workerkit.stock.http import HttpCheck
from workerkit.stock.loop import LoopDelay
from workerkit.stock.machine import Load, Memory, NetworkTraffic, OpenFiles, Processes
from workerkit.stock.packages import PackageFiles
from workerkit.stock.sqlite import SqliteIntegrity

SILENT_ADDRESS = "http://127.0.0.1:9/health"
"""Port 9 is the discard service's, which no machine runs any more: the connection is refused."""

OWN_PACKAGES = ("textual", "rich", "Pygments", "SQLAlchemy", "alembic", "psutil")
"""What the console itself stands on; their checksums take some seconds at the pace set below."""


def demo_workers(database: Path) -> list[BaseWorker]:
    """Everything that the demo shows; `database` is the console's own, whose integrity one of them checks."""
    return [
        LoopDelay(name="event-loop", interval="2s", tags=["host"]),
        Load(name="load", interval="4s", tags=["machine"]),
        Memory(name="memory", max_percent=97, interval="5s", tags=["machine"]),
        HttpCheck(
            SILENT_ADDRESS,
            name="web-shop",
            interval="6s",
            patience="2s",
            tags=["web"],
            description="fails on purpose: nothing listens at that address",
        ),
        NetworkTraffic(name="network", interval="8s", tags=["machine"]),
        Processes(name="processes", interval="10s", tags=["machine"]),
        OpenFiles(name="open-files", interval="15s", tags=["host"]),
        PackageFiles(OWN_PACKAGES, name="packages", interval="20s", rate="5 MB", timeout="5m", tags=["host"]),
        DiskSpace("/", name="disk", min_free="1%", interval="30s", tags=["machine"]),
        Command("uname -a", name="uname", interval="45s", timeout="10s", tags=["machine"], description="a program"),
        SqliteIntegrity(database, name="database", interval="60s", timeout="1m", tags=["host"]),
    ]
