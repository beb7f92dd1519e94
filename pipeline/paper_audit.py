"""Execute the notebooks on the paper itself, its arithmetic and its networks, which are the same for every suite.

Writes results/paper_audit/notebooks/<name>/<name>.ipynb and results/paper_audit/tables/<name>/.
"""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(_: "Settings") -> None:
    from selfsparse.paths import PAPER_AUDIT
    from selfsparse.report.notebooks import make_notebooks

    make_notebooks(PAPER_AUDIT)


if __name__ == "__main__":
    run_stage(main, description=__doc__)
