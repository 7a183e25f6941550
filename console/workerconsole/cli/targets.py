"""Which targets a command means when none is named."""

from pathlib import Path

DEFAULT_TARGET = "workers.py"


def targets_or_default(targets: list[str]) -> list[str]:
    """The targets given; else workers.py of the current folder, where there is one."""
    return targets or ([DEFAULT_TARGET] if Path(DEFAULT_TARGET).is_file() else [])
