"""Feature maps before and after the SASTM (Fig. 5 and 6), of the first seed's best generator and one latent."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from selfsparse.analysis import style, table
from selfsparse.analysis.axes import DIVERGING, ZERO, bare, show_values
from selfsparse.analysis.comparisons import among
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Table, number, said
from selfsparse.config import Configuration
from selfsparse.registry import BASELINE, MODELS, SASTM_MODELS, SPARSE
from selfsparse.results.reading import Results
from selfsparse.results.text import group_key, group_label, model_label, share, short

MAPS_BESIDE = 4  # channels of a stage are shown in rows of four
Arrays = dict[str, np.ndarray]  # h_<t> and x_<t> (k, H, W), alpha_<t> (C), beta_<t> (H, W)


def belongs(results: Results) -> bool:
    """Whether a suite has anything for this notebook: maps of a SASTM."""
    return any(c.model in SASTM_MODELS for c in results.configurations)


def feature_map_sheets(results: Results) -> list[Drawing]:
    """One sheet per configuration with a SASTM, beside the baseline of its group: maps, alpha and beta of each stage."""
    return [
        _feature_maps(results, c, next((other for other in group if other.model == BASELINE), None), group_label(key))
        for key, group in results.groups().items()
        for c in group
        if c.model in SASTM_MODELS
    ]


@style.styled()
def _feature_maps(results: Results, c: Configuration, baseline: Configuration | None, title: str) -> Drawing:
    ours, theirs = results.arrays(c, "feature_maps"), results.arrays(baseline, "feature_maps") if baseline else {}
    stages = _stages(ours) or _stages(theirs) or [1]
    figure = Figure(figsize=(style.TWO_COLUMNS, 1.75 * len(stages) + 0.7))
    axes = figure.subplots(len(stages), 5, squeeze=False)
    model, missing = model_label(c.model), results.count(c).without_value
    for row, t in zip(axes, stages, strict=True):
        _maps(row[0], theirs, f"x_{t}", results.count(baseline).without_value if baseline else "not run")
        _maps(row[1], ours, f"h_{t}", missing)
        _maps(row[2], ours, f"x_{t}", missing)
        _alpha(row[3], ours, t, c.model, missing)
        _beta(row[4], ours, t, missing)
        row[0].set_ylabel(_stage_label(ours or theirs, t))
    before, behind = f"{model}\nh, before SASTM", f"{model}\nx, after SASTM"
    titles = ("WGAN-GP\nx", before, behind, "channel head α", "position head β")
    for axis, text in zip(axes[0], titles, strict=True):
        axis.set_title(text, fontsize=7.5)
    figure.suptitle(f"{title}: {model}, first seed's best generator, one latent", fontsize=9)
    _colour_legend(figure, axes[:, 1:])
    alt = f"Feature maps of {c.name}, stage by stage, beside the baseline: maps before and after the SASTM, alpha and beta."
    return Drawing(c.name, figure, alt)


def module_sheets(results: Results) -> list[Drawing]:
    """x of the generator with the channel module alone above that of both modules, stage by stage (Fig. 5)."""
    return [_both(results, p.higher, p.lower) for p in among(results, [(SPARSE, "without_psm")])]


@style.styled()
def _both(results: Results, alone: Configuration, both: Configuration) -> Drawing:
    key = group_key(both)
    rows = [(c, results.arrays(c, "feature_maps")) for c in (alone, both)]
    stages = sorted({t for _, arrays in rows for t in _stages(arrays)}) or [1]
    width = style.TWO_COLUMNS if len(stages) > 2 else style.ONE_COLUMN
    figure = Figure(figsize=(width, 2 * (min(width / len(stages), 1.75) + 0.25) + 0.8))
    axes = figure.subplots(2, len(stages), squeeze=False)
    for row, (c, arrays), label in zip(axes, rows, ("CSM alone", "CSM and PSM"), strict=True):
        for axis, t in zip(row, stages, strict=True):
            _maps(axis, arrays, f"x_{t}", results.count(c).without_value)
        row[0].set_ylabel(label)
    shown = next((arrays for _, arrays in rows if arrays), {})
    for axis, t in zip(axes[0], stages, strict=True):
        axis.set_title(_stage_label(shown, t).replace("\n", ", "), fontsize=7.5)
    title = f"{group_label(key)}: x after the SASTM"
    figure.suptitle(title, fontsize=9)
    _colour_legend(figure, axes)
    alt = f"{title}, first seed's best generator, one latent; the channel module alone above both modules, one column per stage, exact zeros in grey."
    return Drawing("-".join(["csm_alone", *map(str, filter(None, key))]), figure, alt)


def _stages(arrays: Arrays) -> list[int]:
    return sorted(int(key[2:]) for key in arrays if key.startswith("x_"))


def _stage_label(arrays: Arrays, stage: int) -> str:
    maps = arrays.get(f"x_{stage}")
    return f"stage {stage}" + ("" if maps is None else f"\n{maps.shape[-2]} × {maps.shape[-1]}")


def _maps(axis: Axes, arrays: Arrays, key: str, missing: str) -> None:
    """Show maps (k, H, W) as a square of tiles in one scale: the largest magnitude of them all."""
    bare(axis)
    if key not in arrays:
        style.note(axis, missing)
        return
    largest = show_values(axis, _tiles(arrays[key]), arrays[key])
    axis.set_xlabel(f"±{short(largest)}, zero {share(np.mean(arrays[key] == 0))}", fontsize=6.5)


def _tiles(maps: np.ndarray) -> np.ndarray:
    """Lay maps (k, H, W) out in rows of MAPS_BESIDE with gaps of NaN."""
    k, height, width = maps.shape
    gap = max(1, width // 12)
    rows = -(-k // MAPS_BESIDE)
    sheet = np.full((rows * (height + gap) - gap, MAPS_BESIDE * (width + gap) - gap), np.nan)
    for i in range(k):
        top, left = i // MAPS_BESIDE * (height + gap), i % MAPS_BESIDE * (width + gap)
        sheet[top : top + height, left : left + width] = maps[i]
    return sheet


def _alpha(axis: Axes, arrays: Arrays, stage: int, model: str, missing: str) -> None:
    """Draw alpha (C,) over the channels."""
    alpha = arrays.get(f"alpha_{stage}")
    if alpha is None:
        style.blank(axis, "no α" if arrays else missing)
        return
    axis.bar(range(len(alpha)), alpha, width=1.0, color=MODELS[model].colour)
    axis.set_xlim(-0.5, len(alpha) - 0.5)
    axis.set_box_aspect(1)
    axis.tick_params(labelsize=6)
    axis.set_xlabel(f"channel, zero {share(np.mean(alpha == 0))}", fontsize=6.5)


def _beta(axis: Axes, arrays: Arrays, stage: int, missing: str) -> None:
    """Draw beta (H, W) over the positions."""
    beta = arrays.get(f"beta_{stage}")
    if beta is None:
        style.blank(axis, "no β" if arrays else missing)
        return
    largest = show_values(axis, beta, beta)
    axis.set_xlabel(f"0 to {short(largest)}, zero {share(np.mean(beta == 0))}", fontsize=6.5)


def _colour_legend(figure: Figure, axes: np.ndarray) -> None:
    place = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.02, "ticks": [-1, 0, 1]}
    bar = figure.colorbar(ScalarMappable(Normalize(-1, 1), DIVERGING), ax=axes, **place)
    bar.set_label("value / largest magnitude of the panel (±, under it)")
    figure.legend(handles=[Patch(color=ZERO, label="exactly 0")], loc="outside lower center")


def feature_maps_table(results: Results) -> Table:
    """Zeros of alpha, beta and the shown maps, per stage, for the one latent that the sheets show; and xi and zeta of all."""
    rows = []
    for c in results.configurations:
        arrays = results.arrays(c, "feature_maps")
        over_all = results.finished(results.sparsity, c).groupby("stage")[["xi", "zeta"]].mean()
        for t in _stages(arrays) or [None]:  # type: ignore[list-item]
            row = {"configuration": c.name, "stage": t, "_model": model_label(c.model)}
            row["_stage"] = results.count(c).without_value if t is None else t
            for name in ("alpha", "beta", "h", "x"):
                array = arrays.get(f"{name}_{t}")
                row[f"{name}_zero"] = math.nan if array is None else float(np.mean(array == 0))
            rows.append(row | {name: float(over_all[name].get(t, math.nan)) for name in ("xi", "zeta")})
    columns = {
        "Configuration": said("configuration"),
        "Model": said("_model"),
        "Stage": said("_stage"),
        "α = 0": table.share("alpha_zero"),
        "β = 0": table.share("beta_zero"),
        "h = 0, shown channels": table.share("h_zero"),
        "x = 0, shown channels": table.share("x_zero"),
        "ξ, all latents": number("xi", 3),
        "ζ, all latents": number("zeta", 3),
    }
    caption = "Share of exact zeros in the feature maps shown here (one latent); ξ and ζ (Eq. 4, 5) over all latents, mean of the finished runs."
    return Table(rows, columns, caption)
