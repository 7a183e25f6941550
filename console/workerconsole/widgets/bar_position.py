"""Where a scroll bar stands: it shows eighths of a cell, and many rows of a long table are one and the same eighth."""

EIGHTHS = 8


def bar_position(row: float, rows: float, window: int) -> float:
    """A position that looks like `row` at the top of a window onto so many rows; the same for all that look alike.

    The scroll bar is as long as the window.
    """
    steps = (window - max(1.0, window * window / rows)) * EIGHTHS if rows > window else 0.0
    rows_per_step = (rows - window) / steps if steps > 0 else 0.0
    if rows_per_step <= 1:
        return row
    return (row // rows_per_step + 0.5) * rows_per_step
