"""What others wrote, made safe to show."""

import string

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.app import App, ComposeResult
from textual.color import Color
from textual.content import Content
from textual.widgets import Static

from workerconsole.safe_filter import SafeFilter, safe_text
from workerconsole.text import clean, content

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)
PIECES = "\x1b \x1b[ \x1b] \x9b \x9d \x9c \x07 \x1b\\ 52;c; 31m [/ [@click=app.quit] a é 漢 👩"
UNSEEN = "\u202e\u200b\u2028\U000e0041\u200d\ufe0f\ud800\t\n\r "
HOSTILE = st.lists(st.sampled_from([*PIECES.split(" "), *UNSEEN]), max_size=60).map("".join)
FORBIDDEN = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad",
    *map(chr, range(0xD800, 0xE000)),
    *map(chr, range(0xE0000, 0xE0080)),
}


@given(ANY_TEXT | HOSTILE, st.integers(0, 300))
def test_nothing_dangerous_and_never_too_much_comes_out(text: str, limit: int) -> None:
    result = clean(text, limit)
    assert FORBIDDEN.isdisjoint(result)
    assert len(result) <= limit
    result.encode()


@given(ANY_TEXT | HOSTILE)
def test_with_newlines_only_line_feeds_stay(text: str) -> None:
    assert (FORBIDDEN - {"\n"}).isdisjoint(clean(text, newlines=True))


@given(ANY_TEXT | HOSTILE)
def test_cleaning_what_is_clean_changes_nothing(text: str) -> None:
    once = clean(text, newlines=True)
    assert clean(once, newlines=True) == once


@given(st.text(string.ascii_letters + string.digits + " []{}()<>éß漢字→…", max_size=100))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@given(ANY_TEXT | HOSTILE)
def test_the_filter_keeps_the_width_and_drops_what_harms_a_terminal(text: str) -> None:
    safe = safe_text(text)
    assert cell_len(safe) == cell_len(text)
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in safe)


def test_escape_sequences_go_as_a_whole() -> None:
    assert clean("\x1b[1;31mred\x1b[0m") == "red"
    assert clean("\x9b31mred\x9b0m") == "red"
    assert clean("\x1b]0;new title\x07after") == "after"
    assert clean("\x1b]52;c;aGk=\x1b\\after") == "after"
    assert clean("\x1b]8;;https://x.test\x1b\\click\x1b]8;;\x1b\\") == "click"
    assert clean("\x1bP1;2qpixels\x1b\\after") == "after"
    assert clean("\x1b(Btext\x1bc\x1b7") == "text"
    assert clean("cut\x1b[3") == "cut"


def test_a_string_sequence_that_never_ends_hides_nothing() -> None:
    assert clean("\x1b]0;the error is here") == "0;the error is here"
    assert clean("\x1b]0;first\nsecond", newlines=True) == "0;first\nsecond"


def test_names_cannot_be_falsified() -> None:
    assert clean("nightly\u202egpj.exe") == "nightlygpj.exe"
    assert clean("pay\u200bments") == "payments"
    assert clean("pay\U000e0041\U000e007fments\ufeff") == "payments"


def test_line_breaks_become_spaces_and_tabs_become_columns() -> None:
    assert clean("a\r\nb\rc\u2028d") == "a b c d"
    assert clean("a\tb\n\tc", newlines=True) == "a   b\n    c"


def test_lone_surrogates_are_replaced() -> None:
    assert clean("a\ud83db") == "a\ufffdb"


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert clean("x" * 5000) == "x" * 4095 + "…"
    assert clean("x" * 4096) == "x" * 4096
    assert clean("x" * 10, 4) == "xxx…"
    assert clean("\x1b[0m" * 100_000 + "tail", 10) == "…"


def test_any_value_becomes_text() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError

    class Name(str):
        def __str__(self) -> str:
            return "\x1b[31m"

    assert clean(None) == ""
    assert clean(12) == "12"
    assert clean({"a": [1, "é"]}) == '{"a": [1, "é"]}'
    assert clean(Hostile()) == "<Hostile>"
    assert clean(10**5000) == "<int>"
    assert clean(Name("nightly")) == "nightly"


def test_a_hostile_megabyte_takes_no_time_to_speak_of() -> None:
    for text in ("\x9d" * 1_000_000, "\x1b]" * 500_000, "\x1b[" * 500_000, "\x1b[0m" * 250_000, "\t" * 1_000_000):
        assert len(clean(text)) <= 4096


def test_content_reads_no_markup() -> None:
    for text in ("[@click=app.quit]quit[/]", "[/", "[bold", "[red]x[/red]", "\\[x]"):
        assert content(text, "bold").plain == text
        assert [span.style for span in content(text, "bold").spans] == ["bold"]
    assert content("") == Content("")


def test_the_filter_drops_links_and_actions_but_keeps_the_rest_of_a_style() -> None:
    style = RichStyle(bold=True, color="red", link="https://x.test", meta={"@click": "app.quit", "offset": (1, 2)})
    [segment] = SafeFilter().apply([Segment("a\x1b]8;;x\x07b", style)], Color(0, 0, 0))
    assert segment.text == "a]8;;xb"
    assert segment.style is not None
    assert segment.style.link is None
    assert segment.style.meta == {"offset": (1, 2)}
    assert segment.style.bold
    assert segment.style.color is not None


async def test_the_filter_installed_on_an_app_cleans_what_a_careless_widget_drew() -> None:
    class Careless(App[None]):
        def get_line_filters(self) -> list[SafeFilter]:
            return [SafeFilter()]

        def compose(self) -> ComposeResult:
            yield Static(Content("x\x1b]52;c;aGk=\x07\x9b31m\u202ey"))

    app = Careless()
    async with app.run_test(size=(30, 3)) as pilot:
        await pilot.pause()
        drawn = "".join(segment.text for strip in app.screen._compositor.render_strips() for segment in strip)
        assert "x]52;c;aGk=31my" in drawn
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(drawn)
