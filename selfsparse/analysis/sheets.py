"""The picture sheets: generated samples (Fig. 8), their progress over training, and feature maps (Fig. 5 to 7)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from selfsparse.analysis import style
from selfsparse.analysis.drawing import Drawing
from selfsparse.config import Configuration, variation, variation_label
from selfsparse.registry import SASTM_MODELS
from selfsparse.results.reading import Results
from selfsparse.results.text import dataset_label, group_label, model_label, share, short

COLOURS = "PuOr"  # negative, white at 0, positive
ZERO = (0.35, 0.35, 0.35)  # a value that is exactly 0: no colour of the map
LATENTS_SHOWN = 10  # columns of a progress sheet
MAPS_BESIDE = 4  # channels of a stage are shown in rows of four


def sample_sheets(results: Results) -> list[Drawing]:
    """Sheets of generated images, those of one dataset side by side (Fig. 8)."""
    return _sheets(results, "samples", results.sample_sheet, "8 × 8 images of the first seed's best generator", None)


def progress_sheets(results: Results) -> list[Drawing]:
    """Ten fixed latents over training, those of one dataset side by side; every row is a generator step."""
    return _sheets(results, "progress", results.progress_sheet, "ten fixed latents over training", _label_steps)


@style.styled()
def _sheets(
    results: Results,
    kind: str,
    place: Callable[[Configuration], Path],
    what: str,
    label: Callable[[Axes, Configuration, int], None] | None,
) -> list[Drawing]:
    by_dataset: dict[tuple, list[Configuration]] = {}
    for c in results.configurations:
        by_dataset.setdefault((c.dataset.dataset, c.dataset.resolution), []).append(c)
    drawings = []
    for key, group in by_dataset.items():
        beside = min(4 if label is None else 3, max(2, len(group)))
        shape = (
            1.0 if label is None else 0.8 * max(map(_steps_shown, group)) / LATENTS_SHOWN
        )  # step labels take the rest
        figure, axes = style.panels(len(group), panel_height=shape * style.TWO_COLUMNS / beside + 0.35, most=beside)
        for axis, c in zip(axes, group, strict=True):
            axis.set_title(model_label(c.model) + (f"\n{variation_label(variation(c))}" if variation(c) else ""))
            _sheet(axis, results, c, place(c), label)
        figure.suptitle(f"{dataset_label(*key)}: {what}", fontsize=9)
        name = f"{kind}-{key[0]}-{key[1]}"
        drawings.append(
            Drawing(name, figure, f"{dataset_label(*key)}, suite {results.suite}: {what}, one panel per configuration.")
        )
    return drawings


def _sheet(axis: Axes, results: Results, c: Configuration, path: Path, label: Callable | None) -> None:
    if not path.is_file():
        style.blank(axis, results.count(c).without_value)
        return
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    axis.imshow(pixels, interpolation="nearest")
    bare(axis)
    if label:
        label(axis, c, pixels.shape[0])


def _steps_shown(c: Configuration) -> int:
    """Return the rows of a progress sheet: step 0 and every snapshot."""
    return c.train.steps // c.train.snapshot_every + 1


def _label_steps(axis: Axes, c: Configuration, height: int) -> None:
    rows = height // c.dataset.resolution
    every = max(1, rows // 6)
    ticks = range(0, rows, every)
    axis.set_yticks(
        [(r + 0.5) * c.dataset.resolution for r in ticks], [f"{r * c.train.snapshot_every:,}" for r in ticks]
    )
    axis.set_ylabel("generator steps")
    axis.tick_params(left=False)


def feature_map_sheets(results: Results) -> list[Drawing]:
    """One sheet per configuration with a SASTM, beside the baseline of its group: maps, alpha and beta of each stage."""
    drawings = []
    for key, group in results.groups().items():
        baseline = next((c for c in group if c.model == "wgan_gp"), None)
        for c in group:
            if c.model in SASTM_MODELS:
                drawings.append(_feature_maps(results, c, baseline, group_label(key)))
    return drawings or [_nothing(results, "none", "no configuration of this suite has a SASTM")]


@style.styled()
def _feature_maps(results: Results, c: Configuration, baseline: Configuration | None, title: str) -> Drawing:
    ours, theirs = _arrays(results, c), _arrays(results, baseline)
    stages = _stages(ours) or _stages(theirs) or [1]
    figure = Figure(figsize=(style.TWO_COLUMNS, 1.75 * len(stages) + 0.7))
    axes = figure.subplots(len(stages), 5, squeeze=False)
    model, missing = model_label(c.model), results.count(c).without_value
    for row, t in zip(axes, stages, strict=True):
        _maps(row[0], theirs, f"x_{t}", "not run" if baseline is None else results.count(baseline).without_value)
        for axis, key in ((row[1], f"h_{t}"), (row[2], f"x_{t}")):
            _maps(axis, ours, key, missing)
        _alpha(row[3], ours, t, c.model, missing)
        _beta(row[4], ours, t, missing)
        row[0].set_ylabel(_stage_label(ours or theirs, t))
    titles = (
        "WGAN-GP\nx",
        f"{model}\nh, before SASTM",
        f"{model}\nx, after SASTM",
        "channel head α",
        "position head β",
    )
    for axis, text in zip(axes[0], titles, strict=True):
        axis.set_title(text, fontsize=7.5)
    figure.suptitle(f"{title}: {model}, first seed's best generator, one latent", fontsize=9)
    _colour_legend(figure, axes[:, 1:])
    alt = f"Feature maps of {c.name}, stage by stage, beside the baseline: maps before and after the SASTM, alpha and beta."
    return Drawing(c.name, figure, alt)


@style.styled()
def module_sheets(results: Results) -> list[Drawing]:
    """x of the generator with the channel module alone above that of both modules, stage by stage (Fig. 5)."""
    drawings = []
    for key, group in results.groups().items():
        models = {c.model: c for c in group}
        if {"without_psm", "self_sparse"} <= models.keys():
            drawings.append(_both(results, models["without_psm"], models["self_sparse"], key))
    return drawings or [_nothing(results, "csm_alone", "no configuration of this suite has the channel module alone")]


def _both(results: Results, alone: Configuration, both: Configuration, key: tuple[str, int, str]) -> Drawing:
    rows = [(c, _arrays(results, c)) for c in (alone, both)]
    stages = sorted({t for _, arrays in rows for t in _stages(arrays)}) or [1]
    width = style.TWO_COLUMNS if len(stages) > 2 else style.ONE_COLUMN
    figure = Figure(figsize=(width, 2 * (min(width / len(stages), 1.75) + 0.25) + 0.8))
    axes = figure.subplots(2, len(stages), squeeze=False)
    for row, (c, arrays) in zip(axes, rows, strict=True):
        for axis, t in zip(row, stages, strict=True):
            _maps(axis, arrays, f"x_{t}", results.count(c).without_value)
        row[0].set_ylabel({"without_psm": "CSM alone", "self_sparse": "CSM and PSM"}[c.model])
    shown = next((arrays for _, arrays in rows if arrays), {})
    for axis, t in zip(axes[0], stages, strict=True):
        axis.set_title(_stage_label(shown, t).replace("\n", ", "), fontsize=7.5)
    title = f"{group_label(key)}: x after the SASTM"
    figure.suptitle(title, fontsize=9)
    _colour_legend(figure, axes)
    alt = f"{title}, first seed's best generator, one latent; the channel module alone above both modules, one column per stage, exact zeros in grey."
    return Drawing("-".join(["csm_alone", *map(str, filter(None, key))]), figure, alt)


def _arrays(results: Results, c: Configuration | None) -> dict[str, np.ndarray]:
    """Return the arrays of a configuration's feature maps; nothing where there are none."""
    if c is None or not results.feature_maps(c).is_file():
        return {}
    with np.load(results.feature_maps(c)) as file:
        return dict(file)


