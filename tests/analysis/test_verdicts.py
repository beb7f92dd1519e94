"""The verdicts as a whole: on results around the printed means, by chance, and where configurations are not there."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from small_project import ROOT
from verdict_results import case, paper_results

from selfsparse.analysis.table import to_markdown
from selfsparse.analysis.verdicts import change_text, effect_text, paper_text, verdict_table
from selfsparse.paper.printed import claims
from selfsparse.results.comparability import differences
from selfsparse.results.reading import load_results
from selfsparse.statistics.moments import moments
from selfsparse.verdicts import judging
from selfsparse.verdicts.case import (
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    UNAVAILABLE,
    Evidence,
)
from selfsparse.verdicts.characteristics import TRUTHS, Drawn, printed_as_ours, shares
from selfsparse.verdicts.judging import MIXED, OPPOSITE, RULES, SAME, WITHOUT_RUNS, all_verdicts, counts, metrics

EXPECTED = YAML(typ="safe").load((ROOT / "selfsparse/paper/expected_verdicts.yaml").read_text(encoding="utf-8"))
DRAWS = 1000
# Rules that compare models; the claims of kind `ordering` have no other.
COMPARING = {
    "lower_mean_one_sided_welch_holm", "ordering_of_three", "larger_decrease_one_sided_holm", "monotone_except",
    "larger_correlation", "same_order",
}  # fmt: skip
BY_CHANCE = [c.id for c in claims() if c.kind == "ordering" or c.rule in COMPARING]


def words(found) -> dict[str, dict[str, str]]:
    both: dict[str, dict[str, str]] = {"tables": {}, "text": {}}
    for v in found:
        both[v.reading][v.claim.id] = v.word
    return both


@pytest.fixture(scope="module")
def around_the_paper():
    """Results and verdicts with a spread of 1 % around the printed means."""
    results = paper_results(spread=0.01, seed=EXPECTED["seed"])
    return results, all_verdicts(results)


# Around the printed means


def test_results_around_the_printed_means_give_the_expected_verdicts(around_the_paper):
    found = words(around_the_paper[1])
    assert list(found["tables"]) == [c.id for c in claims()]
    assert found["tables"] == EXPECTED["tables"]
    assert found["text"] == EXPECTED["text"]


def test_the_words_are_few(around_the_paper):
    """What is proven or computed from the print holds or fails; what reads runs never does."""
    for v in around_the_paper[1]:
        of_runs = v.claim.rule not in WITHOUT_RUNS
        allowed = {REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_RUN, UNAVAILABLE} if of_runs else {HOLDS, FAILS}
        assert v.word in ({UNAVAILABLE} if v.claim.rule == "not_testable" else allowed)


def test_the_two_readings(around_the_paper):
    """Under the text's betas, the ablations are not run, and STL-10's sparsity is that of other trainings (U6)."""
    both = words(around_the_paper[1])
    assert both["text"].keys() == {c.id for c in claims() if "text" in c.readings}
    differ = {c for c, word in both["text"].items() if word != both["tables"][c]}
    assert differ == {"C11", "C12", "C13"}
    assert all(both["text"][c] == NOT_RUN for c in ("C11", "C12", "C13"))


def test_the_readings_are_scored_on_their_own_configurations():
    """With the gain on STL-10 under one pair of betas only, C8's two readings come out apart."""
    lost = {"stl10-64-self_sparse-betas_05_0999": 75.0}
    both = words(all_verdicts(paper_results(fid=lost)))
    assert (both["tables"]["C1"], both["text"]["C1"]) == (REPRODUCED, NOT_REPRODUCED)
    assert (both["tables"]["C8"], both["text"]["C8"]) == (REPRODUCED, NOT_REPRODUCED)
    assert both["tables"]["C15"] == both["text"]["C15"] == NOT_REPRODUCED


def test_each_line_says_its_extractor_and_runs(around_the_paper):
    for v in around_the_paper[1]:
        if v.word in (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE):
            assert (v.extractor, v.runs) == ("inception", 3)


def test_an_inconclusive_verdict_names_what_would_decide_it(around_the_paper):
    open_ones = [v for v in around_the_paper[1] if v.word == INCONCLUSIVE]
    assert open_ones and not [v.claim.id for v in open_ones if v.needed <= 3]
    assert all("would decide" in change_text(v) for v in open_ones)


# By chance


