"""What the paper says happens inside a generator (Sec. 3.2, Hypothesis 1), from the snapshots of training: the tables.

The figures are in mechanism_figures.py, the sentences in mechanism_sentences.py.
"""

import math
from dataclasses import dataclass

import pandas as pd

from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import table_of
from selfsparse.config import Configuration
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, count, mean_std, share
from selfsparse.statistics.moments import moments

PER_STEPS = 1000  # sign changes are counted per so many generator steps
SETTLED_AFTER = 5000  # generator steps after which the paper sees no more changes (Fig. 7)
# column of mechanism.csv, or of `with_flips`: its heading, decimals, factor of what is shown
MEASURES = {
    "alpha_flips": ("Sign changes of α per 1,000 steps", 2, 1),
    "beta_flips": ("of β", 2, 1),
    "xi": ("ξ", 3, 1),
    "negative_given_positive": ("P(s < 0 given x > 0)", 3, 1),
    "zero_gradient": ("Zero gradients", 3, 1),
    "weight_negative": ("Weights < 0", 3, 1),
    "weight_mean": ("Mean weight × 1,000", 2, 1000),
}


def with_flips(mechanism: pd.DataFrame) -> pd.DataFrame:
    """Add alpha_flips and beta_flips: sign changes per coefficient and 1,000 generator steps, since the snapshot before.

    NaN at a run's first snapshot. Above 1 where snapshots lie closer than 1,000 steps and signs change often; changes
    that were undone between two snapshots are not seen.
    """
    table = mechanism.sort_values(["configuration", "seed", "stage", "step"])
    steps = table.groupby(["configuration", "seed", "stage"])["step"].diff().astype(float)
    flips = {f"{name}_flips": table[f"{name}_changed"].astype(float) / steps * PER_STEPS for name in ("alpha", "beta")}
    return table.assign(**flips)


def of_finished(results: Results, c: Configuration) -> pd.DataFrame:
    """Return every snapshot of a configuration's finished runs, with sign changes."""
    return with_flips(results.finished(results.mechanism, c))


def last_snapshot(results: Results, c: Configuration) -> pd.DataFrame:
    """Return the rows of each finished run's last snapshot, one per seed and stage."""
    rows = of_finished(results, c)
    return rows[rows["step"] == rows.groupby("seed")["step"].transform("max")] if len(rows) else rows


def mechanism_table(results: Results) -> Table:
    """What is measured at the last snapshot, per stage: mean over finished runs; a configuration not run has one row."""
    rows = []
    for c in results.configurations:
        found = last_snapshot(results, c)
        if found.empty:
            rows.append(_row(results, c, math.nan, found))
        for stage, part in found.groupby("stage"):
            rows.append(_row(results, c, stage, part))
    caption = "Inside the generators at the last snapshot of training, over the probe latents: mean ± standard deviation over n runs."
    return table_of(rows, ([], []), caption)


def _row(results: Results, c: Configuration, stage: float, part: pd.DataFrame) -> tuple[dict, dict]:
    data, text = _stage_columns(results, c, stage, part)
    data["step"] = part["step"].max() if len(part) else math.nan
    text["Step"] = count(data["step"])
    for name, (heading, digits, factor) in MEASURES.items():
        values = part[name].dropna().astype(float)
        m = moments(values)
        data |= {f"{name}_mean": m.mean, f"{name}_std": m.std}
        text[heading] = mean_std(moments(values * factor), digits)
    return data, text


def _stage_columns(results: Results, c: Configuration, stage: float, part: pd.DataFrame) -> tuple[dict, dict]:
    missing = part.empty
    size, channels = (math.nan, math.nan) if missing else (part["size"].iloc[0], part["channels"].iloc[0])
    data = {"configuration": c.name, "stage": stage, "size": size, "channels": channels, "n": len(part)}
    text = {
        "Configuration": c.name,
        "Stage": results.count(c).without_value if missing else int(stage),
        "Maps": MISSING if missing else f"{int(channels)} of {int(size)} × {int(size)}",
        "n": len(part),
    }
    return data, text


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


def kernels_table(results: Results) -> Table:
    """Dead channels and effective kernels of every layer at the last snapshot, and what is left of them per generator."""
    rows = []
    for c in results.configurations:
        runs = [layers(c, part) for _, part in last_snapshot(results, c).groupby("seed")]
        for same in zip(*runs, strict=True):
            kernels = f"{same[0].inputs} × {same[0].outputs}"
            rows.append(_kernels_row(results, c, same[0].name, kernels, [[layer] for layer in same]))
        added = float(results.finished(results.runs, c)["sastm_parameters"].max()) if runs else math.nan
        rows.append(_kernels_row(results, c, "all", "", runs, added))
    caption = (
        "Effective kernels at the last snapshot, (C_in − |A_in|) × (C − |A|), |A| being the channels that are zero for every "
        "latent of the probe; and the generator's parameters saved thereby, less those that its SASTMs add. Mean ± standard deviation over n runs."
    )
    return table_of(rows, ([], []), caption)


def _kernels_row(
    results: Results, c: Configuration, name: int | str, kernels: str, runs: list[list[Layer]], added: float = math.nan
) -> tuple[dict, dict]:
    """One row of the table: a layer, or all of a generator, in every run; `added` are the parameters of its SASTMs."""
    total = sum(layer.kernels for layer in runs[0]) if runs else math.nan
    dead = moments([sum(layer.dead_outputs for layer in run) for run in runs])
    effective = moments([sum(layer.effective for layer in run) for run in runs])
    saved = moments([sum(layer.saved for layer in run) for run in runs]).mean
    data = {"configuration": c.name, "layer": name, "kernels": total, "dead_mean": dead.mean, "dead_std": dead.std}
    data |= {
        "effective_mean": effective.mean,
        "effective_std": effective.std,
        "effective_share": effective.mean / total,
    }
    data |= {"parameters_saved": saved, "sastm_parameters": added, "net": saved - added, "n": len(runs)}
    text = {
        "Configuration": c.name,
        "Layer": name if runs else results.count(c).without_value,
        "Kernels": kernels or count(total),
        "Dead channels": mean_std(dead, 1),
        "Effective kernels": mean_std(effective, 0),
        "Share": share(effective.mean / total),
        "Parameters saved": _whole(saved),
        "SASTMs add": count(added) if name == "all" else "",
        "Net": _whole(saved - added) if name == "all" else "",
        "n": len(runs),
    }
    return data, text


def _whole(value: float) -> str:
    """Return a number without decimals, its thousands separated."""
    return MISSING if not math.isfinite(value) else f"{value:,.0f}".replace("-", "−")


def by_model(results: Results, measure: str) -> pd.DataFrame:
    """Return each run's mean of a measure over its stages at the last snapshot: configuration, seed, value."""
    parts = [
        last_snapshot(results, c).dropna(subset=[measure]).groupby("seed")[measure].mean().reset_index(name="value")
        for c in results.configurations
    ]
    frames = [p.assign(configuration=c.name) for c, p in zip(results.configurations, parts, strict=True) if len(p)]
    columns = ["configuration", "seed", "value"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
