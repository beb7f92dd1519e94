"""The summary of made-up results: its tables and numbers by hand."""

import json

import numpy as np
import pytest
from PIL import Image
from small_project import ROOT, files, write_project

from selfsparse.config import load_settings
from selfsparse.errors import DataError
from selfsparse.results.arrays import halved
from selfsparse.results.reading import load_results
from selfsparse.results.summary import metric_name, sample_label, summarise

W, S = "digits-16-wgan_gp", "digits-16-self_sparse"
CURVE = (
    "step,fid,discriminator_loss,generator_loss,gradient_penalty,discriminator_gradient_norm,generator_gradient_norm"
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two of the suite's configurations with two seeds each, one run of the second diverged."""
    monkeypatch.chdir(write_project(tmp_path, {"train.seeds": [0, 1]}))
    for name in (W, S):
        for seed in (0, 1):
            add_run(tmp_path, name, seed, best=10.0 + seed, diverged=name == S and seed == 1)
    add_fid(tmp_path, W, ["0,best,1000,1000,20.0,0.1,0.01", "0,best,2000,1797,18.0,,",
                          "0,last,1000,1000,90.0,0.2,0.01", "1,best,1000,1000,24.0,0.1,0.01",
                          "1,best,2000,1797,21.00006,,", "1,last,1000,1000,95.0,0.2,0.01"])  # fmt: skip
    add_fid(tmp_path, S, ["0,best,1000,1000,12.0,0.1,0.01"])
    add_sparsity(tmp_path, W, ["0,1,4,64,0.0,0.0,,", "0,2,8,32,0.1,0.0,,", "1,1,4,64,0.2,0.0,,", "1,2,8,32,0.3,0.0,,"])
    add_sparsity(tmp_path, S, ["0,1,4,64,0.5,0.25,0.5,0.125", "0,2,8,32,0.75,0.5,0.5,0.125"])
    return tmp_path


def add_run(root, name: str, seed: int, best: float, diverged: bool = False) -> None:
    folder = root / f"results/quick/runs/{name}/seed{seed}"
    folder.mkdir(parents=True)
    run = {
        "configuration": name, "seed": seed, "status": "diverged" if diverged else "finished", "steps": 200,
        "diverged_at": 150 if diverged else None, "best_step": 80, "best_fid": best, "generator_parameters": 7,
        "sastm_parameters": 3, "discriminator_parameters": 5,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "curves.csv").write_text(f"{CURVE}\n0,99.5,,,,,\n40,{best},-1.5,2.5,0.25,3.5,4.5\n")
    sheet(folder / "progress.png", rows=2 + (name == S), shade=seed)


def add_fid(root, name: str, rows: list[str]) -> None:
    folder = root / f"results/quick/fid/{name}"
    folder.mkdir(parents=True)
    (folder / "fid.csv").write_text(
        "seed,generator,n_fake,n_real,fid,kid,kid_std\n" + "".join(f"{row}\n" for row in rows)
    )
    sheet(folder / "samples.png", rows=1, shade=len(name))


def sheet(path, rows: int, shade: int) -> None:
    Image.fromarray(np.full((16 * rows, 32), shade, np.uint8)).save(path)


def add_sparsity(root, name: str, rows: list[str]) -> None:
    folder = root / f"results/quick/sparsity/{name}"
    folder.mkdir(parents=True)
    header = "seed,stage,size,channels,xi,zeta,alpha_zero,beta_zero\n"
    (folder / "sparsity.csv").write_text(header + "".join(f"{row}\n" for row in rows))
    np.savez(folder / "feature_maps.npz", x_1=np.full((1, 4, 4), len(name)))


def summary() -> tuple[list[str], list[str]]:
    return summarise(load_settings(), "quick")


def text(project, name: str) -> str:
    return (project / f"results/quick/summary/{name}").read_text()


def test_what_ran_and_what_did_not(project):
    done, missing = summary()
    assert done == [W, S]
    assert missing == [c.name for c in load_settings().suite("quick") if c.name not in (W, S)]


def test_tables(project):
    summary()
    assert text(project, "runs.csv").splitlines() == [
        "configuration,seed,status,steps,diverged_at,best_step,best_fid,"
        "generator_parameters,sastm_parameters,discriminator_parameters",
        f"{W},0,finished,200,,80,10.0,7,3,5",
        f"{W},1,finished,200,,80,11.0,7,3,5",
        f"{S},0,finished,200,,80,10.0,7,3,5",
        f"{S},1,diverged,200,150.0,80,11.0,7,3,5",
    ]
    curves = text(project, "curves.csv").splitlines()
    assert curves[0] == f"configuration,seed,{CURVE}" and len(curves) == 1 + 2 * 4
    assert curves[1:3] == [f"{W},0,0,99.5,,,,,", f"{W},0,40,10.0,-1.5,2.5,0.25,3.5,4.5"]
    fid = text(project, "fid.csv").splitlines()
    # These results were made before precision and recall: columns without values.
    assert fid[0] == "configuration,seed,generator,n_fake,n_real,fid,kid,kid_std,precision,recall"
    assert len(fid) == 1 + 6 + 1
    assert fid[2] == f"{W},0,best,2000,1797,18.0,,,," and fid[7] == f"{S},0,best,1000,1000,12.0,0.1,0.01,,"
    sparsity = text(project, "sparsity.csv").splitlines()
    assert sparsity[1] == f"{W},0,1,4,64,0.0,0.0,," and sparsity[5] == f"{S},0,1,4,64,0.5,0.25,0.5,0.125"


def test_numbers(project):
    """Means over seeds that did not diverge; ddof 1: of 20 and 24 it is sqrt(8) = 2.8284, of one value it is undefined and left out."""
    summary()
    assert json.loads((project / "results/quick/summary.json").read_text()) == {
        W: {
            "fid_lowest": 10.5,
            "fid_1k": 22.0,
            "fid_1k_std": 2.83,
            "fid_2k": 19.5,  # (18 + 21.00006) / 2 = 19.50003, to two digits
            "fid_2k_std": 2.12,  # 3.00006 / sqrt(2) = 2.12136
            "sparsity": 0.15,  # seeds: (0 + 0.1) / 2 and (0.2 + 0.3) / 2
            "runs": 2,
            "diverged": 0,
        },
        S: {"fid_lowest": 10.0, "fid_1k": 12.0, "sparsity": 0.625, "runs": 2, "diverged": 1},
    }


def test_images(project, monkeypatch):
    summary()
    folder = project / "results/quick/summary"
    assert files(folder / "progress").keys() == files(folder / "samples").keys() == {"digits-16.png"}
    results = load_results("quick")
    really, opened = Image.open, []
    monkeypatch.setattr(Image, "open", lambda path: opened.append(path) or really(path))
    for place, (c, rows) in enumerate(zip(map(load_settings().configuration, (W, S)), (2, 3), strict=True)):
        found = results.sheet(c, "progress")
        assert (found.place, found.beside, found.full_height) == (place, 2, 48)
        assert (found.pixels == np.zeros((16 * rows, 32))).all()  # of the first seed, without what fills the image up
        assert (results.sheet(c, "samples").pixels == np.full((16, 32), len(c.name))).all()
        assert (results.arrays(c, "feature_maps")["x_1"] == len(c.name)).all()
    assert [path.parent.name for path in opened] == [
        "progress",
        "samples",
    ]  # once for all of a dataset's configurations
    assert (np.asarray(Image.open(folder / "progress/digits-16.png"))[32:, :32] == 255).all()
    assert results.sheet(load_settings().configuration("digits-16-without_csm"), "samples") is None
    # When and where it was trained is no part of what DVC hashes.
    assert not [name for name in files(folder) if "provenance" in name or "latency" in name]
    assert not (folder / "correlation.csv").exists()
    (project / "results/quick/correlation.csv").write_text("a,b\n1,2\n")
    summary()
    assert text(project, "correlation.csv") == "a,b\n1,2\n"


def test_the_extractors_are_named_as_they_were_prepared(project):
    folder = project / "data/extractors/digits-16-lenet"
    summary()
    assert json.loads(text(project, "extractors.json")) == {W: "lenet", S: "lenet"}  # as in params.yaml
    assert json.loads(text(project, "accuracies.json")) == {}
    folder.mkdir(parents=True)
    described = {"extractor": "inception-custom-0a1b2c3d", "held_out_accuracy": 0.9731}
    (folder / "extractor.json").write_text(json.dumps(described))
    summary()
    named = dict.fromkeys((W, S), "inception-custom-0a1b2c3d")
    assert json.loads(text(project, "extractors.json")) == named
    (folder / "extractor.json").unlink()  # a clone without the cache
    summary()
    assert json.loads(text(project, "extractors.json")) == named
    assert json.loads(text(project, "accuracies.json")) == {"digits-16-lenet": 0.9731}


def test_arrays_take_half_the_bytes_where_no_zero_comes_or_goes():
    for values, kept in (([0, 0.1, -65504], np.float16), ([0, 1e-9], np.float32), ([1e9], np.float32)):
        found = halved(np.array(values, np.float32))
        assert found.dtype == kept and found == pytest.approx(values, rel=1e-3)


def test_the_same_bytes_twice(project):
    summary()
    first = files(project / "results/quick")
    summary()
    assert files(project / "results/quick") == first


def test_leftovers_of_a_renamed_configuration_are_ignored(project):
    summary()
    first = files(project / "results/quick/summary")
    old = "digits-16-self_sparse-old_name"
    add_run(project, old, 0, best=1.0)
    add_fid(project, old, ["0,best,1000,1000,1.0,0.1,0.01"])
    add_sparsity(project, old, ["0,1,4,64,1.0,1.0,1.0,1.0"])
    (project / "results/quick/summary/samples/digits-64.png").write_bytes(b"of an earlier summary")
    summary()
    assert files(project / "results/quick/summary") == first


def test_a_seed_that_is_no_longer_asked_for_is_ignored(project):
    summary()
    before = text(project, "runs.csv"), text(project, "curves.csv")
    add_run(project, W, 7, best=1.0)
    summary()
    assert (text(project, "runs.csv"), text(project, "curves.csv")) == before


def test_all_runs_diverged(project):
    """Tables with a header alone, no sheet and no maps: what `measure` leaves of such a configuration."""
    name = "digits-16-without_csm"
    for seed in (0, 1):
        add_run(project, name, seed, best=300.0, diverged=True)
    add_fid(project, name, [])
    add_sparsity(project, name, [])
    (project / f"results/quick/fid/{name}/samples.png").unlink()
    (project / f"results/quick/sparsity/{name}/feature_maps.npz").unlink()
    done, _ = summary()
    assert done == [W, S, name]
    assert json.loads((project / "results/quick/summary.json").read_text())[name] == {"runs": 2, "diverged": 2}
    assert text(project, "fid.csv").splitlines()[1].startswith(f"{W},0,best,1000,1000,20.0")


def test_nothing_run_gives_empty_tables(tmp_path, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path))
    done, missing = summarise(load_settings(), "paper")
    assert done == [] and len(missing) == len(load_settings().suite("paper"))
    folder = tmp_path / "results/paper"
    assert json.loads((folder / "summary.json").read_text()) == {}
    for name in ("runs", "curves", "fid", "sparsity"):
        assert len((folder / f"summary/{name}.csv").read_text().splitlines()) == 1


