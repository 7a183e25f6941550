"""Python's garbage collector, out of the way of what an operator waits for.

While a console comes up, and when it first reads thousands of workers, nearly everything that is made stays: looking
for garbage in it takes a third of that time. What is there once the first picture is complete is never looked at again,
so that later looks are short, and no key waits for one. Of a command that reads and ends, a fifth of the time would go
into looking through what its imports have made, most of that as it ends.
"""

import gc

SELDOM = (50_000, 10, 10)
"""For gc.set_threshold(): after how many new objects it looks. Imports make a hundred thousand, which all stay."""


def look_seldom() -> None:
    """Let whatever the process becomes make many objects between two looks."""
    gc.set_threshold(*SELDOM)


def look_no_more() -> None:
    """At the end of the process, as part of which Python looks through all there is several times over."""
    gc.freeze()


def hold_back() -> None:
    """Collect nothing until `let_go`."""
    gc.disable()


def is_held_back() -> bool:
    """Whether it waits for `let_go`."""
    return not gc.isenabled()


def let_go() -> None:
    """Collect again, of what is made from now on. Does nothing where nothing was held back."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
