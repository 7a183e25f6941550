"""The garbage collector around a whole command."""

import gc
import sys
from collections.abc import Iterator

import pytest

from workerconsole.__main__ import main
from workerconsole.collector import SELDOM


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What a command does to its process, the test's process gets rid of."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.parametrize("words", [["--version"], ["status", "--db", "/nowhere/to/be/found.db"]])
def test_a_command_collects_seldom_and_leaves_everything_at_its_end(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    gc.unfreeze()
    monkeypatch.setattr(sys, "argv", ["workerconsole", *words])
    main()
    assert gc.get_threshold() == SELDOM
    assert gc.get_freeze_count() > len(sys.modules)