def test_what_is_of_many_rows_is_compressed_to_the_same_bytes_each_time(project):
    for name, rows in ((W, "0,1,4,64\n40,1,4,64\n"), (S, "0,1,4,64\n")):
        path = project / f"results/quick/runs/{name}/seed0/mechanism.csv"
        path.write_text("step,stage,size,channels\n" + rows)
    folder = project / "results/quick/summary"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mechanism.csv", "feature_maps.npz"):
        (folder / name).write_text("of an earlier version")
    summary()
    packed = {path: path.read_bytes() for path in folder.glob("*.xz")}
    assert len(packed) == 3
    summary()
    assert packed == {path: path.read_bytes() for path in folder.glob("*.xz")}
    assert {path.suffix for path in folder.iterdir()} >= {".csv", ".xz"} and not list(folder.glob("*.npz"))
    assert not (folder / "mechanism.csv").exists()
    assert load_results("quick").mechanism[["configuration", "step"]].to_numpy().tolist() == [[W, 0], [W, 40], [S, 0]]
    results = load_results("quick")
    for path, content in packed.items():
        path.write_bytes(content[:-9])
    damaged = r"{} is damaged .*restore it with: git checkout .*dvc repro -f -s summary@quick"
    with pytest.raises(DataError, match=damaged.format(r"mechanism\.csv\.xz")):
        load_results("quick")
    for kind in ("feature_maps", "coefficients"):
        with pytest.raises(DataError, match=damaged.format(rf"{kind}\.npz\.xz")):
            results.arrays(load_settings().configuration(W), kind)


