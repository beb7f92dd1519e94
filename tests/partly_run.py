"""A small project with a made-up summary: finished, diverged, part-run and not-run configurations side by side."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_project import params_text

# alpha (a), beta (b), as in the paper
HEADS = {"wgan_gp": "", "self_sparse": "ab", "without_psm": "a", "without_csm": "b"}
STAGES = ((4, 64), (8, 32))  # (size, channels)
LEVEL = {"wgan_gp": 40.0, "self_sparse": 32.0, "without_psm": 37.0, "without_csm": 90.0}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project's root with params.yaml and nothing run, as the current folder."""
    (tmp_path / "params.yaml").write_text(params_text(), encoding="utf-8")
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ran(project) -> Path:
    """The project with suite quick run in part: see write_summary."""
    write_summary(project)
    return project


def write_summary(root: Path, suite: str = "quick") -> None:
    """Write results/<suite>/summary: without_csm has one diverged run of three; of the photos, WGAN-GP alone has run."""
    from selfsparse.results.arrays import write_arrays
    from selfsparse.results.reading import load_results
    from selfsparse.results.sheets import write_sheets

    rng = np.random.default_rng(0)
    folder = root / "results" / suite / "summary"
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[dict]] = {"runs": [], "curves": [], "fid": [], "sparsity": []}
    provenance, maps = {}, {}
    configurations = [c for c in load_results(suite).configurations if _has_run(c)]
    for number, c in enumerate(configurations):
        for seed in c.train.seeds:
            diverged = c.model == "without_csm" and seed == 2
            _run(tables, c, seed, diverged, LEVEL[c.model] * (1 + 0.1 * number), rng)
        maps[c.name] = _maps(c, rng)
        provenance[c.name] = {
            "git_commit": "0" * 40, "uncommitted_changes": False, "finished": f"2026-11-{24 + number % 2}T10:00:00Z",
            "cpu_cores": 2, "python": "3.11", "torch": "2.8", "device": "cpu", "system": "Linux", "seconds": 12.5,
        }  # fmt: skip
    write_arrays(folder, "feature_maps", maps)
    with TemporaryDirectory() as name:
        for kind, stage in (("samples", "measure"), ("progress", "train")):
            write_sheets(folder, kind, {c: _sheet(Path(name), c, kind, rng) for c in configurations}, stage)
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    (folder.parent / "provenance").mkdir(exist_ok=True)
    for name, entry in provenance.items():
        (folder.parent / f"provenance/{name}.json").write_text(json.dumps(entry))
    from selfsparse.results.correlation import pairs

    pairs(configurations, pd.DataFrame(tables["fid"]), pd.DataFrame(tables["sparsity"]), "sastm").to_csv(
        folder / "correlation.csv", index=False
    )


def _has_run(c) -> bool:
    return c.dataset.dataset != "photos" or c.name == "photos-16-wgan_gp"


def _run(tables, c, seed, diverged, level, rng) -> None:
    run, has = {"configuration": c.name, "seed": seed}, HEADS[c.model]
    steps = list(range(0, c.train.steps + 1, c.train.evaluate_every))[: 4 if diverged else None]
    fids = [level * (1 + 12 * np.exp(-6 * step / c.train.steps)) * rng.uniform(0.9, 1.1) for step in steps]
    best = int(np.argmin(fids))
    ended = {
        "status": "diverged" if diverged else "finished",
        "steps": steps[-1],
        "diverged_at": steps[-1] if diverged else None,
    }
    counts = {"generator_parameters": 1000, "sastm_parameters": 100, "discriminator_parameters": 900}
    tables["runs"].append(run | ended | {"best_step": steps[best], "best_fid": fids[best]} | counts)
    losses = {"discriminator_loss": -1.0, "generator_loss": 1.0, "gradient_penalty": 0.1}
    norms = {"discriminator_gradient_norm": 1.0, "generator_gradient_norm": 1.0}
    rows = zip(steps, fids, strict=True)
    tables["curves"] += [run | {"step": step, "fid": fid} | losses | norms for step, fid in rows]
    if diverged:
        return
    for generator, value in (("best", fids[best]), ("last", fids[-1])):
        for n_fake in c.extractor.samples:
            row = {
                "generator": generator,
                "n_fake": n_fake,
                "n_real": min(n_fake, 1797),
                "fid": value * rng.uniform(1, 1.1),
            }
            small = {"kid": value / 500, "precision": 0.5, "recall": 0.25} if n_fake == c.extractor.samples[0] else {}
            tables["fid"].append(run | row | {"kid": None, "kid_std": 0.001, "precision": None, "recall": None} | small)
    for stage, (size, channels) in enumerate(STAGES, 1):
        rates = {"xi": rng.uniform(0.2, 0.6), "zeta": rng.uniform(0.1, 0.3)} if has else {"xi": 0.0, "zeta": 0.0}
        zeros = {"alpha_zero": 0.5 if "a" in has else None, "beta_zero": 0.4 if "b" in has else None}
        tables["sparsity"].append(run | {"stage": stage, "size": size, "channels": channels} | rates | zeros)


def _sheet(folder: Path, c, kind: str, rng) -> Path:
    size, path = c.dataset.resolution, folder / f"{c.name}.png"
    rows, columns = (8, 8) if kind == "samples" else (c.train.steps // c.train.snapshot_every + 1, 10)
    shape = (rows * size, columns * size) + ((3,) if c.dataset.channels == 3 else ())
    Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(path)
    return path


def _maps(c, rng) -> dict[str, np.ndarray]:
    size, channels = c.dataset.resolution, c.dataset.channels
    arrays = {"image": rng.integers(0, 255, (channels, size, size), dtype=np.uint8)}
    for stage, (height, width) in enumerate(((4, 64), (8, 32)), 1):
        h = rng.normal(size=(16, height, height)).astype(np.float32)
        draws = (rng.normal(size=shape) for shape in ((width,), (height, height)))
        alpha, beta = (np.maximum(draw, 0).astype(np.float32) for draw in draws)
        has = HEADS[c.model]
        factor = (alpha[:16, None, None] if "a" in has else 0) + (beta if "b" in has else 0) if has else 1
        arrays |= {f"h_{stage}": h, f"x_{stage}": (factor * h).astype(np.float32)}
        arrays |= ({f"alpha_{stage}": alpha} if "a" in has else {}) | ({f"beta_{stage}": beta} if "b" in has else {})
    return arrays
