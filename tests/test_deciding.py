import math
import sys
from pathlib import Path

import pytest
from small_project import ROOT, params, write_project

from selfsparse import deciding
from selfsparse.analysis.comparisons import Standing, questions
from selfsparse.config import load_settings
from selfsparse.errors import RunError, SettingsError
from selfsparse.results.reading import load_results

SUITE = "laptop"


def test_seeds_are_written_and_nothing_else_changes(tmp_path):
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    deciding.write_seeds(path, "controls", 4)
    once = path.read_text(encoding="utf-8")
    assert [line for line in once.splitlines() if line not in text.splitlines()] == ["      seeds: [0, 1, 2, 3]"]
    deciding.write_seeds(path, "controls", 7)
    assert path.read_text(encoding="utf-8") == once.replace("seeds: [0, 1, 2, 3]\n", "seeds: [0, 1, 2, 3, 4, 5, 6]\n")
    settings = load_settings(path)
    assert {len(c.train.seeds) for c in settings.suite("controls")} == {7}
    assert {len(c.train.seeds) for c in settings.suite("quick")} == {3}


def test_settings_in_another_form_are_left_alone(tmp_path):
    write_project(tmp_path)  # JSON
    before = (tmp_path / "params.yaml").read_bytes()
    with pytest.raises(SettingsError, match=r"params\.yaml.*seeds: \[0, 1\]"):
        deciding.write_seeds(tmp_path / "params.yaml", SUITE, 2)
    assert (tmp_path / "params.yaml").read_bytes() == before


class Runs:
    """A suite whose trainings end at once, with FIDs that are known before: seed by seed, None where a run diverges."""

    def __init__(self, monkeypatch, tmp_path, sparse, baseline):
        import pandas as pd

        from selfsparse.results.reading import load_results
        from selfsparse.results.rows import COLUMNS

        monkeypatch.chdir(write_project(tmp_path / "project", {"suites.laptop.train.seeds": [0, 1]}))
        self.fids = {"mnist-32-self_sparse-laptop": sparse, "mnist-32-wgan_gp-laptop": baseline}
        self.seeds, self.rounds, self.pd, self.columns = 0, [], pd, COLUMNS
        empty = load_results(SUITE)
        keep = tuple(c for c in empty.configurations if c.name in self.fids)
        monkeypatch.setattr(deciding, "load_results", lambda suite: self.results(load_results(suite), keep))
        monkeypatch.setattr(deciding.subprocess, "run", lambda *a, **k: self.train())
        monkeypatch.setattr(deciding, "write_seeds", lambda path, suite, count: self.write(path.parent, count))
        monkeypatch.setattr(deciding, "usable_cpus", lambda: 2)

    def write(self, root, count):
        write_project(root, {"suites.laptop.train.seeds": list(range(count))})

    def train(self):
        self.seeds = max(len(c.train.seeds) for c in load_settings().suite(SUITE))
        self.rounds.append(self.seeds)

    def results(self, results, keep):
        import dataclasses

        seeds = max(len(c.train.seeds) for c in results.configurations)
        keep = tuple(
            c.model_copy(update={"train": c.train.model_copy(update={"seeds": tuple(range(seeds))})}) for c in keep
        )
        runs, fid = [], []
        for name, values in self.fids.items():
            for seed, value in enumerate(values[: self.seeds]):
                runs.append({"configuration": name, "seed": seed, "status": "finished" if value else "diverged"})
                if value:
                    fid.append(
                        {"configuration": name, "seed": seed, "generator": "best", "n_fake": 50000, "fid": value}
                    )
        frame = lambda rows, table: self.pd.DataFrame(rows, columns=self.columns[table])  # noqa: E731
        return dataclasses.replace(results, configurations=keep, runs=frame(runs, "runs"), fid=frame(fid, "fid"))


def test_it_stops_at_the_first_look_that_decides(monkeypatch, tmp_path, capsys):
    runs = Runs(monkeypatch, tmp_path, [8 + i % 3 for i in range(30)], [20 + i % 3 for i in range(30)])
    assert deciding.decide(SUITE, hours=1) == 0
    assert runs.rounds == [2, 4, 5]  # two at a time, and no more than the look wants
    said = capsys.readouterr().out
    assert (
        "MNIST 32 × 32, Self-Sparse GAN against WGAN-GP: lower (runs: 5 of Self-Sparse GAN, 5 of WGAN-GP)" in said
        and "look at n = 5: FID 8.80" in said
    )


