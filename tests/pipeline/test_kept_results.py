"""`dvc` on a small project whose results are kept: by seed, through an edit, and where a stage is refused, fails or is stopped."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from cluster.toy import git
from dvc_project import BASELINE, cut_down, dvc, environment, repro, said, stage_process, start, write_dvc_project
from small_project import CONFIGURATION, ROOT, files, write_project

from selfsparse.made_from import ANEW

pytestmark = pytest.mark.slow
SEEDS = "suites.quick.train.seeds"
STAGES = [f"{kind}@{CONFIGURATION}" for kind in ("train", "measure")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Everything up to the verdicts, in a git repository."""
    folder = write_dvc_project(tmp_path_factory.mktemp("whole") / "project")
    for name in (".gitignore", ".dvc/config", ".dvc/.gitignore"):
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    repro(folder, "verdicts@quick")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "small")
    return folder


@pytest.fixture
def project(whole, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(whole, folder, symlinks=True)
    return folder


def told(folder, *arguments: str, **more: str) -> subprocess.CompletedProcess:
    """What a command of Python's says in the project."""
    return subprocess.run(
        [dvc()[0], "-m", *arguments],
        cwd=folder,
        env=environment(folder) | more,
        capture_output=True,
        text=True,
        timeout=600,
    )


def status(folder, *stages: str) -> dict[str, dict[str, str]]:
    """What `dvc status` says of these stages: `deps`, `outs` that have changed, by stage."""
    told(folder, "pipeline.inputs")
    found = told(folder, "dvc", "status", "--json", *stages)
    assert found.returncode == 0, found.stderr
    entries = json.loads(found.stdout or "{}")
    return {
        stage: {key.split()[-1]: value for part in parts if isinstance(part, dict) for key, value in part.items()}
        for stage, parts in entries.items()
    }


def results(folder, kind: str) -> dict[str, bytes]:
    return files(folder / f"results/quick/{kind}/{CONFIGURATION}")


def of_seed(found: dict[str, bytes], seed: int) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if name.startswith(f"seed{seed}/")}


def edit(folder, name: str, before: str, after: str) -> None:
    path = folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_equal_runs_leave_equal_hashes(project, monkeypatch):
    """Every kind of stage once more, nothing kept: dvc.lock stays as it was, and so nothing behind any of them would run."""
    before, provenance = (project / "dvc.lock").read_bytes(), files(project / "results/quick/provenance")
    monkeypatch.setenv(ANEW, "1")
    repro(project, "--force", "verdicts@quick")
    assert f"trains seed 0 ({ANEW} is set)" in said(project)
    assert (project / "dvc.lock").read_bytes() == before
    again = files(project / "results/quick/provenance")
    assert again.keys() == provenance.keys() and all(again[name] != provenance[name] for name in again)  # the times


def test_seeds_one_by_one(project):
    """One more trains and measures that one, one fewer none; the others stay as they are, to the byte."""
    before = {kind: results(project, kind) for kind in ("runs", "fid", "sparsity")}
    for seeds, says in (([0, 1], "keeps seed 0; trains seed 1 (not there)"), ([1], "keeps seed 1\n")):
        write_project(project, cut_down({SEEDS: seeds}))
        begun = len(said(project)) if (project.parent / "said").exists() else 0
        repro(project, *STAGES)
        text = said(project)[begun:]
        assert f"{CONFIGURATION}: {says}" in text and f"{says.split(';')[0].strip()}" in text
        assert text.count("keeps seed") == 3
        assert not status(project, *STAGES)
    for kind in before:
        one = results(project, kind)
        assert of_seed(one, 1) and not of_seed(one, 0)
    # Back again: seed 0 is trained anew, to the same bytes as at first.
    write_project(project, cut_down({SEEDS: [0]}))
    repro(project, *STAGES)
    assert {kind: results(project, kind) for kind in before} == before