class ManyDrawn(Drawn):
    """Given values with their moments worked out for all draws at once."""

    def __init__(self, draws: np.ndarray):
        super().__init__({})
        self.draws, self.names, self.draw = draws, {}, 0
        means, stds = draws.mean(axis=-1), draws.std(axis=-1, ddof=1)
        self.all = [
            [replace(EMPTY, n=draws.shape[-1], mean=m, std=s) for m, s in zip(*row, strict=True)]
            for row in zip(means.tolist(), stds.tolist(), strict=True)
        ]

    def moments(self, c, quantity):
        return self.all[self.draw][self._column(c, quantity)]

    def values(self, c, quantity):
        return self.draws[self.draw, self._column(c, quantity)]

    def _column(self, c, quantity) -> int:
        return self.names.setdefault((c.name, quantity), len(self.names))


EMPTY = moments([])


@pytest.mark.parametrize("claim", BY_CHANCE)
def test_chance_alone_is_seldom_reproduced(claim):
    """Both models from one distribution, three runs each, 1,000 draws: at most 6.5 % come out as reproduced."""
    found = case(claim)
    quantities = 2  # at most, of a claim
    columns = quantities * sum(len(group) for group in found.groups.values())
    draws = np.random.default_rng(int(claim[1:])).normal(50, 2, (DRAWS, columns, 3))
    evidence = ManyDrawn(draws)
    found = replace(found, evidence=evidence)
    outcomes: Counter = Counter()
    for evidence.draw in range(DRAWS):
        outcomes[RULES[found.claim.rule](found).verdict] += 1
    print(f"{claim}: {outcomes[REPRODUCED] / DRAWS:.1%} reproduced by chance")
    assert outcomes[REPRODUCED] / DRAWS <= 0.065


# Not run, data unavailable, stand-ins


def test_without_runs_nothing_is_reproduced(project):
    for suite in ("quick", "laptop", "paper", "controls"):
        found = counts(all_verdicts(load_results(suite)))
        assert found == {"data unavailable": 4, "holds": 5, "not run": len(list(claims())) - 9}


def test_one_missing_configuration_is_not_run(around_the_paper):
    results, _ = around_the_paper
    runs = results.runs[results.runs["configuration"] != "lsun_bedroom-128-self_sparse"]
    found = {v.claim.id: v for v in all_verdicts(replace(results, runs=runs)) if v.reading == "tables"}
    assert found["C1"].word == found["C4"].word == found["C35"].word == NOT_RUN
    assert found["C1"].why == ("23 of its 24 configurations have run",)
    assert found["C6"].word == NOT_RUN  # no stand-in where the suite has the claim's configurations
    assert found["C2"].word == REPRODUCED


def test_what_was_not_measured_is_not_run(around_the_paper):
    results, _ = around_the_paper
    nothing = {name: getattr(results, name).iloc[:0] for name in ("curves", "fid", "sparsity", "mechanism")}
    found = {v.claim.id: v for v in all_verdicts(replace(results, **nothing)) if v.reading == "tables"}
    lost = {f"C{i}" for i in (5, 8, 9, 14, 17, 18, 19, 20, 23, 24, 25, 45, *range(28, 41))}
    assert {c for c, v in found.items() if v.word == NOT_RUN} == lost
    assert all(found[c].why for c in lost)


def with_diverged(results, configuration, seeds):
    runs = results.runs.copy()
    runs.loc[(runs["configuration"] == configuration) & runs["seed"].isin(seeds), "status"] = "diverged"
    return {v.claim.id: v for v in all_verdicts(replace(results, runs=runs)) if v.reading == "tables"}


def test_survivors_alone_are_never_scored(around_the_paper):
    """Two of three runs diverged: a FID ranks them last, and what has no worst value is inconclusive; all say so."""
    found = with_diverged(around_the_paper[0], "stl10-64-self_sparse", [1, 2])
    said = "Self-Sparse GAN on STL-10 64 × 64 diverged in 2 of 3 runs: "
    for claim in ("C1", "C8", "C15", "C16"):
        assert found[claim].word in (INCONCLUSIVE, NOT_REPRODUCED) and found[claim].runs == 3, claim
        assert said + "counted as worse than any that finished" in found[claim].why
    for claim in ("C9", "C28", "C36", "C37", "C40", "C45"):
        assert found[claim].word == INCONCLUSIVE and found[claim].outcome.ours == "", claim
        assert found[claim].why == (said + "the others alone are not scored",)
    assert found["C2"].word == REPRODUCED  # another dataset