def _stages(arrays: dict[str, np.ndarray]) -> list[int]:
    return sorted(int(key[2:]) for key in arrays if key.startswith("x_"))


def _stage_label(arrays: dict[str, np.ndarray], stage: int) -> str:
    maps = arrays.get(f"x_{stage}")
    return f"stage {stage}" + ("" if maps is None else f"\n{maps.shape[-2]} × {maps.shape[-1]}")


def _maps(axis: Axes, arrays: dict[str, np.ndarray], key: str, missing: str) -> None:
    """Show maps (k, H, W) as a square of tiles in one scale: the largest magnitude of them all."""
    bare(axis)
    if key not in arrays:
        style.note(axis, missing)
        return
    largest = show_values(axis, _tiles(arrays[key]), arrays[key])
    axis.set_xlabel(f"±{short(largest)}, zero {share(np.mean(arrays[key] == 0))}", fontsize=6.5)


def show_values(axis: Axes, picture: np.ndarray, values: np.ndarray) -> float:
    """Draw values in [-largest, largest]; exactly 0 in grey, NaN (the gaps) in white. Return the largest magnitude."""
    largest = float(np.abs(values).max()) or 1.0
    colours = mpl.colormaps[COLOURS](np.nan_to_num(picture) / largest / 2 + 0.5)[..., :3]
    colours[picture == 0] = ZERO
    colours[np.isnan(picture)] = 1.0
    axis.imshow(colours, interpolation="nearest")
    return largest


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


