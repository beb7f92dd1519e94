"""What the rules of the verdicts read: each quantity that claims.yaml names, run by run, from a suite's summary."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from selfsparse.analysis.mechanism import last_snapshot, layers
from selfsparse.analysis.results import Results, RunCount
from selfsparse.analysis.statistics import Moments, mean_sparsity, moments
from selfsparse.config import Configuration

FINALS = {"zero_gradient_share": "zero_gradient", "negative_weight_share": "weight_negative"}  # of the last snapshot
STAGES = {"bn_negative_share": "negative_given_positive", "xi": "xi"}


class Measures:
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
        return len(self.stage_means(c, [quantity]) if quantity in STAGES else self.values(c, quantity)) > 0

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
            found = last_snapshot(self.results, c).groupby("seed")[FINALS[quantity]].mean()
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

    def stage_means(self, c: Configuration, quantities: Sequence[str]) -> np.ndarray:
        """Return the last snapshot's quantities (stages, quantities), mean over runs; without stages that lack one."""
        rows = last_snapshot(self.results, c).groupby("stage")[[STAGES[q] for q in quantities]].mean()
        return rows.dropna().to_numpy(float)

    def flips_per_1000(self, c: Configuration) -> pd.DataFrame:
        """Return the share of signs of alpha and beta that changed, per 1,000 steps: columns seed, since, until, rate.

        Of two snapshots, only the difference is seen: further apart than 1,000 steps, the rate is a lower bound.
        """
        rows = self._finished("mechanism", c).copy()
        weights = {"alpha": rows["channels"], "beta": rows["size"] ** 2}  # coefficients per latent
        rows["signs"] = sum(n.where(rows[f"{head}_changed"].notna(), 0) for head, n in weights.items())
        rows["changed"] = sum((n * rows[f"{head}_changed"].astype(float)).fillna(0) for head, n in weights.items())
        steps = rows.groupby(["seed", "step"])[["signs", "changed"]].sum().reset_index()
        steps["since"] = steps.groupby("seed")["step"].shift()
        steps = steps[(steps["signs"] > 0) & steps["since"].notna()]
        rate = 1000 * steps["changed"] / steps["signs"] / (steps["step"] - steps["since"])
        return steps.assign(rate=rate.astype(float), until=steps["step"])[["seed", "since", "until", "rate"]]

    def free_kernel_weights(self, c: Configuration) -> np.ndarray:
        """Return, per run, the weights of kernels that lead to or from channels that are zero for the whole probe."""
        runs = last_snapshot(self.results, c).groupby("seed")
        return np.array([sum(layer.saved for layer in layers(c, run)) for _, run in runs], dtype=float)

    def maps(self, c: Configuration) -> dict[int, np.ndarray]:
        """Return x (channels, size, size) of one latent of the first run, by the size of a stage's maps."""
        path = self.results.feature_maps(c)
        if not path.is_file():
            return {}
        with np.load(path) as arrays:
            found = [arrays[name] for name in sorted(arrays.files) if name.startswith("x_")]
        return {x.shape[-1]: x for x in found}

    def _finished(self, table: str, c: Configuration) -> pd.DataFrame:
        return self.results.finished(getattr(self.results, table), c)

    def _by_seed(self, table: pd.DataFrame, c: Configuration) -> pd.DataFrame:
        return self.results.finished(table, c).set_index("seed").sort_index()

    def _fid(self, c: Configuration, large: bool) -> pd.Series:
        rows = self._by_seed(self.results.fid, c)
        return rows.loc[(rows["generator"] == "best") & (rows["n_fake"] == c.extractor.samples[large]), "fid"]