def test_all_of_a_models_runs_diverged(around_the_paper):
    """WGAN-GP never finishes on STL-10: that is a result. Three against three ranked runs have p = 1 / 20, which 5 % does not pass."""
    found = with_diverged(around_the_paper[0], "stl10-64-wgan_gp", [0, 1, 2])
    assert found["C8"].word == INCONCLUSIVE and found["C8"].outcome.same
    assert found["C8"].outcome.p == pytest.approx(0.05)
    assert found["C8"].needed == 5 and found["C7"].word == INCONCLUSIVE
    assert found["C7"].outcome.ours == "diverged: Self-Sparse GAN 0 of 36, WGAN-GP 3 of 36"
    # One-sided, all three of six times twelve by chance on one side: (36 · 35 · 34) / (72 · 71 · 70).
    assert found["C7"].outcome.p == pytest.approx(36 * 35 * 34 / (72 * 71 * 70))


def test_sketch_is_not_scored_whatever_stands_in_its_folder(around_the_paper):
    results, found = around_the_paper
    assert any(c.dataset.dataset == "sketch" and results.count(c).finished for c in results.configurations)
    by_id = {v.claim.id: v for v in found if v.reading == "tables"}
    assert {by_id[c].word for c in ("C41", "C43", "C44")} == {UNAVAILABLE}
    assert "CelebA-HQ 128 × 128 alone: reproduced" in " ".join(by_id["C44"].why)


@pytest.mark.slow
@pytest.mark.parametrize("change", ["name", "extractor", "steps"])
def test_only_the_papers_own_configurations_count(around_the_paper, change):
    """Another name, extractor or budget: a claim on FIDs is not run, one on directions may be stood in for."""
    results, _ = around_the_paper
    changed = []
    for c in results.configurations:
        if change == "name":
            c = c.model_copy(update={"name": f"{c.name}-small", "suite": "small"})
        elif change == "extractor":
            c = c.model_copy(update={"extractor": c.extractor.model_copy(update={"extractor": "lenet"})})
        else:
            c = c.model_copy(update={"train": c.train.model_copy(update={"steps": 2000})})
        changed.append(c)
    tables = {}
    for name in ("runs", "curves", "fid", "sparsity", "mechanism"):
        table = getattr(results, name)
        tables[name] = table.assign(configuration=table["configuration"] + "-small") if change == "name" else table
    results = replace(results, configurations=tuple(changed), **tables)
    assert judging.own_configurations(results) == {}
    found = {v.claim.id: v for v in all_verdicts(results)}
    allowed = {c.id for c in claims() if c.stand_in_allowed and c.rule != "test"}
    assert {c for c, v in found.items() if v.stands_in} <= allowed
    assert not {v.word for v in found.values()} & {REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE}
    assert found["C1"].word == NOT_RUN and found["C12"].word == SAME
    if change == "extractor":
        assert (found["C12"].extractor, found["C12"].runs) == ("lenet", 3)


def test_stand_ins_of_a_small_suite(ran):
    """Quick with the digits run and half of the photos: no pair of RGB images, and one architecture."""
    found = {v.claim.id: v for v in all_verdicts(load_results("quick"))}
    stand_ins = {c for c, v in found.items() if v.stands_in}
    assert {"C11", "C12", "C13", "C15"} <= stand_ins <= {c.id for c in claims() if c.stand_in_allowed}
    assert found["C12"].word == SAME  # 90 against 40
    row = verdict_table(list(found.values())).text.set_index("Part").loc["Ablations"].iloc[1]
    assert row["Claim"].startswith("C12. ") and row["Remarks"].startswith("Digits 16 × 16; ")
    assert (row["Extractor"], row["n"]) == ("lenet", "3") and np.isnan(found["C12"].outcome.p)
    assert len(found["C15"].groups) == 2  # two pairs of betas
    assert found["C6"].word == found["C16"].word == NOT_RUN
    assert found["C6"].why[-1] == "there are no grayscale images, or no RGB ones"
    assert len(found) == len(claims().claims)  # without STL-10, nothing to read in two ways


def test_what_has_no_such_part_stands_in_for_nothing(around_the_paper):
    """ResNets have no batch norm behind their stages: C24 is that of the other groups."""
    results, _ = around_the_paper
    c = {c.name: c for c in results.configurations}
    kept = ["mnist-128-wgan_gp", "mnist-128-self_sparse", "stl10-64-wgan_gp-resnet", "stl10-64-self_sparse-resnet"]
    small = [c[name].model_copy(update={"train": c[name].train.model_copy(update={"steps": 2000})}) for name in kept]
    found = {v.claim.id: v for v in all_verdicts(replace(results, configurations=tuple(small)))}
    assert found["C24"].word == found["C23"].word == SAME and found["C24"].groups == ("MNIST 128 × 128",)
    assert len(found["C6"].groups) == 2  # they have FIDs


