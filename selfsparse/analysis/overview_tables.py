"""The tables behind the figures: FID over training, sample sheets, feature maps; and where the numbers come from."""

import math

import numpy as np
import pandas as pd

from selfsparse.analysis.sheets import feature_map_rows
from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import fid_title, table_of
from selfsparse.provenance import commit_text
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, count, mean_std, model_label, number, share
from selfsparse.statistics.moments import moments


def curves_table(results: Results) -> Table:
    """FID at the first, the best and the last evaluation, and the steps until it is half of the first."""
    rows = []
    for c in results.configurations:
        runs = results.count(c)
        curves = [run.sort_values("step") for _, run in results.finished(results.curves, c).groupby("seed")]
        first, best, last = (moments([pick(run["fid"]) for run in curves]) for pick in (_first, min, _last))
        best_step = moments([run.loc[run["fid"].idxmin(), "step"] for run in curves])
        half_step = moments([_half_step(run) for run in curves])
        data = {
            "configuration": c.name,
            "n": first.n,
            "first_mean": first.mean,
            "best_mean": best.mean,
            "last_mean": last.mean,
            "last_std": last.std,
        }
        data |= {
            "best_step_mean": best_step.mean,
            "half_step_mean": half_step.mean,
            "extractor": c.extractor.extractor,
            "runs": runs.text,
        }
        text = {
            "Configuration": c.name,
            "Step 0": mean_std(first, without_value=runs.without_value),
            "Lowest": mean_std(best),
            "at step": mean_std(best_step, 0),
            "Last": mean_std(last),
            "Steps to half of step 0": mean_std(half_step, 0),
            "n": first.n,
            "Extractor": c.extractor.extractor,
            "Runs": runs.text,
        }
        rows.append((data, text))
    return table_of(
        rows, ([], []), f"{fid_title(results)} during training, mean ± standard deviation over n finished runs."
    )


def _first(values: pd.Series) -> float:
    return float(values.iloc[0])


def _last(values: pd.Series) -> float:
    return float(values.iloc[-1])


def _half_step(run: pd.DataFrame) -> float:
    """Return the first step whose FID is at most half of that at step 0; NaN where there is none."""
    reached = run.loc[run["fid"] <= run["fid"].iloc[0] / 2, "step"]
    return float(reached.iloc[0]) if len(reached) else math.nan


def samples_table(results: Results) -> Table:
    """Which generator each sample sheet shows: the best of the first seed that finished."""
    rows = []
    for c in results.configurations:
        runs = results.finished(results.runs, c).sort_values("seed")
        shown = runs.iloc[0] if len(runs) and results.sample_sheet(c).is_file() else {}
        values = {name: float(shown.get(name, math.nan)) for name in ("seed", "best_step", "best_fid")}
        text = {
            "Configuration": c.name,
            "Sheet": results.count(c).without_value if not len(shown) else "shown",
            "Seed": count(values["seed"]),
            "Best step": count(values["best_step"]),
            "FID of that step": number(values["best_fid"]),
            "Extractor": c.extractor.extractor,
        }
        rows.append(
            ({"configuration": c.name, "sheet": text["Sheet"], "extractor": c.extractor.extractor} | values, text)
        )
    return table_of(rows, ([], []), "The generators behind the sample sheets.")


def feature_maps_table(results: Results) -> Table:
    """Zeros of alpha, beta and the shown maps, per stage, for the one latent that the sheets show."""
    rows = []
    for c, arrays in feature_map_rows(results):
        stages = sorted(int(key[2:]) for key in arrays if key.startswith("x_"))
        for t in stages or [None]:
            zeros = {name: _zeros(arrays.get(f"{name}_{t}")) for name in ("alpha", "beta", "h", "x")}
            data = {"configuration": c.name, "stage": t} | {f"{name}_zero": value for name, value in zeros.items()}
            text = {
                "Configuration": c.name,
                "Model": model_label(c.model),
                "Stage": results.count(c).without_value if t is None else t,
                "α = 0": share(zeros["alpha"]),
                "β = 0": share(zeros["beta"]),
                "h = 0, shown channels": share(zeros["h"]),
                "x = 0, shown channels": share(zeros["x"]),
            }
            rows.append((data, text))
    return table_of(rows, ([], []), "Share of exact zeros in the feature maps shown here (one latent).")


def _zeros(array: np.ndarray | None) -> float:
    return math.nan if array is None else float(np.mean(array == 0))


def provenance_table(results: Results) -> Table:
    """Where every configuration's numbers come from: commit, device, versions, wall time of its training."""
    names = ("git_commit", "uncommitted_changes", "device", "system", "python", "torch", "torchvision", "seconds")
    rows = []
    for c in results.configurations:
        found = {name: results.provenance.get(c.name, {}).get(name) for name in names}
        shown = {name: MISSING if value is None else str(value) for name, value in found.items()}
        text = {
            "Configuration": c.name,
            "Commit": commit_text(found) if c.name in results.provenance else MISSING,
            "Device": shown["device"],
            "System": shown["system"],
            "Python": shown["python"],
            "torch": shown["torch"],
            "torchvision": shown["torchvision"],
            "Wall time, s": results.count(c).without_value if found["seconds"] is None else number(found["seconds"], 0),
        }
        rows.append(({"configuration": c.name} | found, text))
    return table_of(rows, ([], []), "Provenance: what trained each configuration, all its seeds together.")
