"""Made-up results of suite paper: all 36 configurations, drawn around the means that the paper prints.

What the paper does not print is made plausible, and such that the claims about the module hold.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from small_project import ROOT

from selfsparse.config import Configuration, load_settings
from selfsparse.paper import reported, reported_sparsity
from selfsparse.paper.printed import printed_table
from selfsparse.results.reading import TABLES, Results
from selfsparse.results.rows import COLUMNS
from selfsparse.verdicts.case import Case, Outcome
from selfsparse.verdicts.characteristics import Drawn, case_of
from selfsparse.verdicts.judging import RULES


def _whole(c: Configuration) -> Configuration:
    """The configuration on all images that the paper has, where params.yaml names a part of them."""
    if c.dataset.dataset != "lsun_bedroom":
        return c
    return c.model_copy(update={"source": c.source.model_copy(update={"images": "all"})})


SETTINGS = load_settings(ROOT / "params.yaml")
SEEDS = (0, 1, 2)
CURVES = ("mnist-128", "cifar10-128")  # the claims read no other curve
XI = {"without_psm": 0.7, "without_csm": 0.2, "self_sparse": 0.4}  # where nothing is printed
BASE_PARAMETERS, MODULE_PARAMETERS = 3_610_000, 4_296_000  # MNIST at 128 × 128


def paper_results(spread: float = 0.01, seed: int = 0, fid: dict[str, float] | None = None) -> Results:
    """Return results whose runs have a standard deviation of `spread` times the mean.

    Args:
        spread: over runs, relative to the mean.
        seed: of all draws.
        fid: mean FIDs in place of the printed ones, by configuration.
    """
    rng = np.random.default_rng(seed)

    def draw(mean: float) -> np.ndarray:
        return mean * (1 + spread * rng.standard_normal(len(SEEDS)))

    means = reported()["paper_fid_mean"].to_dict() | (fid or {})
    xi = reported_sparsity()["paper_xi"].to_dict()
    large = printed_table("stl10_samples").query("samples == 50000").set_index("model")["fid"]
    rows: dict[str, list[dict]] = {name: [] for name in TABLES}
    configurations = [_whole(c) for c in SETTINGS.suite("paper")]
    for c in configurations:
        best, small = draw(means[c.name]), draw(means[c.name])
        ratio = large.get(c.model, 0.9) / means[f"stl10-64-{c.model}"] if c.dataset.dataset == "stl10" else 0.9
        many = draw(ratio * means[c.name])
        level = xi.get(c.name, XI.get(c.model, 0.0))
        for i, s in enumerate(SEEDS):
            run = {"configuration": c.name, "seed": s}
            has_module = c.model in XI
            rows["runs"].append(run | {
                "status": "finished", "steps": c.train.steps, "best_step": c.train.steps, "best_fid": best[i],
                "generator_parameters": BASE_PARAMETERS + has_module * MODULE_PARAMETERS,
                "sastm_parameters": has_module * MODULE_PARAMETERS, "discriminator_parameters": BASE_PARAMETERS,
            })  # fmt: skip
            for n_fake, value in zip(c.extractor.samples, (small[i], many[i]), strict=True):
                rows["fid"].append(run | {"generator": "best", "n_fake": n_fake, "n_real": n_fake, "fid": value})
            if c.dataset_key in CURVES:
                rows["curves"] += _curve(run, c, best[i], draw(1.0)[0])
        if c.model != "sagan" and c.network.architecture == "dcgan":
            _stages(rows, c, level, draw)
    return Results(
        suite="paper",
        configurations=tuple(configurations),
        counted_stages="sastm",
        decide=SETTINGS.decide,
        accuracies={},
        provenance={},
        folder=Path("/nowhere"),
        **{name: pd.DataFrame(rows[name], columns=COLUMNS[name]) for name in TABLES},
    )


def _curve(run: dict, c, best: float, factor: float) -> list[dict]:
    """A curve that falls to its lowest at the last step, faster with the module."""
    steps = np.arange(0, c.train.steps + 1, 2000)
    time = factor * c.train.steps / (12 if c.model == "self_sparse" else 8)
    fid = best * (1 + 10 * np.exp(-steps / time) - 10 * np.exp(-c.train.steps / time))
    return [run | {"step": int(step), "fid": value} for step, value in zip(steps, fid, strict=True)]


def _stages(rows: dict, c, level: float, draw) -> None:
    has_module = c.model in XI
    for stage, channels in enumerate(c.network.generator_widths, 1):
        size = 4 * 2 ** (stage - 1)
        slope = 1 + 0.1 * (stage - (len(c.network.generator_widths) + 1) / 2)  # ξ of the stages; their mean is `level`
        xi, zeta = draw(level * slope), draw(0.5 * level)
        final = {
            "negative_given_positive": draw(0.5 - 0.4 * level * slope),
            "zero_gradient": draw(0.5 if has_module else 0.55),
            "weight_negative": draw(0.46 if has_module else 0.52),
        }
        for i, seed in enumerate(SEEDS):
            at = {"configuration": c.name, "seed": seed, "stage": stage, "size": size, "channels": channels}
            rows["sparsity"].append(at | {"xi": xi[i], "zeta": zeta[i]})
            if c.dataset_key != "mnist-128":
                continue
            for step in (0, 10000, 20000):
                start = {"weight_negative": 0.5} if not step else {}
                changed = (0.02 if step else None) if has_module else None
                differs = (0.002 if step else None) if has_module else None
                rows["mechanism"].append(
                    at
                    | {"step": step, "alpha_changed": changed, "beta_changed": changed, "dead_channels": 1, "xi": xi[i]}
                    | {"alpha_differs": differs, "beta_differs": differs}
                    | {"beta_zero": (0.6 if step else 0.5) * (1 + 0.01 * i) if has_module else None}
                    | {name: values[i] for name, values in final.items()}
                    | start
                )


def case(claim: str, values: dict[str, dict] | None = None, **others) -> Case:
    """Return what the rule of a claim reads: the claim's own configurations with given values."""
    return replace(case_of(claim), evidence=Drawn(values or {}, **others))


