"""Comparisons: which configurations stand against each other in each suite, and the numbers beside them."""

import math
from dataclasses import replace

import pytest
from scipy import stats
from small_project import write_project
from three_datasets import MODELS, changes, made_up

from selfsparse.analysis import table_ablation
from selfsparse.analysis.comparisons import answer, comparison_table, main_pairs, pairs, questions
from selfsparse.analysis.table_ablation import ablated
from selfsparse.analysis.table_fid import looks_table
from selfsparse.analysis.table_robustness import ARCHITECTURES, BETAS, betas_moves_table
from selfsparse.analysis.table_sagan import sagan_comparisons, sagan_table, sketch_table
from selfsparse.paper.printed import printed_table
from selfsparse.results.reading import load_results
from selfsparse.statistics.inference import holm, welch
from selfsparse.statistics.moments import moments
from selfsparse.statistics.sequential import nominal_levels


def names(comparisons) -> list[tuple[str, str]]:
    return [(p.lower.name, p.higher.name) for p in comparisons]


def test_the_main_table_is_the_papers(project):
    printed = printed_table("fid")["name"].tolist()
    found = names(main_pairs(load_results("paper")))
    assert [name for lower, higher in found for name in (higher, lower)] == printed
    assert names(main_pairs(load_results("quick"))) == [
        ("digits-16-self_sparse", "digits-16-wgan_gp"), ("photos-16-self_sparse", "photos-16-wgan_gp"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "find"),
    [
        ("ablation", lambda results: [c.name for c in ablated(results)]),
        ("adam_betas", lambda results: BETAS.table(results).data["configuration"].tolist()),
        ("architectures", lambda results: ARCHITECTURES.table(results).data["configuration"].tolist()),
    ],
)
def test_rows_are_the_printed_ones(project, table, find):
    assert find(load_results("paper")) == printed_table(table)["name"].tolist()


@pytest.mark.parametrize(("fid", "word"), [(17.0, "yes"), (20.40, "undecided"), (23.0, "no")])
def test_the_answer_is_that_of_a_two_sided_test(fid, word):
    """At 5 % in all, so that an interval without 0 and a decided answer go together."""
    a, b = ([v - 0.1, v, v + 0.1] for v in (fid, 20.41))
    p = welch(moments(a), moments(b)).p_lower
    assert answer(p, 1 - p) == word
    assert (stats.ttest_ind(a, b, equal_var=False).pvalue < 0.05) == (word != "undecided")


def test_sagan_stands_between_both_models_as_printed(project):
    results = load_results("paper")
    assert sagan_table(results).data["configuration"].tolist() == printed_table("sagan")["name"].tolist()
    assert names(sagan_comparisons(results)) == [
        ("celeba_hq-128-self_sparse", "celeba_hq-128-wgan_gp"),
        ("celeba_hq-128-self_sparse", "celeba_hq-128-sagan"),
        ("celeba_hq-128-sagan", "celeba_hq-128-wgan_gp"),
        ("sketch-128-self_sparse", "sketch-128-wgan_gp"),
        ("sketch-128-self_sparse", "sketch-128-sagan"),
        ("sketch-128-wgan_gp", "sketch-128-sagan"),
    ]


def test_the_substitute_goes_by_its_name_and_has_no_printed_fid(project):
    table = sketch_table(load_results("controls"))
    assert table.caption.startswith("Sketch substitute:") and table.data["paper_fid_mean"].isna().all()
    assert set(table.text["Dataset"]) == {"Sketch substitute 128 × 128"} and set(table.text["Paper"]) == {"–"}


def test_what_a_suite_does_not_vary_is_empty(project):
    results = load_results("laptop")
    for made in (BETAS.table, ARCHITECTURES.table, sketch_table, sagan_table):
        assert made(results).data.empty
    assert main_pairs(results) and not BETAS.families(results)


def test_controls_are_no_variation_of_betas_or_architecture(project):
    results = load_results("controls")
    assert not BETAS.families(results) and not ARCHITECTURES.families(results)
    assert len(main_pairs(results)) == 3  # under the one-centred penalty


def test_a_comparisons_numbers(ran):
    results = load_results("quick")
    found = pairs(results)
    table = comparison_table(results, found, "").data
    a, b = (moments(results.re_evaluated(c, "best", c.extractor.samples[1])) for c in found[0].both)
    row = table.iloc[0]
    assert row["decrease_percent"] == pytest.approx(100 * (b.mean - a.mean) / b.mean)
    assert row["decrease_low_95"] < row["decrease_percent"] < row["decrease_high_95"]
    assert row["p_lower"] == pytest.approx(welch(a, b).p_lower) and row["g"] < 0 < row["decrease_percent"]
    assert table["p_lower_holm"].dropna().tolist() == pytest.approx(holm(table["p_lower"].dropna().tolist()))
    reverse = [1 - p for p in table["p_lower"].dropna()]
    assert table["p_higher_holm"].dropna().tolist() == pytest.approx(holm(reverse))
    assert math.isnan(table.iloc[-1]["p_lower"]) and math.isnan(row["paper_decrease_percent"])


