"""What a result says about where it comes from."""

import hashlib
import json
import socket
import subprocess

from small_project import CONFIGURATION, ROOT, write_project

from selfsparse.config import load_settings
from selfsparse.provenance import PACKAGES, collect_provenance


def collect(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return collect_provenance(load_settings().configuration(CONFIGURATION), "cpu", 12.345)


def test_in_the_repository(monkeypatch):
    found = collect(ROOT, monkeypatch)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    assert found["git_commit"] == commit and isinstance(found["uncommitted_changes"], bool)
    assert found["seconds"] == 12.3 and found["device"].startswith("CPU (")
    assert all(found[name] for name in PACKAGES)


def test_outside_a_repository(tmp_path, monkeypatch):
    found = collect(write_project(tmp_path), monkeypatch)
    assert found["git_commit"] == "" and found["uncommitted_changes"] is False


def test_the_settings_are_complete_and_hashed(tmp_path, monkeypatch):
    found = collect(write_project(tmp_path), monkeypatch)
    assert found["settings"]["train"]["gradient_penalty"] == 10.0
    assert found["settings"]["network"]["generator_widths"] == [64, 32]
    text = json.dumps(found["settings"], sort_keys=True).encode()
    assert found["settings_sha256"] == hashlib.sha256(text).hexdigest()
    changed = collect(write_project(tmp_path, {"train.gradient_penalty": 5.0}), monkeypatch)
    assert changed["settings_sha256"] != found["settings_sha256"]


def test_no_one_is_identified(tmp_path, monkeypatch):
    text = json.dumps(collect(write_project(tmp_path), monkeypatch))
    assert str(tmp_path) not in text and str(ROOT) not in text and socket.gethostname() not in text
