"""What an outcome says beside its word: effect, p, runs still needed, direction, against values of SciPy or by hand."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from verdict_results import RISING, decided, of_sparsity, pairs, paper_results, shown

from selfsparse.statistics.inference import hedges_g, runs_for_power
from selfsparse.statistics.moments import Estimate, moments
from selfsparse.statistics.replication import Part, runs_to_decide
from selfsparse.statistics.runs import decrease_moments, p_above, runs_for_mean
from selfsparse.verdicts.case import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOTHING,
    REPRODUCED,
    Comparison,
    Evidence,
    decide,
    largest,
    least,
)
from selfsparse.verdicts.orders import _fewer_diverged

LOW, HIGH = [10.0, 10.1, 10.3], [12.0, 12.1, 12.6]
WIDE_LOW, WIDE_HIGH = [8.0, 10.0, 12.0], [9.0, 11.0, 14.0]
Z95, Z90, Z80 = stats.norm.ppf([0.95, 0.9, 0.8])


def delta(baseline, value):
    """Relative decrease in percent, its standard error by the delta method, and Welch's degrees of freedom."""
    b, v = np.array(baseline), np.array(value)
    ratio = v.mean() / b.mean()
    parts = [(ratio**2 * b.var(ddof=1) / len(b), len(b) - 1), (v.var(ddof=1) / len(v), len(v) - 1)]
    total = sum(part for part, _ in parts)
    return 100 * (1 - ratio), 100 * math.sqrt(total) / b.mean(), total**2 / sum(p**2 / df for p, df in parts)


def one(p, p_reverse=None, same=True, needed=math.nan, label="x"):
    """A comparison of which all is given; the runs that it needs are those for the level, over the level."""
    effect, runs = Estimate(p, p - 1, p + 1), lambda level: needed / level
    return Comparison(label, same, p, effect, f"p = {p}", runs, reverse=p_reverse)


# Several comparisons


def test_a_verdict_on_one_comparison():
    for p, word in ((0.049, REPRODUCED), (0.051, INCONCLUSIVE), (0.949, INCONCLUSIVE), (0.951, NOT_REPRODUCED)):
        found = decide([one(p, needed=1.0)], "unit")
        assert (found.verdict, found.p, found.of, found.ours) == (word, p, "unit", f"p = {p}")
        assert found.effect == Estimate(p, p - 1, p + 1) and found.why == ""
    # A one-sided test at 5 % is a two-sided one at 10 %, which is what runs are counted for.
    assert decide([one(0.2, needed=1.0)], "unit").needed() == pytest.approx(1 / 0.1)


def test_both_directions_are_corrected_for_the_number_of_comparisons():
    tests = [one(0.01, label="a"), one(0.024, label="b")]
    found = decide(tests, "unit")  # Holm: 0.02 and 0.024
    assert (found.verdict, found.p, found.of) == (REPRODUCED, 0.024, "unit, b")
    assert decide([*tests, one(0.02)], "unit").p == pytest.approx(0.04)  # 0.03, 0.04, then no less than that
    found = decide([one(0.001), one(0.001), one(0.03, label="c")], "unit")
    assert found.verdict == REPRODUCED and found.p == 0.03
    # One of three against it with p = 0.02: 0.06 once corrected, so no contradiction; with 0.01 it is.
    for reverse, word in ((0.02, INCONCLUSIVE), (0.01, NOT_REPRODUCED)):
        found = decide([one(0.001), one(0.001), one(0.9, reverse, False, label="c")], "unit")
        assert (found.verdict, found.of, found.same, found.mixed) == (word, "unit, c", False, True)
        assert found.ours == "as claimed in 2 of 3 comparisons, significantly in 2"


def test_of_each_class_the_best_counts_and_the_worst_class_is_shown():
    tests = [one(0.5, label="a"), one(0.001, label="b"), one(0.002, label="c"), one(0.99, 0.005, False, label="d")]
    found = decide(tests, "unit", ["gray", "gray", "rgb", "rgb"])
    assert (found.verdict, found.of) == (REPRODUCED, "unit, c")
    assert found.p == pytest.approx(0.006)  # 0.002 of four, the second
    assert found.same and not found.mixed
    # The contradiction counts where no test of its class holds.
    tests[2] = replace(tests[2], p=0.2, reverse=0.8)
    found = decide(tests, "unit", ["gray", "gray", "rgb", "rgb"])
    assert (found.verdict, found.of) == (NOT_REPRODUCED, "unit, d")