def test_a_suite_without_figures_keeps_numbers_and_no_images(project, monkeypatch):
    summary()
    folder, numbers = project / "results/quick/summary", text(project, "fid.csv")
    assert load_results("quick").sheet(load_settings().configuration(W), "samples")
    monkeypatch.chdir(write_project(project, {"train.seeds": [0, 1], "suites.quick.figures": False}))
    summary()
    results, c = load_results("quick"), load_settings().configuration(W)
    assert text(project, "fid.csv") == numbers and not list(folder.rglob("*.png"))
    assert results.sheet(c, "samples") is None and results.arrays(c, "feature_maps") == {}


@pytest.mark.parametrize("lost", [W, S])
def test_a_recorded_result_that_is_not_here_is_not_forgotten(project, lost):
    summary()
    lock = "schema: '2.0'\nstages:\n" + "".join(f"  measure@{n}:\n    cmd: x\n" for n in (W, S, "of-another-suite"))
    (project / "dvc.lock").write_text(lock)
    summary()  # nothing is lost yet
    before = files(project / "results/quick/summary"), (project / "results/quick/summary.json").read_bytes()
    (project / f"results/quick/fid/{lost}/fid.csv").unlink()
    with pytest.raises(DataError) as caught:
        summary()
    assert lost in str(caught.value) and "dvc checkout" in str(caught.value) and f"measure@{lost}" in str(caught.value)
    assert (files(project / "results/quick/summary"), (project / "results/quick/summary.json").read_bytes()) == before


@pytest.mark.parametrize(("count", "label"), [(1000, "1k"), (5000, "5k"), (50_000, "50k"), (1797, "1797"), (80, "80")])
def test_sample_counts_as_the_field_writes_them(count, label):
    assert sample_label(count) == label


def test_a_metric_does_not_repeat_its_suite():
    names = {c.name: metric_name(c) for c in load_settings(ROOT / "params.yaml").configurations.values()}
    assert names["mnist-32-self_sparse-laptop"] == names["mnist-32-self_sparse"] == "mnist-32-self_sparse"
    assert names["mnist-32-wgan_gp-penalty_10-sensitivity"] == "mnist-32-wgan_gp-penalty_10"
    assert max(map(len, names.values())) <= 50
