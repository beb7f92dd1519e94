"""What the rules of the verdicts read: each quantity that claims.yaml names, run by run, from a suite's summary."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from selfsparse.config import Configuration
from selfsparse.results.mechanism import last_snapshot, layers
from selfsparse.results.reading import Results, RunCount, mean_sparsity
from selfsparse.statistics.moments import Moments, moments

# Column of mechanism.csv, and whether its growth over training is meant; else its value at the last snapshot.
FINALS = {
    "zero_gradient_share": ("zero_gradient", False),
    "negative_weight_share": ("weight_negative", False),
    "negative_weight_growth": ("weight_negative", True),
}
OF_STAGES = {"bn_negative_share": ("negative_given_positive", False), "position_zero_growth": ("beta_zero", True)}


@dataclass(frozen=True)
class Signs:
    """Of each run, the share of signs that differ from those at the claimed step: the most at any later snapshot, and last.

    Empty where that was not measured; `why` says where it rests on less than the probe.
    """

    largest: np.ndarray
    last: np.ndarray
    why: str = ""


def _growth(mechanism: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return, per seed and stage, how much a column is larger at the last snapshot than at the first."""
    runs = mechanism.sort_values("step").groupby(["seed", "stage"])[column]
    return (runs.last().astype(float) - runs.first().astype(float)).reset_index()


