"""Operating characteristics of the verdicts' rules: how often each says what, by the number of runs.

    python -m benchmarks.verdicts [--draws 1000]

It writes benchmarks/results/verdicts.json, which `selfsparse docs` shows in docs/verdicts.md. Seeds are fixed.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

from tqdm import tqdm

from selfsparse.cli import guarded


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="made-up experiments per truth and number of runs")
    draws = parser.parse_args().draws

    from selfsparse.files import write_json
    from selfsparse.paths import project_root
    from selfsparse.verdicts.characteristics import TRUTHS, simulated

    with ProcessPoolExecutor() as pool:
        found = pool.map(simulated, range(len(TRUTHS)), [draws] * len(TRUTHS))
        rows = list(tqdm(found, total=len(TRUTHS), unit="truth"))
    write_json(project_root() / "benchmarks/results/verdicts.json", {"draws": draws, "rows": rows})


if __name__ == "__main__":
    sys.exit(guarded(main))
