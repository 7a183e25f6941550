"""Targets and what comes out of them: files, folders, modules, and everything that can go wrong in them."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from workerkit.errors import TargetError
from workerkit.loading import Loaded, load
from workerkit.registration import Registration
from workerkit.targets import parse_target

GOOD = """
from workerkit import worker

@worker(every="5s")
def {name}():
    return "ok"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(path: Path, text: str = "", name: str = "job") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text) if text else GOOD.format(name=name))
    return path


def names(loaded: Loaded) -> list[str]:
    return [registration.name for registration in loaded.registry]


def broken(loaded: Loaded, name: str) -> str:
    registration = loaded.registry.get(name)
    assert registration is not None
    assert registration.load_error is not None
    return registration.load_error


def get(loaded: Loaded, name: str) -> Registration:
    registration = loaded.registry.get(name)
    assert registration is not None
    return registration


def test_a_file_offers_functions_objects_and_classes(folder: Path) -> None:
    write(
        folder / "jobs.py",
        """
        from collections import OrderedDict
        from workerkit import BaseWorker, worker
        from workerkit.stock import DiskSpace, HttpCheck

        @worker(every="5s")
        def function(): ...

        class Plain:
            name = "plain"
            interval = 2
            def run(self, ctx): ...

        class Assigns:
            def __init__(self):
                self.name, self.interval = "assigns", 3
            def run(self, ctx): ...

        class Derived(BaseWorker):
            interval = 4
            def run(self, ctx): ...

        class NeedsArguments(BaseWorker):
            def __init__(self, address): ...
            def run(self, ctx): ...

        class NotAWorker:
            def run(self): ...

        disk = DiskSpace("/")
        same_again = disk
        _private = DiskSpace("/", name="private")
        """,
    )
    loaded = load(["jobs.py"])
    assert names(loaded) == ["function", "disk-space", "plain", "assigns", "derived"]
    assert not loaded.problems


def test_a_class_with_an_object_in_the_module_is_not_made_again(folder: Path) -> None:
    write(
        folder / "jobs.py",
        """
        from workerkit import BaseWorker

        class Check(BaseWorker):
            interval = 5
            def run(self, ctx): ...

        first, second = Check(name="first"), Check(name="second")
        """,
    )
    assert names(load(["jobs.py"])) == ["first", "second"]


def test_a_base_without_schedule_is_there_to_be_derived_from(folder: Path) -> None:
    write(
        folder / "jobs.py",
        """
        from abc import abstractmethod
        from workerkit import BaseWorker

        class Check(BaseWorker):
            def run(self, ctx): self.check()

        class Abstract(BaseWorker):
            def run(self, ctx): ...
            @abstractmethod
            def look(self): ...

        class Disk(Check):
            interval = 5
        """,
    )
    assert "disk" in names(load(["jobs.py"]))
    assert "check" not in names(load(["jobs.py"]))


def test_a_manager_offers_its_registrations_alone(folder: Path) -> None:
    write(
        folder / "jobs.py",
        """
        from workerkit import WorkerManager, worker

        @worker(every="5s")
        def inside(): ...

        @worker(every="5s")
        def outside(): ...

        manager = WorkerManager("own.db", grace=3)
        manager.register(inside, name="renamed")
        """,
    )
    loaded = load(["jobs.py"])
    assert names(loaded) == ["renamed"]
    assert loaded.manager_database == "own.db"
    assert names(load(["jobs.py:manager"])) == ["renamed"]


@pytest.mark.parametrize("wanted", ["second_job", "second-job", "Third", "third"])
def test_one_worker_is_named_by_attribute_or_by_its_name(folder: Path, wanted: str) -> None:
    write(
        folder / "jobs.py",
        GOOD.format(name="first")
        + GOOD.format(name="second_job")
        + "\nclass Third:\n    name, interval = 'third', 1\n    def run(self, ctx): ...\n",
    )
    loaded = load([f"jobs.py:{wanted}"])
    assert len(names(loaded)) == 1
    assert names(loaded)[0].startswith(wanted[:3].lower())


def test_a_plain_function_asked_for_by_name_says_how_it_becomes_a_worker(folder: Path) -> None:
    write(folder / "jobs.py", "def plain(): ...\n")
    assert "put @worker(every='30s') above it" in broken(load(["jobs.py:plain"]), "plain")


def test_a_missing_name_is_an_error_that_suggests_one(folder: Path) -> None:
    write(folder / "jobs.py")
    with pytest.raises(TargetError, match="did you mean 'job'"):
        load(["jobs.py:jib"])


def test_targets_that_do_not_exist_stop_before_any_code_runs(folder: Path) -> None:
    write(folder / "first.py", "open('ran', 'w').close()\n")
    write(folder / "second.py")
    with pytest.raises(TargetError, match=r"'secnd\.py' \(did you mean 'second\.py'\?\)"):
        load(["first.py", "secnd.py"])
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("target", ["nosuchmodule", "nosuchmodule:thing", "json.nosuch", "os.path.join.x"])
def test_a_module_that_does_not_exist_is_an_error(target: str) -> None:
    with pytest.raises(TargetError, match="there is no module"):
        load([target])


