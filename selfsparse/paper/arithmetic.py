"""The paper's own arithmetic, recomputed from what it prints, before anything is trained: one data frame a question. What
begins with "_" is of the tables' text alone.

Nothing of ours is measured here but the networks' parameters. findings.py says what the printed numbers carry, and
notebooks/audit.ipynb shows all of it. FIDs are mean ± standard deviation of three trainings; p values are two-sided where nothing else is said.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from selfsparse.config import load_settings
from selfsparse.data.registry import DATASETS
from selfsparse.models.build import count_parameters, count_sastm_parameters
from selfsparse.models.layers import build_on_meta
from selfsparse.paper import paper_moments, read_csv, reported
from selfsparse.paper.printed import printed_table, printed_tables, text_number
from selfsparse.statistics.correlation import Correlation, combined_correlation, pairs_for_power, pearson
from selfsparse.statistics.inference import (
    as_sample_std,
    contrast,
    decrease,
    decrease_bounds,
    hedges_g,
    holm,
    larger_decrease,
    power,
    runs_for_power,
    welch,
)
from selfsparse.statistics.moments import Moments, relative_decrease

GROWING = ("celeba_hq", "lsun_bedroom")  # the datasets that the paper names for C4
EXCEPTIONS = (("mini_imagenet", 64), ("cifar10", 128))  # those that it takes out of C36
OVERHEAD = (
    "mnist-32", "mnist-128", "fashion_mnist-64", "fashion_mnist-128", "stl10-64", "celeba_hq-128", "mini_imagenet-32",
)  # fmt: skip
RUNS = (3, 5, 10)  # for which power is shown


class Pair(NamedTuple):
    """Two printed FIDs: the one that is claimed to be lower, and the other."""

    label: str
    lower: str
    higher: str

    @property
    def a(self) -> Moments:
        """The FID that is claimed to be lower."""
        return paper_moments(self.lower)

    @property
    def b(self) -> Moments:
        """The other FID."""
        return paper_moments(self.higher)


def main_pairs() -> dict[tuple[str, int], Pair]:
    """Return WGAN-GP and Self-Sparse GAN of the 12 cells of the main table, in printed order."""
    cells = printed_table("fid").groupby(["dataset", "resolution"], sort=False)
    return {
        (dataset, r): Pair(
            f"{DATASETS[dataset].title} {r} × {r}", *rows.set_index("model")["name"][["self_sparse", "wgan_gp"]]
        )
        for (dataset, r), rows in cells
    }


def other_pairs() -> list[Pair]:
    """Return the printed comparisons beyond the main table, the FID that the paper takes as lower first."""
    return [Pair(*row) for row in read_csv("comparisons.csv").itertuples(index=False)]


def place(table: str) -> str:
    """Return where a printed table stands: `v1 Table 7, v2 Table 8`."""
    entry = printed_tables().loc[table]
    return ", ".join(f"{version} {entry[version]}" for version in ("v1", "v2") if entry[version])


def percentages() -> pd.DataFrame:
    """Every printed percentage beside what the printed FIDs give, with the range that their rounding leaves open."""
    by_decrease = sorted(main_pairs().values(), key=lambda pair: relative_decrease(pair.b.mean, pair.a.mean))
    ends = {"smallest": by_decrease[0], "largest": by_decrease[-1]}
    of = {pair.lower: pair for pair in by_decrease}
    printed = [
        (place("sparsity"), of[row.configuration], row.paper_reduction_percent)
        for row in printed_table("sparsity").itertuples()
    ]
    printed += [("abstract", pair, text_number(f"{end}_decrease_percent")) for end, pair in ends.items()]
    rows = []
    for where, pair, percent in printed:
        found = relative_decrease(pair.b.mean, pair.a.mean)
        low, high = decrease_bounds(pair.b.mean, pair.a.mean)
        rows.append(
            {
                "place": where,
                "pair": pair.label,
                "_higher": pair.b.mean,
                "_lower": pair.a.mean,
                "printed_percent": percent,
                "recomputed_percent": found,
                "lowest_percent": low,
                "highest_percent": high,
                "rounds_to_printed": round(found, 2) == percent,
                "cuts_off_to_printed": math.floor(100 * found) / 100 == percent,
                "unrounded_may_round": low <= percent + 0.005 and percent - 0.005 <= high,
                "unrounded_may_cut_off": low < percent + 0.01 and percent <= high,
            }
        )
    return pd.DataFrame(rows)


def growth() -> pd.DataFrame:
    """The relative decrease at both resolutions of every dataset that has two; intervals and p by the delta method."""
    cells: dict[str, list[tuple[int, Pair]]] = {}
    for (dataset, resolution), pair in main_pairs().items():
        cells.setdefault(dataset, []).append((resolution, pair))
    rows = []
    for dataset, both in cells.items():
        if len(both) == 2:
            pairs = [(pair.b, pair.a) for _, pair in both]
            test = larger_decrease(*pairs)
            first, second = (decrease(*pair) for pair in pairs)
            rows.append(
                {
                    "dataset": dataset,
                    "first_resolution": both[0][0],
                    "second_resolution": both[1][0],
                    "first_percent": first.value,
                    "_first_low": first.low,
                    "_first_high": first.high,
                    "second_percent": second.value,
                    "_second_low": second.low,
                    "_second_high": second.high,
                    "change": -test.value,
                    "p_one_sided": test.p_lower,
                    "named_by_the_paper": dataset in GROWING,
                }
            )
    return pd.DataFrame(rows)


def significance() -> pd.DataFrame:
    """Welch's test of the 12 cells of the main table; Holm's correction is over them."""
    return _tests(list(main_pairs().values()))


def other_comparisons() -> pd.DataFrame:
    """Welch's test of the comparisons beyond the main table; Holm's correction is over them."""
    return _tests(other_pairs())


def _tests(pairs: Sequence[Pair]) -> pd.DataFrame:
    table = pd.DataFrame(pairs, columns=["comparison", "lower", "higher"])
    tests = pd.DataFrame([welch(pair.a, pair.b) for pair in pairs])[["value", "t", "df", "p", "p_lower"]]
    tests = tests.set_axis(["difference", "t", "df", "p", "p_one_sided"], axis=1)
    tests["p_if_ddof_0"] = [welch(as_sample_std(pair.a), as_sample_std(pair.b)).p for pair in pairs]
    tests.insert(4, "p_holm", holm(tests["p"]))
    tests.insert(6, "p_one_sided_holm", holm(tests["p_one_sided"]))
    tests["p_holm_if_ddof_0"] = holm(tests["p_if_ddof_0"])
    effects = pd.DataFrame([hedges_g(pair.a, pair.b) for pair in pairs])
    return table.join(tests).join(effects.set_axis(["g", "g_low_95", "g_high_95"], axis=1))


def powers() -> pd.DataFrame:
    """The power of Welch's two-sided test at 5 %, were the printed moments the true ones, and the runs for 80 %."""
    return pd.DataFrame(
        {"pair": pair.label}
        | {f"power_{n}": power(pair.a, pair.b, n) for n in RUNS}
        | {"runs_80": runs_for_power(pair.a, pair.b)}
        for pair in main_pairs().values()
    )


