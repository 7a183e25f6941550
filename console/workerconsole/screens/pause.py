"""Pause for a while: how long, why, and what that will cost, told while one types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from workerconsole import format as fmt
from workerconsole.schedules import what_a_pause_costs
from workerconsole.screens.dialog import Dialog, keys_line
from workerconsole.text import clean
from workerconsole.until import UntilError, parse_end
from workerkit.clock import Clock, Micros
from workerkit.outcome import Status
from workerkit.store.records import WorkerRecord

LONGEST = 500
"""Characters of a reason."""
USUAL = "1h"


@dataclass(frozen=True, slots=True)
class PauseWish:
    """What the operator wants."""

    until: Micros | None
    """None: until somebody resumes."""
    reason: str


class AskPause(Dialog[PauseWish | None]):
    """Asks for the end of a pause and its reason; either may be empty. None when the operator changed their mind.

    Of everyone the end is left open, so that P and enter pause at once.
    """

    DEFAULT_CSS = """
    AskPause {
        & Input { margin-bottom: 1; background: $surface; }
        & #pause-costs { height: 3; }
        & #pause-costs.-wrong { color: $text-error; }
        & .pause-label { color: $text-muted; height: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="pause-cancel")]

    def __init__(self, workers: Sequence[WorkerRecord], clock: Clock, *, everyone: bool = False) -> None:
        super().__init__()
        self._workers = workers
        self._clock = clock
        self._everyone = everyone

    def compose(self) -> ComposeResult:
        one = self._workers[0] if len(self._workers) == 1 and not self._everyone else None
        with Vertical():
            yield Static(Content(heading(self._workers, everyone=self._everyone)), classes="dialog-title")
            yield Static(Content("How long, or until when"), classes="pause-label")
            yield Input(
                "" if self._everyone else USUAL,
                placeholder="2h, 14:30, tomorrow 06:00; empty: until somebody resumes",
                max_length=40,
                compact=True,
                id="pause-end",
            )
            yield Static(Content("Why"), classes="pause-label")
            yield Input(
                clean(one.pause_reason, LONGEST) if one is not None and one.paused else "",
                placeholder="for everybody who looks; may be empty",
                max_length=LONGEST,
                compact=True,
                id="pause-reason",
            )
            yield Static(id="pause-costs")
            yield Static(keys_line(("enter", "pause"), ("tab", "next field"), ("esc", "cancel")), classes="dialog-keys")

    def on_mount(self) -> None:
        end = self.query_one("#pause-end", Input)
        end.focus()
        end.action_select_all()
        self._tell()
        self.set_interval(1.0, self._tell)

    @on(Input.Changed, "#pause-end")
    def _typed(self) -> None:
        self._tell()

    def _tell(self) -> None:
        """What a pause until then costs, or why there is no such end."""
        shown = self.query_one("#pause-costs", Static)
        try:
            text = costs(self._workers, self.query_one("#pause-end", Input).value, self._clock.now())
            shown.remove_class("-wrong")
        except UntilError as error:
            text = str(error)
            shown.add_class("-wrong")
        shown.update(Content(clean(text, 300)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            until = parse_end(self.query_one("#pause-end", Input).value, self._clock.now())
        except UntilError:
            self._tell()
            self.query_one("#pause-end", Input).focus()
        else:
            self.dismiss(PauseWish(until, self.query_one("#pause-reason", Input).value.strip()))

    def action_cancel(self) -> None:
        self.dismiss(None)


def heading(workers: Sequence[WorkerRecord], *, everyone: bool) -> str:
    """Whom it is about."""
    if everyone:
        return f"Pause all {len(workers):,} workers" if len(workers) != 1 else "Pause the only worker"
    if len(workers) != 1:
        return f"Pause {fmt.plural(len(workers), 'marked worker')}"
    name = clean(workers[0].name, 48)
    return f"{name} is paused; change that" if workers[0].paused else f"Pause {name}"


def costs(workers: Sequence[WorkerRecord], end: str, now: Micros) -> str:
    """Until when the text means, and what is missed by then.

    Raises:
        UntilError: when it means nothing.
    """
    until = parse_end(end, now)
    begin = "" if until is None else f"Until {fmt.when(until, now)}. "
    retrying = any(worker.status == Status.RETRYING for worker in workers)
    after = "Runs in flight go on" + (", attempts to come are given up." if retrying else ".")
    return f"{begin}{what_a_pause_costs(workers, now, until)} {after}"
