"""Run a suite's stages on a Ray cluster; afterwards DVC has them all as if they had run here.

Stages that are out of date run on the nodes, each in a clone of the last commit. Results travel through the DVC remote;
summary, notebooks and report are made here. The same command goes on where it was interrupted.
"""

import argparse
import sys

from selfsparse.cli import guarded


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.distribute",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m pipeline.distribute paper --address auto --gpus-per-task 0.33 --remote /shared/dvc",
    )
    parser.add_argument("suite", help="a suite of params.yaml, for example paper")
    parser.add_argument(
        "--address", help="of a running Ray cluster, or auto; without it Ray is started on this machine alone"
    )
    parser.add_argument(
        "--cpus-per-task", type=float, default=1.0, metavar="N", help="CPU cores that a task takes (default: 1)"
    )
    parser.add_argument(
        "--gpus-per-task", type=float, metavar="N",
        help="share of a GPU that a task takes (default: 0.33 where the suite trains on CUDA, or where there are GPUs and"
        " it trains on what there is; else 0)",
    )  # fmt: skip
    parser.add_argument(
        "--max-tasks", type=int, metavar="N", help="how many tasks Ray has at a time (default: all that can run)"
    )
    parser.add_argument(
        "--remote", help="a DVC remote's name or address, e.g. a folder that all nodes see (default: the project's)"
    )
    parser.add_argument(
        "--scratch",
        help="folder on each node for clones, data and cache; $VARIABLES are those of the node (default: /tmp/selfsparse-<uid>)",
    )
    parser.add_argument(
        "--checkpoints",
        help="folder for the states of trainings (default: in --scratch); where all nodes see it, a training whose node died goes on",
    )
    arguments = parser.parse_args()

    def work() -> int:
        from selfsparse.cluster.head import distribute

        return distribute(**vars(arguments))

    return guarded(work)


if __name__ == "__main__":
    sys.exit(main())