def test_a_stand_in_needs_all_of_its_comparisons(ran):
    path = ran / "results/quick/summary/runs.csv"
    runs = pd.read_csv(path)
    for factor, word in ((1.0, SAME), (100.0, OPPOSITE)):
        changed = runs.copy()
        changed.loc[changed["configuration"].str.contains("digits-16-wgan_gp"), "best_fid"] *= factor
        changed.to_csv(path, index=False)
        assert {v.claim.id: v for v in all_verdicts(load_results("quick"))}["C12"].word == word


def test_stand_ins_that_point_both_ways_are_mixed(ran):
    """The digits with two pairs of betas, Self-Sparse GAN below WGAN-GP under both, one or none."""
    path = ran / "results/quick/summary/runs.csv"
    runs = pd.read_csv(path)
    names = ["digits-16-self_sparse", "digits-16-self_sparse-betas_0_09"]
    for fids, word in (((1, 1), SAME), ((1, 1e6), MIXED), ((1e6, 1e6), OPPOSITE)):
        changed = runs.copy()
        for name, fid in zip(names, fids, strict=True):
            changed.loc[changed["configuration"] == name, "best_fid"] = fid
        changed.to_csv(path, index=False)
        found = all_verdicts(load_results("quick"))
        assert {v.claim.id: v for v in found}["C15"].word == word
        assert metrics(found)["stand-in"]["C15"] == word.split()[1]


# What the page and the metric show


def test_the_table(around_the_paper):
    _, found = around_the_paper
    table = verdict_table(found)
    assert table.data["claim"].tolist() == [c.id for c in claims()]
    assert table.data["part"].drop_duplicates().tolist() == list(claims().parts)
    assert "nan" not in to_markdown(table) and NOT_RUN in table.text["Other reading (U6)"].tolist()
    c10 = table.text.set_index("Claim").filter(like="C10. ", axis=0).iloc[0]
    assert "54.23 − 55.1 = −0.87" in c10["Ours"] and "SN-GAN" in c10["Remarks"] and c10["Verdict"] == HOLDS


def test_the_metric(around_the_paper, project):
    _, found = around_the_paper
    values = json.loads(json.dumps(metrics(found), allow_nan=False))
    assert values["verdict"]["C1"] == REPRODUCED and sum(values["claims"].values()) == len(claims().claims)
    assert values["pairs_needed"]["C37"] > 4 and len(values["verdict"]) > 30
    others = {v.claim.id: v.word for v in found if v.reading == "text"}
    words = {f"{c}_text": w for c, w in others.items() if w != next(v.word for v in found if v.claim.id == c)}
    assert words and words == {name: w for name, w in values["verdict"].items() if name.endswith("_text")}
    assert not {"C10", "C21", "C41", "C42"} & values["verdict"].keys()  # no run decides these
    assert not [key for row in values.values() for key in row if "." in key]
    written = judging.write_verdicts("quick")
    assert json.loads((project / "results/quick/verdicts.json").read_text()) == {"claims": written}


def test_the_metric_of_stand_ins_is_their_direction(around_the_paper):
    results, _ = around_the_paper
    others = tuple(c.model_copy(update={"name": f"{c.name}-other"}) for c in results.configurations)
    tables = {name: getattr(results, name) for name in ("runs", "curves", "fid", "sparsity", "mechanism")}
    tables = {name: t.assign(configuration=t["configuration"] + "-other") for name, t in tables.items()}
    values = metrics(all_verdicts(replace(results, configurations=others, **tables)))
    assert values.keys() == {"claims", "stand-in"} and set(values["stand-in"].values()) <= {"same", "opposite"}
    assert values["stand-in"]["C6"] == "same"


def test_texts():
    assert paper_text({"cells": 12, "celeba_hq_64_percent": 4.76}) == "12 cells; CelebA-HQ 64 × 64 4.76 %"
    assert paper_text({"wgan_gp": 54.23, "xi_bar": 0.4}) == "WGAN-GP 54.23; ξ̄ 0.40"
    assert paper_text({"curves": "no number is printed"}) == "no number is printed" and paper_text({}) == "–"
    (v,) = [v for v in all_verdicts(paper_results()) if v.claim.id == "C30"]
    assert effect_text(v).startswith("difference from the print, ξ̄: ") and v.outcome.ours.startswith("0.26 [0.")