def test_it_ends_undecided_at_the_last_look(monkeypatch, tmp_path, capsys):
    runs = Runs(monkeypatch, tmp_path, [8 + i % 3 for i in range(30)], [8 + (i + 1) % 3 for i in range(30)])
    assert deciding.decide(SUITE, hours=1) == 0
    assert runs.rounds[-1] == 20 and {5, 10, 15} <= set(runs.rounds)
    assert "WGAN-GP: undecided (runs: 20" in capsys.readouterr().out


def test_a_run_that_diverged_takes_another_seed(monkeypatch, tmp_path):
    runs = Runs(monkeypatch, tmp_path, [8 + i % 3 for i in range(30)], [None, *(20 + i % 3 for i in range(30))])
    assert deciding.decide(SUITE, hours=1) == 0 and runs.rounds[-1] == 6


def test_configurations_with_seeds_of_their_own_are_not_waited_for(monkeypatch, tmp_path, capsys):
    """They would never reach the next look, as it is the suite's seeds that grow."""
    runs = Runs(monkeypatch, tmp_path, [8.0] * 30, [9.0] * 30)
    write_project(tmp_path / "project", {"configurations.mnist-32-wgan_gp-laptop.train": {"seeds": [0, 1]}})
    assert deciding.decide(SUITE, hours=1) == 0 and runs.rounds == []
    said = capsys.readouterr().out
    assert "Not extended, as params.yaml gives them train.seeds of their own: mnist-32-wgan_gp-laptop\n" in said
    assert "at the end of the plan, but for these." in said


def test_no_round_begins_that_has_no_time(monkeypatch, tmp_path, capsys):
    runs = Runs(monkeypatch, tmp_path, [8.0] * 30, [9.0] * 30)
    assert deciding.decide(SUITE, hours=0) == 1 and runs.rounds == []
    assert "goes on from here" in capsys.readouterr().out


def test_how_many_runs_it_may_take_is_said_whichever_is_the_lower():
    """Two means 1.125 standard deviations apart: 14 runs of each by the noncentral t distribution (two-sided 5 %, 80 %)."""
    low, high = [8.0, 10.0, 12.0, 10.0, 10.0] * 2, [9.5, 11.5, 13.5, 11.5, 11.5] * 2
    comparison = questions(load_results(SUITE))[0]

    def said(lower, higher):
        return deciding.describe(Standing(comparison, lower, higher, [], math.nan, 15))

    for both in ((low, high), (high, low)):
        assert "about 14 of each would show it" in said(*both)
    assert "1,000 of each would not show it" in said(low, low)


def test_a_stage_that_fails_ends_it_with_one_line(monkeypatch, tmp_path):
    Runs(monkeypatch, tmp_path, [8.0] * 30, [9.0] * 30)

    def fail(command, env, **_):
        assert env["PATH"].startswith(str(Path(sys.executable).parent))  # the stages' python is this one
        raise deciding.subprocess.CalledProcessError(255, command)

    monkeypatch.setattr(deciding.subprocess, "run", fail)
    with pytest.raises(
        RunError, match=r"^dvc repro summary@laptop ended with exit code 255; .* goes on from what is done\.$"
    ):
        deciding.decide(SUITE, hours=1)


def test_a_suite_without_a_pair(monkeypatch, tmp_path):
    names = {
        name: row for name, row in params()["configurations"].items() if "without" in name or row["suite"] != SUITE
    }
    monkeypatch.chdir(write_project(tmp_path, {"configurations": names}))
    with pytest.raises(SettingsError, match="laptop has no pair"):
        deciding.standings(deciding.load_results(SUITE))


@pytest.mark.parametrize(("looks", "said"), [([5, 5], "rise"), ([], "decide"), ([1, 5], "decide")])
def test_looks_that_make_no_plan(tmp_path, looks, said):
    write_project(tmp_path, {"decide.looks": looks})
    with pytest.raises(SettingsError, match=said):
        load_settings(tmp_path / "params.yaml")
