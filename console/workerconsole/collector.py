"""Python's garbage collector, out of the way of what an operator waits for.

While a console comes up, and when it first reads thousands of workers, nearly everything that is made stays: looking
for garbage in it takes a third of that time. What is there once the first picture is complete is never looked at again,
so that later looks are short, and no key waits for one.
"""

import gc


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
