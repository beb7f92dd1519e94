"""What a result says about where it comes from."""

import hashlib
import json
import os
import socket
import subprocess
from dataclasses import replace

import pytest
from small_project import CONFIGURATION, ROOT, write_project

from selfsparse.config import load_settings
from selfsparse.provenance import PACKAGES, collect_provenance, commit_text
from selfsparse.report.pages import opening, provenance_table
from selfsparse.report.results_page import suite_facts
from selfsparse.results.reading import load_results


def collect(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return collect_provenance(load_settings().configuration(CONFIGURATION), "cpu", 12.345)


def test_in_the_repository(monkeypatch):
    found = collect(ROOT, monkeypatch)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    assert found["git_commit"] == commit and isinstance(found["uncommitted_changes"], bool)
    assert found["seconds"] == 12.3 and found["device"].startswith("CPU (")
    assert all(found[name] for name in PACKAGES)


def test_outside_a_repository(tmp_path, monkeypatch, capsys):
    found = collect(write_project(tmp_path), monkeypatch)
    assert found["git_commit"] is None and found["uncommitted_changes"] is None
    assert (
        "warning: the provenance has no commit, as git does not name one: fatal: not a git" in capsys.readouterr().err
    )


def test_a_clone_of_another_user(tmp_path, monkeypatch, capsys):
    """git refuses it, with the remedy; what it does not say is unknown, not unchanged."""
    folder = write_project(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    who = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    for arguments in (["init", "-q"], ["add", "params.yaml"], [*who, "commit", "-q", "-m", "settings"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    (folder / "params.yaml").write_text((folder / "params.yaml").read_text() + "# changed\n")
    assert collect(folder, monkeypatch)["uncommitted_changes"] is True
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    capsys.readouterr()
    found = collect(folder, monkeypatch)
    assert found["git_commit"] is None and found["uncommitted_changes"] is None
    assert "safe.directory" in capsys.readouterr().err
    assert commit_text(found) == "unknown"


def test_inside_a_repository_of_another_project(tmp_path, monkeypatch, capsys):
    """As unpacked from a zip into the repository of a thesis: its commit is not ours."""
    who = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    for arguments in (["init", "-q"], [*who, "commit", "-q", "--allow-empty", "-m", "thesis"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    (tmp_path / "gan").mkdir()
    found = collect(write_project(tmp_path / "gan"), monkeypatch)
    assert found["git_commit"] is None and found["uncommitted_changes"] is None
    assert "'params.yaml' did not match any file" in capsys.readouterr().err


def test_no_git(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = collect(write_project(tmp_path), monkeypatch)
    assert found["git_commit"] is None and found["uncommitted_changes"] is None
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("commit", "changes", "text"),
    [
        ("a" * 40, False, "aaaaaaaaaa"),
        ("a" * 40, True, "aaaaaaaaaa and changes"),
        (None, None, "unknown"),
        ("", False, "unknown"),  # as it was written before
    ],
)
def test_the_commit_as_reports_show_it(commit, changes, text):
    assert commit_text({"git_commit": commit, "uncommitted_changes": changes}) == text


def test_an_unknown_commit_is_unknown_in_every_report(monkeypatch):
    monkeypatch.chdir(ROOT)
    results = load_results("quick")
    unknown = {"git_commit": None, "uncommitted_changes": None}
    results = replace(results, provenance={name: p | unknown for name, p in results.provenance.items()})
    assert set(provenance_table(results).text["Commit"]) == {"unknown"}
    assert dict(opening(results, [], [])["facts"])["Commit"] == "unknown"
    assert suite_facts(results)["commits"] == "unknown"


def test_the_settings_are_complete_and_hashed(tmp_path, monkeypatch):
    found = collect(write_project(tmp_path), monkeypatch)
    assert found["settings"]["train"]["penalty_weight"] == 1.0
    assert found["settings"]["network"]["generator_widths"] == [64, 32]
    text = json.dumps(found["settings"], sort_keys=True).encode()
    assert found["settings_sha256"] == hashlib.sha256(text).hexdigest()
    changed = collect(write_project(tmp_path, {"suites.quick.train.penalty_weight": 5.0}), monkeypatch)
    assert changed["settings_sha256"] != found["settings_sha256"]


def test_no_one_is_identified(tmp_path, monkeypatch):
    text = json.dumps(collect(write_project(tmp_path), monkeypatch))
    assert str(tmp_path) not in text and str(ROOT) not in text and socket.gethostname() not in text