def test_an_edit_that_changes_no_number_is_kept(project):
    trainer = "selfsparse/training/trainer.py"
    before = {kind: results(project, kind) for kind in ("runs", "fid", "sparsity")}
    edit(project, trainer, "discriminator_mean, penalty_mean", "score_mean, penalty_mean")
    edit(project, trainer, "torch.stack([discriminator_mean,", "torch.stack([score_mean,")
    edit(project, "selfsparse/metrics/kid.py", "\n\n\ndef", "\n\nMORE = 1\n\n\ndef")
    stale = [f"{kind}@{name}" for kind in ("train", "measure") for name in (BASELINE, CONFIGURATION)]
    assert {name for name in status(project) if name in stale} == set(stale)
    found = told(project, "selfsparse", "keep", "quick")
    assert found.returncode == 0, found.stdout + found.stderr
    for name in stale:
        assert f"{name}: kept: " in found.stdout
    assert f"train@{CONFIGURATION}: kept: the first 8 steps are the same to the bit" in found.stdout
    assert f"measure@{CONFIGURATION}: kept: fid of seed 0 measured again is the same to the byte" in found.stdout
    assert not {
        name for name in status(project) if name.split("@")[0] in ("data", "extractor", "reference", "train", "measure")
    }
    after = {kind: results(project, kind) for kind in before}
    for kind, old in before.items():
        changed = {name for name in old if old[name] != after[kind][name]}
        assert changed == ({"seed0/made_from.json"} if kind != "sparsity" else set())
    noted = json.loads((project / f"results/quick/provenance/{CONFIGURATION}.json").read_text())["kept_under"]
    assert [entry["how"] for entry in noted] == ["the first 8 steps are the same to the bit"]
    # What was kept is what a training by this code leaves.
    kept = (project / "dvc.lock").read_bytes()
    process = start(project, "repro", "--force", "--single-item", *STAGES[:1])
    assert process.wait(timeout=300) == 0
    assert (project / "dvc.lock").read_bytes() == kept


def test_an_edit_that_changes_a_number_is_not(project):
    """Whichever; all stays stale, and as it was."""
    lock, before = (project / "dvc.lock").read_bytes(), results(project, "runs")
    edit(project, "selfsparse/training/explicit.py", "u *= penalty_weight", "u *= 1.001 * penalty_weight")
    found = told(project, "selfsparse", "keep", *STAGES)
    assert found.returncode == 1, found.stderr
    assert f"train@{CONFIGURATION}: NOT kept: seed 0: step 1 is the first that differs" in found.stdout
    assert ": kept" not in found.stdout  # what is made from it is stale when it is
    assert (project / "dvc.lock").read_bytes() == lock and results(project, "runs") == before
    assert set(status(project, STAGES[0])[STAGES[0]]) == {"deps"}
    # Nor is one of settings.
    write_project(project, cut_down({"suites.quick.train.generator_lr": 0.007}))
    found = told(project, "selfsparse", "keep", STAGES[0])
    assert "more than code has changed: train.generator_lr: 0.006 -> 0.007" in found.stdout and found.returncode == 1


@pytest.mark.parametrize("how", ["refused", "interrupted", "killed"])
def test_a_stage_that_does_not_end_well_leaves_its_last_result(project, how):
    """DVC removes it before the stage runs; the stage has put it back. Cache and workspace stay in step."""
    before, target = results(project, "runs"), STAGES[0]
    if how == "refused":
        write_project(project, cut_down({f"configurations.{CONFIGURATION}.train": {"device": "cuda"}}))
        told(project, "pipeline.inputs")
        assert start(project, "repro", "--single-item", target).wait(timeout=300) > 0
        assert "PyTorch finds none on this machine" in said(project)
    else:
        write_project(project, cut_down({"suites.quick.train.steps": 100_000}))
        told(project, "pipeline.inputs")
        process = start(project, "repro", "--single-item", target)
        stage_process(process, "train")
        while not list(project.glob(".checkpoints/*/seed0/*/state-*.pt")):
            assert process.poll() is None, said(project)
        os.killpg(process.pid, signal.SIGINT if how == "interrupted" else signal.SIGKILL)
        process.wait(timeout=120)
    assert results(project, "runs") == before
    assert set(status(project, target)[target]) == {"deps"}


