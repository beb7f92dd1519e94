"""The generators that git holds: of each main pair the best runs', and what is committed is what the results say."""

import json
import shutil

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from small_project import CONFIGURATION, ROOT, SMALL, results_changed, write_project

from selfsparse import load_generator
from selfsparse.config import load_settings
from selfsparse.errors import DataError
from selfsparse.hub.export import publish
from selfsparse.hub.generator import GeneratorConfiguration
from selfsparse.models.sampling import draw_latents
from selfsparse.results.reading import load_results

BASELINE = "digits-16-wgan_gp"
COMMITTED = sorted(ROOT.glob("results/*/generators/*"))
RUNS = "configuration,seed,status,steps,diverged_at,best_step,best_fid,generator_parameters,sastm_parameters,discriminator_parameters\n"
FIDS = "configuration,seed,generator,n_fake,n_real,fid,kid,kid_std,precision,recall\n"


@pytest.fixture
def measured(trained, tmp_path, monkeypatch):
    """A pair of three runs each, of which seed 1 is the better by the larger sample, and seed 2 diverged."""
    from selfsparse.training.loop import train_runs

    folder = tmp_path / "project"
    shutil.copytree(trained, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("signal.signal", lambda *arguments: None)
    settings = load_settings(write_project(folder, SMALL | {"suites.quick.train.seeds": [0, 1, 2]}) / "params.yaml")
    runs, fids = RUNS, FIDS
    for name in (BASELINE, CONFIGURATION):
        train_runs(settings, settings.configuration(name), [0, 1], torch.device("cpu"))
        for seed, status in enumerate(("finished", "finished", "diverged")):
            runs += f"{name},{seed},{status},8,,4,30.0,1,1,1\n"
            for n_fake, best in ((80, (40, 60, 1)), (120, (50, 45, 1))):
                fids += f"{name},{seed},best,{n_fake},79,{best[seed]},,,,\n{name},{seed},last,{n_fake},79,0.5,,,,\n"
    summary = folder / "results/quick/summary"
    summary.mkdir(parents=True)
    (summary / "runs.csv").write_text(runs)
    (summary / "fid.csv").write_text(fids)
    return folder


def test_the_best_run_by_the_primary_outcome_is_published(measured):
    (measured / "results/quick/generators/gone").mkdir(parents=True)
    publish("quick")
    folder = measured / "results/quick/generators"
    assert {path.name for path in folder.iterdir()} == {BASELINE, CONFIGURATION}
    for name in (BASELINE, CONFIGURATION):
        assert {path.name for path in (folder / name).iterdir()} == {"README.md", "model.safetensors"}
        card = (folder / name / "README.md").read_text()
        assert "Seed 1;" in card and "The best of 2 trainings" in card and f'load_generator("{name}")' in card
        found, run = load_file(folder / name / "model.safetensors"), f"results/quick/runs/{name}/seed1/best.safetensors"
        expected = load_file(measured / run)
        assert all(torch.equal(found[key], value) for key, value in expected.items()) and len(found) == len(expected)
    sheet = load_generator(measured / f"results/quick/runs/{CONFIGURATION}/seed1").sample(8, seed=3)
    assert torch.equal(load_generator(CONFIGURATION).sample(8, seed=3), sheet)


def test_a_name_that_is_not_there_is_answered_with_those_that_are(measured):
    with pytest.raises(DataError, match=r"no generator that git holds \(here, none\)"):
        load_generator(CONFIGURATION)
    publish("quick")
    with pytest.raises(DataError, match=f"{CONFIGURATION}x: .*{CONFIGURATION}, {BASELINE}"):
        load_generator(CONFIGURATION + "x")


def test_nothing_measured_is_said(measured):
    (measured / "results/quick/summary/fid.csv").write_text(FIDS)
    with pytest.raises(
        DataError, match=r"quick: no run of its main pairs has been measured; .* dvc repro summary@quick"
    ):
        publish("quick")


@pytest.mark.skipif(results_changed(), reason="results/ is not as committed")
@pytest.mark.parametrize("folder", COMMITTED, ids=lambda path: path.name)
def test_a_committed_generator_is_that_of_the_committed_results(folder, monkeypatch):
    """Its network is the settings' own, it is the best run's, and its sparsity, measured here by hand, is the table's."""
    monkeypatch.chdir(ROOT)
    c = load_settings().configuration(folder.name)
    results = load_results(c.suite)
    generator = load_generator(folder.name)
    assert generator.configuration == GeneratorConfiguration.model_validate_json(c.model_dump_json())
    fid = results.fid[(results.fid["configuration"] == c.name) & (results.fid["generator"] == "best")]
    best = fid[fid["n_fake"] == c.extractor.samples[-1]].sort_values("fid").iloc[0]
    assert f"Seed {best['seed']};" in generator.card and f"| {best['fid']:,.2f} | – |" in generator.card
    stages = pd.read_csv(results.folder / "sparsity.csv")
    stages = stages[(stages["configuration"] == c.name) & (stages["seed"] == best["seed"])]
    settings = load_settings().sparsity
    latents = draw_latents(settings.latents, c.latent_dim, settings.latent_seed)[:500]
    with torch.no_grad():
        found = [(stage.x == 0).float().mean().item() for stage in generator.generator.sastm_outputs(latents)]
    assert found == pytest.approx(list(stages["xi"]), abs=0.02)  # of a tenth of the latents
    digest = json.loads((results.folder.parent / f"provenance/{c.name}.json").read_text())["settings_sha256"]
    assert digest in generator.card


def test_there_are_some():
    assert len(COMMITTED) >= 4
