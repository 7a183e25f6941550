"""What the command palette offers: every action of the registry, every worker by name, every theme."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from workerconsole.action import Action
from workerconsole.text import clean

MOST_WORKERS = 50
"""Hits of workers in one search; who wants others types more."""


@runtime_checkable
class Acting(Protocol):
    """A screen that has actions."""

    def palette_actions(self) -> Iterable[Action[Any]]: ...
    def perform(self, action_id: str) -> None: ...


@runtime_checkable
class Naming(Protocol):
    """A screen that can go to a worker."""

    def worker_names(self) -> Iterable[str]: ...
    def go_to_worker(self, name: str) -> None: ...


class ActionCommands(Provider):
    """The actions of the screen; moving about is left to keys."""

    async def discover(self) -> Hits:
        for action, command in self._offered():
            yield DiscoveryHit(_display(action), command, text=action.label, help=action.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action, command in self._offered():
            text = _display(action)
            score = max(matcher.match(text), matcher.match(action.help) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(text), command, text=action.label, help=action.help)

    def _offered(self) -> Iterator[tuple[Action[Any], "partial[None]"]]:
        screen = self.screen
        if isinstance(screen, Acting):
            for action in screen.palette_actions():
                yield action, partial(screen.perform, action.id)


class WorkerCommands(Provider):
    """Go to a worker."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        desk = self.screen
        if not isinstance(desk, Naming):
            return
        scored = ((matcher.match(f"worker {clean(name, 64)}"), name) for name in desk.worker_names())
        best = sorted((pair for pair in scored if pair[0] > 0), reverse=True)[:MOST_WORKERS]
        for score, name in best:
            shown = f"worker {clean(name, 64)}"
            # Not the matcher's highlight: it reads its text as markup, and a name is not ours.
            yield Hit(score, Content(shown), partial(desk.go_to_worker, name), text=shown)


def _display(action: Action[Any]) -> str:
    keys = f"  ({action.key_text})" if action.keys else ""
    return f"{action.label}{keys}"
