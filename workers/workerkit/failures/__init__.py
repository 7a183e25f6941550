"""What went wrong, as plain bounded data: `Capture` takes it, `fingerprint` groups it, `plain` prints it."""

from workerkit.failures.capture import Capture, headline
from workerkit.failures.fingerprint import fingerprint
from workerkit.failures.redact import Redactor
from workerkit.failures.text import plain

__all__ = ["Capture", "Redactor", "fingerprint", "headline", "plain"]
