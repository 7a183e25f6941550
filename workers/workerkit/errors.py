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
