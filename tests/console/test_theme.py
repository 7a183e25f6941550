import pytest
from textual.color import Color
from textual.theme import Theme

from workerconsole import theme


def test_dark_is_the_first_choice_and_the_environment_may_say_otherwise() -> None:
    assert theme.choose(None, {}) == "calm-dark"
    assert theme.choose(None, {theme.THEME_VARIABLE: "light"}) == "calm-light"
    assert theme.choose("Terminal", {theme.THEME_VARIABLE: "light"}) == "terminal"


def test_no_color_takes_the_colours_of_the_terminal_which_can_be_left_out() -> None:
    assert theme.choose(None, {"NO_COLOR": ""}) == "terminal"


def test_an_unknown_theme_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(theme.ThemeError, match="choose one of dark, light"):
        theme.choose("solarised", {})


@pytest.mark.parametrize("known", [theme.DARK, theme.LIGHT], ids=lambda known: known.name)
@pytest.mark.parametrize("name", ["text", "text-muted", "text-error", "text-warning", "text-success", "text-primary"])
def test_text_can_be_read_on_the_background_and_on_the_cursor(known: Theme, name: str) -> None:
    background = Color.parse(known.background or "")
    assert contrast(Color.parse(known.variables[name]), background) >= 4.5
    cursor = Color.parse(known.variables["block-cursor-background"])
    assert contrast(Color.parse(known.variables[name]), cursor) >= 3.0


def contrast(one: Color, other: Color) -> float:
    """The ratio of WCAG; 4.5 is what it asks of text."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: Color) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
