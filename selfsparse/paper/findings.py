"""What the printed numbers carry: one finding a question, with its verdict and the numbers that decide.

A verdict is on the printed numbers alone, never on the method. notebooks/audit.ipynb says beside each table what follows,
what does not, and what nobody can know.
"""

from collections.abc import Callable
from functools import cache

import pandas as pd
import scipy
from scipy.special import chdtri

from selfsparse.paper import arithmetic
from selfsparse.statistics.correlation import correlation_difference
from selfsparse.statistics.inference import LEVEL

FOLLOWS, PARTLY, NOT = "follows", "follows in part", "does not follow"
FINDINGS: dict[str, tuple[str, str, Callable[[], tuple[bool, str]], str]] = {}


def _asks(name: str, question: str, claims: str, otherwise: str = NOT) -> Callable:
    """Register a function that returns whether it follows, and the numbers that decide; else the verdict is `otherwise`."""

    def register(found: Callable[[], tuple[bool, str]]) -> Callable:
        FINDINGS[name] = question, claims, found, otherwise
        return found

    return register


@cache
def finding(name: str) -> dict[str, str]:
    """Return finding, question, claims, verdict, computed; a claim with the rule computed_from_print names one."""
    question, claims, found, otherwise = FINDINGS[name]
    follows, computed = found()
    verdict = FOLLOWS if follows else otherwise
    return {"finding": name, "question": question, "claims": claims, "verdict": verdict, "computed": computed}


def findings() -> pd.DataFrame:
    """Return every finding, in the notebook's order."""
    return pd.DataFrame([finding(name) for name in FINDINGS])


def _p(p: float) -> str:
    return f"{p:.3f}" if p >= 0.0005 else f"{p:.1g}"


@_asks("percentages", "Do the printed percentages follow from the printed FIDs?", "C2", PARTLY)
def _percentages():
    table = arithmetic.percentages()
    ways = {name: int(table[name].sum()) for name in table if table[name].dtype == bool}
    off = (table["printed_percent"] - table["recomputed_percent"]).abs().max()
    return (table["unrounded_may_round"] | table["unrounded_may_cut_off"]).all(), (
        f"of {len(table)}: {ways['rounds_to_printed']} by rounding, {ways['cuts_off_to_printed']} by cutting off; from "
        f"unrounded FIDs {ways['unrounded_may_round']} and {ways['unrounded_may_cut_off']}; at most {off:.2f} away"
    )


@_asks("growth", "Does the gain grow with the resolution?", "C4")
def _growth():
    table = arithmetic.growth()
    named = table[table["named_by_the_paper"]]
    return (named["change"] > 0).all(), (
        f"on {(table['change'] > 0).sum()} of {len(table)} datasets; on the two that the paper names one-sided p = "
        f"{' and '.join(map(_p, named['p_one_sided']))}"
    )


@_asks("significance", "Is the lower FID more than chance, cell by cell?", "C1 C3 C6", PARTLY)
def _significance():
    table = arithmetic.significance()
    below = {name: int((table[name] < LEVEL).sum()) for name in table if name.startswith("p")}
    return below["p_holm"] == len(table), (
        f"lower in {(table['difference'] < 0).sum()} of {len(table)} cells; p < {LEVEL} in {below['p']}, corrected in "
        f"{below['p_holm']}; one-sided in {below['p_one_sided']} and {below['p_one_sided_holm']}; if ± divides by n in "
        f"{below['p_if_ddof_0']} and {below['p_holm_if_ddof_0']}"
    )


@_asks("power", "Are three trainings enough?", "", PARTLY)
def _power():
    table = arithmetic.powers()
    weak = table["power_3"] < 0.8
    upwards = (2 / chdtri(2, 0.975)) ** 0.5  # the upper 95 % limit of a std over its estimate
    return not weak.any(), (
        f"power below 0.80 in {weak.sum()} of {len(table)} cells, {table['power_3'].min():.2f} to {table['power_3'].max():.2f}; "
        f"0.80 takes {table['runs_80'].min():.0f} to {table['runs_80'].max():.0f} trainings; the standard deviation of three "
        f"values may be {upwards:.2f} times as large"
    )


@_asks("others", "Do the ablations and the ResNet bear out the text?", "C11 C12 C13 C16", PARTLY)
def _others():
    p = arithmetic.other_comparisons().set_index("comparison")["p"]
    p = p[["Fashion-MNIST 128, both modules", "STL-10 64, both modules", "STL-10 64, PSM only", "Fashion-MNIST 128, CSM only", "STL-10 64, ResNet"]]  # fmt: skip
    return (p < LEVEL).all(), "p: " + "; ".join(f"{label} {_p(value)}" for label, value in p.items())


