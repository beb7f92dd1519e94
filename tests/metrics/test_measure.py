"""The final measures of a configuration, from the weights of runs that were really trained for eight steps."""

import csv
import json
import math
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from small_project import CONFIGURATION, SMALL, files, write_project

from selfsparse.compact.measure import SPARSITIES
from selfsparse.config import load_settings
from selfsparse.errors import DataError
from selfsparse.metrics import final
from selfsparse.metrics.extractors import load_extractor
from selfsparse.metrics.final import measure_configuration
from selfsparse.metrics.final_fid import FIDS
from selfsparse.metrics.generated import measure_fid
from selfsparse.metrics.kid import kernel_distance
from selfsparse.metrics.reference import load_reference
from selfsparse.metrics.sparsity import measure_sparsity
from selfsparse.metrics.trained import trained_generator
from selfsparse.models.sampling import draw_latents
from selfsparse.training.loop import train_runs
from selfsparse.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("keep_signals")
CPU = torch.device("cpu")
EXTRACTOR = "digits-16-lenet"


def train(project, name: str = CONFIGURATION, seeds=(0, 1)):
    settings = load_settings(write_project(project, {**SMALL, "suites.quick.train.seeds": list(seeds)}) / "params.yaml")
    configuration = settings.configuration(name)
    for seed in seeds:
        train_runs(settings, configuration, [seed], CPU)
    return settings, configuration


