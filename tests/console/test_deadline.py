"""A process ends in time whatever holds it, with the code and the words that were set last."""

import subprocess
import sys

import pytest

HELD = """
import sys, threading, time
from workerconsole.deadline import Deadline
deadline = Deadline()
{what}
threading.Thread(target=threading.Event().wait).start()
"""


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("deadline.set(0.1, 7, 'not in time')", 7, "workerconsole: not in time\n"),
        ("deadline.set(0.1, 7, 'no'); deadline.set(0.2, 8)", 8, ""),
        ("deadline.set(60, 7); deadline.set(0.1, 0)", 0, ""),
        ("deadline.set(0.1, 7); deadline.lift(); Deadline().set(0.3, 9)", 9, ""),
        ("Deadline(lambda words: 1 / 0).set(0.1, 6)", 6, ""),
    ],
)
def test_the_deadline_that_was_set_last_counts(what: str, code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELD.format(what=what)], stderr=subprocess.PIPE, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (code, said)


def test_what_was_printed_is_not_lost() -> None:
    held = HELD.format(what="deadline.set(0.1, 0); print('printed before')")
    done = subprocess.run([sys.executable, "-c", held], stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    assert done.stdout == "printed before\n"