class Evidence:
    """The finished runs of one suite; what has not been measured has no values."""

    def __init__(self, results: Results):
        self.results = results
        self._moments: dict[tuple[str, str], Moments] = {}
        self._counts: dict[str, RunCount] = {}

    def count(self, c: Configuration) -> RunCount:
        """Count a configuration's finished, diverged and missing runs."""
        if c.name not in self._counts:
            self._counts[c.name] = self.results.count(c)
        return self._counts[c.name]

    def moments(self, c: Configuration, quantity: str) -> Moments:
        """Summarise a quantity over a configuration's finished runs."""
        key = c.name, quantity
        if key not in self._moments:
            self._moments[key] = moments(self.values(c, quantity))
        return self._moments[key]

    def has(self, c: Configuration, quantity: str) -> bool:
        """Whether a quantity was measured in a configuration, which may have no such part: a ResNet's stages end in no BN."""
        return len(self.by_stage(c, quantity) if quantity in OF_STAGES else self.values(c, quantity)) > 0

    def values(self, c: Configuration, quantity: str) -> np.ndarray:
        """Return a quantity of each finished run, in the order of the seeds."""
        if quantity == "best_fid":
            found = self._by_seed(self.results.runs, c)["best_fid"]
        elif quantity in ("fid_small", "fid_large"):
            found = self._fid(c, quantity == "fid_large")
        elif quantity == "fid_drop":
            found = self._fid(c, large=False) - self._fid(c, large=True)
        elif quantity == "xi_bar":
            found = mean_sparsity(self._finished("sparsity", c), self.results.counted_stages)
        elif quantity == "zeta":
            found = self._finished("sparsity", c).groupby("seed")["zeta"].mean()
        elif quantity in FINALS:
            column, growth = FINALS[quantity]
            rows = _growth(self._finished("mechanism", c), column) if growth else last_snapshot(self.results, c)
            found = rows.groupby("seed")[column].mean()
        elif quantity in ("generator_parameters", "sastm_parameters"):
            found = self._by_seed(self.results.runs, c)[quantity]
        else:
            found = pd.Series(dtype=float)  # nothing in a summary tells
        return found.astype(float).dropna().to_numpy()

    def log_steps_to_level(self, pair: Sequence[Configuration]) -> list[np.ndarray]:
        """Return, per configuration, log of the first step at which a run's FID is at the level that all runs reach."""
        curves = [self._finished("curves", c).dropna(subset=["fid"]) for c in pair]
        lows = [run["fid"].min() for table in curves for _, run in table.groupby("seed")]
        reached = [table[table["fid"] <= max(lows, default=math.nan)] for table in curves]
        return [np.log(np.maximum(t.groupby("seed")["step"].min().to_numpy(float), 1)) for t in reached]

    def by_size(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        """Return xi or zeta of each finished run, by the size of a stage's maps."""
        stages = self._finished("sparsity", c).dropna(subset=[quantity]).groupby("size")
        return {int(size): rows.sort_values("seed")[quantity].to_numpy(float) for size, rows in stages}

    def by_stage(self, c: Configuration, quantity: str) -> dict[int, np.ndarray]:
        """Return a quantity of each finished run at the end of training, or its growth since the start, by stage."""
        column, growth = OF_STAGES[quantity]
        rows = _growth(self._finished("mechanism", c), column) if growth else last_snapshot(self.results, c)
        stages = rows.dropna(subset=[column]).groupby("stage")
        return {int(t): own.sort_values("seed")[column].to_numpy(float) for t, own in stages}

    def signs_differing(self, c: Configuration, share: float) -> Signs:
        """Return how many signs of alpha and beta, as a share, differ from those after a share of the training.

        Training notes them at that step, on the probe latents of every run. Summaries from before it did have the
        coefficients of one latent of the first run, at the snapshots: the first one late enough stands for the step.
        """
        rows = self._finished("mechanism", c)
        weights = {"alpha": rows["channels"], "beta": rows["size"] ** 2}  # coefficients per latent
        known = {head: rows[f"{head}_differs"].astype(float) for head in weights}
        signs = sum(n.where(known[head].notna(), 0) for head, n in weights.items())
        changed = sum((n * known[head]).fillna(0) for head, n in weights.items())
        sums = pd.DataFrame({"seed": rows["seed"], "step": rows["step"], "signs": signs, "changed": changed})
        sums = sums.groupby(["seed", "step"]).sum().query("signs > 0")
        if len(sums):
            shares = (sums["changed"] / sums["signs"]).groupby("seed")
            return Signs(shares.max().to_numpy(float), shares.last().to_numpy(float))
        arrays, steps = self.results.arrays(c, "coefficients"), np.sort(rows["step"].unique())
        each = [arrays[name].reshape(len(arrays[name]), -1) > 0 for name in sorted(arrays)]
        above = np.concatenate(each, axis=1) if each else np.empty((0, 0), bool)
        late = [i for i, step in enumerate(steps) if step >= share * c.train.steps]
        if len(late) < 2 or len(above) != len(steps):
            return Signs(np.empty(0), np.empty(0))
        found = [(above[i] != above[late[0]]).mean() for i in late[1:]]
        why = f"one latent of one run (n = 1), from step {steps[late[0]]:,} on: the probe's signs were not kept"
        return Signs(np.array([max(found)]), np.array([found[-1]]), why)

    def free_kernel_weights(self, c: Configuration) -> np.ndarray:
        """Return, per run, the weights of kernels that lead to or from channels that are zero for the whole probe."""
        runs = last_snapshot(self.results, c).groupby("seed")
        return np.array([sum(layer.saved for layer in layers(c, run)) for _, run in runs], dtype=float)

    def maps(self, c: Configuration) -> dict[int, np.ndarray]:
        """Return x (channels, size, size) of one latent of the first run, by the size of a stage's maps."""
        arrays = self.results.arrays(c, "feature_maps")
        found = [arrays[name] for name in sorted(arrays) if name.startswith("x_")]
        return {x.shape[-1]: x for x in found}

    def _finished(self, table: str, c: Configuration) -> pd.DataFrame:
        return self.results.finished(getattr(self.results, table), c)

    def _by_seed(self, table: pd.DataFrame, c: Configuration) -> pd.DataFrame:
        return self.results.finished(table, c).set_index("seed").sort_index()

    def _fid(self, c: Configuration, large: bool) -> pd.Series:
        rows = self._by_seed(self.results.fid, c)
        return rows.loc[(rows["generator"] == "best") & (rows["n_fake"] == c.extractor.samples[large]), "fid"]
