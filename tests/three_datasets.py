"""A project whose suite laptop has three datasets, and made-up results of it: five models, and one with as many parameters."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from selfsparse.results.reading import Results, load_results, summary_path
from selfsparse.results.rows import COLUMNS

MODELS = ("wgan_gp", "self_sparse", "without_psm", "without_csm", "wgan_gp-matched")
NAMES = {
    f"{dataset}-32-{model}-laptop": (dataset, model)
    for dataset, models in (("mnist", MODELS), ("fashion_mnist", MODELS), ("cifar10", (*MODELS[:2], MODELS[4])))
    for model in models
}
HEADS = {"self_sparse": ("alpha", "beta"), "without_psm": ("alpha",), "without_csm": ("beta",)}
STAGES = ((1, 4, 64), (2, 8, 32), (3, 16, 16))


def changes(seeds: int = 10) -> dict:
    """What the project's settings have besides those that every project of the tests has."""
    found: dict = {
        "suites.laptop.train.seeds": list(range(seeds)),
        "networks.small_32_matched": {
            "architecture": "dcgan", "generator_widths": [120, 60, 30], "discriminator_widths": [16, 32, 64],
            "sastm_widths": [256, 128], "position_size": 8,
        },
    }  # fmt: skip
    for dataset, channels in (("fashion_mnist", 1), ("cifar10", 3)):
        image = {"dataset": dataset, "resolution": 32}
        found[f"datasets.{dataset}-32"] = image | {"channels": channels, "filter": "bilinear", "border": 0}
        found[f"extractors.{dataset}-32-lenet"] = image | {"extractor": "lenet", "samples": [5000, 50000]}
    for name, (dataset, model) in NAMES.items():
        network = "small_32" + "_matched" * model.endswith("matched")
        row = {"suite": "laptop", "dataset": dataset, "resolution": 32, "extractor": "lenet", "latent_dim": 100}
        found[f"configurations.{name}"] = row | {"model": model.removesuffix("-matched"), "network": network}
    return found


def made_up(folder: Path, fids: dict[tuple[str, str], list[float]]) -> Results:
    """Return results of such a project in `folder`, which has to be the current one.

    Args:
        fids: the primary outcome of each run, by dataset and model, "" for any other dataset; the lowest FIDs of the
            trainings are 1 less, and a curve falls from 100 to its lowest at the end.
    """
    results = dataclasses.replace(load_results("laptop"), folder=folder / "results/laptop/summary")
    rng = np.random.default_rng(0)
    rows: dict[str, list[dict]] = {name: [] for name in ("runs", "curves", "fid", "mechanism", "sparsity")}
    dead = []
    for c in results.configurations:
        dataset, model = NAMES[c.name]
        for seed, fid in enumerate(fids.get((dataset, model)) or fids["", model]):
            run = {"configuration": c.name, "seed": seed}
            own = {"sastm_parameters": 215_516 if c.model in HEADS else 0, "generator_parameters": 359_356}
            rows["runs"].append(run | own | {"status": "finished", "steps": c.train.steps, "best_fid": fid - 1})
            for step in range(0, c.train.steps + 1, 1000):
                rows["curves"].append(run | {"step": step, "fid": fid - 1 + (101 - fid) * (1 - step / c.train.steps)})
            for n_fake in c.extractor.samples:
                again = {"n_fake": n_fake, "n_real": n_fake, "kid": 1.5, "precision": 0.5, "recall": 0.25}
                rows["fid"] += [run | again | {"generator": g, "fid": fid} for g in ("best", "last")]
            for stage, size, channels in STAGES:
                heads = HEADS.get(c.model, ())
                at = run | {"stage": stage, "size": size, "channels": channels}
                xi = 0.5 if heads else 0.0
                rows["sparsity"].append(at | {"xi": xi, "zeta": xi / 2})
                dead.append(at | {"proven": 0, "observed": stage if model == "without_psm" else 0})
                for step in (0, 250, 500, c.train.steps):
                    seen = at | {"step": step, "dead_channels": 0, "xi": xi, "weight_mean": 0.001}
                    seen |= {"negative_given_positive": 0.1, "zero_gradient": 0.5 + 0.01 * stage * bool(heads)}
                    seen["weight_negative"] = 0.5 - 0.02 * bool(heads) + 0.001 * rng.normal()
                    for head in heads:
                        seen |= {f"{head}_zero": 0.1 * stage, f"{head}_changed": 0.1 if step else None}
                        seen[f"{head}_differs"] = 0.2 if step > 250 else None
                    rows["mechanism"].append(seen)
    frames = {name: pd.DataFrame(own, columns=COLUMNS[name]) for name, own in rows.items()}
    results.folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(dead, columns=COLUMNS["dead_channels"]).to_csv(results.folder / "dead_channels.csv", index=False)
    for name, frame in frames.items():
        frame.to_csv(summary_path(results.folder, name), index=False)
    return dataclasses.replace(results, **frames)
