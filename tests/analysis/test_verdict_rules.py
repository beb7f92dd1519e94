"""Every rule of the verdicts, each way that it can come out."""

import inspect
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma
from verdict_results import RISING, case, decided, of_sparsity, pairs

from selfsparse import verdicts
from selfsparse.paper import proofs
from selfsparse.paper.printed import claims
from selfsparse.paper.proofs import Proof
from selfsparse.statistics.inference import hedges_g, power, welch
from selfsparse.statistics.moments import moments
from selfsparse.verdicts.case import FAILS, HOLDS, INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, UNAVAILABLE
from selfsparse.verdicts.judging import RULES, WITHOUT_RUNS

LOW, MIDDLE, HIGH = [10.0, 10.1, 10.2], [10.6, 10.8, 10.7], [12.0, 12.1, 12.3]
WIDE_LOW, WIDE_HIGH = [8.0, 10.0, 12.0], [9.0, 11.0, 13.0]


def test_every_rule_is_one_of_the_claims():
    """RULES takes its names from claims.yaml: no rule in code may be missing there."""
    public = {
        name
        for module in (verdicts.mechanism, verdicts.orders, verdicts.values)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and list(inspect.signature(function).parameters) == ["case"]
        if not name.startswith("_")
    }
    assert set(RULES) - public == WITHOUT_RUNS and public <= set(claims().rules)


# lower_mean_one_sided_welch_holm


def test_all_comparisons_must_hold():
    found = decided("C1", pairs(HIGH, LOW))
    assert found.verdict == REPRODUCED and found.ours == "lower in 12 of 12 comparisons, significantly in 12"
    assert decided("C1", pairs(HIGH, LOW, mnist_32=(WIDE_HIGH, WIDE_LOW))).verdict == INCONCLUSIVE
    found = decided("C1", pairs(HIGH, LOW, mnist_32=(LOW, HIGH)))
    assert found.verdict == NOT_REPRODUCED and "MNIST 32 × 32" in found.of


def test_directions_that_differ_are_mixed():
    one_kind_fails = pairs(LOW, HIGH, mnist_32=(HIGH, LOW))
    for values, same, mixed in (
        (pairs(HIGH, LOW), True, False),
        (pairs(HIGH, LOW, mnist_32=(LOW, HIGH)), False, True),
        (pairs(LOW, HIGH), False, False),
    ):
        found = decided("C1", values)
        assert (found.same, found.mixed) == (same, mixed)
    found = decided("C6", one_kind_fails)  # of gray images one is lower, which is enough, of colour images none
    assert not found.same and found.mixed


def test_the_number_of_comparisons_is_corrected_for():
    """Two cells with p = 0.03 each do not hold among twelve; one alone would."""
    weak = [10.0, 11.0, 12.0], [8.0, 9.0, 10.0]
    alone = decided("C41", pairs(*weak))
    assert alone.verdict == REPRODUCED and 0.025 < alone.p < 0.05
    found = decided("C1", pairs(HIGH, LOW, mnist_32=weak, cifar10_128=weak))
    assert found.verdict == INCONCLUSIVE and found.p == pytest.approx(2 * alone.p)


def test_one_of_each_kind_of_image_is_enough():
    same = WIDE_HIGH, WIDE_LOW
    gray, colour = {"mnist_32": (HIGH, LOW)}, {"cifar10_128": (HIGH, LOW)}
    assert decided("C6", pairs(*same, **gray, **colour)).verdict == REPRODUCED
    assert decided("C6", pairs(*same, **gray)).verdict == INCONCLUSIVE
    assert decided("C6", pairs(*same, **gray, cifar10_128=(LOW, HIGH))).verdict == NOT_REPRODUCED
    assert decided("C6", pairs(*same, **gray, **colour, stl10_64=(LOW, HIGH))).verdict == REPRODUCED


def test_comparisons_by_dataset():
    worse, better = {"wgan_gp": LOW, "without_psm": HIGH}, {"wgan_gp": HIGH, "without_psm": LOW}

    for stl, word in ((better, REPRODUCED), (worse, NOT_REPRODUCED)):
        fids = {f"fashion_mnist-128-{k}": v for k, v in worse.items()} | {f"stl10-64-{k}": v for k, v in stl.items()}
        assert decided("C13", {"best_fid": fids}).verdict == word


