"""Ready-made workers: useful as they are, and examples of how one is written.

    from workerkit.stock import DiskSpace, HttpCheck

    disk = DiskSpace("/var", min_free="10%", interval="1m")
    site = HttpCheck("https://example.org/health", interval="30s", timeout="10s")

Each takes the options of BaseWorker (name, interval, timeout, tags, description) beside its own. Two of one class
in one host need a `name=` each. A check that finds something wrong raises CheckFailed: the run counts as failed.
"""

from workerkit.stock.check import CheckFailed, parse_size
from workerkit.stock.command import Command
from workerkit.stock.disk import DiskSpace, LargestFiles
from workerkit.stock.http import HttpCheck
from workerkit.stock.loop import LoopDelay
from workerkit.stock.machine import Load, Memory, NetworkTraffic, OpenFiles, Processes
from workerkit.stock.packages import PackageFiles
from workerkit.stock.sqlite import SqliteIntegrity

__all__ = [
    "CheckFailed",
    "Command",
    "DiskSpace",
    "HttpCheck",
    "LargestFiles",
    "Load",
    "LoopDelay",
    "Memory",
    "NetworkTraffic",
    "OpenFiles",
    "PackageFiles",
    "Processes",
    "SqliteIntegrity",
    "parse_size",
]
