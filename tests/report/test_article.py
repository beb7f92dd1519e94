"""docs/replication.md: what the template, the committed page and the results have to do with each other."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats
from small_project import ROOT, write_project
from three_datasets import MODELS, changes, made_up

from selfsparse.report.article import FIGURES, PAGE, article, article_figures
from selfsparse.report.html import TEMPLATES
from selfsparse.statistics.sequential import nominal_levels

TITLES = {"mnist": "MNIST 32 × 32", "fashion_mnist": "Fashion-MNIST 32 × 32", "cifar10": "CIFAR-10 32 × 32"}
# What may stand in the template as a number: of the paper's and our own parts, years, and 0 and 95 % as they are defined.
NAMED = r"Eq\. \d+(, \d+)?|(Figure|Table) \d|(?<!\d)(19|20)\d\d(?!\d)|^\d\. |≥ 0|95 %|Inception-v3|\(https?://\S+\)|--hours \d+|\.j2"


def three(folder: Path, monkeypatch, far: float):
    """MNIST and Fashion-MNIST: WGAN-GP a little above Self-Sparse GAN; CIFAR-10: above it by `far`."""
    monkeypatch.chdir(write_project(folder, changes()))
    spread = [1.3 * (i % 4) + 0.1 * i for i in range(10)]
    fids = {("", name): [9 + k + x for x in spread] for k, name in enumerate(MODELS)}
    fids[("", "wgan_gp")] = [10.3 + 0.9 * x for x in spread]
    return made_up(folder, fids | {("cifar10", "wgan_gp"): [10 + far + x for x in spread]})


def test_the_committed_page_is_what_the_results_say():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == article()


def test_the_template_has_no_number_of_its_own():
    """Whatever the results are, its prose is true of them; results come as expressions."""
    text = (TEMPLATES / "replication.md.j2").read_text(encoding="utf-8")
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", text, flags=re.S)
    assert [line for line in prose.splitlines() if re.search(r"\d", re.sub(NAMED, "", line))] == []


@pytest.mark.parametrize("far", [0.2, 9.0])
def test_the_main_table_computed_again_from_the_files_alone(tmp_path, monkeypatch, far):
    results = three(tmp_path, monkeypatch, far)
    text = article()
    table = pd.read_csv(results.folder / "fid.csv").query("generator == 'best' and n_fake == 50000")
    levels = nominal_levels((5, 10, 15, 20))
    answers = []
    for dataset, title in TITLES.items():
        for other, name in (("wgan_gp", "WGAN-GP"), ("wgan_gp-matched", "WGAN-GP (as many parameters)")):
            a, b = (
                table[table["configuration"] == f"{dataset}-32-{model}-laptop"].sort_values("seed")["fid"]
                for model in ("self_sparse", other)
            )
            p = []
            for n in (5, 10):
                x, y = a[:n], b[:n]
                t = (x.mean() - y.mean()) / math.sqrt((x.var() + y.var()) / n)
                p.append(2 * stats.t.sf(abs(t), n - 1))
            decided = any(found < level for found, level in zip(p, levels[:2], strict=True))
            answer = "undecided" if not decided else "yes" if a.mean() < b.mean() else "no"
            fids = [f"{x.mean():.2f} ± {x.std():.2f}" for x in (a, b)]
            (row,) = re.findall(
                rf"^\| {re.escape(title)} \| Self-Sparse GAN / {re.escape(name)} \| {' / '.join(fids)} \| .*$",
                text,
                re.M,
            )
            cells = row.split(" | ")
            difference, half = a.mean() - b.mean(), stats.t.isf(levels[1] / 2, 9) * math.sqrt((a.var() + b.var()) / 10)
            interval = f"{difference:.2f} [{difference - half:.2f}, {difference + half:.2f}]".replace("-", "−")
            assert cells[4:6] == ["10, 10", interval] and cells[8] == answer
            sentence = f"- {title}, Self-Sparse GAN against {name}: FID {fids[0]} against {fids[1]} (n = 10 and 10)"
            assert text.count(sentence) == 1 and f"of {name} ({answer})" in text
            assert f"| {title} | {name} | {fids[1]} | {b.median():.2f} |" in text
            answers.append(answer)
    assert answers == ["undecided", "yes"] * 2 + ["yes" if far > 1 else "undecided", "yes"]


def test_every_part_is_there_and_nothing_is_missing(tmp_path, monkeypatch):
    results = three(tmp_path, monkeypatch, 9.0)
    (results.folder / "accuracies.json").write_text('{"mnist-32-lenet": 0.9912}')
    text = article()
    assert "| MNIST 32 × 32: lenet, 99.1 %; Fashion-MNIST 32 × 32: lenet; CIFAR-10 32 × 32: lenet |" in text
    assert re.findall(r"\*\*Table (\d)\.", text) == ["1", "2", "3", "4", "5"] and "nan" not in text
    # 5, 5 and 3 configurations; of the ablation, what is no question of the plan.
    assert len(re.findall(r"^\| .* \| 10, finished \|$", text, re.M)) == 13
    assert len(re.findall(r"10, 10 \| \S+ \[.*\] \| \S+ \| (yes|no|undecided) \|$", text, re.M)) == 10
    figures = article_figures()
    assert all(png.startswith(b"\x89PNG") and len(png) < 150_000 for png in figures.values())
    assert {re.sub(r"^docs/", "", path) for path in figures} == set(re.findall(r"\((figures/\S+)\)", text))


def test_the_figures_lie_beside_the_page():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    shown = {ROOT / "docs" / name for name in re.findall(r"!\[.*?\]\((\S+)\)", text)}
    assert shown == set((ROOT / FIGURES).glob("*.png")) and len(shown) == 2


def test_nothing_has_run(tmp_path, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path, changes()))
    text = article()
    assert (
        "not run / not run" in text
        and "nan" not in text
        and "against not run" not in text
        and "130 runs of 13 configurations: 130 not run" in text
    )
