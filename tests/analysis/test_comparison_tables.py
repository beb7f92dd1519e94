"""Comparisons: which configurations stand against each other in each suite, and the numbers beside them."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from selfsparse.analysis import comparison_sentences as sentences
from selfsparse.analysis import comparison_tables as tables
from selfsparse.analysis.measure_tables import bias, measures_table, quality_table
from selfsparse.analysis.resolution_tables import resolutions_table
from selfsparse.paper.printed import printed_table
from selfsparse.results.reading import load_results
from selfsparse.statistics.inference import holm, welch
from selfsparse.statistics.moments import moments


def names(comparisons) -> list[tuple[str, str]]:
    return [(p.lower.name, p.higher.name) for p in comparisons]


def test_the_main_table_is_the_papers(project):
    printed = printed_table("fid")["name"].tolist()
    pairs = names(tables.main_pairs(load_results("paper")))
    assert [name for lower, higher in pairs for name in (higher, lower)] == printed
    assert names(tables.main_pairs(load_results("quick"))) == [
        ("digits-16-self_sparse", "digits-16-wgan_gp"), ("photos-16-self_sparse", "photos-16-wgan_gp"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "made"),
    [("ablation", None), ("adam_betas", tables.betas_table), ("architectures", tables.architectures_table)],
)
def test_rows_are_the_printed_ones(project, table, made):
    results = load_results("paper")
    if made is None:
        found = [c.name for group in tables.ablation_groups(results).values() for c in group]
    else:
        found = made(results).data["configuration"].tolist()
    assert found == printed_table(table)["name"].tolist()


def test_sagan_stands_between_both_models_as_printed(project):
    results = load_results("paper")
    assert tables.sagan_table(results).data["configuration"].tolist() == printed_table("sagan")["name"].tolist()
    assert names(tables.sagan_comparisons(results)) == [
        ("celeba_hq-128-self_sparse", "celeba_hq-128-wgan_gp"),
        ("celeba_hq-128-self_sparse", "celeba_hq-128-sagan"),
        ("celeba_hq-128-sagan", "celeba_hq-128-wgan_gp"),
        ("sketch-128-self_sparse", "sketch-128-wgan_gp"),
        ("sketch-128-self_sparse", "sketch-128-sagan"),
        ("sketch-128-wgan_gp", "sketch-128-sagan"),
    ]


def test_the_substitute_goes_by_its_name_and_has_no_printed_fid(project):
    table = tables.sketch_table(load_results("controls"))
    assert table.caption.startswith("Sketch substitute:") and table.data["paper_fid_mean"].isna().all()
    assert set(table.text["Dataset"]) == {"Sketch substitute 128 × 128"} and set(table.text["Paper"]) == {"–"}


def test_what_a_suite_does_not_vary_is_empty(project):
    results = load_results("laptop")
    for made in (tables.betas_table, tables.architectures_table, tables.sketch_table, tables.sagan_table):
        assert made(results).data.empty
    assert tables.main_pairs(results) and not tables.betas_families(results)
    assert sentences.compared(results, []).data == sentences.NOT_HERE


def test_controls_are_no_variation_of_betas_or_architecture(project):
    results = load_results("controls")
    assert not tables.betas_families(results) and not tables.architecture_families(results)
    assert len(tables.main_pairs(results)) == 3  # under the one-centred penalty


def test_a_comparisons_numbers(ran):
    results = load_results("quick")
    pairs = tables.pairs(results)
    table = tables.comparison_table(results, pairs, "").data
    a, b = (moments(results.measured(c, "best", c.extractor.samples[1])) for c in pairs[0].both)
    row = table.iloc[0]
    assert row["decrease_percent"] == pytest.approx(100 * (b.mean - a.mean) / b.mean)
    assert row["decrease_low_95"] < row["decrease_percent"] < row["decrease_high_95"]
    assert row["p_lower"] == pytest.approx(welch(a, b).p_lower) and row["g"] < 0 < row["decrease_percent"]
    assert table["p_lower_holm"].dropna().tolist() == pytest.approx(holm(table["p_lower"].dropna().tolist()))
    reverse = [1 - p for p in table["p_lower"].dropna()]
    assert table["p_higher_holm"].dropna().tolist() == pytest.approx(holm(reverse))
    assert math.isnan(table.iloc[-1]["p_lower"]) and math.isnan(row["paper_decrease_percent"])


def test_printed_numbers_of_two_sample_counts(project):
    table = tables.samples_table(load_results("paper")).data
    assert table.loc[:1, "paper_decrease_percent"].round(2).tolist() == [11.93, 13.61]
    assert table.loc[2:, "paper_lower"].isna().all()
    drops = tables.drops_table(load_results("paper")).data.set_index("configuration")["paper_drop"]
    assert drops.iloc[:2].to_dict() == pytest.approx({"stl10-64-wgan_gp": 9.65, "stl10-64-self_sparse": 9.41})


def test_printed_moves(project):
    results = load_results("paper")
    table = tables.moves_table(results, tables.betas_families(results), tables.betas_label)
    assert table.data["paper_move"].tolist() == pytest.approx([3.25, 0.28])
    assert table.text.iloc[0]["From, to"] == "betas 0, 0.9 → betas 0.5, 0.999"


def test_the_bias_of_the_lowest_is_run_by_run(ran):
    results = load_results("quick")
    c = results.configurations[0]
    rows = results.fid[(results.fid["configuration"] == c.name) & (results.fid["generator"] == "best")]
    again = rows[rows["n_fake"] == c.extractor.samples[0]].sort_values("seed")["fid"].to_numpy()
    chosen = results.runs[results.runs["configuration"] == c.name].sort_values("seed")["best_fid"].to_numpy()
    assert bias(results, c).mean == pytest.approx((again - chosen).mean()) and bias(results, c).n == 3
    assert measures_table(results).data.iloc[0]["bias_std"] == pytest.approx((again - chosen).std(ddof=1))


def test_the_bias_of_the_lowest_of_200_noisy_values(ran):
    """A generator that stands still at 50 ± 1: the lowest of 200 is 2.746 too low on average."""
    results = load_results("quick")
    c = results.configurations[0]
    seeds, noise = np.arange(4000), np.random.default_rng(0).normal(50, 1, (4000, 201))
    runs = pd.DataFrame(
        {"configuration": c.name, "seed": seeds, "status": "finished", "best_fid": noise[:, :200].min(1)}
    )
    rows = {"configuration": c.name, "seed": seeds, "generator": "best", "n_fake": c.extractor.samples[0]}
    found = bias(replace(results, runs=runs, fid=pd.DataFrame(rows | {"fid": noise[:, 200]})), c)
    lowest, _ = integrate.quad(lambda x: x * 200 * stats.norm.pdf(x) * stats.norm.sf(x) ** 199, -10, 10, points=[-2.7])
    assert lowest == pytest.approx(-2.746, abs=5e-4)
    assert found.mean == pytest.approx(-lowest, abs=4 * found.std / math.sqrt(found.n))


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
    table = tables.architectures_table(results)
    assert table.text["Setting"].tolist() == ["DCGAN", "DCGAN", "ResNet", "ResNet"]
    found = tables.within(tables.architecture_families(results), tables.architecture_label)
    assert names(found) == [("photos-16-self_sparse", "photos-16-wgan_gp"), (resnet[1].name, resnet[0].name)]
    assert tables.sagan_table(results).text["Model"].tolist() == ["WGAN-GP", "SAGAN", "Self-Sparse GAN"]
    assert names(tables.sagan_comparisons(results)) == [
        ("photos-16-self_sparse", "photos-16-wgan_gp"), ("photos-16-self_sparse", "photos-16-sagan"),
        ("photos-16-sagan", "photos-16-wgan_gp"),
    ]  # fmt: skip
    assert names(tables.main_pairs(results)) == [("photos-16-self_sparse", "photos-16-wgan_gp")]


def test_quality_of_old_results_is_missing(ran):
    assert quality_table(load_results("quick")).data.iloc[0]["best_recall_mean"] == 0.25
    path = ran / "results/quick/summary/fid.csv"
    pd.read_csv(path).drop(columns=["precision", "recall"]).to_csv(path, index=False)
    table = quality_table(load_results("quick"))
    assert table.data["best_recall_n"].sum() == 0 and table.text.iloc[0]["Best, recall"] == "–"


def test_images_as_printed_and_as_used(project):
    table = resolutions_table(load_results("paper")).data
    printed = printed_table("resolutions")
    assert table.loc[:11, "dataset"].tolist() == printed["dataset"].tolist()
    assert table.loc[:11, "paper_size"].tolist() == printed["printed"].tolist()
    images = table.set_index(["dataset", "resolution"])
    assert images.loc[("cifar10", 128), ["paper_images", "images"]].tolist() == [60000, 60000]
    assert images.loc[("lsun_bedroom", 64), ["paper_images", "images"]].tolist() == [3_000_000, 303_125]
    assert math.isnan(images.loc[("sketch", 128), "images"])


@pytest.mark.parametrize("suite", ["quick", "paper"])
@pytest.mark.slow
def test_sentences_are_whole_whether_something_ran_or_not(ran, suite):
    results = load_results(suite)
    families = tables.betas_families(results)
    moves = tables.moves_table(results, families, tables.betas_label)
    said = [
        sentences.compared(results, tables.pairs(results)),
        sentences.compared(results, tables.ablation_comparisons(results)),
        sentences.moves(moves),
        *(
            say(results)
            for say in (
                sentences.biases, sentences.samples, sentences.quality, sentences.steps, sentences.resolutions, sentences.regression,
            )
        ),
    ]  # fmt: skip
    for text in (s.data for s in said):
        assert text.endswith((".", "images.")) and "nan" not in text
