"""The tables: the paper's value and ours side by side, one row per configuration, also for those that have not run."""

import math
from collections.abc import Sequence

import pandas as pd

from selfsparse.analysis.correlation import BASELINE, SPARSE
from selfsparse.analysis.formatting import MISSING, Table, count, interval, mean_std, number, short
from selfsparse.analysis.names import group_key, group_label, model_label
from selfsparse.analysis.results import Results
from selfsparse.analysis.statistics import Moments, moments, relative_decrease
from selfsparse.config import Configuration
from selfsparse.paper import reported

PAPER_EXTRACTOR = "inception"
ABLATIONS = ("without_psm", "without_csm")


def table_of(rows: Sequence[tuple[dict, dict]], columns: tuple[Sequence[str], Sequence[str]], caption: str) -> Table:
    """Make a table of (numbers, text) rows; the columns count only where there are no rows."""
    data, text = [row[0] for row in rows], [row[1] for row in rows]
    return Table(
        pd.DataFrame(data, columns=None if data else columns[0]),
        pd.DataFrame(text, columns=None if text else columns[1]),
        caption,
    )


def comparable(c: Configuration) -> bool:
    """Whether a FID of this configuration may stand against the paper's: only under Inception-v3."""
    return c.extractor.extractor == PAPER_EXTRACTOR


def fid_title(results: Results) -> str:
    """Return `FID (lenet)` where the suite has one feature extractor, else `FID`: a column names it in each row."""
    names = results.extractors()
    return f"FID ({names[0]})" if len(names) == 1 else "FID"


def paper_moments(name: str) -> Moments:
    """Return the paper's FID of exactly this configuration, or nothing (n = 0)."""
    paper = reported()
    if name not in paper.index:
        return moments([])
    row = paper.loc[name]
    return Moments(3, float(row["paper_fid_mean"]), float(row["paper_fid_std"]), math.nan, math.nan)


def fid_table(results: Results, configurations: Sequence[Configuration] | None = None) -> Table:
    """The main table (v2 Table 2): best FID during training, as the paper defines it, beside the paper's."""
    rows = [_fid_row(results, c) for c in configurations or results.configurations]
    caption = f"{fid_title(results)}, lowest of each training, mean ± standard deviation over n finished runs."
    return table_of(rows, ([], []), caption)


def _fid_row(results: Results, c: Configuration) -> tuple[dict, dict]:
    runs, paper, ours = results.count(c), paper_moments(c.name), moments(results.best_in_training(c))
    n_fake = c.extractor.samples[0]
    n_real = results.real_images(c, n_fake)
    data = _identity(c) | {
        "paper_fid_mean": paper.mean,
        "paper_fid_std": paper.std,
        "fid_mean": ours.mean,
        "fid_std": ours.std,
        "fid_low_95": ours.low,
        "fid_high_95": ours.high,
        "n": ours.n,
        "extractor": c.extractor.extractor,
        "comparable": comparable(c),
        "n_real": n_real,
        "n_fake": n_fake,
        "runs": runs.text,
    }
    text = {
        "Configuration": c.name,
        "Paper": mean_std(paper),
        f"Ours, {fid_title(results)}": mean_std(ours, without_value=runs.without_value),
        "n": ours.n,
        "95 % interval": interval(ours.low, ours.high),
        "Extractor": c.extractor.extractor,
        "Comparable": comparison(c) if paper.n else "not in the paper",
        "Real / generated": f"{count(n_real)} / {count(n_fake)}",
        "Runs": runs.text,
    }
    return data, text


def comparison(c: Configuration) -> str:
    """Say whether a FID of this configuration may stand against the paper's: `no (lenet)`."""
    return "yes" if comparable(c) else f"no ({c.extractor.extractor})"


def measures_table(results: Results) -> Table:
    """The same generators measured again with fresh latents (U42): best and last, at both sample counts, with KID."""
    rows = []
    for c in results.configurations:
        runs = results.count(c)
        data, text = _identity(c), {"Configuration": c.name}
        text["Best in training"] = mean_std(moments(results.best_in_training(c)), without_value=runs.without_value)
        for generator in ("best", "last"):
            for size, n_fake in zip(("small", "large"), c.extractor.samples, strict=True):
                m = moments(results.measured(c, generator, n_fake))
                data |= {
                    f"{generator}_{size}_mean": m.mean,
                    f"{generator}_{size}_std": m.std,
                    f"{generator}_{size}_n": m.n,
                }
                text[f"{generator.capitalize()} again, {size} sample"] = mean_std(m)
        kid = moments(results.measured(c, "best", c.extractor.samples[0], "kid").dropna())
        data |= {"best_small_kid_mean": kid.mean, "best_small_kid_std": kid.std, "extractor": c.extractor.extractor}
        text["Extractor"] = c.extractor.extractor
        text["KID of the best, small sample"] = MISSING if kid.n == 0 else f"{short(kid.mean)} ± {short(kid.std)}"
        text["Real / generated, small; large"] = "; ".join(
            f"{count(results.real_images(c, n))} / {count(n)}" for n in c.extractor.samples
        )
        rows.append((data, text))
    caption = f"{fid_title(results)} of the kept generators, measured again with other latents than those that chose the best."
    return table_of(rows, ([], []), caption)