@_asks("sagan", "Is Self-Sparse GAN better than WGAN-GP and SAGAN?", "C41 C44")
def _sagan():
    table = arithmetic.other_comparisons().set_index("comparison")
    celeba, sketch, order = table["p"][["CelebA-HQ 128, SAGAN", "Sketch 128, SAGAN", "Sketch 128, WGAN-GP and SAGAN"]]
    lowest = table.loc[["CelebA-HQ 128, SAGAN", "Sketch 128, SAGAN", "Sketch 128"], "difference"] < 0
    return lowest.all(), (
        f"p against SAGAN: CelebA-HQ {_p(celeba)}, Sketch {_p(sketch)}; SAGAN above WGAN-GP on Sketch: p = {_p(order)}"
    )


@_asks("spread", "Does the method stabilise training?", "C7")
def _spread():
    table = arithmetic.spread()
    larger = int((table["larger"] == "Self-Sparse GAN").sum())
    relative = (table["self_sparse_percent"] > table["wgan_gp_percent"]).sum()
    p = float(scipy.stats.binomtest(larger, len(table)).pvalue)  # a sign test
    return p < LEVEL and 2 * larger < len(table), (
        f"its standard deviation is the larger in {larger} of {len(table)} cells (sign test p = {_p(p)}), relative to the mean "
        f"in {relative}"
    )


@_asks("samples", "Do 50K samples change the picture on STL-10?", "C8 C9 C45")
def _samples():
    table = arithmetic.samples()
    few, many = table["decrease_percent"][:2]
    return few > 0 and many > 0, (
        f"relative decrease {few:.2f} % by 5K, {many:.2f} % by 50K; {table['self_sparse'][0]:.2f} by 5K here, "
        f"{table['self_sparse'][3]:.2f} in the main table"
    )


@_asks("baseline", "Is the baseline as good as another paper's?", "C10")
def _baseline():
    table = arithmetic.baseline()
    few, many, other = table.to_dict("records")
    less = " and ".join(f"{x['fid']:.2f} − {other['fid']:g} = {x['above_the_other']:.2f}" for x in (few, many))
    return many["fid"] < other["fid"], less.replace("-", "−") + ", by 5K and by 50K samples"


@_asks("betas", "Is the method robust to Adam's betas?", "C15", PARTLY)
def _betas():
    table = arithmetic.betas()
    gains, (sparse, wgan) = table["p"][:2], table["difference"][2:]
    return (gains < LEVEL).all(), (
        f"p of the gains {' and '.join(map(_p, gains))}; Self-Sparse GAN moves by {sparse:.2f}, WGAN-GP by {wgan:.2f}, p of the "
        f"difference {_p(arithmetic.betas_interaction())}"
    )


@_asks("coefficients", "Are the printed correlation coefficients right?", "C36 C37 C38")
def _coefficients():
    table, pairs = arithmetic.correlation_table().dropna(subset=["paper_r"]), arithmetic.sparsity_pairs()
    right = ((table["paper_r"] - table["r"]).abs() <= 0.005).all()
    return right and arithmetic.ordered(pairs[~pairs["excepted"]]), (
        f"r = {' and '.join(f'{r:.3f}' for r in table['r'])} of four pairs each; in order without the two exceptions, with "
        f"them {'too' if arithmetic.ordered(pairs) else 'not'}"
    )


@_asks("correlation", "Does the correlation rise with the resolution, and validate the module?", "C39 C40")
def _correlation():
    low, high, _, combined = arithmetic.correlations().values()
    z, p = correlation_difference(low, high)
    return p < LEVEL and combined.p < LEVEL, (
        f"p = {_p(low.p)} and {_p(high.p)}; difference of Fisher's z {z:.2f}, one-sided p = {_p(p)}; combined p = {_p(combined.p)}"
    )


@_asks("parameters", "Does the module reduce the network's parameters?", "C19")
def _parameters():
    table = arithmetic.parameters()
    low, high = table["added_percent"].min(), table["added_percent"].max()
    return (table["added"] < 0).any(), (
        f"it adds {low:.0f} % to {high:.0f} % to the baseline's generator, in {(table['added'] > table['without']).sum()} of "
        f"{len(table)} more than that whole generator"
    )