def test_runs_for_several_comparisons():
    """All open classes have to be decided: the most of their fewest, each test at a share of the level."""
    level = 2 * 0.05 / 3
    tests = [one(0.3, needed=4.0), one(0.3, needed=2.0), one(0.3, needed=3.0)]
    assert decide(tests, "unit").needed() == pytest.approx(4 / level)
    assert decide(tests, "unit", ["a", "a", "b"]).needed() == pytest.approx(3 / level)
    # What is decided needs no more; what cannot be decided the claim's way may be by one class that points the other way.
    assert decide([one(0.001, needed=9.0), one(0.3, needed=2.0)], "unit").needed() == pytest.approx(2 / 0.05)
    against = [one(0.3, needed=4.0), one(0.7, same=False, needed=5.0), one(0.6, same=False, needed=6.0)]
    assert decide(against, "unit").needed() == pytest.approx(5 / level)
    # A class with one test the claim's way does not point the other way.
    against[1] = replace(against[1], needed=lambda level: 1 / level)
    found = decide(against, "unit", ["a", "a", "b"])
    assert found.needed() == pytest.approx(6 / level)
    assert math.isnan(decide([one(0.3), one(0.3, needed=1.0)], "unit").needed())


def test_what_was_not_measured():
    found = decide([one(0.001), one(math.nan, math.nan, None)], "unit")
    assert (found.verdict, found.same, found.why) == (INCONCLUSIVE, None, "a test needs two runs that differ")
    assert math.isnan(found.p)
    found = decide([], "unit")
    assert found.verdict == INCONCLUSIVE and found.effect == NOTHING and found.why == "nothing to compare was measured"


def test_the_largest_and_the_least_where_one_is_unknown():
    assert largest([1.0, 3.0, 2.0]) == 3.0 and math.isnan(largest([1.0, math.nan]))
    assert least([math.nan, 3.0, 2.0]) == 2.0 and math.isnan(least([math.nan]))


@pytest.mark.parametrize("value", [0.0, 0.9])
def test_p_above_is_scipys(value):
    values = [0.5, 1.5, 1.0, 1.4]
    expected = stats.ttest_1samp(values, value, alternative="greater").pvalue
    assert p_above(moments(values), value) == pytest.approx(expected)
    assert p_above(moments([1.0, 1.0]), 1.0) == 1.0 and math.isnan(p_above(moments([1.0]), 0))


@pytest.mark.parametrize("level", [0.05, 0.01])
def test_runs_for_a_mean_have_the_power(level):
    """The power of a t test is that of the noncentral t distribution; of d = 0.8."""
    m = moments([0.3, 0.8, 1.3])
    scale = 0.8 / 0.5

    def power_of(n):
        return stats.nct.sf(stats.t.ppf(1 - level / 2, n - 1), n - 1, scale * math.sqrt(n))

    n = int(runs_for_mean(m, 0, level))
    assert power_of(n) >= 0.8 > power_of(n - 1)
    assert runs_for_mean(m, 1.6, level) == n  # as far on the other side
    assert runs_for_mean(moments([0.5, 1.0, 1.5]), 0, 0.05) == 5  # d = 2: Cohen's tables
    assert math.isnan(runs_for_mean(m, m.mean, level)) and math.isnan(runs_for_mean(moments([1.0]), 0, level))


# Orders


def test_runs_for_a_lower_mean():
    """Alone it is tested at 5 % one-sided, among twelve at a twelfth of that."""
    wide = moments(WIDE_LOW), moments(WIDE_HIGH)
    assert decided("C41", pairs(WIDE_HIGH, WIDE_LOW)).needed() == runs_for_power(*wide, 0.1)
    assert decided("C41", pairs(WIDE_LOW, WIDE_HIGH)).needed() == runs_for_power(*wide, 0.1)
    found = decided("C1", pairs(HIGH, LOW, mnist_32=(WIDE_HIGH, WIDE_LOW)))
    assert found.needed() == runs_for_power(*wide, 0.1 / 12) > runs_for_power(*wide, 0.1)
    assert runs_for_power(*wide, 0.05) == runs_for_power(*wide[::-1], 0.05)


