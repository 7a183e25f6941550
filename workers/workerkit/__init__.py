"""Write workers and host them: `worker`, `BaseWorker`, `WorkerManager` and what they need."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workerkit.base import BaseWorker, Worker, worker
    from workerkit.calendars import Calendar
    from workerkit.context import RunContext
    from workerkit.errors import (
        Cancel,
        DatabaseError,
        HostRunningError,
        RegistrationError,
        RetryAfter,
        RunCancelled,
        TargetError,
        WorkerCrashed,
    )
    from workerkit.manager import WorkerManager
    from workerkit.policy import Retry
    from workerkit.schedule import Cron, Every, Manual, ScheduleError, every, restrict
    from workerkit.version import __version__

_HOMES = {
    "BaseWorker": "base",
    "Calendar": "calendars",
    "Cancel": "errors",
    "Cron": "schedule",
    "DatabaseError": "errors",
    "Every": "schedule",
    "HostRunningError": "errors",
    "Manual": "schedule",
    "RegistrationError": "errors",
    "Retry": "policy",
    "RetryAfter": "errors",
    "RunCancelled": "errors",
    "RunContext": "context",
    "ScheduleError": "schedule",
    "TargetError": "errors",
    "Worker": "base",
    "WorkerCrashed": "errors",
    "WorkerManager": "manager",
    "__version__": "version",
    "every": "schedule",
    "restrict": "schedule",
    "worker": "base",
}

__all__ = [
    "BaseWorker",
    "Calendar",
    "Cancel",
    "Cron",
    "DatabaseError",
    "Every",
    "HostRunningError",
    "Manual",
    "RegistrationError",
    "Retry",
    "RetryAfter",
    "RunCancelled",
    "RunContext",
    "ScheduleError",
    "TargetError",
    "Worker",
    "WorkerCrashed",
    "WorkerManager",
    "__version__",
    "every",
    "restrict",
    "worker",
]


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used, so that a command pays only for what it needs."""
    if name not in _HOMES:
        raise AttributeError(f"module 'workerkit' has no attribute {name!r}")
    value = getattr(import_module(f"workerkit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