def test_several_quantities_must_all_be_lower():
    values = {"xi_bar": {"self_sparse": LOW, "without_psm": HIGH}, "zeta": {"self_sparse": LOW, "without_psm": HIGH}}
    assert decided("C14", values).verdict == REPRODUCED
    values["zeta"] = {"self_sparse": HIGH, "without_psm": LOW}
    found = decided("C14", values)
    assert found.verdict == NOT_REPRODUCED and found.of.endswith("zeta")


def test_monotone_except():
    found = decided("C36", of_sparsity(**RISING))
    assert found.verdict == REPRODUCED and found.same and "in 6 of 6 comparisons, significantly in 6" in found.ours
    assert decided("C36", of_sparsity(**RISING | {"mini_imagenet_64": (0.5, 1)})).verdict == REPRODUCED
    found = decided("C36", of_sparsity(**RISING | {"stl10_64": (0.4, 1)}))
    assert found.verdict == NOT_REPRODUCED and found.mixed
    # 6.95 and 7 % decrease with standard deviations of 0.1 each: in order, and too close to tell.
    found = decided("C36", of_sparsity(**RISING | {"stl10_64": (0.4, 7.05)}))
    assert found.verdict == INCONCLUSIVE and found.same
    assert found.of.endswith("LSUN bedrooms 64 × 64 and STL-10 64 × 64")
    assert found.effect.value == pytest.approx(0.05) and found.effect.low < 0 < found.effect.high
    assert 0.05 < found.p <= 1 and 3 < found.needed() < 1000
    assert "by chance in one of 36 cases" in found.why


def test_one_run_orders_nothing():
    one = {q: {name: values[:1] for name, values in own.items()} for q, own in of_sparsity(**RISING).items()}
    found = decided("C36", one)
    assert found.verdict == INCONCLUSIVE and found.same and math.isnan(found.p)


# Values


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.25, 0.26, 0.27], REPRODUCED),
        ([0.24, 0.24, 0.24], REPRODUCED),  # without spread, 0.02 is within 0.05
        ([0.20, 0.20, 0.20], NOT_REPRODUCED),
        ([0.1, 0.3, 0.5], INCONCLUSIVE),
        ([0.26], INCONCLUSIVE),
        ([0.26, 0.26], REPRODUCED),
        ([0.20, 0.32], INCONCLUSIVE),
        ([0.4, 0.41, 0.42], NOT_REPRODUCED),
    ],
)
def test_close_to_a_mean_without_a_printed_spread(values, verdict):
    """Against 0.26 with a margin of 0.05: SE = s √(1/n + 1/3), n - 1 degrees of freedom, as theirs is assumed to be ours."""
    found = decided("C30", {"xi_bar": {"self_sparse": values}})
    assert found.verdict == verdict and found.same and found.margin == 0.05
    n, mean = len(values), np.mean(values)
    assert found.effect.value == pytest.approx(mean - 0.26, abs=1e-12)
    if n < 2:
        assert math.isnan(found.p) and math.isnan(found.effect.low) and math.isnan(found.needed())
        assert found.why == "an interval needs two runs" and found.ours == "0.26"
        return
    error = np.std(values, ddof=1) * math.sqrt(1 / n + 1 / 3)
    if error > 1e-9:
        assert found.p == pytest.approx(stats.t.sf((0.05 - abs(mean - 0.26)) / error, n - 1))
        half = stats.t.ppf(0.975, n - 1) * error
        assert (found.effect.low, found.effect.high) == pytest.approx((mean - 0.26 - half, mean - 0.26 + half))
    else:
        assert found.p == (0 if abs(mean - 0.26) <= 0.05 else 1)


NEAR = [15.9, 16.0, 16.1], [15.1, 15.25, 15.3]  # of CelebA-HQ, where 15.95 ± 0.44 and 15.19 ± 0.18 are printed
FAR = [20.2, 20.4, 20.5], [15.8, 15.9, 16.1]  # of Fashion-MNIST, where 20.37 ± 0.87 and 15.92 ± 1.10 are printed


