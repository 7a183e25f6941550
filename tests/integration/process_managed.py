"""Workers made in a loop, which another process finds by their manager."""

from tests.integration.process_workers import Settings
from workerkit import WorkerManager

manager = WorkerManager()
for number in range(3):
    manager.register(Settings(name=f"made-{number}"))
