"""What the command palette offers: every action of the registry, every worker by name, every theme."""

from collections.abc import Iterable
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from workerconsole.actions import ACTIONS, Action
from workerconsole.text import clean

MOST_WORKERS = 50
"""Hits of workers in one search; who wants others types more."""


class Palettable(Protocol):
    """What the palette needs of the main screen."""

    def perform(self, action_id: str) -> None: ...
    def worker_names(self) -> Iterable[str]: ...
    def go_to_worker(self, name: str) -> None: ...


class ActionCommands(Provider):
    """The actions; moving about is left to keys."""

    async def discover(self) -> Hits:
        for action in _offered():
            yield DiscoveryHit(_display(action), self._command(action), text=action.label, help=action.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in _offered():
            text = _display(action)
            score = max(matcher.match(text), matcher.match(action.help) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(text), self._command(action), text=action.label, help=action.help)

    def _command(self, action: Action) -> "partial[None]":
        return partial(_desk(self).perform, action.id)


class WorkerCommands(Provider):
    """Go to a worker."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        desk = _desk(self)
        scored = ((matcher.match(f"worker {clean(name, 64)}"), name) for name in desk.worker_names())
        best = sorted((pair for pair in scored if pair[0] > 0), reverse=True)[:MOST_WORKERS]
        for score, name in best:
            shown = f"worker {clean(name, 64)}"
            # Not the matcher's highlight: it reads its text as markup, and a name is not ours.
            yield Hit(score, Content(shown), partial(desk.go_to_worker, name), text=shown)


def _offered() -> Iterable[Action]:
    return (action for action in ACTIONS if action.scope == "screen" or action.id in ("open", "mark"))


def _display(action: Action) -> str:
    keys = f"  ({action.key_text})" if action.keys else ""
    return f"{action.label}{keys}"


def _desk(provider: Provider) -> Palettable:
    return cast("Palettable", provider.screen)