def by_hand(baseline, sparse, printed):
    """Difference from the print, its Cochran and Cox half width at 5 and at 2.5 %, and error and df with one spread for both."""
    (b, s), (pb, sb), (ps, ss) = [np.array(x) for x in (baseline, sparse)], printed[0], printed[1]
    ours, theirs = (100 * s.mean() / b.mean() ** 2, 100 / b.mean()), (100 * ps / pb**2, 100 / pb)
    terms = [
        (w**2 * sd**2 / n, n - 1)
        for w, sd, n in (
            (ours[0], b.std(ddof=1), len(b)), (ours[1], s.std(ddof=1), len(s)), (theirs[0], sb, 3), (theirs[1], ss, 3)
        )
    ]  # fmt: skip
    total = sum(v for v, _ in terms)
    halves = [sum(v * stats.t.ppf(q, df) for v, df in terms) / total * math.sqrt(total) for q in (0.975, 0.9875)]
    pooled = []
    for x, sd, wo, wt in ((b, sb, ours[0], theirs[0]), (s, ss, ours[1], theirs[1])):
        df = len(x) + 1
        pooled.append((((len(x) - 1) * x.var(ddof=1) + 2 * sd**2) / df * (wo**2 / len(x) + wt**2 / 3), df))
    variance = sum(v for v, _ in pooled)
    return 100 * (1 - s.mean() / b.mean()), halves, math.sqrt(variance), variance**2 / sum(v**2 / d for v, d in pooled)


def test_close_to_a_decrease():
    found = decided("C2", pairs(LOW, LOW, celeba_hq_64=NEAR, fashion_mnist_64=FAR))
    assert found.verdict == REPRODUCED and found.same and not found.mixed
    value, halves, error, df = by_hand(*NEAR, ((15.95, 0.44), (15.19, 0.18)))
    assert found.of == "difference from the print, percentage points, CelebA-HQ 64 × 64" and found.margin == 6
    assert found.effect.value == pytest.approx(value - 4.76)
    assert found.effect.high - found.effect.low == pytest.approx(2 * halves[0])
    assert found.p == pytest.approx(stats.t.sf((6 - abs(value - 4.76)) / error, df))
    found = decided("C2", pairs(LOW, LOW, celeba_hq_64=NEAR, fashion_mnist_64=(FAR[0], [30.1, 30.3, 30.2])))
    assert found.verdict == NOT_REPRODUCED and found.of.endswith("Fashion-MNIST 64 × 64") and found.margin == 13
    found = decided("C2", pairs(LOW, LOW, celeba_hq_64=([15.3, 16.0, 16.7], [14.7, 15.2, 15.7]), fashion_mnist_64=FAR))
    assert found.verdict == INCONCLUSIVE and 3 < found.needed() < 1000


def test_close_and_yet_no_decrease():
    """3 % is within 6 points of 4.76 %; where it cannot be told from none, nothing is reproduced."""
    found = decided("C2", pairs(LOW, LOW, celeba_hq_64=([15.7, 16.0, 16.3], [15.3, 15.5, 15.7]), fashion_mnist_64=FAR))
    assert found.verdict == INCONCLUSIVE and found.p < 0.05 and found.effect.value == pytest.approx(3.125 - 4.76)
    assert found.needed() >= runs_to_tell([15.7, 16.0, 16.3], [15.3, 15.5, 15.7])


def runs_to_tell(high, low):
    """The least n of each with which Welch's two-sided test at 5 % has a power of 80 %."""
    a, b = moments(low), moments(high)
    return next(n for n in range(2, 1000) if power(a, b, n) >= 0.8)