def decided(claim: str, values: dict[str, dict] | None = None, **others) -> Outcome:
    """Return what the rule of a claim says of given values."""
    found = case(claim, values, **others)
    return RULES[found.claim.rule](found)


def shown(estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def pairs(baseline, sparse, **cells) -> dict[str, dict]:
    """Best FIDs of all pairs; of some cells, named with _ for -, (baseline, sparse) of their own."""
    values = {"wgan_gp": baseline, "self_sparse": sparse}
    for cell, (b, s) in cells.items():
        name = "-".join(cell.rsplit("_", 1))
        values |= {f"{name}-wgan_gp": b, f"{name}-self_sparse": s}
    return {"best_fid": values}


def of_sparsity(spread: float = 0.1, **cells) -> dict[str, dict]:
    """ξ̄ and FIDs of three runs of each pair, by (ξ̄, relative decrease in percent) of each cell."""
    values: dict[str, dict] = {"best_fid": {}, "xi_bar": {}}
    for cell, (xi, percent) in cells.items():
        name, around = "-".join(cell.rsplit("_", 1)), np.array([-1, 0, 1])
        values["best_fid"] |= {
            f"{name}-wgan_gp": 100 + spread * around,
            f"{name}-self_sparse": 100 - percent + spread * around,
        }
        values["xi_bar"][f"{name}-self_sparse"] = xi + 0.01 * around
    return values


RISING = {
    "celeba_hq_64": (0.2, 5), "lsun_bedroom_64": (0.3, 7), "stl10_64": (0.4, 9), "mini_imagenet_64": (0.5, 11),
    "celeba_hq_128": (0.2, 5), "lsun_bedroom_128": (0.3, 7), "mnist_128": (0.4, 9), "cifar10_128": (0.5, 12),
}  # fmt: skip
