"""A rerun beside committed results: made-up numbers, of which it is known whether they are the same."""

import json
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from site_checks import check_page, check_site
from small_project import ROOT, run

from selfsparse.errors import RunError
from selfsparse.registry import SASTM_MODELS
from selfsparse.report.compare import compare, compared_table
from selfsparse.report.site import make_report
from selfsparse.results.reading import load_results
from selfsparse.results.rerun import (
    DIFFERENT,
    NOT_COMPARED,
    OTHER_SETTINGS,
    SAME_BITS,
    TOO_FEW,
    WITHIN,
    committed,
    held_against,
)  # fmt: skip
from selfsparse.results.rows import COLUMNS

ONE, TWO, THREE = "digits-16-wgan_gp", "digits-16-self_sparse", "digits-16-without_psm"
OURS = {ONE: [100.0, 110.0, 121.0], TWO: [50.0, 60.0, 72.0], THREE: [80.0, 90.0, 99.0]}


def results_of(fids, *, xi=0.3, finished="2026-01-01T00:00:00Z", changes=None, seeds=None):
    """The results of quick with these FIDs by configuration and seed; None is a run that diverged."""
    base, runs, fid, sparsity, provenance = load_results("quick"), [], [], [], {}
    for c in (c for c in base.configurations if c.name in fids):
        own = (seeds or {}).get(c.name, range(len(fids[c.name])))
        for seed, value in zip(own, fids[c.name], strict=True):
            key = {"configuration": c.name, "seed": seed}
            runs.append(key | {"status": "finished" if value else "diverged", "best_fid": value and value * 0.9})
            if value:
                fid += [
                    key | {"generator": "best", "n_fake": n, "fid": value + (n == 500)} for n in c.extractor.samples
                ]
                fid += [key | {"generator": "last", "n_fake": n, "fid": 1e6} for n in c.extractor.samples]
                level = xi if c.model in SASTM_MODELS else 0.0
                sparsity += [key | {"stage": stage, "xi": level * stage + 1e-4 * value} for stage in (1, 2)]
        settings = c.model_dump(mode="json")
        settings["train"] |= (changes or {}).get(c.name, {})
        provenance[c.name] = {
            "settings": settings, "finished": finished, "device": "cpu", "git_commit": "c0ffee" * 6, "torch": "9.8",
            "uncommitted_changes": False, "runs": {str(seed): {"finished": finished} for seed in own},
        }  # fmt: skip
    tables = {"runs": runs, "fid": fid, "sparsity": sparsity}
    frames = {name: pd.DataFrame(rows).reindex(columns=COLUMNS[name]) for name, rows in tables.items()}
    return replace(base, provenance=provenance, **frames)


def held(yours, ours=OURS, **options):
    return held_against(results_of(yours, finished="2026-02-02T00:00:00Z", **options), results_of(ours), "HEAD")


def statuses(found):
    return {row.configuration.name: row.status for row in found.configurations}


def test_the_same_numbers_of_another_day(project):
    found = held(OURS)
    assert statuses(found) == dict.fromkeys(OURS, SAME_BITS) and found.reproduces
    assert found.conclusion() == ("quick: your rerun reproduces ours to the last bit: of 3 configurations 3 same bits.")


def test_one_digit_of_one_run_is_other_bits(project):
    found = held(OURS | {ONE: [100.0, 110.0, 121.00000000000001]})
    assert statuses(found) == {ONE: WITHIN, TWO: SAME_BITS, THREE: SAME_BITS}
    assert (found.configurations[0].same, found.configurations[0].common) == (2, 3)
    assert found.reproduces and "reproduces ours within the spread between runs" in found.conclusion()


def test_within_the_spread_by_hand(project):
    """100, 110, 121 are 110 times 1.1 to the power of -1, 0 and 1; twice as much lies 7.3 standard deviations above."""
    found = held({ONE: [200.0, 220.0, 242.0]}, {ONE: OURS[ONE]})
    (row,) = found.configurations
    assert row.status == DIFFERENT and not found.reproduces and found.conclusion().startswith(
        f"quick: your rerun does not reproduce ours: of 1 configurations 1 different ({ONE}); where bits differ, your FIDs are"
        " on average 2.00 times ours ["
    )  # fmt: skip
    half = 2.7764451 * np.log(1.1) * np.sqrt(2 / 3)  # the quantile of t with 4 degrees of freedom
    assert (row.fid.low, row.fid.high) == pytest.approx((np.log(2) - half, np.log(2) + half))
    shown = compared_table(found).text.iloc[0]
    assert shown["Yours / ours"] == f"2.00 [{2 * np.exp(-half):.2f}, {2 * np.exp(half):.2f}]"
    assert (shown["Your FID"], shown["Our FID"]) == ("220.67 ± 21.01", "110.33 ± 10.50")
    assert held({ONE: [105.0, 112.0, 119.0]}, {ONE: OURS[ONE]}).reproduces