def test_a_contradiction_needs_more_where_two_values_are_asked_for():
    """Each value is tested at 2.5 %, so that the pair is at 5 %."""
    printed = (15.95, 0.44), (15.19, 0.18)
    between = None
    for low in np.arange(12.0, 15.0, 0.02):
        sparse = [low - 0.05, low, low + 0.05]
        value, (single, pair), _, _ = by_hand(NEAR[0], sparse, printed)
        if single < value - 4.76 - 0.01 < pair:
            between = sparse
    assert between is not None
    # As one of two values it is not yet a contradiction; alone (C3) it is.
    assert decided("C2", pairs(LOW, LOW, celeba_hq_64=(NEAR[0], between), fashion_mnist_64=FAR)).verdict == INCONCLUSIVE
    assert decided("C3", pairs(NEAR[0], between)).verdict == NOT_REPRODUCED


def test_not_significant_with_three_runs():
    """The gain of C3 is close; whether three runs would find it significant is what its spread says."""
    calm, wild = [15.0, 15.19, 15.38], [15.5, 15.95, 16.4]
    found = decided("C3", pairs(wild, calm))
    assert found.verdict == REPRODUCED and found.why == ""
    many = [15.19 + 0.01 * x for x in (-1, 0, 1)], [15.95 + 0.01 * x for x in (-1, 0, 1)]
    found = decided("C3", pairs(many[1], many[0]))
    assert found.verdict == NOT_REPRODUCED
    assert found.why == "with 3 runs each the gain would be significant more often than not"
    assert hedges_g(moments(many[1]), moments(many[0])).low > 5 and welch(moments(calm), moments(wild)).p > 0.05


def test_close_to_a_drop():
    def of(baseline, sparse):
        return decided("C9", {"fid_drop": {"wgan_gp": baseline, "self_sparse": sparse}})

    assert of([9.5, 9.6, 9.7], [9.3, 9.4, 9.5]).verdict == REPRODUCED
    found = of([5.9, 6.0, 6.1], [9.3, 9.4, 9.5])
    assert found.verdict == NOT_REPRODUCED and found.of == "difference from the print, FID, WGAN-GP"
    assert found.effect.value == pytest.approx(6.0 - 9.65) and found.margin == 2
    assert of([9.5, 9.6, 9.7], [2.0, 9.0, 16.0]).verdict == INCONCLUSIVE


def test_four_pairs_carry_no_verdict_on_r():
    printed = {  # the paper's own: r = 0.616
        "stl10_64": (0.44, 11.97), "mini_imagenet_64": (0.47, 6.83), "celeba_hq_64": (0.26, 4.76), "lsun_bedroom_64": (0.39, 6.86),
    }  # fmt: skip
    almost_one = printed | {"stl10_64": (0.44, 7.5), "mini_imagenet_64": (0.47, 7.9)}
    falling = {cell: (-xi, percent) for cell, (xi, percent) in almost_one.items()}
    for cells, same in ((printed, True), (almost_one, True), (falling, False)):
        found = decided("C37", of_sparsity(**RISING | cells))
        assert (found.verdict, found.same) == (INCONCLUSIVE, same)
        r = np.corrcoef(np.transpose([cells[cell] for cell in printed]))[0, 1]
        assert found.effect.value == pytest.approx(r) and found.margin == 0.17
        ends = [math.tanh(math.atanh(found.effect.value) + side * 1.959964) for side in (-1, 1)]  # √(4 - 3) = 1
        assert (found.effect.low, found.effect.high) == pytest.approx(ends, abs=1e-6)
        assert found.unit == "pairs in each of both studies" and "4 points carry no verdict" in found.why
        # 3 + 2 (z₀.₉₅ + z₀.₉)² / (atanh 0.62 − atanh 0.45)²: the side on which Fisher's z moves less
        assert found.needed() == math.ceil(3 + 2 * ((1.644854 + 1.281552) / (math.atanh(0.62) - math.atanh(0.45))) ** 2)
        assert "in print 0.62" in found.ours


