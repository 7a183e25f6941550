import pytest

from tests.console.factory import failing, worker
from workerconsole.filters import parse


def shown(text: str) -> list[str]:
    workers = [
        worker("web", tags=("net", "public")),
        failing("mail", tags=("net",)),
        worker("backup.web", status="running", paused=True),
        worker("Nightly", status="paused", paused=True, tags=("nightly",)),
        worker("db:vacuum", status="broken"),
    ]
    wanted = parse(text)
    return [record.name for record in workers if wanted.accepts(record)]


@pytest.mark.parametrize("text", ["", "   ", "/", "!", "status:", "tag:,"])
def test_a_filter_without_words_shows_everybody(text: str) -> None:
    assert not parse(text)
    assert len(shown(text)) == 5


def test_a_word_keeps_the_names_that_contain_it_in_any_case() -> None:
    assert shown("WEB") == ["web", "backup.web"]
    assert shown("/nightly") == ["Nightly"]


def test_an_exclamation_mark_inverts_a_word() -> None:
    assert shown("!web") == ["mail", "Nightly", "db:vacuum"]


def test_all_words_must_fit() -> None:
    assert shown("tag:net !mail") == ["web"]


def test_a_status_is_found_by_its_beginning_and_a_comma_means_or() -> None:
    assert shown("status:fail") == ["mail"]
    assert shown("status:failed,broken") == ["mail", "db:vacuum"]
    assert shown("!status:failed,broken,paused") == ["web"]


def test_a_paused_worker_that_is_still_in_its_run_counts_as_both() -> None:
    assert "backup.web" in shown("status:paused")
    assert "backup.web" in shown("status:running")


def test_a_suspended_worker_that_runs_by_hand_counts_as_both() -> None:
    by_hand = worker("x", status="running", suspended_because="it failed twice")
    assert parse("status:susp").accepts(by_hand)
    assert parse("status:running").accepts(by_hand)


def test_a_colon_in_a_name_is_part_of_the_name() -> None:
    assert shown("db:vac") == ["db:vacuum"]


def test_a_status_that_does_not_exist_is_named_as_a_mistake_with_those_that_do() -> None:
    mistake = parse("status:faled").mistake
    assert mistake is not None
    assert "faled" in mistake
    assert "failed" in mistake
    assert shown("status:faled") == []