def test_steps_saved_are_a_ratio_of_geometric_means():
    steps = {"self_sparse": [1000, 1100, 900, 1050], "wgan_gp": [2000, 2200, 2100, 2500]}
    found = decided("C5", {"log_steps_to_level": {model: np.log(values) for model, values in steps.items()}})
    test = stats.ttest_ind(*(np.log(values) for values in steps.values()), equal_var=False)
    low, high = test.confidence_interval(0.95)
    ratio = stats.gmean(steps["self_sparse"]) / stats.gmean(steps["wgan_gp"])
    assert found.effect.value == pytest.approx(100 * (1 - ratio))
    assert (found.effect.low, found.effect.high) == pytest.approx([100 * (1 - math.exp(d)) for d in (high, low)])


def test_same_order_says_the_larger_sample():
    small, large = (WIDE_LOW, WIDE_HIGH), (LOW, HIGH)  # Self-Sparse GAN, WGAN-GP
    of = lambda pair: dict(zip(("self_sparse", "wgan_gp"), pair, strict=True))  # noqa: E731
    values = {"fid_small": of(small), "fid_large": of(large)}
    found = decided("C45", values)
    assert found.verdict == INCONCLUSIVE and found.same
    assert found.p == pytest.approx(stats.ttest_ind(*small, equal_var=False).pvalue)  # the weaker of both
    value, error, df = delta(HIGH, LOW)
    half = stats.t.ppf(0.975, df) * error
    assert shown(found.effect) == pytest.approx((value, value - half, value + half))
    assert found.needed() == runs_for_power(*map(moments, small), 0.05)
    # Of two that are not significant the one counts that needs more; what is significant already needs no more.
    close = [9.0, 11.1, 13.0]
    values["fid_large"] = {"self_sparse": close, "wgan_gp": WIDE_HIGH}
    assert decided("C45", values).needed() == runs_for_power(moments(close), moments(WIDE_HIGH), 0.05)
    many = [10.0 + x for x in np.linspace(-1.5, 1.5, 20)], [10.7 + x for x in np.linspace(-1.5, 1.5, 20)]
    values["fid_large"] = of(many)
    assert stats.ttest_ind(*many, equal_var=False).pvalue < 0.05
    few = [8.0, 9.0, 10.0], [10.0, 11.0, 12.2]
    values["fid_small"] = of(few)
    needed, of_many = (runs_for_power(*map(moments, pair), 0.05) for pair in (few, many))
    assert decided("C45", values).needed() == needed < of_many


def test_a_decrease_as_if_it_were_measured_run_by_run():
    """10 ± 1 in five runs to 5 ± 2 in three: 50 %, of spread 100 √((0.5 · 1)² + 2²) / 10."""
    ten, five = (replace(moments([0.0]), n=n, mean=mean, std=std) for n, mean, std in ((5, 10.0, 1.0), (3, 5.0, 2.0)))
    found = decrease_moments(ten, five)
    assert (found.n, found.mean) == (3, 50.0) and found.std == pytest.approx(10 * math.sqrt(4.25))


def test_one_order_needs_both_differences():
    """Sparsity rises clearly and the decrease faintly, or the reverse: the larger p of both, over six pairs of cells."""
    values = of_sparsity(**RISING)
    values["best_fid"]["stl10-64-self_sparse"] = [89, 91, 93]
    found = decided("C36", values)
    assert found.verdict == INCONCLUSIVE and found.same
    assert found.of.endswith("LSUN bedrooms 64 × 64 and STL-10 64 × 64")
    (a, error_a, df_a), (b, error_b, df_b) = (
        delta(*(values["best_fid"][f"{name}-64-{model}"] for model in ("wgan_gp", "self_sparse")))
        for name in ("lsun_bedroom", "stl10")
    )
    error = math.hypot(error_a, error_b)
    df = error**4 / (error_a**4 / df_a + error_b**4 / df_b)
    half = stats.t.ppf(0.975, df) * error
    assert shown(found.effect) == pytest.approx((b - a, b - a - half, b - a + half))
    assert found.p == pytest.approx(stats.t.sf((b - a) / error, df))  # the largest of six is corrected by nothing
    # Now ξ̄ is the faint one: its own p decides.
    values["best_fid"]["stl10-64-self_sparse"] = [90.9, 91, 91.1]
    values["xi_bar"]["stl10-64-self_sparse"] = [0.2, 0.4, 0.6]
    faint = stats.ttest_ind([0.29, 0.3, 0.31], [0.2, 0.4, 0.6], equal_var=False, alternative="less").pvalue
    found = decided("C36", values)
    assert found.verdict == INCONCLUSIVE and found.p == pytest.approx(faint)
    # Falling decreases against a rising ξ̄ are the reverse, whichever of both comes first.
    values["xi_bar"]["stl10-64-self_sparse"] = [0.39, 0.4, 0.41]
    values["best_fid"]["stl10-64-self_sparse"] = [98.9, 99, 99.1]
    found = decided("C36", values)
    assert found.verdict == NOT_REPRODUCED and found.same is False and found.effect.value < 0


