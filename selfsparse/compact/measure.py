"""The sparsity of a configuration's runs, and their smaller generators: what is removed, what that saves, whether images stay."""

import copy
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from selfsparse.code import code_hashes
from selfsparse.compact.dead import DeadParts, Observed, observe, proven_dead
from selfsparse.compact.fold import fold, is_foldable, kept_channels
from selfsparse.config import Configuration, Settings
from selfsparse.device import one_thread
from selfsparse.files import read_csv, write_csv
from selfsparse.heads import HEADS
from selfsparse.made_from import flatten
from selfsparse.metrics.final import FinalMeasure
from selfsparse.metrics.final_sparsity import SPARSITY_COLUMNS, write_sparsity
from selfsparse.metrics.trained import read_run, run_shape, trained_generator
from selfsparse.models.build import count_parameters
from selfsparse.models.counting import forward_flops
from selfsparse.models.dcgan import DCGANGenerator, Generator
from selfsparse.models.sampling import draw_latents, sampling, to_uint8
from selfsparse.paths import checkpoint_dir, latency_file
from selfsparse.results.rows import CompactRow, LatencyRow, StageRow, columns
from selfsparse.training.lock import acquire

# By file, its columns.
TABLES = {"sparsity": SPARSITY_COLUMNS, "dead_channels": columns(StageRow), "compact": columns(CompactRow)}
LATENCY_IMAGES = 16
LATENCY_ROUNDS = 15
CODE = "selfsparse/compact/measure.py"


def sparsity_shape(settings: Settings, configuration: Configuration, seed: int, device: torch.device) -> dict[str, Any]:
    """Return everything that shapes what is measured of a run's best generator here, as a flat dictionary of plain values."""
    sparsity = settings.sparsity.model_dump(mode="json", exclude={"counted_stages"})  # only said of what was measured
    fid = settings.fid.model_dump(mode="json", include={"batch_size", "latent_seed"})
    shape = run_shape(configuration, seed, device, ("best",)) | code_hashes(CODE)
    return shape | flatten({"sparsity": sparsity, "fid": fid})


def write_sparsities(
    settings: Settings, configuration: Configuration, seed: int, device: torch.device, folder: Path
) -> None:
    """Write sparsity.csv, dead_channels.csv, compact.csv and feature_maps.npz of a run's best generator.

    A run that diverged has no rows. What is dead is observed over the latents of the sparsity, and compared on those of the
    final FID, which are others. Without an SASTM nothing is always zero. A ResNet has rows in dead_channels.csv alone: its
    blocks add a skip path to x, so that what follows a dead channel is not constant.
    """
    sparsity, latents, width = settings.sparsity, settings.sparsity.latents, configuration.latent_dim
    run, run_dir = read_run(configuration, seed)
    times: list[LatencyRow] = []
    found: dict[str, list] = {name: [] for name in TABLES}
    if run["status"] == "finished":
        generator = trained_generator(configuration, run_dir / "best.safetensors", device)
        write_sparsity(settings, configuration, seed, generator, device, folder)
        del found["sparsity"]
        if HEADS[configuration.model]:
            probe = _Probe(
                draw_latents(latents, width, sparsity.latent_seed),
                draw_latents(latents, width, settings.fid.latent_seed),
                settings.fid.batch_size,
                device,
                configuration.train.sampling_batch_norm,
            )
            found["dead_channels"], found["compact"], times = _compact(generator, seed, probe)
    for name, rows in found.items():
        write_csv(folder / f"{name}.csv", TABLES[name], [asdict(row) for row in rows])
    _write_latencies(configuration, seed, times)


def _write_latencies(configuration: Configuration, seed: int, rows: list[LatencyRow]) -> None:
    """Write the times of a seed anew; those of the configuration's other seeds stay.

    Outside the pipeline's outputs: a stopwatch's figure differs from run to run, and equal runs leave equal outputs.
    """
    path, states = latency_file(configuration.suite, configuration.name), checkpoint_dir(configuration.name)
    seeds = configuration.train.seeds
    states.parent.mkdir(parents=True, exist_ok=True)
    with acquire(states.with_name(f"{states.name}.latency.lock")):  # several seeds are measured at a time
        before = read_csv(path) if path.is_file() else []
        kept = [row for row in before if int(row["seed"]) in set(seeds) - {seed}]
        found = sorted([*kept, *map(asdict, rows)], key=lambda row: seeds.index(int(row["seed"])))
        if found:
            write_csv(path, columns(LatencyRow), found)
        else:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Probe:
    """What a configuration's generators are observed and compared on, and how images are drawn from them."""

    latents: Tensor  # of the observation
    fresh: Tensor  # others, of the comparison
    batch_size: int
    device: torch.device
    batch_norm: str

    def observe(self, generator: Generator, latents: Tensor) -> list[Observed]:
        return observe(generator, latents, self.batch_size, self.device, self.batch_norm)


