"""Every rule of the verdicts, each way that it can come out."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from selfsparse.analysis.verdict_rules import (
    DOES_NOT_FOLLOW,
    FOLLOWS,
    HOLDS_BY_TEST,
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_RUN,
    NOT_TESTABLE,
    REPRODUCED,
    RULES,
    UNKNOWABLE,
    runs_for_mean,
)
from verdict_results import case

from selfsparse.analysis import audit_findings
from selfsparse.analysis.statistics import moments
from selfsparse.paper.printed import claims

LOW, MIDDLE, HIGH = [10.0, 10.1, 10.2], [10.6, 10.8, 10.7], [12.0, 12.1, 12.3]
WIDE_LOW, WIDE_HIGH = [8.0, 10.0, 12.0], [9.0, 11.0, 13.0]
CELLS = claims()["C1"].names()[::2]  # WGAN-GP of each cell


def decided(claim, values=None, **others):
    found = case(claim, values, **others)
    return RULES[found.claim.rule](found)


def pairs(baseline, sparse, **cells):
    """FIDs of all pairs; of some cells, named with _ for -, (baseline, sparse) of their own."""
    values = {"wgan_gp": baseline, "self_sparse": sparse}
    for cell, (b, s) in cells.items():
        name = "-".join(cell.rsplit("_", 1))
        values |= {f"{name}-wgan_gp": b, f"{name}-self_sparse": s}
    return {"best_fid": values}


def test_every_rule_of_the_claims_is_there():
    assert set(RULES) == set(claims().rules)


# lower_mean_one_sided_welch_holm


@pytest.mark.parametrize(
    ("baseline", "sparse", "verdict", "same"),
    [
        (HIGH, LOW, REPRODUCED, True),
        (LOW, HIGH, NOT_REPRODUCED, False),
        (WIDE_HIGH, WIDE_LOW, INCONCLUSIVE, True),
        (WIDE_LOW, WIDE_HIGH, INCONCLUSIVE, False),
    ],
)
def test_lower_mean(baseline, sparse, verdict, same):
    found = decided("C41", pairs(baseline, sparse))
    assert (found.verdict, found.same) == (verdict, same)
    if verdict == INCONCLUSIVE:
        assert 3 < found.needed() < 1000


def test_one_run_decides_nothing():
    found = decided("C41", pairs([10.0], [5.0]))
    assert found.verdict == INCONCLUSIVE and found.same and math.isnan(found.needed())
    assert found.why == "a test needs two runs that differ"


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
    sizes = (4, 8, 16, 32, 64)
    for failing, same, mixed in (((), True, False), ((4,), False, True), (sizes, False, False)):
        zeta = {
            "wgan_gp": {size: [0, 0] for size in sizes},
            "self_sparse": {size: [0, 0] if size in failing else [0.1, 0.2] for size in sizes},
        }
        found = decided("C17", {"zeta": zeta})
        assert (found.same, found.mixed) == (same, mixed)


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

    def values(fashion, stl):
        return {
            "best_fid": {f"fashion_mnist-128-{k}": v for k, v in fashion.items()}
            | {f"stl10-64-{k}": v for k, v in stl.items()}
        }

    assert decided("C13", values(worse, better)).verdict == REPRODUCED
    assert decided("C13", values(worse, worse)).verdict == NOT_REPRODUCED


def test_several_quantities_must_all_be_lower():
    values = {"xi_bar": {"self_sparse": LOW, "without_psm": HIGH}, "zeta": {"self_sparse": LOW, "without_psm": HIGH}}
    assert decided("C14", values).verdict == REPRODUCED
    values["zeta"] = {"self_sparse": HIGH, "without_psm": LOW}
    found = decided("C14", values)
    assert found.verdict == NOT_REPRODUCED and found.of.endswith("zeta")


def test_steps_to_a_level():
    values = {"log_steps_to_level": {"wgan_gp": np.log([2000, 2100, 2200]), "self_sparse": np.log([1000, 1050, 1100])}}
    found = decided("C5", values)
    assert found.verdict == REPRODUCED and found.effect.value == pytest.approx(50)
    values["log_steps_to_level"] = {"wgan_gp": np.log([1000, 1050, 1100]), "self_sparse": np.log([2000, 2100, 2200])}
    assert decided("C5", values).verdict == NOT_REPRODUCED


# Other orders


def test_ordering_of_three():
    def of(sparse, channel, position):
        return decided("C11", {"best_fid": {"self_sparse": sparse, "without_psm": channel, "without_csm": position}})

    assert of(LOW, MIDDLE, HIGH).verdict == REPRODUCED
    assert of(LOW, HIGH, MIDDLE).verdict == NOT_REPRODUCED
    assert of(LOW, WIDE_HIGH, HIGH).verdict == INCONCLUSIVE


def test_same_order():
    def of(small, large):
        models = ("wgan_gp", "self_sparse")
        return decided(
            "C45", {f"fid_{n}": dict(zip(models, v, strict=True)) for n, v in (("small", small), ("large", large))}
        )

    assert of((HIGH, LOW), (MIDDLE, LOW)).verdict == REPRODUCED
    assert of((LOW, HIGH), (LOW, MIDDLE)).verdict == REPRODUCED
    assert of((HIGH, LOW), (LOW, HIGH)).verdict == NOT_REPRODUCED
    found = of((HIGH, LOW), (WIDE_HIGH, WIDE_LOW))
    assert found.verdict == INCONCLUSIVE and found.needed() > 3


def test_larger_decrease():
    def of(first, second):
        cells = {f"{d}_{r}": (HIGH, s) for d in ("celeba_hq", "lsun_bedroom") for r, s in ((64, first), (128, second))}
        return decided("C4", pairs(HIGH, LOW, **cells))

    assert of(MIDDLE, LOW).verdict == REPRODUCED
    assert of(LOW, MIDDLE).verdict == NOT_REPRODUCED
    found = of(WIDE_HIGH, WIDE_LOW)
    assert found.verdict == INCONCLUSIVE and 3 < found.needed() < 1000


def of_sparsity(**cells):
    """Eight pairs by (ξ̄, relative decrease in percent) of each cell."""
    values = {"best_fid": {}, "xi_bar": {}}
    for cell, (xi, percent) in cells.items():
        name = "-".join(cell.rsplit("_", 1))
        values["best_fid"] |= {
            f"{name}-wgan_gp": [99.9, 100, 100.1], f"{name}-self_sparse": [100 - percent + x for x in (-0.1, 0, 0.1)],
        }  # fmt: skip
        values["xi_bar"][f"{name}-self_sparse"] = [xi - 0.01, xi, xi + 0.01]
    return values


RISING = {
    "celeba_hq_64": (0.2, 5), "lsun_bedroom_64": (0.3, 7), "stl10_64": (0.4, 9), "mini_imagenet_64": (0.5, 11),
    "celeba_hq_128": (0.2, 5), "lsun_bedroom_128": (0.3, 7), "mnist_128": (0.4, 9), "cifar10_128": (0.5, 12),
}  # fmt: skip


def test_monotone_except():
    assert decided("C36", of_sparsity(**RISING)).verdict == REPRODUCED
    assert decided("C36", of_sparsity(**RISING | {"mini_imagenet_64": (0.5, 1)})).verdict == REPRODUCED
    assert decided("C36", of_sparsity(**RISING | {"stl10_64": (0.4, 1)})).verdict == NOT_REPRODUCED
    found = decided("C36", of_sparsity(**RISING | {"stl10_64": (0.301, 6.95)}))
    assert found.verdict == INCONCLUSIVE


# Values


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.25, 0.26, 0.27], REPRODUCED),
        ([0.24, 0.24, 0.24], NOT_REPRODUCED),
        ([0.25, 0.25, 0.25], REPRODUCED),  # 0.26 may stand for it
        ([0.1, 0.3, 0.5], INCONCLUSIVE),
        ([0.26], INCONCLUSIVE),
        ([0.4, 0.41, 0.42], NOT_REPRODUCED),
    ],
)
def test_interval_around_a_mean(values, verdict):
    found = decided("C30", {"xi_bar": {"self_sparse": values}})
    assert found.verdict == verdict
    if verdict == INCONCLUSIVE:
        assert math.isfinite(found.needed()) == (len(values) > 1)


def test_interval_around_a_decrease():
    near = [100.0, 100.5, 99.5], [95.0, 95.7, 95.0]  # 4.77 %
    far = [100.0, 100.5, 99.5], [78.0, 78.5, 78.0]  # 21.83 %
    assert decided("C2", pairs(LOW, LOW, celeba_hq_64=near, fashion_mnist_64=far)).verdict == REPRODUCED
    assert decided("C2", pairs(LOW, LOW, celeba_hq_64=near, fashion_mnist_64=near)).verdict == NOT_REPRODUCED
    assert decided("C3", pairs([90.0, 100.0, 110.0], [85.0, 95.0, 105.0])).verdict == INCONCLUSIVE


def test_interval_around_a_drop():
    def of(baseline, sparse):
        return decided("C9", {"fid_drop": {"wgan_gp": baseline, "self_sparse": sparse}}).verdict

    assert of([9.5, 9.6, 9.7], [9.3, 9.4, 9.5]) == REPRODUCED
    assert of([6.9, 7.0, 7.1], [9.3, 9.4, 9.5]) == NOT_REPRODUCED
    assert of([9.5, 9.6, 9.7], [2.0, 9.0, 16.0]) == INCONCLUSIVE


def test_interval_around_a_correlation():
    found = decided("C37", of_sparsity(**RISING | {"stl10_64": (0.4, 12), "mini_imagenet_64": (0.5, 7)}))
    assert found.verdict == INCONCLUSIVE and found.unit == "pairs" and found.needed() > 4
    falling = {cell: (-xi, percent) for cell, (xi, percent) in (RISING | {"stl10_64": (0.4, 9.5)}).items()}
    assert decided("C37", of_sparsity(**falling)).verdict == NOT_REPRODUCED
    # Four pairs never tell 0.62 from 0: the width of Fisher's z alone forbids it.
    assert math.tanh(math.atanh(0.62) - 1.96) < 0


def test_share_above():
    def of(values):
        return decided("C43", {"blank_pixels": {"wgan_gp": values, "self_sparse": values}}).verdict

    assert of([0.8, 0.81, 0.82]) == REPRODUCED
    assert of([0.2, 0.21, 0.22]) == NOT_REPRODUCED
    assert of([0.1, 0.9]) == INCONCLUSIVE


def test_signs_settle():
    def of(rates, since=10000):
        rows = [(seed, start, start + 10000, rate) for seed, rate in enumerate(rates) for start in (0, since)]
        return decided("C20", flips=pd.DataFrame(rows, columns=["seed", "since", "until", "rate"]))

    assert of([0.001, 0.002, 0.001]).verdict == REPRODUCED
    assert of([0.05, 0.06, 0.05]).verdict == NOT_REPRODUCED
    found = of([0.001, 0.005, 0.03])
    assert found.verdict == INCONCLUSIVE and "lower bound" in found.why and found.needed() > 3
    found = of([0.001, 0.002, 0.001], since=4000)
    assert found.verdict == INCONCLUSIVE and found.why == "no two snapshots were taken late enough"


def test_signs_of_a_stand_in_settle_after_the_same_share_of_its_steps():
    """5,000 of 100,000 steps are 100 of 2,000: what changes before does not count."""
    found = case("C20")
    groups = {
        key: {m: c.model_copy(update={"train": c.train.model_copy(update={"steps": 2000})}) for m, c in group.items()}
        for key, group in found.groups.items()
    }
    for last, same in ((0.01, True), (0.02, False)):
        flips = pd.DataFrame({"seed": [0, 0], "since": [99, 100], "until": [100, 150], "rate": [0.5, last]})
        outcome = RULES["signs_settle"](replace(case("C20", flips=flips), groups=groups, stand_in=True))
        assert outcome.same is same and outcome.ours == f"{last:.4f} of the signs per 1,000 steps"


# Correlations


def test_correlation_positive():
    assert decided("C40", of_sparsity(**RISING)).verdict == REPRODUCED
    falling = {cell: (-xi, percent) for cell, (xi, percent) in RISING.items()}
    found = decided("C40", of_sparsity(**falling))
    assert (found.verdict, found.same) == (NOT_REPRODUCED, False)
    mixed = RISING | {
        "mnist_128": (0.4, 5),
        "stl10_64": (0.4, 5),
        "cifar10_128": (0.5, 6),
        "mini_imagenet_64": (0.5, 6),
    }
    found = decided("C40", of_sparsity(**mixed))
    assert found.verdict == INCONCLUSIVE and found.needed() > 8


def test_correlation_over_stages_with_the_other_sign():
    xi = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert decided("C23", {"xi": xi, "bn_negative_share": [0.5, 0.4, 0.32, 0.2, 0.1]}).verdict == REPRODUCED
    assert decided("C23", {"xi": xi, "bn_negative_share": [0.1, 0.2, 0.32, 0.4, 0.5]}).verdict == NOT_REPRODUCED
    assert decided("C23", {"xi": xi, "bn_negative_share": [0.3, 0.1, 0.4, 0.2, 0.3]}).verdict == INCONCLUSIVE
    found = decided("C23", {"xi": xi[:2], "bn_negative_share": [0.3, 0.1]})
    assert (found.verdict, found.same) == (INCONCLUSIVE, None)


def test_stages_of_several_generators_are_taken_from_their_own_mean():
    """Within each generator the share falls with ξ; over all stages it rises, as the sparser generator has more of it."""
    found = case("C23")
    (key,) = found.groups
    other = found.groups[key]["self_sparse"].model_copy(update={"name": "other"})
    found = replace(found, groups={**found.groups, ("other", 16, ""): {"self_sparse": other}}, stand_in=True)
    shares = {"other": [[0.5, 0.9], [0.6, 0.8]]}
    found.measures.stage_means = lambda c, quantities: np.array(shares.get(c.name, [[0.1, 0.2], [0.2, 0.1]]))
    outcome = RULES[found.claim.rule](found)
    assert outcome.same and outcome.effect.value == pytest.approx(-1)


def test_larger_correlation():
    # r close to 1 at both resolutions, not 1 itself, and the same with the other sign
    bent = RISING | {"mini_imagenet_64": (0.5, 10), "cifar10_128": (0.5, 12)}
    for resolution, verdict in ((64, REPRODUCED), (128, NOT_REPRODUCED), (None, INCONCLUSIVE)):
        turned = {cell: (-xi if cell.endswith(f"_{resolution}") else xi, y) for cell, (xi, y) in bent.items()}
        assert decided("C39", of_sparsity(**turned)).verdict == verdict


# What the module does


def test_zero_and_above():
    sizes = (4, 8, 16, 32, 64)

    def of(zero, above):
        found = {
            "wgan_gp": dict.fromkeys(sizes, zero),
            "self_sparse": {4: [0.1, 0.2], 8: [0.2, 0.1], 16: [0.1, 0.1], 32: [0.2, 0.3], 64: above},
        }
        return decided("C17", {"zeta": found})

    assert of([0, 0], [0.1, 0.2]).verdict == REPRODUCED
    assert of([0, 0], [0, 0]).verdict == NOT_REPRODUCED
    assert of([0, 0.1], [0.1, 0.2]).verdict == NOT_REPRODUCED
    assert of([0, 0], [0, 0.2]).verdict == INCONCLUSIVE
    assert decided("C17", {"zeta": {}}).why == "not every size was measured"


def test_shared_zero_mask():
    shared, own = np.ones((2, 4, 4)), np.ones((2, 4, 4))
    shared[:, 0] = own[0, 0] = own[1, 1] = 0
    assert decided("C18", maps={"mnist-128": {4: shared}}).verdict == REPRODUCED
    assert decided("C18", maps={"mnist-128": {4: own}}).verdict == NOT_REPRODUCED
    assert decided("C18", maps={"mnist-128": {4: np.zeros((2, 4, 4))}}).verdict == NOT_REPRODUCED
    assert decided("C18", maps={}).verdict == INCONCLUSIVE
    two = case("C18", maps={"mnist-128": {4: shared}, "cifar10-128": {4: own}})
    two.groups["another"] = next(iter(case("C33").groups.values()))
    assert RULES["shared_zero_mask"](two).verdict == INCONCLUSIVE


def test_net_saving():
    def of(free):
        parameters = {"wgan_gp": [100] * 3, "self_sparse": [110] * 3}
        return decided("C19", {"generator_parameters": parameters}, free=free).verdict

    assert of([20, 21, 22]) == of([20, 20, 20]) == REPRODUCED
    assert of([1, 2, 3]) == of([0, 0, 0]) == NOT_REPRODUCED
    assert of([0, 10, 30]) == INCONCLUSIVE


# Proof, print, and what cannot be tested


def test_tests():
    assert decided("C22").verdict == HOLDS_BY_TEST
    found = case("C22")
    absent = found.claim.model_copy(update={"parameters": {"tests": ["tests/models/test_dcgan.py::test_gone"]}})
    assert RULES["test"](replace(found, claim=absent)).verdict == NOT_RUN


def test_what_follows_from_the_print(monkeypatch):
    assert decided("C7").verdict == decided("C10").verdict == DOES_NOT_FOLLOW
    found = case("C7")

    def of(name):
        return RULES["computed_from_print"](
            replace(found, claim=found.claim.model_copy(update={"parameters": {"finding": name}}))
        ).verdict

    assert of("growth") == FOLLOWS and of("significance") == DOES_NOT_FOLLOW
    unknown = replace(audit_findings.finding("growth"), verdict="cannot be known")
    monkeypatch.setattr(audit_findings, "finding", lambda name: unknown)
    assert of("growth") == UNKNOWABLE


def test_what_cannot_be_tested():
    found = decided("C42")
    assert found.verdict == NOT_TESTABLE and found.why


def test_runs_for_a_mean():
    m = moments([0.5, 1.0, 1.5])  # 1.0 ± 0.5: d = 2 needs 5 runs (Cohen's tables)
    assert runs_for_mean(m, 0, 0.05) == 5
    assert math.isnan(runs_for_mean(m, 1.0, 0.05)) and math.isnan(runs_for_mean(moments([1.0]), 0, 0.05))
