"""What a suite has measured, as small files for git: all that the notebooks read."""

import re
import shutil
from pathlib import Path

import pandas as pd

from selfsparse.config import Configuration, Settings
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, read_json, write_json, write_text
from selfsparse.paths import project_root, result_dir, suite_dir

DIGITS = 4  # of summary.json, which `dvc metrics diff` prints
RUN_COLUMNS = [
    "configuration", "seed", "status", "steps", "diverged_at", "best_step", "best_fid",
    "generator_parameters", "sastm_parameters", "discriminator_parameters",
]  # fmt: skip
CURVE_COLUMNS = [
    "configuration", "seed", "step", "fid", "discriminator_loss", "generator_loss", "gradient_penalty",
    "discriminator_gradient_norm", "generator_gradient_norm",
]  # fmt: skip
FID_COLUMNS = ["configuration", "seed", "generator", "n_fake", "n_real", "fid", "kid", "kid_std"]
SPARSITY_COLUMNS = ["configuration", "seed", "stage", "size", "channels", "xi", "zeta", "alpha_zero", "beta_zero"]


def summarise(settings: Settings, suite: str) -> tuple[list[str], list[str]]:
    """Write results/<suite>/summary/ and summary.json from whatever has been run; nothing is filled in.

    The names come from params.yaml: leftovers of renamed configurations are ignored.

    Returns:
        The configurations with results, and those without.

    Raises:
        DataError: dvc.lock records a result that is not on this disk; the committed summary would lose it.
    """
    configurations = settings.suite(suite)
    _check_nothing_lost(configurations)
    folder = suite_dir(suite) / "summary"
    runs, curves, fid, sparsity = ([] for _ in range(4))
    provenance, small_files = {}, {}
    for c in configurations:
        run_dir, fid_dir, sparsity_dir = (result_dir(suite, kind, c.name) for kind in ("runs", "fid", "sparsity"))
        for seed in c.train.seeds:
            if (run_dir / f"seed{seed}" / "run.json").is_file():
                runs.append(read_json(run_dir / f"seed{seed}" / "run.json"))
                curves.append(_read(run_dir / f"seed{seed}" / "curves.csv", c.name).assign(seed=seed))
                small_files.setdefault(folder / "progress" / f"{c.name}.png", run_dir / f"seed{seed}" / "progress.png")
        if (run_dir / "provenance.json").is_file():
            provenance[c.name] = read_json(run_dir / "provenance.json")
        if (fid_dir / "fid.csv").is_file():
            fid.append(_read(fid_dir / "fid.csv", c.name))
            small_files[folder / "samples" / f"{c.name}.png"] = fid_dir / "samples.png"
        if (sparsity_dir / "sparsity.csv").is_file():
            sparsity.append(_read(sparsity_dir / "sparsity.csv", c.name))
            small_files[folder / "feature_maps" / f"{c.name}.npz"] = sparsity_dir / "feature_maps.npz"
    tables = {
        "runs": _table([pd.DataFrame(runs)] if runs else [], RUN_COLUMNS),
        "curves": _table(curves, CURVE_COLUMNS),
        "fid": _table(fid, FID_COLUMNS),
        "sparsity": _table(sparsity, SPARSITY_COLUMNS),
    }
    for kind in ("progress", "samples", "feature_maps"):
        shutil.rmtree(folder / kind, ignore_errors=True)
    for target, source in small_files.items():
        with atomic_path(target) as partial:
            shutil.copyfile(source, partial)
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    correlation = suite_dir(suite) / "correlation.csv"
    if correlation.is_file():
        write_text(folder / "correlation.csv", correlation.read_text(encoding="utf-8"))
    write_json(folder / "provenance.json", provenance)
    write_json(suite_dir(suite) / "summary.json", _metrics(configurations, tables))
    done = set(tables["runs"]["configuration"])
    return [c.name for c in configurations if c.name in done], [c.name for c in configurations if c.name not in done]


def _check_nothing_lost(configurations: list[Configuration]) -> None:
    lock = project_root() / "dvc.lock"
    recorded = (
        set(re.findall(r"^  fid@([^:\s]+):", lock.read_text(encoding="utf-8"), re.M)) if lock.is_file() else set()
    )
    lost = [
        c.name
        for c in configurations
        if c.name in recorded and not (result_dir(c.suite, "fid", c.name) / "fid.csv").is_file()
    ]
    if lost:
        raise DataError(
            f"dvc.lock records results that are not on this disk: {', '.join(lost)}.\n"
            f"The summary stays as it is. Restore them with `dvc checkout` or `dvc pull`, or make them with `dvc repro fid@{lost[0]}`."
        )


def _read(path: Path, configuration: str) -> pd.DataFrame:
    return pd.read_csv(path).assign(configuration=configuration)


def _table(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    # Columns that are empty for one model (alpha_zero of the baseline) would lose their type in a concatenation.
    parts = [part.astype({c: "float64" for c in part if part[c].isna().all()}) for part in parts]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def sample_label(count: int) -> str:
    """Return a sample count as the field writes it: 5000 -> 5k, 1797 -> 1797."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def _metrics(configurations: list[Configuration], tables: dict[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """Per configuration: FIDs, their spread over seeds, sparsity, and how many runs these come from."""
    metrics = {}
    for c in configurations:
        own = {name: table[table["configuration"] == c.name] for name, table in tables.items()}
        if own["runs"].empty:
            continue
        values: dict[str, float] = {"best_fid_in_training": own["runs"]["best_fid"].mean()}
        best = own["fid"][own["fid"]["generator"] == "best"]
        for count, group in best.groupby("n_fake"):
            values[f"fid_{sample_label(count)}"] = group["fid"].mean()
            values[f"fid_{sample_label(count)}_std"] = group["fid"].std(ddof=1)
        if not own["sparsity"].empty:
            values["sparsity"] = own["sparsity"].groupby("seed")["xi"].mean().mean()  # Eq. 15
        values["runs"] = len(own["runs"])
        values["diverged"] = int((own["runs"]["status"] == "diverged").sum())
        metrics[c.name] = {key: round(float(value), DIGITS) for key, value in values.items() if pd.notna(value)}
    return metrics
