"""Whether this process is a worker's, or will be forked into such: then it hosts nothing."""

_inside = False


def enter() -> None:
    """From here on, it is."""
    global _inside  # noqa: PLW0603 -- a process never ceases to be what it is
    _inside = True


def inside() -> bool:
    return _inside
