"""What the snapshots of training say of a generator (Sec. 3.2): rates of sign changes, and the layers behind dead channels."""

from typing import TYPE_CHECKING

import pandas as pd

from selfsparse.config import Configuration
from selfsparse.results.rows import SETTLING_SHARE

if TYPE_CHECKING:
    from selfsparse.results.reading import Results

PER_STEPS = 1000  # sign changes are counted per so many generator steps


def with_flips(mechanism: pd.DataFrame) -> pd.DataFrame:
    """Add alpha_flips and beta_flips: sign changes per coefficient and 1,000 generator steps, since the snapshot before.

    NaN at a run's first snapshot. Above 1 where snapshots lie closer than 1,000 steps and signs change often; changes
    that were undone between two snapshots are not seen.
    """
    table = mechanism.sort_values(["configuration", "seed", "stage", "step"])
    steps = table.groupby(["configuration", "seed", "stage"])["step"].diff().astype(float)
    flips = {f"{name}_flips": table[f"{name}_changed"].astype(float) / steps * PER_STEPS for name in ("alpha", "beta")}
    return table.assign(**flips)


def of_finished(results: "Results", c: Configuration) -> pd.DataFrame:
    """Return every snapshot of a configuration's finished runs, with sign changes."""
    return with_flips(results.finished(results.mechanism, c))


def last_snapshot(results: "Results", c: Configuration) -> pd.DataFrame:
    """Return the rows of each finished run's last snapshot, one per seed and stage."""
    rows = of_finished(results, c)
    return rows[rows["step"] == rows.groupby("seed")["step"].transform("max")] if len(rows) else rows


def share_of_coefficients(snapshots: pd.DataFrame, head: str, column: str) -> pd.DataFrame:
    """Return a share of the coefficients of all stages together: a row per step, a column per run.

    Args:
        snapshots: of one configuration.
        head: `alpha`, one coefficient a channel, or `beta`, one a position.
        column: a stage's share of its own.
    """
    rows = snapshots.dropna(subset=[column])
    weights = (rows["channels"] if head == "alpha" else rows["size"] ** 2).astype(float)
    sums = pd.DataFrame({"seed": rows["seed"], "step": rows["step"], "all": weights})
    sums["some"] = rows[column].astype(float) * weights
    sums = sums.groupby(["seed", "step"]).sum()
    return (sums["some"] / sums["all"]).unstack("seed")


def late_changes(snapshots: pd.DataFrame, head: str, steps: int) -> tuple[pd.Series, int]:
    """Return each run's mean share of signs that change from one snapshot to the next, and the steps between the two.

    Only snapshots count that both lie after SETTLING_SHARE of the training's `steps`; empty and 0 where there are none.
    """
    changed = share_of_coefficients(snapshots, head, f"{head}_changed")
    before = pd.Series(changed.index, changed.index).shift(fill_value=0)
    late = changed[before >= SETTLING_SHARE * steps]
    if not len(late):
        return pd.Series(dtype=float), 0
    return late.mean(), int(late.index[-1] - before[late.index[-1]])


def layers(c: Configuration, snapshot: pd.DataFrame) -> pd.DataFrame:
    """Return the layers of one run's generator at one snapshot: those that make h of a stage, and the last.

    Columns: layer (the stage t, or `image` behind the last stage), inputs, outputs, dead_inputs and dead (|A| of either
    side: channels that are zero for every latent of the probe), size (of a kernel), kernels (C_in x C), effective, (C_in - |A_in|) x (C - |A|),
    where role 1 of Sec. 3.2 prints (C - |A|) x C, and saved: parameters of the kernels that are not effective.

    A ResNet block's last convolution reads maps that no SASTM has made, and its dead channels are added to those of the
    skip path: its inputs are never dead, and nothing behind it is saved.
    """
    stages = snapshot.sort_values("stage")
    widths, dead = stages["channels"].astype(int).tolist(), stages["dead_channels"].astype(int).tolist()
    names = list(range(1, len(widths) + 1))
    if c.network.architecture == "resnet":
        columns = [names, [c.latent_dim, *widths[1:]], widths, [0] * len(widths), dead, [4] + [3] * len(widths[1:])]
    else:
        inputs, outputs = [c.latent_dim, *widths], [*widths, c.dataset.channels]
        columns = [[*names, "image"], inputs, outputs, [0, *dead], [*dead, 0], [4] * len(inputs)]
    table = pd.DataFrame(dict(zip(("layer", "inputs", "outputs", "dead_inputs", "dead", "size"), columns, strict=True)))
    kernels = table["inputs"] * table["outputs"]
    effective = (table["inputs"] - table["dead_inputs"]) * (table["outputs"] - table["dead"])
    return table.assign(kernels=kernels, effective=effective, saved=(kernels - effective) * table["size"] ** 2)
