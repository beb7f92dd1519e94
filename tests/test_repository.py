"""The repository as a reader finds it."""

import ast
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from urllib.parse import unquote

import pytest
from small_project import ROOT, params, results_changed

README = ROOT / "README.md"


LOCKS = ("requirements.lock", "requirements-cluster.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_file_holds_no_addresses(lock):
    text = (ROOT / lock).read_text()
    assert not re.findall(r"https?://|git\+|file:|--(?:extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize(("lock", "packages"), list(zip(LOCKS, (50, 10), strict=True)))
def test_every_locked_package_is_pinned_and_hashed(lock, packages):
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > packages
    for line in lines:
        assert re.match(r"[a-zA-Z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", line), line[:100]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line[:100]


def test_every_dependency_is_locked():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [d for extra in project["optional-dependencies"].values() for d in extra]
    text = "".join((ROOT / lock).read_text() for lock in LOCKS)
    locked = set(re.findall(r"^([a-zA-Z0-9._-]+)", text.replace(".", "-"), re.M))
    for dependency in wanted:
        name, floor = dependency.split(">=")  # a floor each, no pins
        assert name.replace(".", "-") in locked and floor


def test_the_lock_of_the_cluster_changes_no_version_and_ray_is_in_no_other():
    base, cluster = (
        {m[1]: m[2] for m in re.finditer(r"(?m)^([\w.-]+)==([^ ;\\]+)", (ROOT / lock).read_text())} for lock in LOCKS
    )
    assert {name: base[name] for name in cluster if name in base}.items() <= cluster.items()
    assert "ray" in cluster and "ray" not in base


def test_any_part_of_the_tests_runs_by_itself():
    """A test imports helpers of its own folder or of tests/ alone, none from a conftest, and no name stands for two files."""
    files = list((ROOT / "tests").rglob("*.py"))
    names = [path.stem for path in files if path.name != "conftest.py"]
    assert len(names) > 90 and len(set(names)) == len(names)
    for path in files:
        imports = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom | ast.Import)
        ]
        for name in (getattr(node, "module", None) or node.names[0].name for node in imports):
            beside = any((folder / f"{name}.py").exists() for folder in (path.parent, ROOT / "tests"))
            assert name != "conftest" and (name not in names or beside), f"{path}: {name}"


def test_the_mutations_fit_the_code():
    """Each replaces a text that stands once in its module, and is tried on tests that there are."""
    listed = runpy.run_path(str(ROOT / "tests/mutations/__main__.py"), run_name="mutations")["listed"]
    assert {str(mutation): problem for mutation in listed() if (problem := mutation.problem())} == {}


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_every_relative_link_of_the_readme_leads_somewhere():
    text = re.sub(r"```.*?```", "", README.read_text(encoding="utf-8"), flags=re.S)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    relative = [link for link in links if not re.match(r"[a-z]+:", link) and not link.startswith("#")]
    assert relative
    missing = [link for link in relative if not (ROOT / unquote(link.split("#")[0])).exists()]
    assert not missing


@pytest.mark.skipif(results_changed(), reason="results/ is not as committed")
def test_the_readmes_table_is_that_of_the_results(monkeypatch):
    from selfsparse.analysis.answers import updated_readme

    monkeypatch.chdir(ROOT)
    text = README.read_text(encoding="utf-8")
    assert updated_readme(text) == text


@pytest.mark.skipif(results_changed(), reason="results/ is not as committed")
def test_the_experiment_of_the_docs_begins_at_the_results():
    text = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    summary = json.loads((ROOT / "results/quick/summary.json").read_text(encoding="utf-8"))
    pair = [summary[f"digits-16-{model}"]["fid_500"] for model in ("wgan_gp", "self_sparse")]
    assert re.search(rf"^\| main +\| {pair[0]} +\| {pair[1]} ", text, re.M)
    shown = re.findall(r"^(digits-16-\w+)\.(\w+) +([\d.]+) ", text, re.M)
    assert len(shown) == 3
    for configuration, measure, value in shown:
        assert summary[configuration][measure] == float(value)


