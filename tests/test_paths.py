"""Where the project is, from wherever one stands."""

import pytest
from small_project import ROOT, write_project

from selfsparse import paths


def test_the_nearest_project_at_or_above(tmp_path, monkeypatch):
    write_project(tmp_path)
    below = tmp_path / "notebooks" / "deep"
    below.mkdir(parents=True)
    for folder in (tmp_path, below):
        monkeypatch.chdir(folder)
        assert paths.project_root() == tmp_path
    write_project(below)
    assert paths.project_root() == below


def test_an_experiments_copy_belongs_to_a_workspace(tmp_path, monkeypatch):
    """Where `dvc exp run --temp` runs stages; also where the project is a folder of a larger repository."""
    for root in (tmp_path, tmp_path / ".dvc/tmp/exps/tmpabcdefgh", tmp_path / ".dvc/tmp/exps/tmpabcdefgh/gan"):
        monkeypatch.chdir(write_project(root))
        assert (paths.project_root(), paths.workspace_root()) == (root, tmp_path)
        assert paths.packed_dir("a-1") == root / "data/packed/a-1"  # what stages make is the copy's


@pytest.mark.parametrize("present", [[], ["params.yaml"], ["dvc.yaml"]])
def test_elsewhere_it_is_the_checkout(tmp_path, monkeypatch, present):
    for name in present:
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert paths.project_root() == ROOT