def test_a_refused_stage_of_another_kind_leaves_its_last_result_too(project):
    """The reference finds an extractor that is not the one it was prepared as."""
    before = files(project / "data/references/digits-16-lenet")
    weights = project / "data/extractors/digits-16-lenet/lenet.safetensors"
    data = weights.read_bytes()
    weights.unlink()  # a link to the cache's own file
    weights.write_bytes(data + b"0")
    assert start(project, "repro", "--single-item", "reference@digits-16-lenet").wait(timeout=300) > 0
    assert "is not the file that" in said(project)
    assert files(project / "data/references/digits-16-lenet") == before
    assert set(status(project, "reference@digits-16-lenet")["reference@digits-16-lenet"]) == {"deps"}


AUDIT = """
import os, sys
root, log = os.environ["AUDIT_ROOT"], os.environ["AUDIT_LOG"]
if os.environ.get("DVC_STAGE"):
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    def look(event, arguments):
        if event in ("open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.mkdir", "os.link") and arguments:
            for name in arguments[:2]:
                if isinstance(name, (str, bytes, os.PathLike)):
                    path = os.path.abspath(os.fsdecode(os.fspath(name)))
                    if path.startswith(root) and not path.startswith(os.getcwd()):
                        os.write(out, f"{os.environ['DVC_STAGE']} {event} {path}\\n".encode())
    sys.addaudithook(look)
"""


def test_an_experiment_in_a_copy_keeps_to_it(project, tmp_path):
    """`dvc exp run --temp` with one more seed: trained alone, and no stage opens anything of the workspace but DVC's cache."""
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit/sitecustomize.py").write_text(AUDIT)
    log = tmp_path / "opened"
    before = files(project / "results")
    found = told(
        project, "dvc", "exp", "run", "--temp", "--verbose", "-S", f"{SEEDS}=[0,1]", *STAGES,
        PYTHONPATH=str(tmp_path / "audit"), AUDIT_ROOT=str(project), AUDIT_LOG=str(log),
    )  # fmt: skip
    text = found.stdout + found.stderr
    assert found.returncode == 0, text
    assert f"{CONFIGURATION}: keeps seed 0; trains seed 1 (not there)" in text
    assert files(project / "results") == before
    opened = log.read_text().splitlines()
    outside = [line for line in opened if not re.search(r" \S+/\.dvc/(cache|tmp)(/|$)", line)]
    assert not outside


def test_an_experiment_in_the_queue(project):
    """One more seed while the workspace is free: trained alone, and brought home with its provenance."""
    before = results(project, "runs")
    for command in (["exp", "run", "--queue", "--name", "more", "-S", f"{SEEDS}=[0,1]", *STAGES], ["queue", "start"]):
        found = told(project, "dvc", *command)
        assert found.returncode == 0, found.stdout + found.stderr
    begun = time.monotonic()
    while "Success" not in (found := told(project, "dvc", "queue", "status")).stdout:
        assert "Failed" not in found.stdout and time.monotonic() - begun < 300, found.stdout
        time.sleep(2)
    assert (
        f"{CONFIGURATION}: keeps seed 0; trains seed 1 (not there)"
        in told(project, "dvc", "queue", "logs", "more").stdout
    )
    assert results(project, "runs") == before
    assert told(project, "dvc", "exp", "apply", "more").returncode == 0
    after = results(project, "runs")
    assert of_seed(after, 0) == of_seed(before, 0) and of_seed(after, 1)
    noted = json.loads((project / f"results/quick/provenance/{CONFIGURATION}.json").read_text())["runs"]
    assert noted.keys() == {"0", "1"}
