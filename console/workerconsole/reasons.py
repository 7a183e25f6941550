"""Why an action of the main screen can't be done now: a sentence for the operator each, or None where it can."""

from workerconsole.action import Reason
from workerconsole.desk import Context
from workerkit.outcome import Status
from workerkit.store.records import WorkerRecord

NO_HOST = "No host is alive: start one with `workerconsole serve`, or open the console with a target."
READ_ONLY = "This screen is read-only; open it without --read-only to act."
NO_WORKER = "No worker is selected."


def can_write(context: Context) -> Reason:
    if context.read_only:
        return READ_ONLY
    return None if context.ready else "The database is not open yet."


def can_read(context: Context) -> Reason:
    return None if context.ready else "The database is not open yet."


def has_worker(context: Context) -> Reason:
    return None if context.selected is not None else NO_WORKER


def has_targets(context: Context) -> Reason:
    return can_write(context) or (None if context.targets else NO_WORKER)


def has_rows(context: Context) -> Reason:
    return None if context.known else "There are no workers."


def can_pause(context: Context) -> Reason:
    if reason := has_targets(context):
        return reason
    if len(context.targets) == 1 and (worker := context.targets[0]).status in (Status.UNREGISTERED, Status.BROKEN):
        return f"{worker.name} is {worker.status}: there is nothing to pause."
    return None


def needs_host(context: Context) -> Reason:
    return has_targets(context) or (None if context.host_alive else NO_HOST)


def can_run(context: Context) -> Reason:
    if reason := needs_host(context):
        return reason
    if len(context.targets) == 1:
        return cannot_run(context.targets[0])
    return None


def can_run_with_params(context: Context) -> Reason:
    if len(context.marked) > 1:
        return "Parameters are for one worker; unmark the others first."
    if reason := can_run(context):
        return reason
    if (worker := context.targets[0]).status == Status.RETRYING:
        return f"{worker.name} has another attempt to come, with its own parameters; x gives that up."
    return None


def cannot_run(worker: WorkerRecord) -> Reason:
    """Why this worker can't be run now. Where several runs may overlap, the host knows whether there is room."""
    if worker.status == Status.RUNNING and not worker.policy.get("overlap", "").startswith("up to "):
        return f"{worker.name} is running already; x cancels the run."
    if worker.status == Status.STUCK:
        return f"{worker.name} is stuck: its last run still occupies a thread. b shows where it hangs."
    if worker.status == Status.BROKEN:
        return f"{worker.name} failed to load; t shows why."
    if worker.status == Status.UNREGISTERED:
        return f"{worker.name} is not in the code that the host loaded."
    return None


def cancellable(worker: WorkerRecord) -> bool:
    """Whether it has a run in flight, or an attempt to come."""
    return worker.running_run_id is not None or worker.status == Status.RETRYING


def can_cancel(context: Context) -> Reason:
    if reason := needs_host(context):
        return reason
    if not any(cancellable(worker) for worker in context.targets):
        worker = context.targets[0]
        return f"{worker.name} is not running." if len(context.targets) == 1 else "None of the marked ones is running."
    return None


def can_stack(context: Context) -> Reason:
    if reason := has_worker(context):
        return reason
    # Reading the stack that was taken before is always possible; the panel says what it has.
    return None


def can_change_all(context: Context) -> Reason:
    return can_write(context) or has_rows(context)


def can_copy(context: Context) -> Reason:
    if reason := has_worker(context):
        return reason
    worker = context.selected
    if worker is not None and not (worker.last_error or worker.load_error):
        return f"{worker.name} has no error to copy."
    return None
