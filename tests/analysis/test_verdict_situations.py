"""Every rule in the same situations, by a table; and every number of an outcome beside scipy or a sum by hand."""

import math

import numpy as np
import pytest
from scipy import stats
from verdict_results import SETTINGS, decided, shown

from selfsparse.config import variation
from selfsparse.paper.printed import claims
from selfsparse.statistics.inference import power
from selfsparse.statistics.moments import moments
from selfsparse.verdicts.case import INCONCLUSIVE, NOT_REPRODUCED, NOT_RUN, REPRODUCED
from selfsparse.verdicts.characteristics import Drawn
from selfsparse.verdicts.judging import RULES, WITHOUT_RUNS, verdict_on

SIZES, STAGES = (4, 8, 16, 32, 64), (1, 2, 3)
MODELS = ("wgan_gp", "self_sparse")
OWN = {(c.dataset.dataset, c.dataset.resolution, c.model, variation(c)): c for c in SETTINGS.suite("paper")}


def around(middle, spread, n):
    """n values around a middle, evenly, with this standard deviation (one value: none)."""
    unit = np.arange(n) - (n - 1) / 2
    return middle + spread * (unit / unit.std(ddof=1) if n > 1 else unit)


def fids(means, spread, n, quantities=("best_fid",)):
    return {q: {name: around(mean, spread, n) for name, mean in means.items()} for q in quantities}


def correlated(way, spread, n, turned=""):
    """ξ̄ rises over four cells at each resolution, and the decrease with it (way 1) or against it, in `turned` alone or in all."""
    values = {"best_fid": {}, "xi_bar": {}}
    at = {
        64: ("celeba_hq", "lsun_bedroom", "stl10", "mini_imagenet"),
        128: ("celeba_hq", "lsun_bedroom", "mnist", "cifar10"),
    }
    for resolution, datasets in at.items():
        for place, dataset in enumerate(datasets):
            name, sign = f"{dataset}-{resolution}", way if not turned or turned == str(resolution) else -way
            decrease = (5, 15, 25, 34)[place]  # not quite on a line
            values["best_fid"] |= {
                f"{name}-wgan_gp": around(100, spread, n), f"{name}-self_sparse": around(100 - decrease, spread, n),
            }  # fmt: skip
            values["xi_bar"][f"{name}-self_sparse"] = around(0.3 + sign * 0.1 * place, 0.01 * spread, n)
    return values


def made(claim, way, spread, n):
    """What a claim's rule reads: its way (1), the other way (-1); the spread is in units of a tenth of the effect, about."""
    pair = lambda good, bad: {"self_sparse": good, "wgan_gp": bad}  # noqa: E731
    if claim == "C1":
        return fids(pair(50 - 10 * way, 50), spread, n), {}
    if claim == "C8":
        return fids(pair(50 - 10 * way, 50), spread, n, ("fid_large",)), {}
    if claim == "C5":
        return fids(pair(8 - way, 8), 0.1 * spread, n, ("log_steps_to_level",)), {}
    if claim == "C11":
        return fids({"self_sparse": 50 - 10 * way, "without_psm": 50, "without_csm": 50 + 10 * way}, spread, n), {}
    if claim == "C4":
        cells = {f"{d}-{r}-self_sparse": 80 - 10 * way * (r == 128) for d in ("celeba_hq", "lsun_bedroom") for r in (64, 128)}  # fmt: skip
        return fids({"wgan_gp": 100} | cells, spread, n), {}
    if claim == "C2":
        shift = 0 if way > 0 else 10
        cells = {"celeba_hq-64-wgan_gp": 15.95, "celeba_hq-64-self_sparse": 15.19 + shift,
                 "fashion_mnist-64-wgan_gp": 20.37, "fashion_mnist-64-self_sparse": 15.92 + shift}  # fmt: skip
        return fids(cells, 0.1 * spread, n), {}
    if claim == "C30":
        return fids({"self_sparse": 0.26 if way > 0 else 0.66}, 0.01 * spread, n, ("xi_bar",)), {}
    if claim in ("C36", "C37", "C40"):
        return correlated(way, spread, n), {}
    if claim == "C39":
        return correlated(way, spread, n, turned="128"), {}
    if claim == "C45":
        return {"fid_small": fids(pair(40, 50), spread, n)["best_fid"]} | fids(pair(50 - 10 * way, 50), spread, n, ("fid_large",)), {}  # fmt: skip
    if claim == "C7":
        factor = 10.0**way
        values = {"wgan_gp": around(50, factor * spread, n), "self_sparse": around(50, spread, n)}
        return {"best_fid": values}, {}
    if claim == "C17":
        some, none = ({size: around(x, x / 100, n) for size in SIZES} for x in (0.2, 0.0))
        return {
            "zeta": {"self_sparse": some, "wgan_gp": none} if way > 0 else {"self_sparse": none, "wgan_gp": some}
        }, {}
    if claim == "C18":
        return {"position_zero_growth": {"self_sparse": {t: around(0.1 * way, 0.01 * spread, n) for t in STAGES}}}, {}
    if claim == "C23":
        by = {m: {t: around(0.5 - 0.1 * way * (m == "self_sparse"), 0.01 * spread, n) for t in STAGES} for m in MODELS}
        return {"bn_negative_share": by}, {}
    if claim == "C24":
        return fids(pair(0.5 - 0.1 * way, 0.5), 0.01 * spread, n, ("zero_gradient_share",)), {}
    if claim == "C25":
        values = fids(pair(0.5 - 0.1 * way, 0.5), 0.01 * spread, n, ("negative_weight_share",))
        return values | fids({"self_sparse": -0.1 * way}, 0.01 * spread, n, ("negative_weight_growth",)), {}
    if claim == "C19":
        values = {"generator_parameters": {"wgan_gp": np.full(n, 100.0), "self_sparse": np.full(n, 110.0)}}
        return values | fids({"self_sparse": 10 + 10 * way}, spread, n, ("free_weights",)), {}
    assert claim == "C20"
    shares = around(0.002, 0.0002 * spread, n) if way > 0 else around(0.1, 0.01 * spread, n)
    return {name: {"self_sparse": shares} for name in ("signs_largest", "signs_last")}, {}


