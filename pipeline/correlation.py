"""Correlate sparsity with FID reduction over a suite's pairs (Eq. 15, 16).

Reads results/<suite>/fid and results/<suite>/sparsity; writes results/<suite>/correlation.json and correlation.csv.
"""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    configurations = settings.suite(name)

    from selfsparse.results.correlation import write_correlation

    write_correlation(name, configurations, settings.sparsity.counted_stages)


if __name__ == "__main__":
    run_stage(main, argument="suite", example="quick", description=__doc__)