# What the rules read


def test_measures_of_a_summary(around_the_paper):
    results, _ = around_the_paper
    evidence = Evidence(results)
    c = {c.name: c for c in results.configurations}
    stl, mnist = c["stl10-64-self_sparse"], c["mnist-128-self_sparse"]
    rows = results.fid[(results.fid["configuration"] == stl.name)].sort_values(["seed", "n_fake"])["fid"].to_numpy()
    assert evidence.values(stl, "fid_drop").tolist() == (rows[::2] - rows[1::2]).tolist()
    for name in ("signs_largest", "signs_last"):
        assert evidence.values(mnist, name).tolist() == pytest.approx([0.002] * 3)
    # One dead channel of every stage, of widths 512 to 32: their kernels lead from 100 latents and to one channel.
    alive, all_ = [511, 255, 127, 63, 31], [512, 256, 128, 64, 32]
    weights = [16 * sum(a * b for a, b in zip([100, *w], [*w, 1], strict=True)) for w in (all_, alive)]
    assert evidence.values(mnist, "free_weights").tolist() == [weights[0] - weights[1]] * 3
    assert sorted(evidence.by_part(mnist, "zeta")) == [4, 8, 16, 32, 64]
    assert evidence.values(mnist, "blank_pixels").tolist() == []


def test_steps_to_the_level_that_all_runs_reach(around_the_paper):
    results, _ = around_the_paper
    rows = [("a", 0, [9, 5, 3, 2]), ("a", 1, [9, 4, 3, 3]), ("b", 0, [9, 3, 2, 1]), ("b", 1, [9, 8, 2, 4])]
    names = {"a": "mnist-128-wgan_gp", "b": "mnist-128-self_sparse"}
    points = [(names[model], seed, 500 * i, fid) for model, seed, fids in rows for i, fid in enumerate(fids)]
    curves = pd.DataFrame(points, columns=["configuration", "seed", "step", "fid"])
    pair = [c for name in names.values() for c in results.configurations if c.name == name]
    found = Evidence(replace(results, curves=curves)).log_steps_to_level(pair)  # the level is 3
    assert [np.exp(x).round().tolist() for x in found] == [[1000, 1000], [500, 1000]]


# How often one looks


def thinned(table, by):
    """Every so manyth look of each run, and its last."""
    steps = np.sort(table["step"].unique())
    return table[table["step"].isin({*steps[::by], steps[-1]})]


@pytest.mark.slow
@pytest.mark.parametrize(("level", "verdict"), [(0.004, REPRODUCED), (0.05, NOT_REPRODUCED)])
def test_a_verdict_does_not_hang_on_how_often_one_looks(around_the_paper, level, verdict):
    """Curves and signs at every look, every second and every fourth: C5 and C20 say the same."""
    results, _ = around_the_paper
    rng = np.random.default_rng(0)
    rows = results.mechanism[results.mechanism["configuration"] == "mnist-128-self_sparse"]
    rows = rows[rows["step"] == rows["step"].max()]
    looks = []
    for step in range(0, 100001, 2500):
        share = level * rng.uniform(0.9, 1.1, len(rows)) if step > 5000 else np.nan
        looks.append(rows.assign(step=step, alpha_differs=share, beta_differs=share))
    mechanism, words, largest = pd.concat(looks), [], []
    for by in (1, 2, 4):
        thin = replace(results, curves=thinned(results.curves, by), mechanism=thinned(mechanism, by))
        found = {v.claim.id: v for v in all_verdicts(thin) if v.claim.id in ("C5", "C20")}
        words.append((found["C5"].word, found["C20"].word))
        largest.append(found["C20"].outcome.effect.value)
    assert words == [(REPRODUCED, verdict)] * 3
    assert max(largest) - min(largest) < 0.15 * level  # the noise of a look is ± 10 %


def lowest(curves, by):
    """The lowest FID of each run (draws, models, runs, evaluations), looked at every so manyth evaluation."""
    return curves[..., ::by].min(axis=-1)