def verdict(claim, way, spread, n, without="", **others):
    """The verdict on n runs of each configuration, without those of one configuration or model."""
    values, more = made(claim, way, spread, n)
    if without:
        values = {q: {name: x for name, x in own.items() if not name.endswith(without)} for q, own in values.items()}
    return verdict_on(claims()[claim], Drawn(values, **more, **others), OWN)


# One claim of each rule, and a second where it reads another kind of number; share_above has none that anyone can score.
SCORED = ("C1", "C8", "C5", "C11", "C4", "C2", "C30", "C36", "C40", "C39", "C45", "C7", "C17", "C18", "C23", "C24", "C25", "C19", "C20")  # fmt: skip
R, N, U = REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE


def test_the_table_has_every_rule():
    without = WITHOUT_RUNS | {"share_above", "correlation_beside_printed"}
    assert {claims()[claim].rule for claim in SCORED} == set(RULES) - without


@pytest.mark.parametrize("claim", SCORED)
def test_a_very_large_effect_is_found_with_three_runs_either_way(claim):
    for way, word in ((1, R), (-1, N)):
        found = verdict(claim, way, 0.01, 3)
        assert (found.word, found.outcome.same, found.runs) == (word, way > 0 or claim in ("C30",), 3)
    assert verdict("C37", 1, 0.01, 3).word == verdict("C37", -1, 0.01, 3).word == U


@pytest.mark.parametrize("claim", SCORED)
def test_two_runs_decide_where_the_effect_is_large_and_not_where_it_is_not(claim):
    assert verdict(claim, 1, 0.001, 2).word == R and verdict(claim, -1, 0.001, 2).word == N
    # Their level or effect has nothing to do with the spread.
    over_pairs_or_zeros = {"C39": R, "C40": R, "C17": R, "C7": R}
    assert verdict(claim, 1, 8.0, 2).word == over_pairs_or_zeros.get(claim, U)


@pytest.mark.parametrize("claim", SCORED)
def test_without_any_spread(claim):
    """A t test of one mean is exact then, and so is what is close; two means with no spread at all give no test."""
    exact = {"C2", "C30", "C39", "C40", "C17", "C18", "C19", "C20"}
    for way, word in ((1, R), (-1, N)):
        found = verdict(claim, way, 0.0, 3)
        assert found.word == (word if claim in exact else N if claim == "C25" and way < 0 else U)  # C25 asks for a fall
        if found.word == U:
            assert "runs that differ" in found.outcome.why and math.isnan(found.needed)


@pytest.mark.parametrize("claim", SCORED)
@pytest.mark.parametrize("model", MODELS)
def test_without_the_runs_of_a_model_nothing_is_decided(claim, model):
    values, _ = made(claim, 1, 0.01, 3)
    if any(name.endswith(model) for own in values.values() for name in own):
        assert verdict(claim, 1, 0.01, 3, without=model).word == NOT_RUN


