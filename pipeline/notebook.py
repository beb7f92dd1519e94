"""Execute a suite's notebooks through papermill, all of them or one.

Writes results/<suite>/notebooks/<name>/<name>.ipynb, figures and tables inside; the notebook itself writes
results/<suite>/tables/<name>/.
"""

import argparse
import sys

from selfsparse.cli import guarded


def main(argv: list[str] | None = None) -> int:
    """Return 0, 2 for a name that is not known or a cell that failed or warned, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.notebook",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m pipeline.notebook table_fid --suite quick",
    )
    parser.add_argument("name", nargs="?", help="a file of notebooks/, without .ipynb; without a name, all of them")
    parser.add_argument("--suite", required=True, help="a suite of params.yaml, for example quick")
    arguments = parser.parse_args(argv)

    def work() -> None:
        from selfsparse.report.notebooks import make_notebook, make_notebooks

        if arguments.name:
            make_notebook(arguments.name, arguments.suite)
        else:
            make_notebooks(arguments.suite)

    return guarded(work)


if __name__ == "__main__":
    sys.exit(main())