def test_signs_settle():
    def of(largest, last=(0.001, 0.001, 0.001)):
        return decided("C20", {"signs_largest": {"self_sparse": largest}, "signs_last": {"self_sparse": last}})

    found = of([0.001, 0.002, 0.001])
    assert found.verdict == REPRODUCED and found.same and found.effect.value == pytest.approx(0.004 / 3)
    assert found.p == pytest.approx(stats.ttest_1samp([0.001, 0.002, 0.001], 0.01, alternative="less").pvalue)
    assert of([0.05, 0.06, 0.05]).verdict == NOT_REPRODUCED
    found = of([0.001, 0.005, 0.03])
    assert found.verdict == INCONCLUSIVE and found.needed() > 3
    found = of([0.05], [0.04])
    assert (found.verdict, found.same) == (INCONCLUSIVE, False)
    assert found.ours == "0.0500 of the signs differ at most, 0.0400 at the end"
    assert found.why == "an interval needs two runs"
    found = of([], [])
    assert found.verdict == INCONCLUSIVE and found.same is None and "not kept" in found.why


# Correlations


def test_correlation_positive():
    bent = RISING | {"mini_imagenet_64": (0.5, 10)}
    found = decided("C40", of_sparsity(**bent))
    r = [np.corrcoef(np.transpose([bent[cell] for cell in bent if cell.endswith(end)]))[0, 1] for end in ("_64", "128")]
    z = np.mean(np.arctanh(r))  # four pairs each: both z have a variance of 1 / (4 - 3)
    assert found.verdict == REPRODUCED and found.same and found.unit == "pairs at each resolution"
    assert found.p == pytest.approx(stats.norm.sf(z * math.sqrt(2)), rel=1e-6)
    assert found.effect.value == pytest.approx(math.tanh(z))
    half = 1.959964 / math.sqrt(2)
    assert (found.effect.low, found.effect.high) == pytest.approx((math.tanh(z - half), math.tanh(z + half)))
    falling = {cell: (-xi, percent) for cell, (xi, percent) in bent.items()}
    found = decided("C40", of_sparsity(**falling))
    assert (found.verdict, found.same) == (NOT_REPRODUCED, False)
    mixed = RISING | {
        "mnist_128": (0.4, 5),
        "stl10_64": (0.4, 5),
        "cifar10_128": (0.5, 6),
        "mini_imagenet_64": (0.5, 6),
    }
    found = decided("C40", of_sparsity(**mixed))
    assert found.verdict == INCONCLUSIVE and found.needed() > 4


def test_each_resolution_has_a_level_of_its_own():
    """Within each resolution the decrease falls with ξ̄; over all pairs it rises, as both are larger at the higher one."""
    apart = {cell: (0.55 - xi if cell.endswith("_64") else 1.05 - xi, y + 20 * cell.endswith("128")) for cell, (xi, y) in RISING.items()}  # fmt: skip
    found = decided("C40", of_sparsity(**apart | {"mini_imagenet_64": (0.05, 10), "cifar10_128": (0.55, 33)}))
    assert found.verdict == NOT_REPRODUCED and found.effect.value < -0.9


def test_larger_correlation():
    # r close to 1 at both resolutions, not 1 itself, and the same with the other sign
    bent = RISING | {"mini_imagenet_64": (0.5, 10), "cifar10_128": (0.5, 12)}
    for resolution, verdict in ((64, REPRODUCED), (128, NOT_REPRODUCED), (None, INCONCLUSIVE)):
        turned = {cell: (-xi if cell.endswith(f"_{resolution}") else xi, y) for cell, (xi, y) in bent.items()}
        assert decided("C39", of_sparsity(**turned)).verdict == verdict


# What the module does


def test_zero_positions_that_training_made():
    def of(*stages):
        return decided("C18", {"position_zero_growth": {"self_sparse": dict(enumerate(stages, 1))}})

    grown, same, fallen = [0.10, 0.11, 0.12], [-0.01, 0.0, 0.012], [-0.10, -0.11, -0.12]
    found = of(same, grown, fallen)
    assert found.verdict == REPRODUCED and found.same and found.of == "growth of the share, MNIST 128 × 128, stage 2"
    assert found.effect.value == pytest.approx(0.11)
    assert found.p == pytest.approx(3 * stats.ttest_1samp(grown, 0, alternative="greater").pvalue)  # Holm over three
    assert of([0.0] * 3, [0.0] * 3).verdict == NOT_REPRODUCED  # untrained: nothing has grown, without any spread
    assert of(same, fallen).verdict == NOT_REPRODUCED
    assert of(same, [-0.02, 0.03, 0.02]).verdict == INCONCLUSIVE


