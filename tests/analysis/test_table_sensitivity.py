"""Other readings of what the paper leaves open: found by their settings, compared with the defaults."""

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch
from scipy import stats

from selfsparse.analysis import table_sensitivity as sensitivity
from selfsparse.analysis.table_sensitivity import forest
from selfsparse.config import load_settings
from selfsparse.models.build import build_discriminator, build_generator
from selfsparse.results.alternatives import SASTM_SETTINGS, readings
from selfsparse.results.reading import load_results
from selfsparse.results.rows import COLUMNS
from selfsparse.verdicts.judging import all_verdicts

STEM = "mnist-32-{}-sensitivity"
FIDS = {
    "wgan_gp": [20.0, 21.0, 22.0],
    "self_sparse": [15.0, 16.0, 17.0],  # lower by 5, clearly
    "wgan_gp-penalty_10": [20.5, 21.0, 21.5],
    "self_sparse-penalty_10": [30.0, 31.0, 32.0],  # higher by 10, clearly
    "wgan_gp-one_centred": [10.0, 30.0, 50.0],
    "self_sparse-one_centred": [9.0, 28.0, 50.0],  # lower by 1, within the spread
    "self_sparse-single_position_layer": [14.5, 15.0, 15.5],  # of the defaults' WGAN-GP lower by 6
    "wgan_gp-batch_64": [18.0],
}


def write_fids(root, fids: dict[str, list[float]]) -> None:
    """Write the FIDs of a suite's best generators at the larger count; those at the smaller one tell another story."""
    folder = root / "results/sensitivity/summary"
    folder.mkdir(parents=True)
    runs, rows = [], []
    for name, values in fids.items():
        for seed, fid in enumerate(values):
            run = {"configuration": STEM.format(name), "seed": seed}
            runs.append(run | {"status": "finished", "best_fid": 1.0})
            for n, value in ((5000, 1.0), (50_000, fid)):
                rows.append(run | {"generator": "best", "n_fake": n, "n_real": n, "fid": value})
    for kind, table in (("runs", runs), ("fid", rows)):
        pd.DataFrame(table).reindex(columns=COLUMNS[kind]).to_csv(folder / f"{kind}.csv", index=False)


@pytest.fixture
def results(project):
    write_fids(project, FIDS)
    return load_results("sensitivity")


def by_label(results) -> dict[str, sensitivity.Effect]:
    (family,) = sensitivity.effects(results)
    return {m.reading.label: m for m in family}


def test_readings_are_what_the_settings_say(results):
    (family,) = readings(results)
    assert [(r.numbers, r.label) for r in family] == [
        ("", "defaults"), ("U1", "batch size 32 → 64"), ("U2", "penalty weight 1 → 10"), ("U3", "penalty centre 0 → 1"),
        ("U14", "initialisation dcgan → pytorch"), ("U18", "sampling batch norm running → batch"),
        ("U21", "position layers chain → single"),
    ]  # fmt: skip
    covered = {c.name for r in family for c in r.both}
    assert covered == {c.name for c in results.configurations}
    assert [r.baseline_is_the_default for r in family] == [False] * 6 + [True]


def test_verdicts(results):
    found = by_label(results)
    default = found["defaults"]
    words = {label: sensitivity.outcome(results, m, default) for label, m in found.items()}
    assert words == {
        "defaults": "lower, as claimed",
        "batch size 32 → 64": "Self-Sparse GAN not run",
        "penalty weight 1 → 10": "turned round: higher, the reverse of the claim",
        "penalty centre 0 → 1": "not distinguishable from zero",
        "initialisation dcgan → pytorch": "not run",
        "sampling batch norm running → batch": "not run",
        "position layers chain → single": "lower, as claimed",
    }


def test_noise_flips_no_sign(project):
    """Lower by 1 under the defaults and higher by 1 under another reading, with standard deviations of 10: neither is found."""
    wide = {"wgan_gp": [10.0, 20.0, 30.0], "self_sparse": [9.0, 19.0, 29.0]}
    wide |= {"wgan_gp-penalty_10": [10.0, 20.0, 30.0], "self_sparse-penalty_10": [11.0, 21.0, 31.0]}
    write_fids(project, wide)
    results = load_results("sensitivity")
    found = by_label(results)
    m, default = found["penalty weight 1 → 10"], found["defaults"]
    assert default.lower and not m.lower and not m.flips(default)
    assert sensitivity.outcome(results, m, default) == "not distinguishable from zero"


