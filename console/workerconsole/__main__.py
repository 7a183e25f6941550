"""`python -m workerconsole` and the script `workerconsole`."""

import sys


def main() -> int:
    """Runs the command line and returns its exit code."""
    from workerconsole.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
