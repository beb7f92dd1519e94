"""Make the one-page report of a suite from what its notebooks saved: results/<suite>/report/index.html."""

import argparse
import sys


def main(argv: list[str] | None = None) -> int:
    """Return 0, 1 where a cell failed or warned, 2 where the suite is not known."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.report", description=__doc__, epilog="example: python -m pipeline.report quick"
    )
    parser.add_argument("suite", help="a suite of params.yaml, for example quick")
    arguments = parser.parse_args(argv)

    from selfsparse.analysis.notebooks import NotebookError, make_report
    from selfsparse.config import SettingsError

    try:
        make_report(arguments.suite)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
