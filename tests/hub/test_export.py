"""A run as a model folder, from the command line, and its card: every number from a file."""

import json

import pytest
import torch
from small_project import CONFIGURATION, run

from selfsparse import load_generator
from selfsparse.__main__ import app
from selfsparse.config import load_settings
from selfsparse.hub.card import model_card

RUNS = f"results/quick/runs/{CONFIGURATION}"
PROVENANCE = f"results/quick/provenance/{CONFIGURATION}.json"


@pytest.fixture(scope="module")
def project(trained):
    """A trained run with results that no training gives, so that a card can have them from the files alone."""
    c = load_settings(trained / "params.yaml").configuration(CONFIGURATION)
    path = trained / RUNS / "seed0/run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"best_fid": 31.41, "best_step": 4}))
    provenance = {
        "git_commit": "c0ffee", "uncommitted_changes": False, "settings_sha256": "5e771465",
        "settings": c.model_dump(mode="json"), "finished": "2001-02-03T04:05:06Z", "seconds": 1234.5,
        "device": "CPU (abacus)", "torch": "9.8.7",
    }  # fmt: skip
    (trained / PROVENANCE).parent.mkdir(parents=True, exist_ok=True)
    (trained / PROVENANCE).write_text(json.dumps(provenance))
    fids = (
        "seed,generator,n_fake,n_real,fid,kid,kid_std,precision,recall\n0,best,80,79,55.5,0.123,0.01,0.25,0.75\n"
        "0,last,80,79,66.6,0.2,0.01,0.3,0.7\n1,best,80,79,77.7,0.3,0.01,0.4,0.6\n"
    )
    sparsity = "seed,stage,size,channels,xi,zeta,alpha_zero,beta_zero\n0,1,4,8,0.111,0.222,0.333,0.444\n"
    for kind, text in (("fid", fids), ("sparsity", sparsity)):
        folder = trained / f"results/quick/{kind}/{CONFIGURATION}"
        folder.mkdir(parents=True)
        (folder / f"{kind}.csv").write_text(text)
    return trained


@pytest.mark.slow
def test_the_card_has_its_numbers_from_the_files(project, monkeypatch):
    found = run(project, "selfsparse", "export", CONFIGURATION, "models/digits")
    assert (found.returncode, found.stderr) == (0, "")
    card = (project / "models/digits/README.md").read_text()
    for line in (
        "license: apache-2.0", "Seed 0;", "step 4 of 8; that FID, 31.41, chose it", "| FID (lenet) |",
        "| 80 | 79 | 55.50 | 0.123 | 0.250 | 0.750 |", "| 1 | 8 of 4 × 4 | 0.111 | 0.222 | 0.333 | 0.444 |",
        "`c0ffee`", "`5e771465`", "| 1,234 s |", "CPU (abacus)", "not comparable with Inception",
        'load_generator("digits")', "(`running`)", "Apache-2.0",
    ):  # fmt: skip
        assert line in card, line
    assert "66.6" not in card and "77.7" not in card and "nan" not in card
    loaded = load_generator(project / "models/digits")
    assert loaded.card == card
    assert torch.equal(loaded.sample(20), load_generator(project / RUNS / "seed0").sample(20))
    # The other generator into the same folder: a new card. Sparsity was measured on the best alone.
    monkeypatch.chdir(project)
    assert app(["export", CONFIGURATION, "models/digits", "--generator", "last"], standalone_mode=False) == 0
    card = (project / "models/digits/README.md").read_text()
    assert "| 66.60 |" in card and "55.5" not in card and "0.444" not in card and "the last of its training" in card


def test_what_was_not_measured_is_said(project, tmp_path, monkeypatch):
    from selfsparse.hub.export import export_run

    monkeypatch.chdir(project)
    moved = {"fid": project / "results/quick/fid", "sparsity": project / "results/quick/sparsity"}
    for kind, path in moved.items():
        path.rename(tmp_path / kind)
    (project / PROVENANCE).rename(tmp_path / "provenance.json")
    try:
        card = export_run(load_settings().configuration(CONFIGURATION), 0, "best", tmp_path / "model").card
    finally:
        for kind, path in moved.items():
            (tmp_path / kind).rename(path)
        (tmp_path / "provenance.json").rename(project / PROVENANCE)
    assert "Not measured" in card and "no provenance lay beside" in card


def test_the_card_names_the_extractor_as_it_was_prepared(project, tmp_path, monkeypatch):
    """Which weights of Inception's a custom file holds is in no setting."""
    from selfsparse.hub.export import export_run

    monkeypatch.chdir(project)
    path = project / "data/extractors/digits-16-lenet/extractor.json"
    really = path.read_text()
    path.write_text(json.dumps(json.loads(really) | {"extractor": "inception-custom-0badf00d"}))
    try:
        card = export_run(load_settings().configuration(CONFIGURATION), 0, "best", tmp_path / "model").card
    finally:
        path.write_text(really)
    assert "| FID (inception-custom-0badf00d) |" in card
    assert "under `inception-custom-0badf00d`, Inception-v3 with other weights than the published ones" in card


def test_a_folder_whose_name_would_be_code(project, tmp_path, monkeypatch):
    from selfsparse.hub.export import export_run

    monkeypatch.chdir(project)
    for name in ('x").eval("1', "a\n```\n<script>", "{0.__class__}"):
        export_run(load_settings().configuration(CONFIGURATION), 0, "best", tmp_path / name)
        card = (tmp_path / name / "README.md").read_text()
        assert 'load_generator("FOLDER_OR_HUB_ID")' in card and name not in card


def test_a_readme_of_ones_own_stays_where_a_generator_is_saved(project, tmp_path):
    generator = load_generator(project / RUNS / "seed0")
    (tmp_path / "README.md").write_text("my own")
    generator.save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "my own" and (tmp_path / "model.safetensors").is_file()


def test_the_card_of_another_generator_goes_with_its_weights(project, tmp_path):
    generator = load_generator(project / RUNS / "seed0")
    generator.card = model_card(generator.configuration, where="earlier")
    generator.save_pretrained(tmp_path)
    other = load_generator(project / RUNS / "seed0")
    other.card = model_card(other.configuration, where="later")
    other.save_pretrained(tmp_path)
    assert load_generator(tmp_path).card.strip() == other.card.strip()
    other.card = None  # and a generator without a card does not take that of another
    other.save_pretrained(tmp_path)
    assert 'load_generator("later")' not in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digits-16-self_spars", "new"), "did you mean digits-16-self_sparse"),
        ((CONFIGURATION, "new", "--seed", "7"), "seed7 holds no run; make it with: dvc repro -s train@"),
        ((CONFIGURATION, "."), "holds other files and no model.safetensors; name a new folder"),
        ((CONFIGURATION, "params.yaml"), "params.yaml is a file; name a folder"),
    ],
)
def test_what_cannot_be_exported_is_one_line(project, arguments, message, monkeypatch, capsys):
    monkeypatch.chdir(project)
    code = app(["export", *arguments], standalone_mode=False)
    error = capsys.readouterr().err
    assert code == 2 and message in error and len(error.splitlines()) == 1
    assert error.startswith("error: ") and not (project / "new").exists()
    assert not (project / "README.md").exists()