@pytest.mark.parametrize("claim", SCORED)
def test_where_runs_diverged_the_others_alone_decide_nothing(claim):
    """Those of Self-Sparse GAN, of which as many have diverged as finished, however good the finished are."""
    found = verdict(claim, 1, 0.01, 5, diverged={"self_sparse": 5})
    assert found.word in (U, N) and "Self-Sparse GAN on" in found.why[-1] and "in 5 of 10 runs" in found.why[-1]
    if claim == "C8":  # half of the runs below all of WGAN-GP's, half behind them
        assert "lower in 50 % of their pairs" in found.outcome.ours
    assert (found.word == N) == (claim == "C7")


# Numbers


def welch(a, b):
    """scipy's one-sided p that a is below b, and b - a relative to b in percent with its delta-method interval, by hand."""
    a, b = np.array(a), np.array(b)
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b) * (a.mean() / b.mean()) ** 2
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    value = 100 * (1 - a.mean() / b.mean())
    half = stats.t.ppf(0.975, df) * 100 * math.sqrt(va + vb) / b.mean()
    return stats.ttest_ind(a, b, equal_var=False, alternative="less").pvalue, (value, value - half, value + half)


def runs(a, b, level):
    """The least n with 80 % power of the two-sided test at this level, one by one."""
    a, b = sorted((moments(a), moments(b)), key=lambda m: m.mean)
    return next(n for n in range(2, 1001) if power(a, b, n, level) >= 0.8)


A, B, C = [49.0, 51.0, 50.5, 48.0], [51.0, 50.0, 53.5, 52.0], [50.0, 56.0, 52.5, 54.0]


def test_numbers_of_lower_mean():
    p, effect = welch(A, B)
    found = decided("C8", {"fid_large": {"self_sparse": A, "wgan_gp": B}})
    assert found.verdict == REPRODUCED and found.same and found.p == pytest.approx(p) and 0.02 < p < 0.05
    assert shown(found.effect) == pytest.approx(effect) and found.of == "decrease, %"
    p, effect = welch(B, A)
    found = decided("C8", {"fid_large": {"self_sparse": B[:3], "wgan_gp": A[:3]}})
    p, effect = welch(B[:3], A[:3])
    assert (found.verdict, found.same) == (INCONCLUSIVE, False) and found.p == pytest.approx(p)
    assert shown(found.effect) == pytest.approx(effect)
    assert found.needed() == runs(A[:3], B[:3], 0.1)  # one-sided at 5 %


def test_numbers_of_an_ordering():
    """Four comparisons: of each dataset A < B, which is not shown, and B < D, which is."""
    far = [70.0, 72.0, 71.0, 73.0]
    found = decided("C11", {"best_fid": {"self_sparse": A, "without_psm": B, "without_csm": far}})
    p, effect = welch(A, B)
    # Holm: the two small p come first, and the larger of the others is not multiplied but made no less than twice the first.
    assert found.verdict == INCONCLUSIVE and found.same and found.p == pytest.approx(2 * p)
    assert shown(found.effect) == pytest.approx(effect) and found.needed() == runs(A, B, 0.1 / 4)
    assert found.of.startswith("decrease, %, Fashion-MNIST 128 × 128")
    found = decided("C11", {"best_fid": {"self_sparse": B, "without_psm": A, "without_csm": far}})
    assert (found.verdict, found.same, found.mixed) == (INCONCLUSIVE, False, True)
    assert found.needed() == runs(A, B, 0.1 / 4)  # until the reverse is shown


def test_numbers_of_a_larger_decrease():
    def of(first, second):
        cells = {f"{d}-{r}-{m}": x for d in ("celeba_hq", "lsun_bedroom") for r, own in ((64, first), (128, second)) for m, x in own.items()}  # fmt: skip
        return decided("C4", {"best_fid": cells})

    base, less, more = [99.0, 100.0, 102.0], [90.0, 93.0, 91.0], [86.0, 90.0, 87.0]
    found = of({"wgan_gp": base, "self_sparse": less}, {"wgan_gp": base, "self_sparse": more})
    variances, percents, per_run = [], [], []
    for x in (less, more):
        b, s = np.array(base), np.array(x)
        parts = [b.var(ddof=1) / 3 * (s.mean() / b.mean()) ** 2, s.var(ddof=1) / 3]
        error2 = sum(parts) * (100 / b.mean()) ** 2
        variances.append((error2, sum(parts) ** 2 / sum(v**2 / 2 for v in parts)))
        percents.append(100 * (1 - s.mean() / b.mean()))
        per_run.append(math.sqrt(3 * error2))
    error = math.sqrt(sum(v for v, _ in variances))
    df = error**4 / sum(v**2 / d for v, d in variances)
    growth = percents[1] - percents[0]
    assert found.p == pytest.approx(2 * stats.t.sf(growth / error, df))  # Holm: both have this p
    half = stats.t.ppf(0.975, df) * error
    assert shown(found.effect) == pytest.approx((growth, growth - half, growth + half))
    assert found.verdict == INCONCLUSIVE and found.same and not found.mixed
    assert found.of.startswith("growth of the decrease, percentage points, ")
    a, b = (moments(around(m, s, 3)) for m, s in zip(percents, per_run, strict=True))
    assert found.needed() == next(n for n in range(2, 1001) if power(a, b, n, 0.1 / 2) >= 0.8)


