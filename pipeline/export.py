"""Export a trained run as a model folder: weights with the configuration inside, and a model card."""

import argparse
import sys
from pathlib import Path

from selfsparse.cli import guarded


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python -m pipeline.export digits-16-self_sparse models/digits"
    )
    parser.add_argument("configuration", metavar="CONFIGURATION", help="as named in params.yaml")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="new, empty, or a model folder to write anew")
    parser.add_argument("--seed", type=int, default=0, help="of the run (default 0)")
    parser.add_argument("--generator", choices=["best", "last"], default="best", help="of its training (default best)")
    arguments = parser.parse_args()

    def export() -> None:
        from selfsparse.config import load_settings

        configuration = load_settings().configuration(arguments.configuration)

        from selfsparse.hub.export import export_run

        export_run(configuration, arguments.seed, arguments.generator, arguments.folder)
        folder = arguments.folder
        print(f"{folder}: from selfsparse import load_generator; load_generator({str(folder)!r}).sample(64)")

    return guarded(export)


if __name__ == "__main__":
    sys.exit(main())