def test_the_looks_of_both_questions_by_hand(tmp_path, monkeypatch):
    """MNIST: means 20.8 and 24.8 at five runs, both variances 0.7, so that the difference's error is the root of 0.28."""
    monkeypatch.chdir(write_project(tmp_path, changes()))
    near, far = [20.0 + i % 3 for i in range(10)], [24.0 + i % 3 for i in range(10)]
    models = ("self_sparse", "without_psm", "without_csm", "wgan_gp-matched")
    results = made_up(tmp_path, {("", name): near for name in models} | {("", "wgan_gp"): far})
    table = looks_table(results).data
    assert table[["comparison", "n"]].to_numpy().tolist() == [
        [f"{dataset} 32 × 32", n] for dataset in ("MNIST", "Fashion-MNIST", "CIFAR-10") for n in (5, 10)
    ] * 2  # fmt: skip
    level = nominal_levels((5, 10, 15, 20))[0]
    first = table.iloc[0]
    assert (first["fid_lower_mean"], first["fid_higher_mean"], first["difference"]) == pytest.approx((20.8, 24.8, -4))
    assert first["p"] == pytest.approx(2 * stats.t.sf(4 / math.sqrt(0.28), 4)) and first["level"] == level
    assert first["difference_high"] == pytest.approx(-4 + stats.t.isf(level / 2, 4) * math.sqrt(0.28))
    assert (first["answer"], table.iloc[1]["answer"], table.iloc[-1]["answer"]) == ("", "yes", "undecided")
    # Three equal p values: Holm's correction takes each times 3.
    p = table.iloc[1]["p_plan"]
    assert table["p_plan_holm"].dropna().tolist()[:3] == pytest.approx([3 * p] * 3) and 0 < p < first["p"]
    assert [(q.lower.model, q.higher.network_name) for q in questions(results)] == [
        ("self_sparse", "small_32")] * 3 + [("self_sparse", "small_32_matched")] * 3  # fmt: skip


def test_what_the_plan_answers_is_no_test_of_another_tables_correction(tmp_path, monkeypatch):
    """The ablation's twelve rows are two questions of the plan and ten tests."""
    monkeypatch.chdir(write_project(tmp_path, changes()))
    fids = {
        ("", name): [level + i % 3 for i in range(10)] for name, level in zip(MODELS, (24, 20, 22, 30, 20), strict=True)
    }
    table = table_ablation.tests_table(made_up(tmp_path, fids)).data
    planned = table["p_plan"].notna()
    assert table.loc[planned, "higher"].tolist() == ["mnist-32-wgan_gp-laptop", "fashion_mnist-32-wgan_gp-laptop"]
    assert table.loc[planned, "p_lower_holm"].isna().all() and set(table.loc[planned, "answer"]) == {"yes"}
    tested = table[~planned]
    assert tested["p_lower_holm"].tolist() == pytest.approx(holm(tested["p_lower"].tolist())) and len(tested) == 10


def test_printed_moves(project):
    results = load_results("paper")
    table = betas_moves_table(results)
    assert table.data["paper_move"].tolist() == pytest.approx([3.25, 0.28])
    assert table.text.iloc[0]["From, to"] == "betas 0, 0.9 → betas 0.5, 0.999"


def test_a_small_suites_resnet_and_sagan_are_found_by_their_fields(project):
    """Photos as ResNet and as SAGAN, under names of their own, stand where those of STL-10 and CelebA-HQ do."""
    own = {c.name: c for c in load_results("quick").configurations}
    paper = {c.name: c for c in load_results("paper").configurations}
    plain = [own["photos-16-wgan_gp"], own["photos-16-self_sparse"]]
    network = {"network": paper["stl10-64-wgan_gp-resnet"].network, "network_name": "tiny_resnet"}
    resnet = [c.model_copy(update=network | {"name": f"{c.name}-resnet"}) for c in plain]
    sagan = paper["celeba_hq-128-sagan"]
    fields = {name: getattr(sagan, name) for name in ("model", "network", "network_name", "train")}
    sagan = plain[0].model_copy(update=fields | {"name": "photos-16-sagan"})
    results = replace(load_results("quick"), configurations=(*plain, *resnet, sagan))
    table = ARCHITECTURES.table(results)
    assert table.text["Setting"].tolist() == ["DCGAN", "DCGAN", "ResNet", "ResNet"]
    found = ARCHITECTURES.comparisons(results)
    assert names(found) == [("photos-16-self_sparse", "photos-16-wgan_gp"), (resnet[1].name, resnet[0].name)]
    assert sagan_table(results).text["Model"].tolist() == ["WGAN-GP", "SAGAN", "Self-Sparse GAN"]
    assert names(sagan_comparisons(results)) == [
        ("photos-16-self_sparse", "photos-16-wgan_gp"), ("photos-16-self_sparse", "photos-16-sagan"),
        ("photos-16-sagan", "photos-16-wgan_gp"),
    ]  # fmt: skip
    assert names(main_pairs(results)) == [("photos-16-self_sparse", "photos-16-wgan_gp")]