@pytest.mark.parametrize("target", ["a b", "notes.txt", "x.toml", ":name", ""])
def test_what_is_no_target_is_an_error(folder: Path, target: str) -> None:
    (folder / "notes.txt").touch()
    with pytest.raises(TargetError):
        load([target])


def test_a_dotted_module_is_found_from_the_current_folder(folder: Path) -> None:
    write(folder / "shop" / "__init__.py", "# a package\n")
    write(folder / "shop" / "jobs.py", name="sell")
    assert names(load(["shop.jobs"])) == ["sell"]
    assert names(load(["shop.jobs:sell"])) == ["sell"]


def test_a_colon_in_a_worker_name_and_a_drive_letter_are_told_apart(folder: Path) -> None:
    write(folder / "jobs.py", GOOD.format(name="x").replace('"5s"', '"5s", name="db:backup"'))
    assert names(load(["jobs.py:db:backup"])) == ["db:backup"]
    with pytest.raises(TargetError, match=r"no file or folder 'C:\\\\jobs.py'"):
        parse_target(r"C:\jobs.py:name")


def test_a_folder_offers_its_files_and_packages_in_order(folder: Path) -> None:
    jobs = folder / "jobs"
    for name in ("b", "a", "_hidden", "test_a", "conftest", "setup"):
        write(jobs / f"{name}.py", name=name)
    write(jobs / "package" / "__init__.py", name="packaged")
    write(jobs / "helper.py", "VALUE = 1\n")
    (jobs / "data").mkdir()
    loaded = load(["jobs"])
    assert names(loaded) == ["a", "b", "packaged"]
    assert not loaded.problems


def test_a_folder_without_workers_says_what_to_do(folder: Path) -> None:
    write(folder / "jobs" / "helper.py", "VALUE = 1\n")
    assert "workerconsole init" in broken(load(["jobs"]), "jobs")


def test_one_worker_of_a_folder(folder: Path) -> None:
    write(folder / "jobs" / "a.py", name="first")
    write(folder / "jobs" / "b.py", name="second")
    assert names(load(["jobs:second"])) == ["second"]
    with pytest.raises(TargetError, match="no module of"):
        load(["jobs:third"])


def test_a_folder_that_is_a_package_may_import_relatively(folder: Path) -> None:
    write(folder / "shop" / "__init__.py", "# a package\n")
    write(folder / "shop" / "jobs" / "__init__.py", "# a package\n")
    write(folder / "shop" / "jobs" / "common.py", "WORD = 'shared'\n")
    write(folder / "shop" / "jobs" / "sell.py", "from .common import WORD\n" + GOOD.format(name="sell"))
    assert names(load(["shop/jobs"])) == ["sell"]


def test_a_worker_that_two_files_share_comes_in_once(folder: Path) -> None:
    write(folder / "jobs" / "a.py", name="shared")
    write(folder / "jobs" / "b.py", "from a import shared\n" + GOOD.format(name="own"))
    loaded = load(["jobs"])
    assert names(loaded) == ["shared", "own"]
    assert not loaded.problems


def test_two_files_of_one_name_do_not_clash(folder: Path) -> None:
    write(folder / "one" / "workers.py", name="first")
    write(folder / "two" / "workers.py", name="second")
    assert names(load(["one/workers.py", "two/workers.py"])) == ["first", "second"]


def test_a_file_named_like_a_library_is_still_loaded(folder: Path) -> None:
    write(folder / "json.py", name="parse")
    assert names(load(["json.py"])) == ["parse"]


def test_two_workers_of_one_name_leave_the_first_and_name_both_places(folder: Path) -> None:
    write(folder / "jobs" / "a.py", name="same")
    write(folder / "jobs" / "b.py", name="same")
    loaded = load(["jobs"])
    assert names(loaded) == ["same", "same:2"]
    assert get(loaded, "same").load_error is None
    assert "a.py:4" in broken(loaded, "same:2")
    assert "b.py:4" in broken(loaded, "same:2")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import sys; sys.exit(3)", "guard such a call"),
        ("exit()", "guard such a call"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("class Own(BaseException): ...\nraise Own", "Own"),
        ("def again(): again()\nagain()", "RecursionError"),
        ("def f(:", "SyntaxError"),
        ("import nothing_like_this", "No module named 'nothing_like_this'"),
        ("x = '\\0'.encode().decode('utf-16')", "UnicodeDecodeError"),
        ("from workerkit import worker\nworker(every='often')(print)", "is not a duration"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E: <exception str() failed>"),
    ],
)
def test_whatever_a_file_does_when_imported_the_others_load(folder: Path, code: str, says: str) -> None:
    write(folder / "jobs" / "bad.py", code + "\n")
    write(folder / "jobs" / "good.py", name="good")
    loaded = load(["jobs"])
    assert names(loaded) == ["bad", "good"]
    assert says in broken(loaded, "bad")
    assert f"{folder}/jobs/bad.py" in broken(loaded, "bad")
    assert get(loaded, "bad").source.startswith(f"{folder}/jobs/bad.py:")


