"""What went wrong, as plain bounded data: `capture` takes it, `plain` prints it."""

from workerkit.failures.capture import capture_exception, describe
from workerkit.failures.text import plain

__all__ = ["capture_exception", "describe", "plain"]
