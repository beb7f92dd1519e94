"""What the snapshots of training say of a generator (Sec. 3.2): rates of sign changes, and the layers behind dead channels."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Layer:
    """The kernels of one (de)convolution between channels that may be dead (|A|: zero for every latent of the probe).

    Attributes:
        name: the stage t, or `image` for the layer behind the last stage.
        inputs, outputs: channels.
        dead_inputs, dead_outputs: |A| of either side.
        size: height and width of a kernel.
    """

    name: int | str
    inputs: int
    outputs: int
    dead_inputs: int
    dead_outputs: int
    size: int

    @property
    def kernels(self) -> int:
        """C_in x C."""
        return self.inputs * self.outputs

    @property
    def effective(self) -> int:
        """(C_in - |A_in|) x (C - |A|): role 1 of Sec. 3.2 prints (C - |A|) x C, without the dead inputs."""
        return (self.inputs - self.dead_inputs) * (self.outputs - self.dead_outputs)

    @property
    def saved(self) -> int:
        """Parameters of the kernels that are not effective."""
        return (self.kernels - self.effective) * self.size**2


def layers(c: Configuration, snapshot: pd.DataFrame) -> list[Layer]:
    """Return the layers of one run's generator at one snapshot: those that make h of a stage, and the last.

    A ResNet block's last convolution reads maps that no SASTM has made, and its dead channels are added to those of the
    skip path: its inputs are never dead, and nothing behind it is saved.
    """
    stages = snapshot.sort_values("stage")
    widths, dead = stages["channels"].astype(int).tolist(), stages["dead_channels"].astype(int).tolist()
    if c.network.architecture == "resnet":
        first = Layer(1, c.latent_dim, widths[0], 0, dead[0], 4)
        return [first, *(Layer(t, w, w, 0, a, 3) for t, (w, a) in enumerate(zip(widths[1:], dead[1:], strict=True), 2))]
    before, dead_before = [c.latent_dim, *widths], [0, *dead]
    after, dead_after = [*widths, c.dataset.channels], [*dead, 0]
    names = [*range(1, len(widths) + 1), "image"]
    return [Layer(*layer, 4) for layer in zip(names, before, after, dead_before, dead_after, strict=True)]
