"""The times of smaller generators, in results/<suite>/latency/."""

from dataclasses import asdict
from typing import Any

from selfsparse.config import Configuration
from selfsparse.metrics.measure import read_csv, write_csv
from selfsparse.paths import latency_file
from selfsparse.results.rows import LatencyRow, columns


def write_latencies(configuration: Configuration, seed: int, rows: list[LatencyRow]) -> None:
    """Write the times of a seed anew; those of the configuration's other seeds stay.

    Outside the pipeline's outputs: a stopwatch's figure differs from run to run, and equal runs leave equal outputs.
    """
    path = latency_file(configuration.suite, configuration.name)
    others = set(configuration.train.seeds) - {seed}
    kept: list[dict[str, Any]] = []
    if path.is_file():
        kept = [row for row in read_csv(path) if int(row["seed"]) in others]
    found = sorted([*kept, *map(asdict, rows)], key=lambda row: configuration.train.seeds.index(int(row["seed"])))
    write_csv(path, columns(LatencyRow), found)
