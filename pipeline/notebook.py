"""Execute one notebook for one suite through papermill.

Writes results/<suite>/notebooks/<name>/<name>.ipynb and .html; the notebook itself writes results/<suite>/tables/<name>/
and results/<suite>/figures/<name>/.
"""

import argparse
import sys


def main(argv: list[str] | None = None) -> int:
    """Return 0, 2 for a name that is not known or a cell that failed or warned, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.notebook",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m pipeline.notebook table_fid --suite quick",
    )
    parser.add_argument("name", help="a file of notebooks/, without .ipynb")
    parser.add_argument("--suite", required=True, help="a suite of params.yaml, for example quick")
    arguments = parser.parse_args(argv)

    from selfsparse.analysis.notebooks import make_notebook
    from selfsparse.errors import UserError

    try:
        make_notebook(arguments.name, arguments.suite)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