def _compact(
    generator: Generator, seed: int, probe: _Probe
) -> tuple[list[StageRow], list[CompactRow], list[LatencyRow]]:
    proven, observed = proven_dead(generator), probe.observe(generator, probe.latents)
    stages = [_stage_row(generator, seed, t, *pair) for t, pair in enumerate(zip(proven, observed, strict=True), 1)]
    compacts: list[CompactRow] = []
    latencies: list[LatencyRow] = []
    if is_foldable(generator):
        for kind, dead in (("proven", proven), ("observed", [stage.dead for stage in observed])):
            small = fold(generator, dead, probe.batch_norm)
            compacts.append(_compact_row(generator, small, seed, kind, dead, probe))
            if compacts[-1].removed or compacts[-1].heads_removed:
                ratio = latency_ratio(generator, small, probe.fresh[:LATENCY_IMAGES])
                latencies.append(LatencyRow(seed, kind, round(ratio, 3)))
    return stages, compacts, latencies


def _stage_row(generator: Generator, seed: int, t: int, proven: DeadParts, observed: Observed) -> StageRow:
    sastm, dead = generator.stages[t - 1].sastm, observed.dead
    others = observed.zero_rate[~dead.channels]
    return StageRow(
        seed=seed,
        stage=t,
        size=observed.positions.shape[0],
        channels=len(dead.channels),
        proven=int(proven.channels.sum()),
        observed=int(dead.channels.sum()),
        nearest=round(float(others.max()), 6) if len(others) else None,
        alpha_never=None if sastm.channel_head is None else int(dead.alpha.sum()),
        beta_never=None if sastm.position_head is None else int(dead.beta.sum()),
        dead_positions=int(observed.positions.sum()),
    )


def _compact_row(
    full: DCGANGenerator, small: DCGANGenerator, seed: int, kind: str, dead: list[DeadParts], probe: _Probe
) -> CompactRow:
    heads = count_heads(full) - count_heads(small)
    channels = sum(len(parts.channels) for parts in dead)
    removed = channels - sum(stage.norm.num_features for stage in small.stages)
    revived = heads_revived = largest = changed = None
    if removed or heads:
        again = [observed.dead for observed in probe.observe(full, probe.fresh)]
        pairs = list(zip(dead, again, strict=True))
        revived = sum(int((~kept_channels(parts) & ~now.channels.cpu()).sum()) for parts, now in pairs)
        heads_revived = _revived_heads(full, small, dead, again)
        largest, changed = compare(full, small, probe.fresh, probe.batch_size, probe.device, probe.batch_norm)
    latent = probe.fresh[:1].to(probe.device)
    return CompactRow(
        seed=seed,
        kind=kind,
        channels=channels,
        removed=removed,
        heads_removed=heads,
        full_parameters=count_parameters(full),
        compact_parameters=count_parameters(small),
        full_flops=forward_flops(full, latent),
        compact_flops=forward_flops(small, latent),
        latents=len(probe.latents),
        fresh_latents=len(probe.fresh),
        revived=revived,
        heads_revived=heads_revived,
        max_difference=largest,
        changed_images=changed,
    )


def _revived_heads(full: Generator, small: Generator, dead: list[DeadParts], again: list[DeadParts]) -> int:
    """Count the heads that the smaller generator lacks and that are not always 0 after all."""
    revived = 0
    for before, after, parts, now in zip(full.stages, small.stages, dead, again, strict=True):
        old, new = before.sastm, after.sastm
        if old.channel_head is not None and new.channel_head is None:
            revived += not now.alpha.cpu()[kept_channels(parts)].all()
        if old.position_head is not None and new.position_head is None:
            revived += not now.beta.all()
    return revived


def count_heads(generator: Generator) -> int:
    """Return how many channel and position heads a generator's SASTMs have."""
    sastms = [stage.sastm for stage in generator.stages]
    return sum(head is not None for sastm in sastms for head in (sastm.channel_head, sastm.position_head))


@torch.no_grad()
def compare(
    full: Generator, small: Generator, latents: Tensor, batch_size: int, device: torch.device, batch_norm: str
) -> tuple[float, float]:
    """Return the largest difference of a pixel in [-1, 1], and the share of images that differ as uint8."""
    largest, changed = 0.0, 0
    for part in latents.split(batch_size):
        with sampling(full, batch_norm), sampling(small, batch_norm):
            a, b = full(part.to(device)), small(part.to(device))
        largest = max(largest, float((a - b).abs().max()))
        changed += int((to_uint8(a) != to_uint8(b)).flatten(1).any(dim=1).sum())
    return largest, changed / len(latents)


@one_thread()
@torch.no_grad()
def latency_ratio(full: Generator, small: Generator, latents: Tensor) -> float:
    """Return the median time of `small` over that of `full` on one CPU thread, in turns within one process.

    The thread's own time counts: another process on its core would lengthen one pass and not the other.
    """
    contestants = [copy.deepcopy(generator).cpu().eval() for generator in (full, small)]
    times: list[list[float]] = [[], []]
    for generator in contestants:
        generator(latents)  # the first pass also sets up
    for _ in range(LATENCY_ROUNDS):
        for generator, seconds in zip(contestants, times, strict=True):
            begun = time.thread_time()
            generator(latents)
            seconds.append(time.thread_time() - begun)
    return statistics.median(times[1]) / statistics.median(times[0])


def _line(row: dict[str, str]) -> str:
    left = f"{int(row['compact_parameters']):,} of {int(row['full_parameters']):,} parameters left"
    return f": {row['removed']} of {row['channels']} channels {row['kind']} dead, {left}"


SPARSITIES = FinalMeasure("sparsity", sparsity_shape, write_sparsities, TABLES, "feature_maps.npz", ("compact", _line))
