"""Correlate sparsity with FID reduction over a suite's pairs (Eq. 15, 16).

Reads results/<suite>/fid and results/<suite>/sparsity; writes results/<suite>/correlation.json and correlation.csv.
"""

import argparse
import sys


def main(argv: list[str] | None = None) -> int:
    """Return 0, or 2 where the suite is not known."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.correlation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m pipeline.correlation quick",
    )
    parser.add_argument("suite", help="a suite of params.yaml, for example quick")
    arguments = parser.parse_args(argv)

    from selfsparse.analysis.correlation import write_correlation
    from selfsparse.config import SettingsError

    try:
        write_correlation(arguments.suite)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