def test_numbers_of_a_reading(results):
    """Differences 31 - 21 = 10 and, of the moves, (31 - 16) - (21 - 21) = 15; four tests, of which the smallest p counts fourfold."""
    m, default = (by_label(results)[label] for label in ("penalty weight 1 → 10", "defaults"))
    expected = stats.ttest_ind(FIDS["self_sparse-penalty_10"], FIDS["wgan_gp-penalty_10"], equal_var=False)
    low, high = expected.confidence_interval(0.95)
    assert (m.difference.value, m.difference.low, m.difference.high) == pytest.approx((10, low, high))
    logs = [[math.log(fid) for fid in FIDS[f"{model}-penalty_10"]] for model in ("self_sparse", "wgan_gp")]
    low, high = stats.ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    assert (m.ratio.low, m.ratio.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert m.p_reverse_holm == pytest.approx(4 * expected.pvalue / 2)
    more = sensitivity.moves(m, default)["difference_of_moves"]
    assert more.value == pytest.approx(15) and more.low > 0


def test_what_concerns_the_sastm_alone_leaves_wgan_gp_as_it_is(results):
    m, default = (by_label(results)[label] for label in ("position layers chain → single", "defaults"))
    assert m.baseline == default.baseline and m.difference.value == pytest.approx(-6)
    moves = sensitivity.moves(m, default)
    assert moves["difference_of_moves"] == moves["self_sparse_move"] and math.isnan(moves["wgan_gp_move"].p)
    settings = load_settings()
    for setting in SASTM_SETTINGS:
        c = settings.configuration(STEM.format("self_sparse-single_position_layer"))
        plain = settings.configuration(STEM.format("wgan_gp"))
        changed = plain.model_copy(update={"train": c.train})
        assert getattr(c.train, setting) != getattr(plain.train, setting)
        for build in (build_generator, build_discriminator):
            torch.manual_seed(0)
            a = build(plain)
            torch.manual_seed(0)
            b = build(changed)
            assert str(a) == str(b) and all(map(torch.equal, a.parameters(), b.parameters()))


def test_the_page(results):
    tables = sensitivity.readings_table(results), sensitivity.moves_table(results)
    assert len(tables[0].data) == 7 and len(tables[1].data) == 6
    assert (
        "(the defaults')" in tables[0].text.iloc[-1]["WGAN-GP"]
        and "not run" in tables[0].text.iloc[1]["Self-Sparse GAN"]
    )
    moved = tables[1].data.set_index("reading")["self_sparse_move"]
    assert moved.idxmax() == "penalty weight 1 → 10" and moved.max() == pytest.approx(15)
    links = sensitivity.questions(results).data
    assert (
        "[U1. Batch size](../../../../docs/open_questions.md#u1-batch-size): here batch size 32 → 64; our choice"
        in links
    )
    assert len(links.splitlines()) == 6
    (drawing,) = forest(results)
    left, right = drawing.figure.axes
    assert [t.get_text() for t in right.texts] == ["Self-Sparse GAN not run"] + ["not run"] * 2
    assert left.get_yticklabels()[2].get_text() == "U2: penalty weight 1 → 10"


def test_without_the_defaults_there_is_nothing_to_compare_with(project):
    write_fids(project, {name: fids for name, fids in FIDS.items() if "penalty_10" in name})
    results = load_results("sensitivity")
    (family,) = sensitivity.effects(results)
    assert (
        sensitivity.outcome(results, family[2], family[0]) == "higher, the reverse of the claim; defaults not measured"
    )
    forest(results)


def test_other_readings_stand_in_for_no_claim(results):
    at = {"step": 2000, "stage": 1, "size": 4, "channels": 64}
    rows = [run | at | {"zero_gradient": 0.5, "weight_negative": 0.5} for run in results.runs.to_dict("records")]
    results = replace(results, mechanism=pd.DataFrame(rows).reindex(columns=COLUMNS["mechanism"]))
    found = {v.claim.id: v.groups for v in all_verdicts(results) if v.stands_in}
    assert found.keys() == {"C24", "C25"} and set(found.values()) == {("MNIST 32 × 32",)}


@pytest.mark.parametrize("suite", ["laptop", "gpu_hour", "controls"])
def test_a_suite_without_other_readings(project, suite):
    results = load_results(suite)
    assert sensitivity.questions(results).data == "This suite has no other reading."
    assert sensitivity.readings_table(results).data.empty and sensitivity.moves_table(results).data.empty
    assert forest(results) == []
