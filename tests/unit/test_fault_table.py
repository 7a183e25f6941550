"""The table of faults in the documents names tests that exist, and each row has one."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLE = TESTS.parent / "docs" / "faults.md"


def rows() -> list[tuple[str, list[str]]]:
    """What happens, and which tests make it happen."""
    found = []
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] != "fault":
            found.append((cells[0], re.findall(r"`([^`]+\.py[^`]*)`", cells[2])))
    return found


def test_the_table_is_read() -> None:
    assert len(rows()) > 50


@pytest.mark.parametrize(("fault", "tests"), rows(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_fault_has_tests_and_they_exist(fault: str, tests: list[str]) -> None:
    assert tests
    for test in tests:
        path, _, name = test.partition("::")
        assert not name or re.search(rf"def {name}\b", (TESTS / path).read_text()), test
        assert (TESTS / path).is_file(), test
