"""Text of faulthandler becomes a stack of the form that all stacks have; text of anybody else becomes nothing."""

import faulthandler
import tempfile
import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import workerkit
from workerkit.failures import Redactor
from workerkit.failures.frames import MAX_FRAMES
from workerkit.processes.dump import Dump, parse_dump, read_dump

REDACTOR = Redactor(environment={})
KIT = Path(workerkit.__file__).parent

FATAL = f"""Fatal Python error: Segmentation fault

Thread 0x00007f1 (most recent call first):
  File "{KIT}/processes/child.py", line 9 in _listen
  File "/usr/lib/python3.11/threading.py", line 975 in run

Current thread 0x00007f2 (most recent call first):
  File "/srv/shop/native.py", line 12 in call
  File "/srv/shop/jobs.py", line 40 in run
  File "{KIT}/guard.py", line 42 in call
  File "{KIT}/processes/child.py", line 50 in live

Extension modules: numpy.core (total: 1)
"""


def parse(text: str, *, fatal: bool = True) -> Dump:
    return parse_dump(text, "run 1", REDACTOR, fatal=fatal)


def test_the_thread_that_died_is_the_stack_without_the_machinery_around_it() -> None:
    dump = parse(FATAL)
    assert dump.reason == "Segmentation fault"
    assert dump.stack is not None
    assert dump.stack["label"] == "run 1"
    assert [(frame["file"], frame["line"], frame["function"]) for frame in dump.stack["frames"]] == [
        ("/srv/shop/jobs.py", 40, "run"),
        ("/srv/shop/native.py", 12, "call"),
    ]
    assert all(frame["own"] and frame["source_note"] == "gone" for frame in dump.stack["frames"])


def test_a_real_dump_is_read_with_its_source() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"what came before\n")
        file.flush()
        faulthandler.dump_traceback(file, all_threads=True)
        text = read_dump(file.fileno(), len(b"what came before\n"))
    dump = parse(text, fatal=False)
    assert dump.reason is None
    assert dump.stack is not None
    frame = next(frame for frame in dump.stack["frames"] if frame["function"].startswith("test_a_real_dump"))
    assert frame["file"] == __file__
    assert "dump_traceback" in dict(frame["source"])[frame["line"]]


def test_of_a_living_process_it_is_the_main_thread() -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        dump = parse(read_dump(file.fileno()), fatal=False)
    go_on.set()
    thread.join()
    assert dump.stack is not None
    assert any(frame["function"].startswith("test_of_a_living") for frame in dump.stack["frames"])
    assert any("wait" in frame["function"] for child in dump.stack["children"] for frame in child["frames"])


def test_a_deep_stack_keeps_its_innermost_frames() -> None:
    lines = "\n".join(f'  File "/srv/jobs.py", line {number} in deep' for number in range(1, 201))
    dump = parse(f"Current thread 0x1 (most recent call first):\n{lines}\n")
    assert dump.stack is not None
    assert len(dump.stack["frames"]) == MAX_FRAMES
    assert dump.stack["frames"][-1]["line"] == 1
    assert dump.stack["note"] == "140 outer frames were left out"


def test_escaped_names_are_read() -> None:
    dump = parse('Current thread 0x1 (most recent call first):\n  File "/srv/b\\xfccher.py", line 1 in pr\\u00fcfe\n')
    assert dump.stack is not None
    (frame,) = dump.stack["frames"]
    assert (frame["file"], frame["function"]) == ("/srv/bücher.py", "prüfe")


def test_no_dump_is_no_stack() -> None:
    assert parse("") == Dump(None, None)
    assert parse("MemoryError\nsomething printed") == Dump(None, None)


@given(
    st.text(alphabet=st.sampled_from('Current thread 0x1 (most recent call first):\n  File "/x", line 9 in f\\u00ff'))
)
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse(text)
    parse(text, fatal=False)