def test_another_sparsity_shows_where_fids_are_the_same(project):
    found = held({name: [fid * 1.001 for fid in fids] for name, fids in OURS.items()}, xi=0.5)
    assert statuses(found) == {ONE: WITHIN, TWO: DIFFERENT, THREE: DIFFERENT}
    assert set(found.configurations[0].p) == {"fid"} and found.configurations[1].p["fid"] == 1.0
    # xi of stages 1 and 2 is 0.5 and 1, mean 0.75, and 0.3 and 0.6, mean 0.45; and a ten-thousandth of the FID.
    assert found.configurations[1].sparsity.value == pytest.approx(0.3 + 1e-7 * np.mean(OURS[TWO]))


def test_a_shift_of_all_fids_that_no_single_one_shows(project):
    names = [c.name for c in load_results("quick").configurations]
    spread = np.array([0.8, 1.0, 1.25])
    ours = {name: list(100 * spread) for name in names}
    found = held({name: list(130 * spread) for name in names}, ours)
    assert set(statuses(found).values()) == {WITHIN} and found.shifted and not found.reproduces
    assert "does not reproduce ours: of 11 configurations 11 within the spread; where bits differ, your FIDs are on average 1.30 times" in found.conclusion()  # fmt: skip
    assert held({name: list(103 * spread) for name in names}, ours).reproduces


def test_other_settings_are_named_and_not_tested(project):
    yours = {ONE: [900.0, 901.0, 902.0], TWO: OURS[TWO], THREE: OURS[THREE]}
    found = held(yours, changes={ONE: {"steps": 40, "seeds": [5], "threads": 2}})
    assert statuses(found) == {ONE: OTHER_SETTINGS, TWO: SAME_BITS, THREE: SAME_BITS}
    assert found.configurations[0].note == "train.steps: 80 -> 40" and not found.configurations[0].p
    assert found.reproduces and "1 other settings" in found.conclusion()
    found = held({ONE: OURS[ONE]}, {ONE: OURS[ONE]}, changes={ONE: {"steps": 40}})
    assert not found.reproduces and "cannot be held against ours" in found.conclusion()


def test_other_seeds_and_configurations(project):
    yours = {ONE: [101.0, 111.0], TWO: [*OURS[TWO], 65.0], "photos-16-sagan": [1.0, 2.0, 3.0]}
    found = held(yours, seeds={ONE: [7, 8]})
    assert statuses(found) == {
        ONE: WITHIN, TWO: SAME_BITS, THREE: NOT_COMPARED, "photos-16-sagan": NOT_COMPARED
    }  # fmt: skip
    notes = {row.configuration.name: row.note for row in found.configurations}
    assert notes == {
        ONE: "seeds of yours alone: 7, 8", TWO: "seeds of yours alone: 3", THREE: "not run here", "photos-16-sagan": "not in ours"
    }  # fmt: skip


def test_runs_that_were_kept_are_not_yours(project):
    """A seed more, beside the committed ones: that one alone was run, and is held against the three."""
    ours = results_of({ONE: OURS[ONE]})
    yours = results_of({ONE: [*OURS[ONE], 300.0]})
    yours.provenance[ONE]["runs"]["3"] = {"finished": "2026-02-02T00:00:00Z"}
    (row,) = held_against(yours, ours, "HEAD").configurations
    assert list(row.yours.fid) == [300.0] and len(row.ours.fid) == 3 and row.status == DIFFERENT
    with pytest.raises(RunError, match=r"quick: no run of your own beside those of HEAD.* make quick\. .*--against"):
        held_against(ours, ours, "HEAD")


def test_runs_that_diverged(project):
    """Of ten each, all or none is a difference; of three each it may be chance."""
    found = held({ONE: [None] * 10, TWO: [50.0, None, 61.0]}, {ONE: [100.0 + i for i in range(10)], TWO: OURS[TWO]})
    assert statuses(found) == {ONE: DIFFERENT, TWO: WITHIN}
    assert found.configurations[0].p["diverged"] == pytest.approx(4 * 2 / 184756)  # four tests; 20 over 10, either way
    shown = compared_table(found).text
    assert list(shown["Runs, yours / ours"]) == ["0 and 10 diverged / 10", "2 and 1 diverged / 3"]
    assert statuses(held({ONE: [101.0]}, {ONE: [100.0]})) == {ONE: TOO_FEW}


@pytest.mark.slow
def test_a_repetition_is_seldom_called_different(project):
    """With quick's eleven configurations of three runs, whose spreads differ, as its own do."""
    rng, names = np.random.default_rng(0), [c.name for c in load_results("quick").configurations]
    ours, yours = (results_of({name: [1.0, 2.0, 3.0] for name in names}, finished=day) for day in ("1", "2"))
    spread, draws, wrong = np.linspace(0.05, 0.5, len(names)), 150, 0

    def drawn(results):
        values = np.exp(rng.normal(4.0, spread, (3, len(names)))).T.ravel()
        fid = results.fid.copy()
        best = (fid["generator"] == "best") & (fid["n_fake"] == 1000)
        fid.loc[best, "fid"] = values
        return replace(results, fid=fid)

    for _ in range(draws):
        wrong += not held_against(drawn(yours), drawn(ours), "HEAD").reproduces
    assert wrong / draws <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