def test_spread_of_unequal_numbers_of_runs():
    """The log of a sample variance is biased by digamma(k) − log(k), k half the degrees of freedom, and more with fewer runs."""
    unit = {n: stats.norm.ppf((np.arange(n) + 0.5) / n) for n in (3, 9)}
    unit = {n: x / x.std(ddof=1) for n, x in unit.items()}
    found = decided("C7", pairs((50 + 5 * unit[9]).tolist(), (40 + 4 * unit[3]).tolist()))
    bias = {n: stats.loggamma(k := (n - 1) / 2).mean() - math.log(k) for n in (3, 9)}
    assert found.effect.value == pytest.approx(100 * (1 - math.exp((bias[9] - bias[3]) / 2)))
    variance = sum(stats.loggamma((n - 1) / 2).var() for n in (3, 9)) / 12
    half = stats.norm.ppf(0.975) * math.sqrt(variance)
    ends = [100 * (1 - math.exp((bias[9] - bias[3] + side * half) / 2)) for side in (1, -1)]
    assert (found.effect.low, found.effect.high) == pytest.approx(ends)
    assert found.p == pytest.approx(stats.norm.cdf((bias[9] - bias[3]) / math.sqrt(variance)))


@pytest.mark.parametrize("diverged", [(3, 1), (1, 3), (2, 2), (0, 2)])
def test_fewer_diverged_runs_are_fishers_test(diverged):
    every = [10, 8]  # WGAN-GP, Self-Sparse GAN
    table = [[diverged[1], every[1] - diverged[1]], [diverged[0], every[0] - diverged[0]]]
    found = _fewer_diverged(list(diverged), every, cells=1)
    assert found.p == pytest.approx(stats.fisher_exact(table, alternative="less").pvalue)
    assert found.p_reverse == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
    assert found.same == (diverged[1] / 8 < diverged[0] / 10)
    assert found.effect.value == pytest.approx(100 * (diverged[0] / 10 - diverged[1] / 8))


def test_where_all_runs_diverged_nothing_points_a_way():
    found = decided("C41", pairs([], []), diverged={"wgan_gp": 3, "self_sparse": 3})
    assert (found.verdict, found.same, found.p) == (INCONCLUSIVE, False, 1.0) and math.isnan(found.needed())


def test_a_stage_that_one_model_alone_has_at_zero_is_compared():
    wgan, sparse = {1: [0.23, 0.24, 0.22], 2: [0.09, 0.10, 0.08]}, {1: [0.10, 0.11, 0.09], 2: [0.0] * 3}
    found = decided("C23", {"bn_negative_share": {"wgan_gp": wgan, "self_sparse": sparse}})
    assert found.verdict == REPRODUCED and found.ours == "lower in 2 of 2 comparisons, significantly in 2"
    ps = [stats.ttest_ind(sparse[t], wgan[t], equal_var=False, alternative="less").pvalue for t in (1, 2)]
    assert found.p == pytest.approx(max(max(ps), 2 * min(ps)))
    assert found.effect.value == pytest.approx([100 * (1 - 0.1 / 0.23), 100.0][int(np.argmax(ps))])


def test_the_fall_of_a_share_and_its_interval():
    down = [-0.05, -0.03, -0.04]
    found = decided("C25", {
        "negative_weight_growth": {"self_sparse": down},
        "negative_weight_share": {"self_sparse": [0.45, 0.46, 0.45], "wgan_gp": [0.55, 0.56, 0.55]},
    })  # fmt: skip
    low, high = stats.ttest_1samp(down, 0).confidence_interval(0.95)
    assert found.verdict == REPRODUCED and found.of.endswith("from start to end")
    assert shown(found.effect) == pytest.approx((-np.mean(down), -high, -low))