def spread() -> pd.DataFrame:
    """The printed standard deviations across seeds, side by side."""
    return pd.DataFrame(
        {
            "pair": pair.label,
            "wgan_gp_std": pair.b.std,
            "self_sparse_std": pair.a.std,
            "larger": "Self-Sparse GAN" if pair.a.std > pair.b.std else "WGAN-GP",
            "wgan_gp_percent": 100 * pair.b.std / pair.b.mean,
            "self_sparse_percent": 100 * pair.a.std / pair.a.mean,
        }
        for pair in main_pairs().values()
    )


def correlations() -> dict[str, Correlation]:
    """Return Pearson's r of printed sparsity and FID reduction: per resolution, of all pairs, and both r combined."""
    table = printed_table("sparsity")
    found = {
        str(resolution): pearson(group["paper_xi"], group["paper_reduction_percent"])
        for resolution, group in table.groupby("resolution")
    }
    combined = combined_correlation(list(found.values()))
    return found | {"all": pearson(table["paper_xi"], table["paper_reduction_percent"]), "combined": combined}


def correlation_table() -> pd.DataFrame:
    """Pearson's r of the printed pairs as the paper groups them, and of both groups, with Fisher's interval."""
    printed = printed_table("pearson").set_index("resolution")["paper_r"].to_dict()
    return pd.DataFrame(
        {
            "pairs_of": scope,
            "n": found.n,
            "paper_r": printed[int(scope)] if scope.isdigit() else math.nan,
            "r": found.r,
            "low_95": found.low,
            "high_95": found.high,
            "p": found.p,
            "pairs_80": math.nan if scope == "combined" else pairs_for_power(found.r),
        }
        for scope, found in correlations().items()
    )