def test_models_are_compared_within_a_stage():
    """WGAN-GP's share falls from stage to stage as well, without any sparsity: that alone reproduces nothing."""

    def of(sparse):
        falling = {1: [0.23, 0.24, 0.22], 2: [0.09, 0.10, 0.09], 3: [0.02, 0.03, 0.025]}
        return decided("C23", {"bn_negative_share": {"wgan_gp": falling, "self_sparse": sparse}})

    found = of({1: [0.10, 0.11, 0.09], 2: [0.04, 0.045, 0.05], 3: [0.002, 0.001, 0.003]})
    assert found.verdict == REPRODUCED and found.ours == "lower in 3 of 3 comparisons, significantly in 3"
    assert of({1: [0.23, 0.22, 0.24], 2: [0.10, 0.09, 0.09], 3: [0.025, 0.02, 0.03]}).verdict == INCONCLUSIVE
    found = of({1: [0.10, 0.11, 0.09], 2: [0.14, 0.15, 0.14], 3: [0.002, 0.001, 0.003]})
    assert found.verdict == NOT_REPRODUCED and found.mixed and found.of == "decrease, %, MNIST 128 × 128, stage 2"
    zero = {1: [0.10, 0.11, 0.09], 2: [0.04, 0.045, 0.05], 3: [0.0] * 3}
    found = decided("C23", {"bn_negative_share": {"wgan_gp": zero, "self_sparse": {**zero, 1: [0.01, 0.02, 0.0]}}})
    assert found.ours.startswith("lower in 1 of 2 comparisons")  # where both are zero there is nothing to compare


def test_weights_driven_away_from_being_negative():
    def of(growth, sparse, baseline):
        return decided("C25", {
            "negative_weight_growth": {"self_sparse": growth},
            "negative_weight_share": {"self_sparse": sparse, "wgan_gp": baseline},
        })  # fmt: skip

    down, up, low, high = [-0.05, -0.04, -0.05], [0.02, 0.03, 0.02], [0.45, 0.46, 0.45], [0.55, 0.56, 0.55]
    assert of(down, low, high).verdict == REPRODUCED
    found = of(up, low, high)  # below WGAN-GP's, and yet above the half that it started from
    assert found.verdict == NOT_REPRODUCED and found.mixed and found.of.endswith("from start to end")
    assert found.effect.value == pytest.approx(-0.07 / 3)
    assert found.p == pytest.approx(stats.ttest_1samp(up, 0, alternative="less").pvalue)
    assert "+0.023" in found.ours and "0.453 ± 0.006 against 0.553 ± 0.006" in found.ours
    assert of(down, high, low).verdict == NOT_REPRODUCED
    assert of(down, low, [0.40, 0.46, 0.50]).verdict == INCONCLUSIVE


def test_smaller_spread():
    def of(factor, n=6, **others):
        unit = stats.norm.ppf((np.arange(n) + 0.5) / n)
        return decided("C7", pairs((50 + 2 * unit).tolist(), (40 + 1.6 * factor * unit).tolist()), **others)

    assert of(0.5).verdict == REPRODUCED and of(2).verdict == NOT_REPRODUCED
    found = of(0.9)
    assert found.verdict == INCONCLUSIVE and found.same and found.ours == "smaller in 12 of 12 cells"
    assert found.effect.value == pytest.approx(10)
    error = math.sqrt(2 * polygamma(1, 2.5) / 12)
    assert found.p == pytest.approx(stats.norm.cdf(2 * math.log(0.9) / error))
    ends = [100 * (1 - 0.9 * math.exp(side * 1.959964 * error / 2)) for side in (1, -1)]
    assert (found.effect.low, found.effect.high) == pytest.approx(ends)
    z = stats.norm.ppf(0.95) + stats.norm.ppf(0.8)
    assert found.needed() == math.ceil(1 + 4 / 12 * (z / (2 * math.log(0.9))) ** 2)
    found = of(0.5, 1)
    assert found.verdict == INCONCLUSIVE and found.why == "a spread needs two runs that differ in every cell"
    # Twelve cells of six finished runs each and, of WGAN-GP alone, one more that diverged: Fisher's exact test.
    found = of(2, diverged={"wgan_gp": 1})
    assert found.verdict == REPRODUCED and found.ours == "diverged: Self-Sparse GAN 0 of 72, WGAN-GP 12 of 84"
    assert found.p == pytest.approx(stats.fisher_exact([[0, 72], [12, 72]], alternative="less").pvalue)
    assert found.effect.value == pytest.approx(100 * 12 / 84)
    found = of(1, diverged={"wgan_gp": 6, "self_sparse": 5})  # 72 of 144 against 60 of 132
    assert found.verdict == INCONCLUSIVE and found.same
    h = 2 * math.asin(math.sqrt(0.5)) - 2 * math.asin(math.sqrt(60 / 132))
    assert found.needed() == math.ceil(2 * (z / h) ** 2 / 12)
    assert math.isnan(of(1, diverged={"wgan_gp": 6, "self_sparse": 6}).needed())  # no difference to find