def _alpha(axis: Axes, arrays: dict[str, np.ndarray], stage: int, model: str, missing: str) -> None:
    """Draw alpha (C,) over the channels."""
    alpha = arrays.get(f"alpha_{stage}")
    if alpha is None:
        style.blank(axis, "no α" if arrays else missing)
        return
    axis.bar(range(len(alpha)), alpha, width=1.0, color=style.COLOURS[model])
    axis.set_xlim(-0.5, len(alpha) - 0.5)
    axis.set_box_aspect(1)
    axis.tick_params(labelsize=6)
    axis.set_xlabel(f"channel, zero {share(np.mean(alpha == 0))}", fontsize=6.5)


def _beta(axis: Axes, arrays: dict[str, np.ndarray], stage: int, missing: str) -> None:
    """Draw beta (H, W) over the positions."""
    beta = arrays.get(f"beta_{stage}")
    if beta is None:
        style.blank(axis, "no β" if arrays else missing)
        return
    bare(axis)
    largest = show_values(axis, beta, beta)
    axis.set_xlabel(f"0 to {short(largest)}, zero {share(np.mean(beta == 0))}", fontsize=6.5)


def _colour_legend(figure: Figure, axes: np.ndarray) -> None:
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), COLOURS),
        ax=axes,
        location="bottom",
        shrink=0.5,
        aspect=40,
        pad=0.02,
        ticks=[-1, 0, 1],
    )
    bar.set_label("value / largest magnitude of the panel (±, under it)")
    figure.legend(handles=[Patch(color=ZERO, label="exactly 0")], loc="outside lower center")


def bare(axis: Axes) -> None:
    """Take grid, ticks and frame off a picture."""
    axis.grid(visible=False)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


@style.styled()
def _nothing(results: Results, name: str, why: str) -> Drawing:
    figure, (axis,) = style.panels(1)
    style.blank(axis, why)
    return Drawing(name, figure, f"Suite {results.suite}: {why}.")


def feature_map_rows(results: Results) -> Sequence[tuple[Configuration, dict[str, np.ndarray]]]:
    """Return every configuration with its feature-map arrays; no arrays where it has not run."""
    return [(c, _arrays(results, c)) for c in results.configurations]