def test_exit_at_import_leaves_the_keys_to_the_operator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = (folder / "keys").open("w+")
    monkeypatch.setattr("sys.stdin", keys)
    write(folder / "bad.py", "import sys\nassert sys.stdin.read() == ''\nexit()\n")
    assert "guard such a call" in broken(load(["bad.py"]), "bad")
    assert sys.stdin is keys
    assert not keys.closed
    keys.close()


def test_a_worker_with_an_odd_name_is_broken_under_a_plain_one_and_the_others_run(folder: Path) -> None:
    write(
        folder / "jobs.py",
        """
        from workerkit import BaseWorker, worker

        class Odd(BaseWorker):
            name = "na\u00efve \x1b[31mred/../x"
            interval = 1
            def run(self, ctx): ...

        class Empty(BaseWorker):
            name, interval = "", 1
            def run(self, ctx): ...

        class Number(BaseWorker):
            name, interval = 5, 1
            def run(self, ctx): ...

        class Long(BaseWorker):
            name, interval = "x" * 65, 1
            def run(self, ctx): ...

        @worker(every="1s")
        def good(): ...
        """,
    )
    loaded = load(["jobs.py"])
    assert sorted(names(loaded)) == ["Empty", "Number", "good", "na-ve-31mred-..-x", "x" * 64]
    for registration in loaded.registry:
        assert registration.load_error is None or "use 1 to 64 letters, digits" in registration.load_error
    assert get(loaded, "good").load_error is None


def test_bytes_that_are_no_text_and_null_bytes_are_a_broken_file(folder: Path) -> None:
    (folder / "odd.py").write_bytes(b"\xff\xfe\x00x = 1")
    assert "SyntaxError" in broken(load(["odd.py"]), "odd") or "null bytes" in broken(load(["odd.py"]), "odd")


def test_the_traceback_shows_no_frame_of_ours(folder: Path) -> None:
    write(folder / "bad.py", "import json\njson.loads('{')\n")
    text = broken(load(["bad.py"]), "bad")
    assert "workerkit" not in text
    assert "importlib" not in text
    assert 'bad.py", line 2' in text


def test_a_cause_keeps_its_own_frames(folder: Path) -> None:
    write(
        folder / "bad.py",
        """
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise RuntimeError("second") from error
        """,
    )
    text = broken(load(["bad.py"]), "bad")
    assert text.index("ZeroDivisionError") < text.index("direct cause") < text.index("RuntimeError: second")


def test_an_import_that_hangs_is_left_behind_and_shows_where_it_stands(folder: Path) -> None:
    write(folder / "jobs" / "hangs.py", "import threading\nthreading.Event().wait(20)\n")
    write(folder / "jobs" / "works.py", name="works")
    started = time.monotonic()
    loaded = load(["jobs"], deadline=0.2)
    assert time.monotonic() - started < 5
    assert names(loaded) == ["hangs", "works"]
    assert "did not end within 0.2 s" in broken(loaded, "hangs")
    assert 'hangs.py", line 2' in broken(loaded, "hangs")


def test_what_is_printed_at_import_goes_to_stderr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "jobs.py", "print('hello')\n" + GOOD.format(name="job"))
    load(["jobs.py"])
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_one_worker_that_cannot_be_registered_leaves_the_others(folder: Path) -> None:
    write(
        folder / "jobs.py",
        """
        from workerkit import BaseWorker

        class Bad(BaseWorker):
            interval = -1
            def run(self, ctx): ...

        class Raises(BaseWorker):
            interval = 1
            def __init__(self): raise OSError("no such device")
            def run(self, ctx): ...

        class Good(BaseWorker):
            interval = 1
            def run(self, ctx): ...
        """,
    )
    loaded = load(["jobs.py"])
    assert "is negative" in broken(loaded, "bad")
    assert "OSError: no such device" in broken(loaded, "Raises")
    assert get(loaded, "good").load_error is None
    assert [problem.name for problem in loaded.problems] == ["bad", "Raises"]


def test_objects_that_raise_at_any_look_are_passed_over(folder: Path) -> None:
    write(
        folder / "jobs.py",
        """
        from workerkit import worker

        class Proxy:
            def __getattr__(self, name): raise RuntimeError("outside of a request")

        request = Proxy()

        @worker(every="5s")
        def job(): ...
        """,
    )
    assert names(load(["jobs.py"])) == ["job"]


def test_a_file_without_workers_says_what_to_do(folder: Path) -> None:
    write(folder / "empty.py", "VALUE = 1\n")
    assert "Put @worker(every='30s') above a function" in broken(load(["empty.py"]), "empty")
