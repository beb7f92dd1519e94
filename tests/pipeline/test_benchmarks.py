"""The pages that show benchmarks, from results made up here; and how a suite's stages are told apart."""

import json
import subprocess
import sys

import pytest
import torch
from small_project import ROOT

from benchmarks import cuda, harness
from benchmarks.growth import make_project, measure_command
from benchmarks.page import benchmarks_markdown, suite_table, timings_markdown
from benchmarks.suite import ANNOUNCED, BEFORE, by_kind
from benchmarks.textbook import TextbookTrainer
from benchmarks.training_step import random_images
from selfsparse.config import load_settings
from selfsparse.models.dcgan import LatentDeconv, ScoreConv
from selfsparse.models.sastm import ThinConv, ThinDeconv

ENVIRONMENT = {
    "device": "CPU (X)", "cpu": "CPU (X)", "cpu_cores": 2, "threads": 1, "cuda": None, "system": "Linux", "python": "3.11.7",
    "torch": "2.11.0",
}  # fmt: skip
SCRIPT = '''"""How fast a thing is: ours against theirs.

    python -m benchmarks.thing [--rounds N]

Writes benchmarks/results/thing.json.
"""
raise RuntimeError("the page only reads what a script says of itself")
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "thing.py").write_text(SCRIPT)
    (tmp_path / "timing.py").write_text('"""What every benchmark shares."""\n')
    return tmp_path


def write(folder, name, **result):
    (folder / "results" / f"{name}.json").write_text(json.dumps({"environment": ENVIRONMENT, **result}))


def test_a_script_with_and_without_results(folder):
    page = benchmarks_markdown(folder)
    assert (
        "## How fast a thing is: ours against theirs\n" in page and "`python -m benchmarks.thing [--rounds N]`" in page
    )
    assert page.endswith("Not measured yet.\n") and "shares" not in page
    case = {"batch_size": 64, "seconds": {"ours": 0.5, "theirs": 1.0}, "ratio": 2.0}
    write(folder, "thing", ceiling_flops=4.2e10, cases={"a": case, "b": {**case, "exact": True}})
    page = benchmarks_markdown(folder)
    assert "Measured on CPU (X), 2 cores, PyTorch's threads: 1; Python 3.11.7, torch 2.11.0." in page
    assert "- ceiling flops: 42.0 G" in page
    assert "| cases | batch size | seconds, ours | seconds, theirs | ratio | exact |" in page
    assert "| a | 64 | 0.5 | 1 | 2 | – |" in page and "| b | 64 | 0.5 | 1 | 2 | yes |" in page


def test_lists_and_flat_results(folder):
    write(
        folder, "thing", seeds=[7, 8], steps=[{"name": "x", "seconds": 1234.5}], equal={"largest": 1e-7, "count": 1000}
    )
    page = benchmarks_markdown(folder)
    assert "- seeds: 7, 8\n" in page and "| name | seconds |" in page and "| x | 1,234 |" in page
    assert "| equal | largest | count |" in page and "| equal | 1e-07 | 1,000 |" in page


def test_what_is_said_of_each_contestant_stands_in_one_row(folder):
    write(
        folder,
        "thing",
        timing={"ours": {"seconds": 2.0}, "theirs": {"seconds": 3.0}},
        ratio={"theirs": 1.5},
        other={"x": 1},
    )
    page = benchmarks_markdown(folder)
    assert "| timing | seconds | ratio |" in page and "| ours | 2 | – |" in page and "| theirs | 3 | 1.5 |" in page
    assert "| other | x |" in page


def test_a_script_of_several_parts_has_a_table_of_each(folder):
    write(folder, "thing_b", ceiling=2.0)
    write(folder, "thing_a", ceiling=1.0)
    page = benchmarks_markdown(folder)
    assert page.index("### `thing_a`") < page.index("- ceiling: 1") < page.index("### `thing_b`")
    assert "Not measured yet" not in page


def test_options_reach_what_measures_and_each_part_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    parts = {"thing_a": lambda rounds, only: {"rounds": rounds}, "thing_b": lambda rounds, only: {"case": only}}

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["thing", *arguments])
        harness.run("A thing.", parts, cases=["x"], rounds=3, threads=1)
        return sorted(path.name for path in tmp_path.rglob("*.json"))

    assert run("--part", "thing_b", "--only", "x") == [] and "- case: x" in capsys.readouterr().out
    assert run("--part", "thing_a", "--rounds", "7") == ["thing_a.json"]
    found = json.loads((tmp_path / "benchmarks/results/thing_a.json").read_text())
    assert found["rounds"] == 7 and found["environment"]["threads"] == 1
    assert run() == ["thing_a.json", "thing_b.json"]


def test_contestants_take_turns_in_reversed_order():
    called = []
    found = harness.compare({name: lambda name=name: called.append(name) for name in "ab"}, rounds=3, warmup=1)
    assert "".join(called) == "ab" + "ab" + "ba" + "ab" and found["a"]["rounds"] == 3
    assert found["a"]["median_seconds"] >= 0 <= found["b"]["iqr_seconds"]
    assert harness.ratio({"ours": {"median_seconds": 2.0}, "theirs": {"median_seconds": 3.0}}, "ours", "theirs") == 1.5


@pytest.mark.slow
def test_a_project_of_many_configurations(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    first = make_project(tmp_path, 5)
    assert measure_command(tmp_path, "pipeline.inputs")["cpu_seconds"] > 0
    assert len(list((tmp_path / "data/inputs/train").glob("*.json"))) == 5
    measure_command(tmp_path, "dvc", "repro", "--quiet", "--single-item", f"train@{first}")
    assert (tmp_path / "results/paper/runs" / first).is_file()


@pytest.mark.parametrize("script", ["cuda", "fid", "gpu_session", "growth", "steps", "suite", "training_step", "verdicts"])  # fmt: skip
@pytest.mark.slow
def test_every_script_says_what_it_takes(script):
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{script}", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and f"python -m benchmarks.{script}" in done.stdout


def test_stages_add_up_by_their_name():
    announced = [
        "Running stage 'inputs':",
        "Running stage 'fid@digits-16-wgan_gp':",
        "Stage 'x' didn't change, skipping",
    ]
    assert [found[1] for line in announced if (found := ANNOUNCED.match(line))] == ["inputs", "fid"]
    found = by_kind([(BEFORE, 1.0), ("fid", 2.0), ("train", 5.0), ("fid", 4.0)])
    assert found["fid"] == {"times": 2, "seconds": 6.0} and list(found) == [BEFORE, "fid", "train"]


def test_the_table_of_a_suite_takes_its_place(folder):
    begin = "<!-- quick: written by `selfsparse docs` from benchmarks/results/, do not edit -->"
    page = f"before\n{begin}\nold\n<!-- end of quick -->\nafter\n"
    assert "Not measured yet" in suite_table(folder, "quick")
    stages = {BEFORE: {"times": 1, "seconds": 2.0}, "fid": {"times": 3, "seconds": 6.0}}
    write(folder, "suite_quick", suite="quick", seconds=8.0, load_before=0.1, stages=stages)
    new = timings_markdown(page, folder)
    assert new.startswith(f"before\n{begin}\nMeasured on") and new.endswith("\n<!-- end of quick -->\nafter\n")
    assert "| `fid` | 3 | 6 | 75 % |" in new and "| all | 3 | 8 | 100 % |" in new and "old" not in new
    assert timings_markdown(new, folder) == new
    with pytest.raises(ValueError, match=r"timings\.md"):
        timings_markdown("no marks", folder)


def test_the_textbook_trains_the_same_networks_made_of_pytorchs_layers():
    configuration = load_settings().configuration("digits-16-self_sparse")
    images, cpu = random_images(configuration, original=True, count=16), torch.device("cpu")
    published, ours = (TextbookTrainer(configuration, images, cpu, our_layers=ours) for ours in (False, True))
    for network, layers in (("generator", {LatentDeconv, ThinConv, ThinDeconv}), ("discriminator", {ScoreConv})):
        kinds = [{type(m) for m in getattr(trainer, network).modules()} for trainer in (ours, published)]
        assert kinds[0] - kinds[1] == layers
    z = torch.randn(16, configuration.latent_dim, generator=torch.Generator().manual_seed(1))
    fake, same = published.generator(z), ours.generator(z)
    torch.testing.assert_close(fake, same)
    torch.testing.assert_close(published.discriminator(fake), ours.discriminator(same))
    replaced = [published.generator.stages[0].deconv.weight, published.discriminator.layers[-1].weight]
    before = [weight.detach().clone() for weight in replaced]
    published.generator_step()
    assert all(not torch.equal(a, b) for a, b in zip(before, replaced, strict=True)), "the optimizers have other layers"


@pytest.mark.slow
def test_what_a_gpu_is_asked_is_asked_of_a_cpu(tmp_path, monkeypatch):
    """All parts, on a network of the suite quick and on few images; the hours of that network's runs follow by hand."""
    name = "digits-16-self_sparse"
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    monkeypatch.setattr(cuda, "DEVICE", torch.device("cpu"))
    monkeypatch.setattr(cuda, "distinct_networks", lambda settings: {name: [name]})
    monkeypatch.setattr(cuda, "matmul_ceiling", lambda device, dtype: 1e12)
    for constant, value in {
        "TEXTBOOK": (name,),
        "VARIED": (name,),
        "IMAGES_TIMED": 4,
        "TIMED_AGAINST_TEXTBOOK": 0.1,
    }.items():
        monkeypatch.setattr(cuda, constant, value)
    settings = load_settings()
    result = cuda.measure(settings, 120)
    assert "failed" not in result and set(cuda.MODES) <= result["networks"][name].keys()
    assert result["variations"][name].keys() == cuda.VARIATIONS.keys() and result["textbook"][name]["ratio"] > 0
    train, paper = settings.configuration(name).train, result["paper"]
    seconds = train.steps * len(train.seeds) / result["networks"][name]["graph, 3 seeds"]
    assert paper["training_hours"] == pytest.approx(seconds / 3600) and paper["not_measured"] == []
    rate = result["evaluation"]["images_per_second"][name][settings.fid.precision]
    distances = paper["distances"] * result["evaluation"]["distance_seconds"]
    assert 3600 * (paper["hours"] - paper["training_hours"]) == pytest.approx(paper["images"] / rate + distances)
    assert json.loads((tmp_path / "benchmarks/results/cuda.json").read_text())["paper"]["hours"] == paper["hours"]