def rows(path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_fid_of_every_seed_best_and_last_small_and_large(small):
    settings, c = train(small)
    measure_configuration(settings, c, CPU, [FIDS])
    folder = small / f"results/quick/fid/{c.name}"
    found = rows(folder / "fid.csv")
    keys = [(row["seed"], row["generator"], row["n_fake"], row["n_real"]) for row in found]
    assert keys == [(seed, generator, n, n) for seed in "01" for generator in ("best", "last") for n in ("80", "120")]
    # One of them once more, by hand: the last generator of seed 1, the smaller count, latents of the final measure.
    run = small / f"results/quick/runs/{c.name}/seed1"
    reference = load_reference(small / "data/references" / EXTRACTOR, "small")
    latents = draw_latents(80, c.latent_dim, settings.fid.latent_seed)
    expected, features = measure_fid(
        trained_generator(c, run / "last.safetensors", CPU),
        latents,
        load_extractor(settings, small / "data/extractors" / EXTRACTOR, CPU),
        reference,
        80,
        CPU,
        "running",
    )
    assert float(found[6]["fid"]) == pytest.approx(expected, rel=1e-9)
    # KID, precision and recall come with the smaller count alone, whose real features are kept.
    real, own = torch.from_numpy(reference.features), settings.fid_of[c.suite]
    kid = kernel_distance(real, features, own.kid_subsets, own.kid_subset_size, own.latent_seed)
    assert [float(found[6][name]) for name in ("kid", "kid_std")] == pytest.approx(kid)
    for name in ("kid", "precision", "recall"):
        assert [bool(row[name]) for row in found] == [True, False] * 4
    assert all(0 <= float(row[name]) <= 1 for row in found[::2] for name in ("precision", "recall"))
    with Image.open(folder / "samples.png") as sheet:
        assert sheet.size == (8 * 16, 8 * 16)
    # Fresh latents: the FID of the best generator is not the one that chose it (U42).
    best = json.loads((run / "run.json").read_text())["best_fid"]
    assert float(found[4]["fid"]) != best and float(found[4]["fid"]) == pytest.approx(best, rel=0.5)


def test_in_processes_it_makes_the_same_files_as_one_by_one(small, monkeypatch):
    settings, c = train(small)
    found, begun = [], []
    original = final.run_jobs

    def run_jobs(jobs, at_once, what, **options):
        begun.append((len(jobs), at_once))
        return original(jobs, at_once, what, **options)

    monkeypatch.setattr(final, "run_jobs", run_jobs)
    for at_once in (1, 3):
        several = c.model_copy(update={"train": c.train.model_copy(update={"parallel_seeds": at_once})})
        assert measure_configuration(settings, several, CPU, [FIDS, SPARSITIES]) == 0
        found.append({kind: files(small / f"results/quick/{kind}/{c.name}") for kind in ("fid", "sparsity")})
        for kind in ("fid", "sparsity"):
            shutil.rmtree(small / f"results/quick/{kind}")
    assert found[0] == found[1] and begun == [(2, 2)]
    assert {"fid.csv", "samples.png", "seed0/fid.csv", "seed1/made_from.json"} <= found[0]["fid"].keys()


def test_precision_is_of_the_generated_and_recall_of_the_real(small, monkeypatch):
    """Networks of eight steps have neither: what is asked for is the features, the real ones first."""
    monkeypatch.setattr(
        "selfsparse.metrics.final_fid.precision_recall",
        lambda real, generated: (float(real.mean()), float(generated.mean())),
    )
    settings, c = train(small, seeds=(0,))
    measure_configuration(settings, c, CPU, [FIDS])
    real = load_reference(small / "data/references" / EXTRACTOR, "small").features
    for row in rows(small / f"results/quick/fid/{c.name}/fid.csv")[::2]:
        assert float(row["precision"]) == pytest.approx(float(real.mean()), rel=1e-5)
        assert float(row["recall"]) != pytest.approx(float(real.mean()), rel=1e-3)


@pytest.mark.parametrize("diverged", [{1}, {0}, {0, 1}], ids=str)
def test_a_diverged_run_is_not_measured(small, monkeypatch, diverged):
    original = Trainer.generator_step

    def generator_step(trainer):
        if trainer.step == 5 and trainer.seed in diverged:
            with torch.no_grad():
                next(trainer.discriminator.parameters()).fill_(math.nan)
        return original(trainer)

    monkeypatch.setattr(Trainer, "generator_step", generator_step)
    settings, c = train(small)
    measure_configuration(settings, c, CPU, [FIDS, SPARSITIES])
    kept = [seed for seed in (0, 1) if seed not in diverged]
    folder = small / "results/quick"
    statuses = [json.loads((folder / f"runs/{c.name}/seed{seed}/run.json").read_text())["status"] for seed in (0, 1)]
    assert statuses == ["finished" if seed in kept else "diverged" for seed in (0, 1)]
    found = rows(folder / f"fid/{c.name}/fid.csv")
    assert [(row["seed"], row["generator"]) for row in found] == [
        (str(seed), generator) for seed in kept for generator in ("best", "best", "last", "last")
    ]
    assert all(math.isfinite(float(row["fid"])) for row in found)
    stages = rows(folder / f"sparsity/{c.name}/sparsity.csv")
    assert [(row["seed"], row["stage"]) for row in stages] == [(str(seed), stage) for seed in kept for stage in "12"]
    # The sheet and the maps are of the first run that has some.
    assert (folder / f"fid/{c.name}/samples.png").exists() == bool(kept)
    assert (folder / f"sparsity/{c.name}/feature_maps.npz").exists() == bool(kept)


@pytest.mark.parametrize("model", ["wgan_gp", "self_sparse", "without_psm", "without_csm"])
def test_sparsity_and_maps(small, model):
    settings, c = train(small, f"digits-16-{model}", seeds=(0,))
    measure_configuration(settings, c, CPU, [SPARSITIES])
    folder = small / f"results/quick/sparsity/{c.name}"
    generator = trained_generator(c, small / f"results/quick/runs/{c.name}/seed0/best.safetensors", CPU)
    latents = draw_latents(30, c.latent_dim, settings.sparsity.latent_seed)
    expected = measure_sparsity(generator, latents, settings.sparsity.sparse_channel_rate, 30, CPU, "running")
    found = rows(folder / "sparsity.csv")
    assert [(row["stage"], row["size"], row["channels"]) for row in found] == [("1", "4", "8"), ("2", "8", "4")]
    for row, stage in zip(found, expected, strict=True):
        assert float(row["xi"]) == pytest.approx(stage.xi, rel=1e-12) and 0 <= stage.xi <= 1
        assert float(row["zeta"]) == pytest.approx(stage.zeta, rel=1e-12)
        assert (row["alpha_zero"] == "") == (model in ("wgan_gp", "without_csm"))
        assert (row["beta_zero"] == "") == (model in ("wgan_gp", "without_psm"))
    with np.load(folder / "feature_maps.npz") as maps:
        assert maps["image"].shape == (1, 16, 16) and maps["image"].dtype == np.uint8
        assert maps["h_1"].shape == maps["x_1"].shape == (8, 4, 4) and maps["x_2"].shape == (4, 8, 8)
        assert ("alpha_1" in maps) == (model in ("self_sparse", "without_psm"))
        assert ("beta_1" in maps) == (model in ("self_sparse", "without_csm"))
        a = maps["alpha_2"][:, None, None] if "alpha_2" in maps else 0
        b = maps.get("beta_2", 0)
        factor = 1 if model == "wgan_gp" else a + b
        np.testing.assert_allclose(maps["x_2"], factor * maps["h_2"], rtol=1e-5, atol=1e-7)


def test_best_and_last_the_same_generator_have_the_same_numbers(small, monkeypatch):
    monkeypatch.setattr("selfsparse.training.evaluation.measure_fid", _falling())
    settings, c = train(small, seeds=(0,))
    measure_configuration(settings, c, CPU, [FIDS])
    best, last = (
        [row for row in rows(small / f"results/quick/fid/{c.name}/fid.csv") if row["generator"] == which]
        for which in ("best", "last")
    )
    assert [{**row, "generator": ""} for row in best] == [{**row, "generator": ""} for row in last]


def test_best_and_last_have_each_their_own_weights(small, monkeypatch):
    """FIDs 1, 2, ... in training, so that the first generator is the best."""
    values = iter(range(1, 99))
    monkeypatch.setattr("selfsparse.training.evaluation.measure_fid", lambda *arguments: (float(next(values)), None))
    settings, c = train(small, seeds=(0,))
    measure_configuration(settings, c, CPU, [FIDS])
    found = {row["generator"]: float(row["fid"]) for row in rows(small / f"results/quick/fid/{c.name}/fid.csv")[::2]}
    reference = load_reference(small / "data/references" / EXTRACTOR, "small")
    extractor = load_extractor(settings, small / "data/extractors" / EXTRACTOR, CPU)
    latents = draw_latents(80, c.latent_dim, settings.fid.latent_seed)
    for which in ("best", "last"):
        generator = trained_generator(c, small / f"results/quick/runs/{c.name}/seed0/{which}.safetensors", CPU)
        expected, _ = measure_fid(generator, latents, extractor, reference, 80, CPU, "running")
        assert found[which] == pytest.approx(expected, rel=1e-9)
    assert found["best"] != pytest.approx(found["last"], rel=1e-3)


def _falling():
    """FIDs 99, 98, ... so that the last generator is the best."""
    values = iter(range(99, 0, -1))
    return lambda *arguments: (float(next(values)), None)


def test_what_is_missing_is_said_with_the_command_that_makes_it(small):
    settings = load_settings()
    c = settings.configuration(CONFIGURATION)
    for measure in (FIDS, SPARSITIES):
        with pytest.raises(DataError, match=f"dvc repro -s train@{CONFIGURATION}"):
            measure_configuration(settings, c, CPU, [measure])


def test_weights_that_are_cut(small):
    settings, c = train(small, seeds=(0,))
    path = small / f"results/quick/runs/{c.name}/seed0/best.safetensors"
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        for measure in (FIDS, SPARSITIES):
            with pytest.raises(
                DataError, match=rf"best\.safetensors is damaged .*or make it .*: dvc repro -s train@{c.name}"
            ):
                measure_configuration(settings, c, CPU, [measure])


def test_weights_of_another_network(small):
    settings, c = train(small, seeds=(0,))
    other = settings.configuration("digits-16-wgan_gp")
    with pytest.raises(DataError, match=r"best\.safetensors does not fit digits-16-wgan_gp"):
        trained_generator(other, small / f"results/quick/runs/{c.name}/seed0/best.safetensors", CPU)
