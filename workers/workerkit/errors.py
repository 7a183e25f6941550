"""What the kit raises at people who call it. Every text ends with the remedy."""


class WorkerkitError(Exception):
    """The root of the kit's own errors."""


class RegistrationError(WorkerkitError):
    """A worker that can't be registered: bad name, schedule, signature or option, or a name taken twice."""


class TargetError(WorkerkitError):
    """A target that names nothing: no such file, folder, module or attribute."""


class DatabaseError(WorkerkitError):
    """The database can't be used: newer schema, foreign owner, a symlink, no permission, not a database."""


class HostRunningError(WorkerkitError):
    """Another host lives on this database."""


class RunCancelled(Exception):  # noqa: N818 -- it reads as what happened; it isn't an error of anybody's
    """Raised inside run() by ctx.check() and ctx.sleep() once the run is asked to stop. Let it pass through."""


class RetryAfter(Exception):  # noqa: N818 -- it says what the worker wants
    """Raised inside run() to fail this attempt and have the next one after so many seconds, whatever the backoff says.

    It counts among the attempts of the worker's Retry; without one there are three in all.
    """

    def __init__(self, seconds: float, reason: str = "") -> None:
        super().__init__(reason or f"try again after {seconds:g} s")
        self.seconds = seconds


class Cancel(Exception):  # noqa: N818 -- it says what the worker wants
    """Raised inside run() to end it as cancelled: there was nothing to do, or no sense in it. Not a failure."""


class WorkerCrashed(WorkerkitError):  # noqa: N818 -- it says what happened
    """A worker's process died under it. Nobody raises it; Retry(on=...) may name it."""
