"""A folder, a database and the command line on them; and hosts in this process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commandline import CommandLine
from workerkit.host import Host
from workerkit.registry import Registry
from workerkit.store.database import Database


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line in an empty folder, on a database that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKERCONSOLE_DB", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return CommandLine(tmp_path / "jobs.db", tmp_path, capsys)


class Hosting:
    """Hosts in this process on the command line's database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hosts: list[Host] = []

    def __call__(self, *workers: Any, grace: float = 2.0) -> Host:
        registry = Registry()
        for worker in workers:
            registry.register(worker)
        host = Host(Database.open(self._path), registry, mode="library", targets=["workers.py"], grace=grace)
        host.start()
        self._hosts.append(host)
        return host

    def stop(self) -> None:
        for host in self._hosts:
            host.stop(0)


@pytest.fixture
def hosting(command: CommandLine) -> Iterator[Hosting]:
    """Starts hosts; they are stopped at the end."""
    hosts = Hosting(command.database)
    yield hosts
    hosts.stop()
