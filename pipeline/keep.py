"""Keep results that an edit of the code leaves as they are: recompute a little of each stale one, and record it as current.

Where something differs, or more than code has changed, the result stays stale, and `dvc repro` makes it anew.
"""

import argparse
import sys

from selfsparse.cli import guarded


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.keep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m pipeline.keep quick train@mnist-32-self_sparse-laptop",
    )
    parser.add_argument(
        "targets", nargs="*", metavar="STAGE_OR_SUITE", help="of dvc.yaml or params.yaml; without one, all suites"
    )
    arguments = parser.parse_args()

    def work() -> int:
        from selfsparse.config import load_settings
        from selfsparse.keep.stages import keep

        return keep(load_settings(), arguments.targets)

    return guarded(work)


if __name__ == "__main__":
    sys.exit(main())
