"""Say what a suite costs before it is run: FLOPs, memory, images, what is done, and the time that the rest takes here.

A calibration of a few seconds times a matrix product, a convolution and some training steps on this machine.
"""

import argparse
import sys

from selfsparse.cli import guarded


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.plan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m pipeline.plan paper",
    )
    parser.add_argument("suite", nargs="?", help="a suite of params.yaml, for example paper; without one, all of them")
    parser.add_argument("--json", action="store_true", help="print numbers instead of tables")
    arguments = parser.parse_args()

    def work() -> None:
        import json

        from selfsparse.config import load_settings
        from selfsparse.planning.plan import make_plan, plan_text

        settings = load_settings()
        suites = [arguments.suite] if arguments.suite else list(settings.suites)
        plan = make_plan(settings, suites)
        print(json.dumps(plan, indent=2) if arguments.json else plan_text(plan))

    return guarded(work)


if __name__ == "__main__":
    sys.exit(main())