# Values


def test_rounding_of_the_print_contradicts_nothing():
    """0.26 is printed: ours differs by 0.055 where 0.05 would be told apart, of which 0.01 may be rounding."""
    spread = 0.05 / (stats.t.ppf(0.975, 2) * math.sqrt(2 / 3))
    for difference, word in ((0.055, INCONCLUSIVE), (0.062, NOT_REPRODUCED)):
        values = [0.26 + difference + spread * x for x in (-1, 0, 1)]
        assert decided("C30", {"xi_bar": {"self_sparse": values}}).verdict == word


@pytest.mark.parametrize(("spread", "word"), [(0.07, NOT_REPRODUCED), (0.15, REPRODUCED)])
def test_significant_more_often_than_not_is_asked_of_the_lower_limit(spread, word):
    """C3: a gain as printed that three runs would find is none that is not significant; by draws from the lower limit of g."""
    baseline, sparse = ([mean + spread * x for x in (-1, 0, 1)] for mean in (15.95, 15.19))
    low, draws = hedges_g(moments(baseline), moments(sparse)).low, np.random.default_rng(0).normal(size=(2, 20_000, 3))
    found = stats.ttest_ind(draws[0] - low, draws[1], axis=1, equal_var=False)
    share = ((found.pvalue < 0.05) & (found.statistic < 0)).mean()
    assert (share > 0.5) == (word == NOT_REPRODUCED) and share < 0.75
    assert decided("C3", pairs(baseline, sparse)).verdict == word


@pytest.mark.parametrize(("difference", "std"), [(0.3, math.nan), (0.3, 1.2), (6.0, math.nan), (15.0, 1.2)])
def test_runs_to_decide_written_out(difference, std):
    """The first n of ours, around a true difference, that are called close at 5 %, or different at 1 %, in 80 % of draws."""
    spread, margin = 1.5, 3.0
    known = not math.isnan(std)

    def power_of(n):
        df = n + 1 if known else n - 1
        pooled = ((n - 1) * spread**2 + 2 * (std if known else 0) ** 2) / df if known else spread**2
        error = math.sqrt(pooled * (1 / n + 1 / 3))
        terms = [(spread**2 / n, n - 1), (std**2 / 3, 2)] if known else [(pooled * (1 / n + 1 / 3), n - 1)]
        total = sum(v for v, _ in terms)
        half = sum(v * stats.t.ppf(0.995, df) for v, df in terms) / total * math.sqrt(total)
        ours = stats.norm(difference, spread / math.sqrt(n))
        room = max(0, margin - stats.t.ppf(0.95, df) * error)
        return max(ours.cdf(room) - ours.cdf(-room), ours.sf(half) + ours.cdf(-half))

    part = Part(replace(moments([0.0]), n=4, mean=difference, std=spread), replace(moments([0.0]), n=3, std=std))
    expected = next(n for n in range(2, 1000) if power_of(n) >= 0.8)
    assert runs_to_decide([part], difference, margin, (0.05, 0.01)) == expected > 2


def test_runs_to_be_close_to_one_of_two_decreases():
    """Closeness is tested at 5 %, contradiction at 2.5 %, as there are two values; the derivatives of 100 (1 − s / b)."""
    far = [20.2, 20.4, 20.5], [15.8, 15.9, 16.1]
    baseline, sparse = [15.3, 16.0, 16.7], [14.7, 15.2, 15.7]
    found = decided("C2", pairs(LOW, LOW, celeba_hq_64=(baseline, sparse), fashion_mnist_64=far))
    assert found.verdict == INCONCLUSIVE and found.of.endswith("CelebA-HQ 64 × 64")
    ours, theirs = (
        [moments(baseline), moments(sparse)],
        [replace(moments([0.0]), n=3, mean=m, std=s) for m, s in ((15.95, 0.44), (15.19, 0.18))],
    )
    weights = [(100 * s.mean / b.mean**2, -100 / b.mean) for b, s in (ours, theirs)]
    parts = [Part(*row) for row in zip(ours, theirs, *weights, strict=True)]
    difference = 100 * (1 - ours[1].mean / ours[0].mean) - 4.76
    close = runs_to_decide(parts, difference, 6, (0.05, 0.025))
    assert found.needed() == max(close, runs_for_power(*ours[::-1], 0.05))  # and to be told from no decrease
    found = decided(
        "C2",
        pairs(LOW, LOW, celeba_hq_64=(baseline, sparse), fashion_mnist_64=([19.0, 20.0, 21.0], [13.0, 14.0, 18.0])),
    )
    assert math.isnan(found.needed())  # of so wide a spread as Fashion-MNIST's no number is enough