# Runs that diverged


def test_diverged_runs_rank_last():
    """Five of WGAN-GP finish, of Self-Sparse GAN two, and three diverge: the two that are left, lower as they are, win nothing."""
    base, sparse = [12.0, 12.1, 12.3, 12.2, 12.4], [10.0, 10.1]
    assert decided("C41", pairs(base, sparse)).verdict == REPRODUCED
    found = decided("C41", pairs(base, sparse), diverged={"self_sparse": 3})
    infinite = [*sparse, *[1e9] * 3]
    exact = stats.mannwhitneyu(infinite, base, alternative="less", method=stats.PermutationMethod(n_resamples=np.inf))
    assert found.verdict == INCONCLUSIVE and not found.same and found.p == pytest.approx(exact.pvalue)
    assert math.isnan(found.effect.value) and "lower in 40 % of their pairs" in found.ours
    assert "in 2 of 5 runs" in found.ours and "in 5 of 5 runs" in found.ours
    # Noether 1987: n = (z₀.₉₅ + z₀.₈)² / (6 (0.4 − 0.5)²); at 10 % two-sided, as one comparison is tested at 5 % one-sided.
    assert found.needed() == math.ceil((1.644854 + 0.841621) ** 2 / (6 * 0.01))
    assert decided("C41", pairs(base, [])).verdict == INCONCLUSIVE  # not measured
    found = decided("C41", pairs([], sparse * 3), diverged={"wgan_gp": 5})
    assert found.verdict == REPRODUCED and found.p == pytest.approx(1 / math.comb(11, 5))
    assert decided("C41", pairs(base, []), diverged={"self_sparse": 5}).verdict == NOT_REPRODUCED


# Proof, print, and what cannot be tested


def test_a_proof_holds_or_fails_with_the_code(monkeypatch):
    found = decided("C22")
    assert found.verdict == HOLDS and found.ours == "960 comparisons, all equal within 1e-10"
    broken = partial(Proof, 960, tolerance=1e-10, where="Eq. 11 of 4 images")
    for deviation, ours in ((0.71094, "0.71"), (math.nan, "nan"), (1.01e-10, "1e-10")):
        monkeypatch.setattr(proofs, "prove", lambda claim, configurations, d=deviation: broken(deviation=d))
        found = decided("C22")
        assert found.verdict == FAILS
        assert found.ours == f"largest deviation {ours}, of at most 1e-10, in Eq. 11 of 4 images"


def test_what_follows_from_the_print():
    found = decided("C10")  # 54.23 is below 55.1
    assert found.verdict == HOLDS and "54.23 − 55.1 = −0.87" in found.ours
    assert "no number of this paper" in found.why and "5,000 generated images" in found.why
    other = case("C10")
    moved = other.claim.model_copy(update={"parameters": other.claim.parameters | {"finding": "parameters"}})
    assert RULES["computed_from_print"](replace(other, claim=moved)).verdict == FAILS


def test_what_cannot_be_tested():
    found = decided("C42")
    assert found.verdict == UNAVAILABLE and found.why
