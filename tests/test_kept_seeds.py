"""One more seed makes one folder, one fewer none, and what a stage had made before it was stopped is not made again."""

import pytest
from small_project import CONFIGURATION, files, write_project

from selfsparse.config import load_settings
from selfsparse.kept_seeds import KeptSeeds
from selfsparse.made_from import note


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Run a stage that writes each seed's number; it fails at the seed `fails_at`."""
    monkeypatch.chdir(write_project(tmp_path))
    configuration = load_settings().configuration(CONFIGURATION)

    def run(*seeds: int, setting: int = 1, fails_at: int | None = None) -> str:
        kept = KeptSeeds(configuration, "fid", {seed: {"seed": seed, "setting": setting} for seed in seeds})
        for seed in kept.reasons:
            if seed == fails_at:
                raise KeyboardInterrupt
            kept.path(seed).mkdir(parents=True)
            (kept.path(seed) / "number").write_text(f"{seed} {setting}")
            note(kept.path(seed), kept.shapes[seed])
        kept.staging.mkdir(parents=True, exist_ok=True)
        (kept.staging / "all").write_text(" ".join((kept.there(seed) / "number").read_text() for seed in seeds))
        assert kept.finish() == []
        return kept.describe("measures")

    run.folder = tmp_path / f"results/quick/fid/{CONFIGURATION}"
    run.checkpoints = tmp_path / ".checkpoints"
    return run


def made(folder) -> dict[str, str]:
    return {name: data.decode() for name, data in files(folder).items() if not name.endswith("made_from.json")}


def test_one_more_and_one_fewer(stage):
    assert stage(0, 1) == f"{CONFIGURATION}: measures seed 0, 1 (not there)"
    assert stage(0, 1) == f"{CONFIGURATION}: keeps seed 0, 1"
    assert stage(0, 1, 5) == f"{CONFIGURATION}: keeps seed 0, 1; measures seed 5 (not there)"
    assert made(stage.folder) == {
        "all": "0 1 1 1 5 1",
        "seed0/number": "0 1",
        "seed1/number": "1 1",
        "seed5/number": "5 1",
    }
    assert stage(5) == f"{CONFIGURATION}: keeps seed 5"
    assert made(stage.folder) == {"all": "5 1", "seed5/number": "5 1"}
    assert not list(stage.checkpoints.iterdir())


def test_what_made_it_has_changed(stage):
    stage(0, 1)
    (stage.folder / "seed1/number").write_text("damaged")
    assert stage(0, 1) == f"{CONFIGURATION}: keeps seed 0; measures seed 1 (number is not as it was made)"
    assert stage(0, 1, setting=2) == f"{CONFIGURATION}: measures seed 0, 1 (setting: 1 -> 2)"
    assert made(stage.folder)["all"] == "0 2 1 2"


def test_a_stage_that_is_stopped_leaves_its_last_result_and_goes_on(stage):
    stage(0, 1)
    before = files(stage.folder)
    with pytest.raises(KeyboardInterrupt):
        stage(0, 1, 2, setting=2, fails_at=2)
    assert files(stage.folder) == before
    assert stage(0, 1, 2, setting=2) == f"{CONFIGURATION}: keeps seed 0, 1; measures seed 2 (not there)"
    assert made(stage.folder)["all"] == "0 2 1 2 2 2"


def test_what_a_stopped_stage_made_under_other_settings_does_not_count(stage):
    with pytest.raises(KeyboardInterrupt):
        stage(0, 1, setting=2, fails_at=1)
    assert stage(0, 1, setting=3) == f"{CONFIGURATION}: measures seed 0, 1 (not there)"
    assert made(stage.folder)["all"] == "0 3 1 3"
    with pytest.raises(KeyboardInterrupt):
        stage(0, 1, setting=4, fails_at=1)
    assert stage(0, 1, setting=3) == f"{CONFIGURATION}: keeps seed 0, 1" and not list(stage.checkpoints.iterdir())
