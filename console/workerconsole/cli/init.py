"""init: writes an example to begin with."""

from argparse import Namespace
from pathlib import Path

from workerconsole.cli.errors import CommandError, Exit
from workerconsole.cli.output import emit, say


def init(arguments: Namespace) -> int:
    """Writes the example; never over a file that is there."""
    path = Path(arguments.path).expanduser()
    path = path / "workers.py" if path.is_dir() else path
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE)
    except FileExistsError:
        raise CommandError(f"{path} is there already and stays as it is; give another PATH") from None
    except OSError as error:
        raise CommandError(f"{path} can't be written ({error.strerror}); give another PATH") from error
    emit(str(path))
    shown = "" if path == Path("workers.py") else f" {path}"
    say(f"now `workerconsole{shown}` opens the console on it, and `workerconsole check {path}` validates it")
    return Exit.DONE


EXAMPLE = '''\
"""Workers of this project. `workerconsole` opens the console on them, `workerconsole check` validates them."""

from workerkit import BaseWorker, worker


@worker(every="10s")
def heartbeat():
    """A function is a worker once it has a schedule. What it returns is shown as the run's summary."""
    return "alive"


@worker(every="30s", timeout="20s", tags=["example"])
def cleanup(ctx):
    """ctx is the run: it logs, shows progress, and says when to stop."""
    for number in range(1, 6):
        ctx.check()  # leaves here when somebody cancels the run or the host stops
        ctx.progress(number, 5, "cleaning")
        ctx.log.info("step %d", number)  # print() is kept as well
        ctx.sleep(1)


@worker(cron="*/5 * * * *", timezone="UTC")
async def report(ctx):
    """`async def` works too. ctx.state lasts across runs and restarts."""
    ctx.state["count"] = ctx.state.get("count", 0) + 1
    return f"report number {ctx.state['count']}"


class Backup(BaseWorker):
    """A class, for what needs settings. Without an interval it runs only when somebody asks: press r."""

    name = "backup"
    interval = None

    def run(self, ctx):
        ctx.log.info("parameters: %s", dict(ctx.params))


@worker(every="1m")
def failing():
    """Fails, so that you see how that looks: press t on it for the traceback. Delete it then."""
    raise ValueError("this example fails on purpose")
'''