def sparsity_pairs() -> pd.DataFrame:
    """The printed pairs of sparsity and reduction with their dataset, and whether the paper takes them out (C36)."""
    table = printed_table("sparsity").merge(reported()["dataset"], left_on="configuration", right_index=True)
    cells = zip(table["dataset"], table["resolution"], strict=True)
    return table.assign(excepted=[cell in EXCEPTIONS for cell in cells])


def ordered(pairs: pd.DataFrame) -> bool:
    """Whether a larger printed sparsity goes with a larger printed reduction within each resolution."""
    groups = (group.sort_values("paper_xi") for _, group in pairs.groupby("resolution"))
    return all(group["paper_reduction_percent"].is_monotonic_increasing for group in groups)


def samples() -> pd.DataFrame:
    """The printed FIDs on STL-10 by 5K and 50K samples, their difference, and the same by the main table."""
    table = printed_table("stl10_samples").pivot(index="samples", columns="model", values="fid")
    main = main_pairs()["stl10", 64]
    fids = table[["wgan_gp", "self_sparse"]].rename_axis(columns=None).reset_index()
    fids.loc[2] = [math.nan, *(fids.loc[0] - fids.loc[1])[1:]]
    fids.loc[3] = [fids.loc[0, "samples"], main.b.mean, main.a.mean]
    percent = [relative_decrease(*pair) for pair in zip(fids["wgan_gp"], fids["self_sparse"], strict=True)]
    fids["decrease_percent"] = [math.nan if i == 2 else value for i, value in enumerate(percent)]
    return fids.assign(_label=["5,000 samples", "50,000 samples", "difference", "the same by the main table"])


def baseline() -> pd.DataFrame:
    """WGAN-GP's FIDs on STL-10 that the first version compares, with how each was measured, and that of another paper."""
    fid = printed_table("stl10_samples").set_index(["model", "samples"])["fid"]["wgan_gp"]
    names = ("other_baseline_resolution", "other_baseline_samples", "other_baseline_fid")
    stated = [(f"{place('stl10_samples')}, this paper", 64, n, fid[n]) for n in fid.index]
    stated.append(("v1 Sec. 4.3, of its reference [36]", *map(text_number, names)))  # type: ignore[arg-type]
    table = pd.DataFrame(stated, columns=["place", "resolution", "stated_samples", "fid"])
    table = table.astype({"resolution": int, "stated_samples": int})
    return table.assign(above_the_other=table["fid"] - stated[-1][-1])


def betas() -> pd.DataFrame:
    """What the table of Adam's betas implies on STL-10: gains within a pair of betas, moves between the pairs."""
    first, second = main_pairs()["stl10", 64], next(pair for pair in other_pairs() if "betas" in pair.label)
    compared = {
        "gain of Self-Sparse GAN, betas 0, 0.9": (first.a, first.b),
        "gain of Self-Sparse GAN, betas 0.5, 0.999": (second.a, second.b),
        "move of Self-Sparse GAN between the pairs": (first.a, second.a),
        "move of WGAN-GP between the pairs": (first.b, second.b),
    }
    return pd.DataFrame(
        {"what": what, "first": a.mean, "second": b.mean, "difference": b.mean - a.mean, "p": welch(a, b).p}
        for what, (a, b) in compared.items()
    )


def betas_interaction() -> float:
    """Return the p that both models move alike between the pairs of betas: Welch's for four means."""
    first, second = main_pairs()["stl10", 64], next(pair for pair in other_pairs() if "betas" in pair.label)
    return contrast([(1, first.a), (-1, second.a), (-1, first.b), (1, second.b)]).p


def parameters() -> pd.DataFrame:
    """How many parameters the module adds to the baseline's generator, in the networks as we build them (U20, U21)."""
    settings, rows = load_settings(), []
    for name in [*(f"{cell}-self_sparse" for cell in OVERHEAD), "stl10-64-self_sparse-resnet"]:
        generator, _ = build_on_meta(settings.configuration(name))["generator"]
        added = count_sastm_parameters(generator)
        without = count_parameters(generator) - added
        rows.append({"configuration": name, "without": without, "added": added, "added_percent": 100 * added / without})
    return pd.DataFrame(rows)
