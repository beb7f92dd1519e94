"""Steps to the baseline's best FID, and the line through points."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from selfsparse.analysis.comparison_tables import pairs
from selfsparse.analysis.convergence import reached, steps_table, steps_to
from selfsparse.analysis.regression import fit_line
from selfsparse.analysis.results import load_results


def test_the_first_step_at_or_below():
    run = pd.DataFrame({"step": [0, 10, 20, 30], "fid": [9.0, 5.0, 6.0, 4.0]})
    assert [steps_to(run, fid) for fid in (9, 5, 4.5)] == [0, 10, 30] and math.isnan(steps_to(run, 3))


def test_a_run_that_never_gets_there_is_counted_and_has_no_step(ran):
    path = ran / "results/quick/summary/curves.csv"
    curves = pd.read_csv(path)
    sparse = (curves["configuration"] == "digits-16-self_sparse") & (curves["seed"] == 1)
    curves.loc[sparse, "fid"] = 1e6
    curves.to_csv(path, index=False)
    results = load_results("quick")
    found, baseline = reached(results, pairs(results)[0])
    assert found.text == "2 of 3" and len(baseline.steps) == 3
    row = steps_table(results).data.iloc[0]
    assert row["self_sparse_reached"] == 2 and math.isnan(row["times_sooner"])
    assert row["goal"] == pytest.approx(results.best_in_training(results.configurations[0]).mean())


def test_a_line_and_its_interval():
    # x 1 2 3, y 1 2 2: slope 1/2, intercept 2/3; residuals -1/6, 1/3, -1/6, their deviation sqrt(1/6 / 1)
    line = fit_line([1, 2, 3], [1, 2, 2])
    assert (line.slope, line.intercept) == pytest.approx((0.5, 2 / 3))
    assert line.residual == pytest.approx(math.sqrt(1 / 6))
    t = math.tan(math.pi * 0.475)  # Cauchy's 97.5 % quantile: one degree of freedom
    assert line.half_width(np.array([2.0])) == pytest.approx(t * math.sqrt(1 / 6 / 3))
    assert line.half_width(np.array([3.0])) == pytest.approx(t * math.sqrt(1 / 6 * (1 / 3 + 1 / 2)))


def test_a_line_is_scipys():
    x, y = np.random.default_rng(0).normal(size=(2, 8))
    line, expected = fit_line(x, y), stats.linregress(x, y)
    assert (line.slope, line.intercept) == pytest.approx((expected.slope, expected.intercept))
    half = line.half_width(np.array([0.0]))  # at 0 the line's mean is its intercept
    assert half == pytest.approx(stats.t.ppf(0.975, 6) * expected.intercept_stderr)


@pytest.mark.parametrize(("x", "y"), [([], []), ([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3])])
def test_no_line(x, y):
    assert fit_line(x, y) is None