# In a git repository


def rerun(suite, revision):
    yours = load_results(suite)
    with committed(yours, revision) as (ours, _):
        return held_against(yours, ours, revision)


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def write(root, results):
    for name in ("runs", "fid", "sparsity"):
        path = root / f"results/quick/summary/{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        getattr(results, name).to_csv(path, index=False)
    for name, noted in results.provenance.items():
        path = root / f"results/quick/provenance/{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(noted))


@pytest.fixture
def ours_in_git(project):
    """Ours, committed."""
    write(project, results_of(OURS))
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "ours")
    return project


def test_from_git_to_the_page(ours_in_git, capsys):
    (ours_in_git / "notebooks").symlink_to(ROOT / "notebooks")
    index = make_report("quick")
    page = index.parent / "compare.html"
    assert "Nothing has been compared yet" in check_site(index.parent)["compare.html"].text
    with pytest.raises(RunError, match="no run of your own"):
        compare("quick", "HEAD")
    write(ours_in_git, results_of(OURS | {ONE: [300.0, 310.0, 321.0]}, finished="2026-02-02T00:00:00Z"))
    before = {path: path.read_bytes() for path in index.parent.rglob("*") if path.is_file() and path != page}
    (index.parent / "style.css").unlink()  # as of a report made when each page held its own
    assert compare("quick", "HEAD") == 1
    said = capsys.readouterr().out
    assert (
        f"does not reproduce ours: of 3 configurations 1 different ({ONE}), 2 same bits" in said and str(page) in said
    )
    shown = check_page(page).text
    # 60.67 is 45 % below 110.33, and 81 % below 310.33: WGAN-GP is the one that was changed.
    assert "yes (45.0 [" in shown and "yes (80.5 [" in shown
    # By Holm's correction over both, that decides the other question too; an answer that has changed comes first.
    assert "Answers to the main questions: 1 of 2 are the same." in shown and "Answers to the main questions" in said
    assert shown.index("undecided (32.3 [") < shown.index("yes (45.0 [")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ours_in_git, capture_output=True, text=True).stdout
    assert f"ours of HEAD ({commit[:10]})" in shown
    assert f"1 different ({ONE})" in shown and "2026-02-02" in shown and "2026-01-01" in shown
    assert before == {path: path.read_bytes() for path in before}
    git(ours_in_git, "add", "results")
    git(ours_in_git, "commit", "-qm", "mine")
    with pytest.raises(RunError, match="committed already"):
        rerun("quick", "HEAD")
    assert statuses(rerun("quick", "HEAD~1")) == {ONE: DIFFERENT, TWO: SAME_BITS, THREE: SAME_BITS}


def test_a_summary_of_earlier_runs_is_not_taken_for_theirs(ours_in_git):
    """As where a rerun was interrupted before its summary: ours would be compared with ours."""
    write(ours_in_git, results_of(OURS, finished="2026-02-02T00:00:00Z"))
    rows = results_of(OURS).fid
    path = ours_in_git / f"results/quick/fid/{TWO}/fid.csv"
    path.parent.mkdir(parents=True)
    own = rows[rows["configuration"] == TWO].drop(columns="configuration")
    own.to_csv(path, index=False)
    assert compare("quick", "HEAD") == 0
    own.assign(fid=own["fid"] * 1.01).to_csv(path, index=False)
    with pytest.raises(
        RunError, match=rf"summary is not of the results .* fid of {TWO}, seed 0, .* dvc repro summary@quick"
    ):
        compare("quick", "HEAD")


def test_what_git_does_not_have_is_one_error(ours_in_git, monkeypatch):
    found = run(ours_in_git, "selfsparse", "compare", "quick", "--against", "nowhere")
    assert found.returncode == 2 and len(found.stderr.splitlines()) == 1
    assert found.stderr.startswith("error: results/quick as committed in nowhere is not to be had from git: fatal: ")
    with pytest.raises(RunError, match="results/laptop as committed in HEAD is not to be had from git"):
        rerun("laptop", "HEAD")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(ours_in_git.parent))
    (ours_in_git / ".git").rename(ours_in_git / "not_git")
    with pytest.raises(RunError, match=r"not a git repository.*compare needs a git repository"):
        rerun("quick", "HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunError, match=r"is not to be had from git: .*No such file"):
        rerun("quick", "HEAD")


def test_dvc_does_not_hash_the_page():
    """What it shows depends on git: a report that is compared stays up to date."""
    from dvc.ignore import DvcIgnoreFilter
    from dvc.repo import Repo

    ignored: DvcIgnoreFilter = Repo(str(ROOT)).dvcignore
    assert ignored.is_ignored_file(str(ROOT / "results/quick/report/compare.html"))
    assert not ignored.is_ignored_file(str(ROOT / "results/quick/report/index.html"))
