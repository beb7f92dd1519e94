"""How numbers, configurations, models and datasets are written in tables, figures and verdicts."""

import math
from typing import TYPE_CHECKING

from selfsparse.config import Configuration, variation
from selfsparse.data.registry import DATASETS
from selfsparse.registry import MODELS, variation_label

if TYPE_CHECKING:
    from selfsparse.statistics.moments import Moments

MISSING = "–"
PANEL_WIDTH = 32  # letters of a title that fit over one of three panels


def number(value: float, digits: int = 2) -> str:
    """Return a number with a fixed count of decimals; what is missing is a dash, never a zero."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{digits}f}".replace("-", "−")


def short(value: float) -> str:
    """Return a number with three significant digits, a large one in whole units."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "−")


def probability(p: float) -> str:
    """Return a p value with three decimals, a smaller one with its first digit, the smallest as a bound."""
    if not math.isfinite(p):
        return MISSING
    if p < 1e-6:
        return "< 0.000001"
    return number(p, 3 if p >= 0.0005 else math.ceil(-math.log10(p)))


def share(value: float) -> str:
    """Return a share in [0, 1] as whole percents."""
    return MISSING if not math.isfinite(value) else f"{100 * value:.0f} %"


def count(value: float) -> str:
    """Return a whole number with thousands separated."""
    return MISSING if not math.isfinite(value) else f"{value:,.0f}".replace("-", "−")


def many(n: int, thing: str) -> str:
    """Return `1 run`, `12 runs`."""
    return f"{count(n)} {thing}" + ("" if n == 1 else "s")


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it: `42 s`, `3.1 min`, `2.4 h`, `150 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            value = seconds / size
            return f"{value:.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"
    return f"{seconds:.0f} s"


def mean_std(m: "Moments", digits: int = 2, without_value: str = MISSING) -> str:
    """Return `mean ± std`, the mean alone for one value, and `without_value` for none."""
    if m.n == 0:
        return without_value
    return number(m.mean, digits) if m.n == 1 else f"{number(m.mean, digits)} ± {number(m.std, digits)}"


def interval(low: float, high: float, digits: int = 2) -> str:
    """Return `[low, high]`, or a dash where it is not defined."""
    known = math.isfinite(low) and math.isfinite(high)
    return f"[{number(low, digits)}, {number(high, digits)}]" if known else MISSING


def with_interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """Return `1.20 [0.30, 2.10]`, or the value alone."""
    brackets = interval(low, high, digits)
    return number(value, digits) if brackets == MISSING else f"{number(value, digits)} {brackets}"


def group_key(configuration: Configuration) -> tuple[str, int, str]:
    """Return what configurations that are compared with each other share: dataset, resolution, variation."""
    return configuration.dataset.dataset, configuration.dataset.resolution, variation(configuration)


def dataset_label(dataset: str, resolution: int) -> str:
    """Return for example `Digits 16 × 16`."""
    return f"{DATASETS[dataset].title} {resolution} × {resolution}"


def group_label(key: tuple[str, int, str]) -> str:
    """Return for example `Digits 16 × 16, betas 0, 0.9`."""
    dataset, resolution, rest = key
    return dataset_label(dataset, resolution) + (f", {variation_label(rest)}" if rest else "")


def panel_title(key: tuple[str, int, str]) -> str:
    """Return a group's label for the head of a panel: on two lines where one is too narrow."""
    label = group_label(key)
    return label if len(label) <= PANEL_WIDTH else label.replace(", ", "\n", 1)


def model_label(model: str) -> str:
    """Return the model as tables and legends call it."""
    return MODELS[model].label