def decrease_table(results: Results) -> Table:
    """By how many percent Self-Sparse GAN lies below WGAN-GP (Sec. 4.3), the paper's figure beside ours."""
    rows = []
    for key, group in results.groups().items():
        pair = {c.model: c for c in group}
        if {BASELINE, SPARSE} <= pair.keys():
            rows.append(_decrease_row(results, key, pair[BASELINE], pair[SPARSE]))
    columns = ["dataset", "resolution", "variation", "paper_decrease_percent", "decrease_percent"]
    return table_of(
        rows,
        (columns, ["Pair"]),
        f"Relative decrease of the mean {fid_title(results)} from WGAN-GP to Self-Sparse GAN.",
    )


def _decrease_row(results: Results, key: tuple, baseline: Configuration, sparse: Configuration) -> tuple[dict, dict]:
    paper = relative_decrease(paper_moments(baseline.name).mean, paper_moments(sparse.name).mean)
    ours = [
        (results.best_in_training(c), results.measured(c, "best", c.extractor.samples[0])) for c in (baseline, sparse)
    ]
    (b, b_again), (s, s_again) = [(moments(x), moments(y)) for x, y in ours]
    training, again = relative_decrease(b.mean, s.mean), relative_decrease(b_again.mean, s_again.mean)
    data = {
        "dataset": key[0],
        "resolution": key[1],
        "variation": key[2],
        "paper_decrease_percent": paper,
        "decrease_percent": training,
        "decrease_again_percent": again,
        "n_wgan_gp": b.n,
        "n_self_sparse": s.n,
        "extractor": sparse.extractor.extractor,
        "comparable": comparable(sparse),
    }
    text = {
        "Pair": group_label(key),
        "WGAN-GP": mean_std(b, without_value=results.count(baseline).without_value),
        "Self-Sparse GAN": mean_std(s, without_value=results.count(sparse).without_value),
        "Paper, decrease %": number(paper),
        "Ours, decrease %": number(training),
        "Ours again, decrease %": number(again),
        "n": f"{b.n}, {s.n}",
        "Extractor": sparse.extractor.extractor,
        "Comparable": comparison(sparse) if math.isfinite(paper) else "not in the paper",
    }
    return data, text


def ablation_groups(results: Results) -> dict[tuple, list[Configuration]]:
    """Return the groups in which a module is left out."""
    return {key: group for key, group in results.groups().items() if any(c.model in ABLATIONS for c in group)}


def ablation_table(results: Results) -> Table:
    """What each module of the SASTM contributes (v2 Table 3): FID and decrease against WGAN-GP."""
    rows = []
    for group in ablation_groups(results).values():
        baseline = next((moments(results.best_in_training(c)).mean for c in group if c.model == BASELINE), math.nan)
        paper_baseline = next((paper_moments(c.name).mean for c in group if c.model == BASELINE), math.nan)
        for c in group:
            data, text = _fid_row(results, c)
            ours = relative_decrease(baseline, data["fid_mean"]) if c.model != BASELINE else math.nan
            paper = relative_decrease(paper_baseline, data["paper_fid_mean"]) if c.model != BASELINE else math.nan
            data |= {"paper_decrease_percent": paper, "decrease_percent": ours}
            text = {"Dataset": group_label(group_key(c)), "Model": model_label(c.model)} | text
            del text["Configuration"]
            rows.append((data, text | {"Paper, decrease %": number(paper), "Ours, decrease %": number(ours)}))
    columns = ["configuration", "model", "paper_fid_mean", "fid_mean", "n", "extractor", "comparable", "runs"]
    return table_of(
        rows,
        (columns, ["Model"]),
        f"Ablation: {fid_title(results)}, lowest of each training, and its decrease against WGAN-GP.",
    )


def _identity(c: Configuration) -> dict:
    return {"configuration": c.name, "dataset": c.dataset.dataset, "resolution": c.dataset.resolution, "model": c.model}
