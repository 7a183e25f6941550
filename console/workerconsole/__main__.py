"""`python -m workerconsole` and the script `workerconsole`."""

import sys

from workerconsole import collector


def main() -> int:
    """Runs the command line and returns its exit code."""
    collector.look_seldom()
    from workerconsole.cli import run

    try:
        return run(sys.argv[1:])
    finally:
        collector.look_no_more()


if __name__ == "__main__":
    sys.exit(main())
