"""The CSV files that a configuration's smaller generators leave, in results/<suite>/sparsity/<configuration>/ and latency/."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from selfsparse.config import Configuration
from selfsparse.metrics.measure import read_csv, write_csv
from selfsparse.paths import latency_file


@dataclass(frozen=True)
class StageRow:
    """One stage of one run's best generator, over many latents.

    Attributes:
        seed, stage, size, channels: which, and its maps.
        proven: channels whose x is 0 for every latent, by the signs of the weights.
        observed: channels whose x was 0 for all latents, the proven ones among them.
        nearest: of the other channels, the one most often 0: its share of latents; None where there is no other.
        alpha_never: channels whose alpha was 0 for all latents; None without channel head.
        beta_never: positions whose beta was 0 for all latents; None without position head.
        dead_positions: positions at which x was 0 in every channel for all latents.
    """

    seed: int
    stage: int
    size: int
    channels: int
    proven: int
    observed: int
    nearest: float | None
    alpha_never: int | None
    beta_never: int | None
    dead_positions: int


@dataclass(frozen=True)
class CompactRow:
    """One run's best generator and its smaller copy. What is None was not measured: nothing could be removed.

    Attributes:
        seed, kind: the run, and whether what is removed was `proven` or `observed` to be dead.
        channels, removed: of all stages together.
        heads_removed: channel and position heads of SASTMs.
        full_parameters, compact_parameters: of the two generators, those of the folded constants among them.
        full_flops, compact_flops: of one image, two for each multiplication with its addition.
        latents: that the observation rests on.
        fresh_latents: that the two were compared on.
        revived: removed channels that were not 0 for some fresh latent.
        heads_revived: removed heads of which a coefficient was not 0 for some fresh latent; of a channel head, those of
            the channels that were not removed.
        max_difference: largest difference of a pixel in [-1, 1].
        changed_images: share of images of which a pixel differs as uint8.
    """

    seed: int
    kind: str
    channels: int
    removed: int
    heads_removed: int
    full_parameters: int
    compact_parameters: int
    full_flops: int
    compact_flops: int
    latents: int
    fresh_latents: int
    revived: int | None
    heads_revived: int | None
    max_difference: float | None
    changed_images: float | None


@dataclass(frozen=True)
class LatencyRow:
    """How much faster a smaller copy is. A stopwatch's figure differs from run to run: it has a file of its own.

    Attributes:
        seed, kind: as of the CompactRow.
        latency_ratio: median time of a pass of the smaller one over that of the full one: one CPU thread, 16 images.
    """

    seed: int
    kind: str
    latency_ratio: float


TABLES = {"dead_channels": StageRow, "compact": CompactRow}


def columns(kind: type) -> list[str]:
    """Return the columns of a kind of rows."""
    return [f.name for f in fields(kind)]


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
