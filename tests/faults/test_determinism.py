"""Same seed and settings, same numbers on a CPU: whatever the size of evaluation batches, or the order and number of runs."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from small_project import SMALL, command, files, write_project

from selfsparse.analysis import table_fid, table_sparsity
from selfsparse.analysis.table import to_markdown
from selfsparse.config import load_settings
from selfsparse.results.reading import load_results
from selfsparse.training.loop import train_runs

pytestmark = pytest.mark.usefixtures("keep_signals")
NAMES = ("digits-16-wgan_gp", "digits-16-self_sparse")
MAKERS = (table_fid.fid_table, table_fid.measures_table, table_fid.quality_table,
          table_sparsity.sparsity_table, table_sparsity.stages_table)  # fmt: skip

STAGES = (
    ("data", "digits-16"), ("extractor", "digits-16-lenet"), ("reference", "digits-16-lenet"),
    *((stage, NAMES[1]) for stage in ("train", "measure")),
    ("correlation", "quick"), ("summary", "quick"), ("verdicts", "quick"),
)  # fmt: skip
TIMED = ("quick/provenance/", "quick/latency/")  # hold what a stopwatch said


def everything(project, changes: dict, *, together: bool = False):
    """Run from training to tables; return last weights by configuration and seed, measures, and tables as shown."""
    from pipeline import correlation, measure, summary

    shutil.rmtree(project / "results", ignore_errors=True)
    shutil.rmtree(project / ".checkpoints", ignore_errors=True)
    settings = load_settings(write_project(project, {**SMALL, **changes}) / "params.yaml")
    weights = {}
    for name in NAMES:
        configuration = settings.configuration(name)
        seeds = configuration.train.seeds
        for group in [seeds] if together else [(seed,) for seed in seeds]:
            train_runs(settings, configuration, group, torch.device("cpu"))
        measure.main(settings, name)
        for seed in seeds:
            folder = project / f"results/quick/runs/{name}/seed{seed}"
            weights |= {(name, seed, part): load_file(folder / f"{part}.safetensors") for part in ("best", "last")}
    correlation.main(settings, "quick")
    summary.main(settings, "quick")
    results = load_results("quick")
    shown = [to_markdown(make(results)) for make in MAKERS]
    keys = ["configuration", "seed", "generator", "n_fake"]
    return weights, results.fid.set_index(keys).sort_index(), shown


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.slow
def test_the_same_numbers(small):
    from pipeline import measure

    seeds = {"suites.quick.train.seeds": [3, 4]}
    weights, fid, shown = everything(small, seeds)
    other = {"fid.batch_size": 7, "suites.quick.train.seeds": [4, 3]}
    weights_2, fid_2, shown_2 = everything(small, other, together=True)
    assert weights.keys() == weights_2.keys()
    assert all(same(weights[key], weights_2[key]) for key in weights)  # to the last bit
    # A batch of another size is another order of sums inside a convolution: the last digits of float32, no more.
    pd.testing.assert_frame_equal(fid, fid_2, rtol=1e-6, atol=1e-9)
    assert shown == shown_2
    # The same batches: the measures too, to the last bit.
    settings = load_settings(write_project(small, {**SMALL, **seeds}) / "params.yaml")
    for name in NAMES:
        measure.main(settings, name)
        again = pd.read_csv(small / f"results/quick/fid/{name}/fid.csv").set_index(["seed", "generator", "n_fake"])
        pd.testing.assert_frame_equal(again.sort_index(), fid.loc[name][list(again)], check_exact=True)
    # Another seed is another training.
    assert not any(same(weights[name, 3, "last"], weights[name, 4, "last"]) for name in NAMES)
    fids = fid["fid"].unstack("seed")
    assert (np.abs(fids[3] - fids[4]) > 1e-4 * fids[3]).all()


@pytest.mark.slow
def test_the_number_of_threads_that_the_machine_offers(tmp_path):
    """Every stage that makes a number, with one thread and with two: the same bytes."""
    found = []
    for threads in ("1", "2"):
        folder = write_project(tmp_path / threads, SMALL)
        for stage, *name in STAGES:
            call = command(folder, f"pipeline.{stage}", *name)
            call["env"] |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
            assert subprocess.run(**call).returncode == 0, (stage, *name)
        made = files(folder / "data") | files(folder / "results")
        found.append({name: data for name, data in made.items() if not name.startswith(TIMED)})
    assert found[0].keys() == found[1].keys()
    assert [name for name in found[0] if found[0][name] != found[1][name]] == []
