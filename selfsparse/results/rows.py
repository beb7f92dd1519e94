"""The columns of every CSV and JSON file that one stage writes and another reads: each file's rows are of one class here."""

from dataclasses import dataclass, fields

SETTLING_SHARE = (
    0.05  # of the training, after which Hypothesis 1 has the signs unchanged (Fig. 7: 5,000 of 100,000 steps)
)


@dataclass(frozen=True)
class RunRow:
    """run.json: what became of one run.

    Attributes:
        status: `finished` or `diverged`.
        steps: generator steps taken.
        diverged_at: the step whose loss was not finite.
        best_step, best_fid: of the lowest FID in training (U42).
    """

    configuration: str
    seed: int
    status: str
    steps: int
    diverged_at: int | None
    best_step: int
    best_fid: float
    generator_parameters: int
    sastm_parameters: int
    discriminator_parameters: int


@dataclass
class CurvePoint:
    """curves.csv, one row: an FID, and what happened since the one before."""

    step: int
    fid: float
    discriminator_loss: float | None = None  # means over the steps since the row before
    generator_loss: float | None = None
    gradient_penalty: float | None = None
    discriminator_gradient_norm: float | None = None  # of the last step
    generator_gradient_norm: float | None = None


@dataclass(frozen=True)
class StageMechanism:
    """mechanism.csv, one stage at one step, over the probe latents; shares from 0 to 1, None where the model has no such part.

    Attributes:
        step: generator steps taken.
        stage: t, from 1.
        size, channels: of its maps.
        alpha_zero, beta_zero: share of coefficients that are exactly zero.
        alpha_changed, beta_changed: share of coefficients that were zero at the snapshot before and are not now, or
            the reverse: the sign changes of Hypothesis 1. None at the first snapshot.
        alpha_differs, beta_differs: share of coefficients whose sign is not that of the step of SETTLING_SHARE, which is
            compared whenever snapshots are taken. None up to that step.
        dead_channels: |A|, channels of x that are zero at every position for every latent.
        xi: Eq. 4, averaged over channels and latents.
        negative_given_positive: P(s < 0 | x > 0) of Eq. 12, s being x after batch norm with the batch's statistics.
        zero_gradient: share of s at which ReLU passes no gradient (s <= 0).
        weight_negative, weight_mean: share below zero, and mean, of the weights of the layer that made h.
    """

    step: int
    stage: int
    size: int
    channels: int
    alpha_zero: float | None
    beta_zero: float | None
    alpha_changed: float | None
    beta_changed: float | None
    alpha_differs: float | None
    beta_differs: float | None
    dead_channels: int
    xi: float
    negative_given_positive: float | None
    zero_gradient: float | None
    weight_negative: float
    weight_mean: float


@dataclass(frozen=True)
class FidRow:
    """fid.csv: a run's `best` or `last` generator with fresh latents; KID, precision and recall at the small sample alone."""

    seed: int
    generator: str
    n_fake: int
    n_real: int
    fid: float
    kid: float | None
    kid_std: float | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class StageSparsity:
    """sparsity.csv, one stage's rates, averaged over latents; shares from 0 to 1.

    Attributes:
        stage: t, from 1.
        size: height and width of its maps.
        channels: C.
        xi: Eq. 4 averaged over channels, the inner sum of Eq. 15.
        zeta: Eq. 5, the share of sparse channels.
        alpha_zero, beta_zero: share of coefficients that are exactly zero; None without that head.
    """

    stage: int
    size: int
    channels: int
    xi: float
    zeta: float
    alpha_zero: float | None
    beta_zero: float | None


@dataclass(frozen=True)
class StageRow:
    """dead_channels.csv, one stage of one run's best generator, over many latents.

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
    """compact.csv, one run's best generator and its smaller copy. What is None was not measured: nothing could be removed.

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


@dataclass(frozen=True)
class CorrelationRow:
    """correlation.csv: mean sparsity (Eq. 15) and FID reduction in percent of one pair of WGAN-GP and Self-Sparse GAN."""

    dataset: str
    resolution: int
    variation: str
    xi: float
    baseline_fid: float
    self_sparse_fid: float
    reduction_percent: float


def columns(kind: type) -> list[str]:
    """Return the columns of a kind of rows."""
    return [f.name for f in fields(kind)]


OF_RUNS = {
    "runs": RunRow,
    "curves": CurvePoint,
    "mechanism": StageMechanism,
    "fid": FidRow,
    "sparsity": StageSparsity,
    "dead_channels": StageRow,
    "compact": CompactRow,
    "latency": LatencyRow,
}
# The columns of the summary's files: the rows of every run, under the names of its configuration and seed.
COLUMNS = {name: list(dict.fromkeys(["configuration", "seed", *columns(kind)])) for name, kind in OF_RUNS.items()}
COLUMNS["correlation"] = columns(CorrelationRow)
TEXT = {f.name for kind in (*OF_RUNS.values(), CorrelationRow) for f in fields(kind) if f.type is str}