def test_runs_for_one_more_correlation():
    """Of Fisher's z: of one r over two resolutions (z₀.₉₅ + z₀.₈)² / z² / 2 + 3, of a difference twice that over its square."""
    cells = RISING | {
        "lsun_bedroom_64": (0.3, 8), "stl10_64": (0.4, 5), "mini_imagenet_64": (0.5, 7),
        "lsun_bedroom_128": (0.3, 8), "mnist_128": (0.4, 6), "cifar10_128": (0.5, 9),
    }  # fmt: skip
    values = of_sparsity(1, **cells)
    z = [
        np.arctanh(np.corrcoef(np.transpose([cells[c] for c in cells if c.endswith(r)]))[0, 1]) for r in ("_64", "128")
    ]
    found = decided("C40", values)
    assert found.verdict == INCONCLUSIVE and found.p == pytest.approx(stats.norm.sf(np.mean(z) * math.sqrt(2)))
    assert found.needed() == math.ceil((Z95 + Z80) ** 2 / np.mean(z) ** 2 / 2 + 3)
    found = decided("C39", values)
    assert found.verdict == INCONCLUSIVE and found.same
    assert found.p == pytest.approx(stats.norm.sf((z[1] - z[0]) / math.sqrt(2)))
    assert found.effect.value == pytest.approx(math.tanh(z[1]) - math.tanh(z[0]))
    assert found.needed() == math.ceil(2 * (Z95 + Z80) ** 2 / (z[1] - z[0]) ** 2 + 3)
    assert found.unit == "pairs at each resolution"


# What the rules read


def test_signs_and_growths_of_a_summary():
    """Two runs of one stage of four channels and a head of 2 x 2: eight signs a latent, weighed as many as they are."""
    results = paper_results()
    c = next(c for c in results.configurations if c.name == "mnist-128-self_sparse")
    rows = [
        # seed, step, alpha_differs, beta_differs, weight_negative, beta_zero
        (0, 0, None, None, 0.5, 0.1), (0, 100, 0.5, 0.25, 0.4, 0.4), (0, 200, 0.25, 0.0, 0.3, 0.3),
        (1, 200, 0.5, 0.5, 0.7, 0.6), (1, 100, 0.0, 0.0, 0.2, 0.9), (1, 0, None, None, 0.6, 0.5),
    ]  # fmt: skip
    columns = ["seed", "step", "alpha_differs", "beta_differs", "weight_negative", "beta_zero"]
    table = pd.DataFrame(rows, columns=columns).assign(configuration=c.name, stage=1, size=2, channels=4)
    runs = pd.DataFrame([{"configuration": c.name, "seed": seed, "status": "finished"} for seed in (0, 1)])
    mechanism, runs = (
        t.reindex(columns=whole.columns) for t, whole in ((table, results.mechanism), (runs, results.runs))
    )
    evidence = Evidence(replace(results, mechanism=mechanism, runs=runs))
    assert evidence.values(c, "signs_largest").tolist() == pytest.approx([3 / 8, 1 / 2])
    assert evidence.values(c, "signs_last").tolist() == pytest.approx([1 / 8, 1 / 2])
    assert evidence.values(c, "negative_weight_growth").tolist() == pytest.approx([-0.2, 0.1])
    assert evidence.values(c, "negative_weight_share").tolist() == pytest.approx([0.3, 0.7])
    assert {t: v.tolist() for t, v in evidence.by_part(c, "position_zero_growth").items()} == {
        1: pytest.approx([0.2, 0.1])
    }


def test_signs_that_were_not_kept():
    """As of a training whose only later snapshot is the step itself: nothing is said of them."""
    table = pd.DataFrame({"seed": 0, "step": [0, 100], "channels": 1, "size": 1})
    results = SimpleNamespace(
        mechanism=table.assign(alpha_differs=None, beta_differs=None), finished=lambda rows, c: rows
    )
    for name in ("signs_largest", "signs_last"):
        assert Evidence(results).values(SimpleNamespace(name="x"), name).tolist() == []