def test_the_protocol_says_what_the_blind_pilot_found():
    """Its table, and that the setting of the smallest score among the trained ones is the suite's."""
    found = json.loads((ROOT / "benchmarks/results/blind_pilot.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs/protocol.md").read_text(encoding="utf-8").replace("**", "")
    for row in found["rows"]:
        said = f"| {row['setting']} | {row['steps']:,} | {row['sd_of_log_fid']:.3f} | {row['core_minutes']:.1f} |"
        assert f"{said} {1000 * row['score']:.3g} | {'yes' if row['trained'] else 'no'} |" in text
    best = min((row for row in found["rows"] if row["trained"]), key=lambda row: row["score"])
    of_suite = params()["suites"]["laptop"]["train"]
    assert of_suite["steps"] == best["steps"] and found["settings"][best["setting"]].items() <= of_suite.items()


@pytest.mark.skipif(results_changed(), reason="results/ is not as committed")
def test_the_page_on_the_results_is_that_of_the_results(monkeypatch):
    from selfsparse.report.results_page import results_page

    monkeypatch.chdir(ROOT)
    text = (ROOT / "results/README.md").read_text(encoding="utf-8")
    assert results_page() == text
    links = re.findall(r"\]\(([^)#\s]+)\)", text)
    assert links and not [link for link in links if not (ROOT / "results" / link).exists()]


@pytest.mark.skipif(results_changed(), reason="results/ is not as committed")
def test_committed_results_belong_to_the_committed_settings(monkeypatch):
    from selfsparse.config import load_settings

    monkeypatch.chdir(ROOT)
    for path in (ROOT / "results").glob("*/provenance/*.json"):
        trained = json.loads(path.read_text())["settings"]
        settings = load_settings().configuration(path.stem).model_dump(mode="json")
        for each in (trained, settings):
            del each["train"]["parallel_seeds"]  # no number depends on it
        assert settings == trained, path.stem


def test_results_in_git_stay_few_and_small():
    """Summaries, tables, executed notebooks, one report and a few generators: what is made in seconds is not kept."""
    listed = subprocess.run(["git", "ls-files", "-z", "results"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    weights = [path for path in files if "generators" in path.parts]
    assert len(weights) <= 24 and sum(path.stat().st_size for path in weights) <= 9_000_000
    files = [path for path in files if path not in weights]
    assert 100 < len(files) <= 350 and sum(path.stat().st_size for path in files) <= 12_000_000
    kinds = {path.suffix for path in files}
    assert kinds == {".css", ".csv", ".xz", ".json", ".png", ".ipynb", ".md", ".html"}
    assert {path.relative_to(ROOT).parts[1] for path in files if "report" in path.parts} == {"laptop"}


def test_nothing_is_unpickled():
    """What comes from outside, or could have been swapped, runs no code; data/pickles.py reads pickles of arrays without."""
    unsafe = r"pickle\.loads?\b|read_pickle|allow_pickle=True|weights_only=False|hub\.load|joblib\.(?!cpu_count)|from joblib|import (dill|cloudpickle|shelve)"
    unsafe += r"|torch\.load\((?!.*weights_only=True)|yaml\.(unsafe|full)_load|Loader="
    files = [path for folder in ("selfsparse", "pipeline", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    files += (ROOT / "notebooks").rglob("*.ipynb")
    assert len(files) > 60
    found = [
        f"{p.relative_to(ROOT)}: {line}"
        for p in files
        for line in p.read_text().splitlines()
        if re.search(unsafe, line)
    ]
    assert not found


def test_dvc_lock_holds_no_stage_that_is_gone():
    from selfsparse.config import load_settings

    recorded = re.findall(r"(?m)^  ([a-z]+@\S+):$", (ROOT / "dvc.lock").read_text())
    kinds = {path.stem for path in (ROOT / "pipeline").glob("*.py")}
    items = load_settings(ROOT / "params.yaml")
    known = {*items.datasets, *items.extractors, *items.configurations, *items.suites}
    assert recorded
    assert not [name for name in recorded if not {name.split("@")[0]} <= kinds or name.split("@")[1] not in known]


def test_every_suite_is_one_command_that_checks_before_it_trains():
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[0] for line in shown.splitlines()}
    phony = re.search(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text())[1]
    suites = set(params()["suites"])
    assert listed == {name for name in phony.split() if name[0] != "$"} | suites
    for suite in suites:
        planned = subprocess.run(["make", "-n", suite], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        steps = [planned.index(f"selfsparse check {suite}\n"), planned.index(f"report@{suite}\n")]
        assert steps == sorted(steps) and " train@" not in planned[: steps[0]], suite


def test_the_two_parts_of_quick_run_its_own_stages_alone(tmp_path):
    """Each once, after what it needs; no configuration of another suite on the same images. DVC is one that says what it is told."""
    from selfsparse.config import load_settings

    (tmp_path / "bin").mkdir()
    python = f"""case "$*" in "-m selfsparse.dvc "*) echo "$@";; *) exec {sys.executable} "$@";; esac"""
    (tmp_path / "bin/python").write_text(f"#!/bin/sh\n{python}\n")
    (tmp_path / "bin/python").chmod(0o755)
    for dataset, extractor in (("digits-16", "lenet"), ("photos-16", "lenet_standin")):
        names = [c.name for c in load_settings(ROOT / "params.yaml").suite("quick") if c.dataset_key == dataset]
        done = subprocess.run(
            ["make", "-s", f"VENV={tmp_path}", f"quick-{dataset}"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        told, stages = done.stdout.split("--single-item ")
        assert told == "-m selfsparse.dvc --wait-for-lock repro --no-run-cache "
        assert stages.split() == [
            f"data@{dataset}", f"extractor@{dataset}-{extractor}", f"reference@{dataset}-{extractor}",
            *(f"train@{n}" for n in names), *(f"measure@{n}" for n in names),
        ]  # fmt: skip


def test_without_git_it_is_said_before_anything_is_installed(tmp_path):
    """As after unpacking a zip; DVC would say so when everything is installed. A Python that is none shows how far it got."""
    (tmp_path / ".dvc").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", ".dvc/config"):
        shutil.copy(ROOT / name, tmp_path / name)

    def said(*targets: str) -> str:
        environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
        found = subprocess.run(
            ["make", "PYTHON=false", *targets], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert found.returncode == 2
        return found.stdout + found.stderr

    assert "Python 3.11" in said("test")  # needs no DVC
    for target in ("quick", "paper", "report"):
        assert "not a git repository" in said(target) and "Python 3.11" not in said(target), target
    remedy = re.search(r"printf .*", said("quick"))[0]
    subprocess.run(["sh", "-c", remedy], cwd=tmp_path, check=True)
    # What DVC itself writes for `dvc config --local core.no_scm true`.
    assert (tmp_path / ".dvc/config.local").read_text() == "[core]\n    no_scm = true\n"
    assert "Python 3.11" in said("quick")


def test_a_checkout_has_unix_line_ends_whatever_git_is_set_to(tmp_path):
    """As Windows' git converts them, a shell would stop at the first line, and DVC would see other files."""
    names = ["docs/slurm.sh", "params.yaml", "selfsparse/paper/configurations.csv", "notebooks/table_fid.ipynb"]
    command = ["git", "-c", "core.autocrlf=true", "checkout-index", f"--prefix={tmp_path}/", "--", *names]
    subprocess.run(command, cwd=ROOT, check=True)
    assert [name for name in names if b"\r" in (tmp_path / name).read_bytes()] == []


def test_what_dvcs_plots_are_written_to_is_ignored_by_git():
    """Else a cluster's head would ask for it to be committed."""
    assert subprocess.run(["git", "check-ignore", "-q", "dvc_plots/index.html"], cwd=ROOT).returncode == 0