def one_mean(values, against, level):
    """The least n of a two-sided one-sample t test with 80 % power, by scipy's noncentral t."""
    d = abs(np.mean(values) - against) / np.std(values, ddof=1)
    return next(
        n for n in range(2, 1001) if stats.nct.sf(stats.t.ppf(1 - level / 2, n - 1), n - 1, d * math.sqrt(n)) >= 0.8
    )


def ends(values):
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


@pytest.mark.parametrize(("free", "verdict"), [([16, 25, 24], R), ([9, 18, 21], U), ([8, 10, 3], U), ([4, 5, 3], N)])
def test_numbers_of_a_saving(free, verdict):
    """200 against 210 less what is free: saved is free - 10."""
    parameters = {"wgan_gp": [200] * 3, "self_sparse": [210] * 3}
    found = decided("C19", {"generator_parameters": parameters, "free_weights": {"self_sparse": free}})
    saved = np.array(free) - 10.0
    assert found.verdict == verdict and found.same == (saved.mean() > 0) and found.of == "parameters saved"
    assert shown(found.effect) == pytest.approx((saved.mean(), *ends(saved)))
    assert found.p == pytest.approx(stats.ttest_1samp(saved, 0, alternative="greater").pvalue)
    if verdict == INCONCLUSIVE:
        assert found.needed() == one_mean(saved, 0, 0.1)


@pytest.mark.parametrize(("blank", "verdict"), [([0.8, 0.83, 0.81], R), ([0.7, 0.45, 0.6], U), ([0.4, 0.55, 0.42], U), ([0.2, 0.22, 0.21], N)])  # fmt: skip
def test_numbers_of_a_share(blank, verdict):
    found = decided("C43", {"blank_pixels": {"wgan_gp": blank, "self_sparse": blank}})
    both = blank if len(claims()["C43"].names()) == 1 else blank * len(claims()["C43"].names())
    assert found.verdict == verdict and found.same == (np.mean(blank) > 0.5) and found.of == "blank pixels"
    assert shown(found.effect) == pytest.approx((np.mean(both), *ends(both)))
    assert found.p == pytest.approx(stats.ttest_1samp(both, 0.5, alternative="greater").pvalue)
    if verdict == INCONCLUSIVE:
        assert found.needed() == one_mean(both, 0.5, 0.05)


def test_numbers_of_zeros():
    def of(zero, above):
        some = {size: above if size == 64 else [0.1, 0.2] for size in SIZES}
        return decided("C17", {"zeta": {"wgan_gp": dict.fromkeys(SIZES, zero), "self_sparse": some}})

    for zero, above, word, same, mixed, why in (
        ([0, 0], [0.2, 0.4], R, True, False, ""),
        ([0, 0], [0.0, 0.4], U, True, False, "not in every run"),
        ([0, 0], [0.0, 0.0], N, False, True, "not at 64 pixels"),
        ([0, 1e-9], [0.2, 0.4], N, False, False, "not at 4, 8, 16, 32, 64 pixels"),
    ):
        found = of(zero, above)
        assert (found.verdict, found.same, found.mixed, found.why) == (word, same, mixed, why)
        assert math.isnan(found.p) and math.isnan(found.effect.value) and math.isnan(found.needed())
        assert found.ours.startswith("ζ of Self-Sparse GAN: 0.150 at 4, 0.150 at 8, ")
        assert found.ours.endswith(f"{np.mean(above):.3f} at 64")


def test_what_is_not_measured_has_no_direction():
    small = {"self_sparse": B, "wgan_gp": A}
    assert decided("C45", {"fid_small": small, "fid_large": small}).same  # one order, though not the print's
    assert decided("C45", {"fid_small": small, "fid_large": {}}).same is None
    assert decided("C17", {"zeta": {}}).why == "not every size was measured"
