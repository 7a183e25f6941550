"""Our themes, and which one to begin with. Colour carries meaning only: attention, activity, focus."""

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="calm-dark",
    dark=True,
    primary="#7fa6d6",
    secondary="#8fb8b0",
    accent="#7fa6d6",
    foreground="#c9ced6",
    background="#15181d",
    surface="#1a1e24",
    panel="#20252c",
    success="#8fb87a",
    warning="#d9ab63",
    error="#e5757a",
    variables={
        "text": "#c9ced6",
        "text-muted": "#858d99",
        "text-disabled": "#565e6a",
        "foreground-muted": "#858d99",
        "foreground-disabled": "#565e6a",
        "text-primary": "#8fb4e0",
        "text-accent": "#8fb4e0",
        "text-success": "#9cc487",
        "text-warning": "#e0b572",
        "text-error": "#ee8589",
        "border": "#3d4654",
        "border-blurred": "#2a3039",
        "block-cursor-background": "#2c3a4f",
        "block-cursor-foreground": "#eef1f5",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#242b35",
        "block-cursor-blurred-foreground": "#c9ced6",
        "block-hover-background": "#1f242b",
        "footer-background": "#1a1e24",
        "footer-key-foreground": "#8fb4e0",
        "footer-description-foreground": "#a4abb6",
        "input-selection-background": "#3b5375",
        "scrollbar": "#39414d",
        "scrollbar-hover": "#4b5565",
        "scrollbar-active": "#5d6a7e",
        "scrollbar-background": "#15181d",
        "scrollbar-background-hover": "#1a1e24",
        "scrollbar-background-active": "#1a1e24",
        "scrollbar-corner-color": "#15181d",
    },
)

LIGHT = Theme(
    name="calm-light",
    dark=False,
    primary="#2f6299",
    secondary="#2f7a72",
    accent="#2f6299",
    foreground="#2b3038",
    background="#f8f7f4",
    surface="#f1efea",
    panel="#e8e5de",
    success="#3d7a2e",
    warning="#8f5b00",
    error="#b3282d",
    variables={
        "text": "#2b3038",
        "text-muted": "#6a707a",
        "text-disabled": "#a2a6ad",
        "foreground-muted": "#6a707a",
        "foreground-disabled": "#a2a6ad",
        "text-primary": "#2a5a8e",
        "text-accent": "#2a5a8e",
        "text-success": "#356c28",
        "text-warning": "#855400",
        "text-error": "#a82227",
        "border": "#bdb8ad",
        "border-blurred": "#d9d5cc",
        "block-cursor-background": "#cfdcec",
        "block-cursor-foreground": "#14181e",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e3e4e4",
        "block-cursor-blurred-foreground": "#2b3038",
        "block-hover-background": "#eeece6",
        "footer-background": "#eeebe4",
        "footer-key-foreground": "#2a5a8e",
        "footer-description-foreground": "#565c66",
        "input-selection-background": "#b9cfe8",
        "scrollbar": "#c9c4b9",
        "scrollbar-hover": "#b3ada0",
        "scrollbar-active": "#9a9487",
        "scrollbar-background": "#f8f7f4",
        "scrollbar-background-hover": "#f1efea",
        "scrollbar-background-active": "#f1efea",
        "scrollbar-corner-color": "#f8f7f4",
    },
)

TERMINAL = Theme(
    name="terminal",
    ansi=True,
    dark=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "text-muted": "ansi_bright_black",
        "text-disabled": "ansi_bright_black",
        "foreground-muted": "ansi_bright_black",
        "foreground-disabled": "ansi_bright_black",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-background": "ansi_default",
        "block-cursor-text-style": "reverse",
        "footer-key-foreground": "ansi_cyan",
        "border": "ansi_bright_black",
        "border-blurred": "ansi_bright_black",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_white",
        "scrollbar-active": "ansi_white",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)
"""The terminal's own sixteen colours, whatever they are, light or dark."""

THEMES = (DARK, LIGHT, TERMINAL)
NAMES: Mapping[str, str] = {"dark": DARK.name, "light": LIGHT.name, "ansi": TERMINAL.name, "terminal": TERMINAL.name}
"""What an operator types, and the Textual theme it means."""

THEME_VARIABLE = "WORKERCONSOLE_THEME"


class ThemeError(ValueError):
    """A theme that is not there; the text lists those that are."""


def choose(asked: str | None, environ: Mapping[str, str]) -> str:
    """The Textual theme to begin with: what was asked for, else the environment's wish, else dark.

    NO_COLOR takes the terminal's own colours, so that Textual has only to leave them out.

    Raises:
        ThemeError: when the name is unknown.
    """
    wish = asked or environ.get(THEME_VARIABLE)
    if wish:
        try:
            return NAMES[wish.strip().lower()]
        except KeyError:
            raise ThemeError(f"there is no theme {wish!r}; choose one of {', '.join(NAMES)}") from None
    return TERMINAL.name if "NO_COLOR" in environ else DARK.name