@pytest.mark.parametrize(("effect", "most", "least"), [(0.0, 0.065, 0.0), (0.08, 1.0, 0.9)])
def test_the_lowest_fid_of_both_models_hangs_alike_on_how_often_one_looks(effect, most, least):
    """200, 50 or 20 evaluations, whose noise is 3 %, between runs that differ by 2 %: the lowest FID moves, the verdict does not."""
    rng = np.random.default_rng(0)
    means = 50 * np.array([1, 1 - effect])[:, None] * (1 + 0.02 * rng.standard_normal((250, 2, 5)))
    curves = means[..., None] * (1 + 0.03 * rng.standard_normal((250, 2, 5, 200)))
    found, words, decreases, levels = case("C41"), {}, {}, {}
    for by in (1, 4, 10):
        fids = lowest(curves, by)
        levels[by], decreases[by] = fids.mean(), 100 * (1 - fids[:, 1].mean() / fids[:, 0].mean())
        drawn = [{"best_fid": {"wgan_gp": own[0], "self_sparse": own[1]}} for own in fids]
        words[by] = [RULES[found.claim.rule](replace(found, evidence=Drawn(own))).verdict for own in drawn]
        assert least <= words[by].count(REPRODUCED) / 250 <= most and words[by].count(NOT_REPRODUCED) / 250 <= 0.065
    assert levels[1] < levels[4] < levels[10]  # the more looks, the lower
    assert np.ptp(list(decreases.values())) < 0.3  # percentage points; a run's decrease has a spread of 3
    turned = sum({a, b} == {REPRODUCED, NOT_REPRODUCED} for a, b in zip(words[1], words[10], strict=True))
    assert turned == 0


def test_a_noisier_curve_reaches_lower_the_more_one_looks():
    """So another interval than the printed one is never scored: with 5 % noise against 2 % the decrease moves by 3 points."""
    rng = np.random.default_rng(0)
    curves = 50 * (1 + np.array([0.05, 0.02])[:, None, None] * rng.standard_normal((250, 2, 5, 200)))
    found = {by: lowest(curves, by).mean(axis=(0, 2)) for by in (1, 10)}
    moved = [100 * (1 - s / b) for b, s in found.values()]
    # The least of 200 and of 20 normal values lies 2.746 and 1.867 standard deviations below their mean.
    by_hand = [100 * (1 - (1 - 0.02 * z) / (1 - 0.05 * z)) for z in (2.746, 1.867)]
    assert moved == pytest.approx(by_hand, abs=0.4) and moved[0] < moved[1] - 2
    c = next(c for c in paper_results().configurations if c.name == "mnist-128-wgan_gp")
    other = c.model_copy(update={"train": c.train.model_copy(update={"evaluate_every": 5000})})
    assert not differences(c) and "interval of the evaluations" in " ".join(differences(other))


# Operating characteristics, and the paper's own numbers


@pytest.mark.parametrize("number", range(len(TRUTHS)))
def test_what_a_rule_says_of_a_truth(number):
    """With one run nothing is decided, but where zeros are counted; with twenty, seldom the wrong thing. Seeds are fixed."""
    truth = TRUTHS[number]
    if truth.claim not in ("C17", "C39", "C40"):  # of which C39 and C40 test over pairs, not over runs
        assert shares(truth, 1, 3)[INCONCLUSIVE] == 1
    found = shares(truth, 20, 12)
    if truth.holds is not None:
        assert found[NOT_REPRODUCED if truth.holds else REPRODUCED] <= 2 / 12
    if truth.holds and truth.claim not in ("C12", "C36", "C39", "C40"):  # which need more runs, or more datasets
        assert found[REPRODUCED] >= 0.5


NO_EFFECT = [t for t in TRUTHS if t.claim in ("C7", "C8", "C18", "C19", "C24") and t.words in (
    "the same spread", "alike, and half of both models' runs diverge", "nothing grown", "saves nothing on balance", "alike")]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("truth", NO_EFFECT, ids=lambda truth: truth.claim)
@pytest.mark.parametrize("n", [3, 20])
def test_no_effect_is_seldom_anything(truth, n):
    """Each word in 5 % of 2,000 experiments at most, and the noise of such a share: a standard error of 0.5 %."""
    found = shares(truth, n, 2000)
    print(truth.claim, n, found)
    assert max(found[REPRODUCED], found[NOT_REPRODUCED]) <= 0.065


def test_the_papers_own_numbers_give_what_the_page_defends():
    found = {v.claim.id: v.word for v in printed_as_ours()}
    assert found == {claim: word for claim, (word, _) in EXPECTED["printed"].items()}
    assert all(text.endswith(".") for _, text in EXPECTED["printed"].values())
