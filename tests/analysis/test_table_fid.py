"""The main table of FIDs: every configuration, nothing filled in, what may stand beside the paper's; and selection bias."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from selfsparse.analysis.table_fid import fid_table, measures_table, quality_table, selection_bias
from selfsparse.results.reading import load_results
from selfsparse.verdicts.judging import own_configurations


def test_not_run_and_diverged_are_shown(ran):
    rows = fid_table(load_results("quick")).text.set_index("Configuration")
    assert len(rows) == len(load_results("quick").configurations)
    assert rows.iloc[-1]["Runs"] == "not run" and rows.iloc[-1]["Ours, FID"] == "not run"
    assert (
        rows.loc["digits-16-without_csm", "Runs"] == "2 finished, 1 diverged"
        and rows.loc["digits-16-without_csm", "n"] == "2"
    )


def test_all_runs_diverged(ran):
    path = ran / "results/quick/summary/runs.csv"
    path.write_text(path.read_text().replace("finished", "diverged"))
    rows = fid_table(load_results("quick")).text
    assert set(rows["Ours, FID"]) == {"diverged", "not run"}


def test_the_papers_value_stands_beside_the_exact_name_only(project):
    paper = fid_table(load_results("paper")).text.set_index("Configuration")
    assert paper.loc["mnist-32-wgan_gp", ["Paper", "Comparable"]].tolist() == ["7.43 ± 0.28", "yes"]
    laptop = fid_table(load_results("laptop"))
    assert set(laptop.text["Paper"]) == {"–"} and laptop.data["paper_fid_mean"].isna().all()


def test_another_extractor_is_not_comparable(project):
    text = (project / "params.yaml").read_text()
    row = next(line for line in text.splitlines() if line.lstrip().startswith("mnist-32-wgan_gp:"))
    (project / "params.yaml").write_text(text.replace(row, row.replace("extractor: inception", "extractor: lenet")))
    rows = fid_table(load_results("paper")).text.set_index("Configuration")
    assert rows.loc["mnist-32-wgan_gp", "Comparable"] == "no (extractor lenet, not inception)"


def test_custom_inception_weights_are_not_comparable(project):
    """The name that the measures were made under counts, not that of the settings."""
    folder = project / "results/paper/summary"
    folder.mkdir(parents=True)
    name = "inception-custom-0a1b2c3d"
    (folder / "extractors.json").write_text(json.dumps({"mnist-32-wgan_gp": name}))
    results = load_results("paper")
    rows = fid_table(results).text.set_index("Configuration")
    assert rows.loc["mnist-32-wgan_gp", ["Comparable", "Extractor"]].tolist() == [
        f"no (extractor {name}, not inception)",
        name,
    ]
    assert rows.loc["mnist-32-self_sparse", ["Comparable", "Extractor"]].tolist() == ["yes", "inception"]
    assert results.extractors() == ["inception", name]
    own = {c.name for c in own_configurations(results).values()}  # what verdicts are drawn from
    assert "mnist-32-wgan_gp" not in own


def test_the_bias_of_the_lowest_is_run_by_run(ran):
    results = load_results("quick")
    c = results.configurations[0]
    rows = results.fid[(results.fid["configuration"] == c.name) & (results.fid["generator"] == "best")]
    again = rows[rows["n_fake"] == c.extractor.samples[0]].sort_values("seed")["fid"].to_numpy()
    chosen = results.runs[results.runs["configuration"] == c.name].sort_values("seed")["best_fid"].to_numpy()
    assert (
        selection_bias(results, c).mean == pytest.approx((again - chosen).mean()) and selection_bias(results, c).n == 3
    )
    assert measures_table(results).data.iloc[0]["bias_std"] == pytest.approx((again - chosen).std(ddof=1))


def test_the_bias_of_the_lowest_of_200_noisy_values(ran):
    """A generator that stands still at 50 ± 1: the lowest of 200 is 2.746 too low on average."""
    results = load_results("quick")
    c = results.configurations[0]
    seeds, noise = np.arange(4000), np.random.default_rng(0).normal(50, 1, (4000, 201))
    runs = pd.DataFrame(
        {"configuration": c.name, "seed": seeds, "status": "finished", "best_fid": noise[:, :200].min(1)}
    )
    rows = {"configuration": c.name, "seed": seeds, "generator": "best", "n_fake": c.extractor.samples[0]}
    found = selection_bias(replace(results, runs=runs, fid=pd.DataFrame(rows | {"fid": noise[:, 200]})), c)
    lowest, _ = integrate.quad(lambda x: x * 200 * stats.norm.pdf(x) * stats.norm.sf(x) ** 199, -10, 10, points=[-2.7])
    assert lowest == pytest.approx(-2.746, abs=5e-4)
    assert found.mean == pytest.approx(-lowest, abs=4 * found.std / math.sqrt(found.n))


def test_quality_is_that_of_the_best_generators(ran):
    assert quality_table(load_results("quick")).data.iloc[0]["best_recall_mean"] == 0.25
