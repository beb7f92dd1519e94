"""The paper's diagrams, drawn from a built network: the generator (Fig. 1), the SASTM (Fig. 2), and one stage (Fig. 3)."""

from collections.abc import Callable, Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import nn

from selfsparse.analysis import style
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table_architectures import ordered_suites, shape_text
from selfsparse.config import Configuration, load_settings
from selfsparse.models.layers import Layer, build_on_meta, described, layers, sastm_rows
from selfsparse.registry import MODELS, SPARSE
from selfsparse.results.text import dataset_label

# Fills: the SASTM in a tint of the colour that Self-Sparse GAN has everywhere.
FILLS = {"DeConv": "#DCEBF5", "SASTM": "#F7D9C4", "head": "#F7D9C4", "BN": "#EFEFEF", "Linear": "#EFEFEF"}
LINE, SPARSE_LINE = "#333333", MODELS[SPARSE].colour


def drawn() -> Iterator[Configuration]:
    """Yield whose networks are drawn: the largest Self-Sparse GAN of DCGAN's kind of the paper, and of each suite with its own."""
    settings = load_settings()
    seen: set[str] = set()
    for suite in ordered_suites(settings):
        fitting = [c for c in settings.suite(suite) if c.model == SPARSE and c.network.architecture == "dcgan"]
        largest = max(fitting, key=lambda c: c.dataset.resolution)  # of several, the first
        if largest.network_name not in seen:
            yield largest
        seen |= {c.network_name for c in fitting}


def diagrams(c: Configuration) -> list[Drawing]:
    """Return the diagrams of Fig. 1 to 3 of a configuration's generator."""
    found = layers(*build_on_meta(c)["generator"])
    draw: tuple[Callable[[Configuration, list[Layer]], Drawing], ...] = (_generator, _sastm, _stage)
    with style.styled():
        return [make(c, found) for make in draw]


def _generator(c: Configuration, found: list[Layer]) -> Drawing:
    """The generator from z to the image, with an SASTM after every deconvolution but the last (Fig. 1)."""
    width, gap, top = 0.62, 0.38, 1.5
    axis = _canvas(c, 2.15, (-1.5, len(found) - 0.6), (-0.62, 2.35), "Generator of Self-Sparse GAN")
    _box(axis, -1.05, top / 2, 0.72, top, f"z\n{c.latent_dim}")
    last = max(i for i, layer in enumerate(found) if layer.kind == "SASTM")
    axis.plot([-1.05, -1.05, last], [top + 0.06, 2.0, 2.0], color=SPARSE_LINE, linewidth=1)
    axis.text(-0.85, 2.06, "z to every SASTM", fontsize=6.5, color=SPARSE_LINE, va="bottom")
    _arrow(axis, (-0.65, top / 2), (-width / 2, top / 2))
    for i, layer in enumerate(found):
        size, text = 5.2 if layer.kind == "DeConv" else 6.0, layer.text.replace(", ", "\n", 1)
        _box(axis, i, top / 2, width, top, text, layer.kind, rotation=90, fontsize=size)
        if i + 1 < len(found):
            _arrow(axis, (i + width / 2, top / 2), (i + width / 2 + gap, top / 2))
        if layer.kind == "SASTM":
            _arrow(axis, (i, 2.0), (i, top), colour=SPARSE_LINE)
        if layer.kind == "DeConv":
            span = next((j for j in range(i + 1, len(found)) if found[j].kind == "DeConv"), len(found)) - 1
            axis.plot([i - 0.35, span + 0.35], [-0.1, -0.1], color=style.GREY, linewidth=0.8)
            axis.text((i + span) / 2, -0.17, shape_text(found[span].shape), ha="center", va="top", fontsize=6)
    alt = f"The generator of {c.name}: {'; '.join(layer.text for layer in found)}."
    return Drawing(f"generator-{c.network_name}", axis.figure, alt)


def _sastm(c: Configuration, found: list[Layer]) -> Drawing:
    """The SASTM of the last stage that has one: f, its two heads, and the recombination of Eq. 3 (Fig. 2)."""
    layer = [layer for layer in found if layer.kind == "SASTM"][-1]
    (channels, height, width), shape = layer.shape, shape_text(layer.shape)
    rows = sastm_rows(layer.module)
    steps = {
        part: [text.replace(", ", "\n").replace("Linear ", "Linear\n") for (p, _), text in rows.items() if p == part]
        for part in ("f", "g1", "g2")
    }
    convs = [described(m) for m in layer.module.position_head if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    if convs:
        steps["g2"][-1] = f"{len(convs)} × {convs[0][1].split(',')[0]}\n" + steps["g2"][-1]
    axis = _canvas(c, 2.2, (-0.55, 9.15), (0.3, 3.05), f"SASTM after the deconvolution to {shape}")
    _box(axis, -0.1, 1.55, 0.6, 0.55, f"z\n{c.latent_dim}")
    end = _chain(axis, steps["f"], 0.2, 2.6, 1.55, "Linear")
    axis.text(1.4, 2.1, "f", ha="center", fontsize=8, style="italic")
    for head, y, label, out in (
        ("g1", 2.3, "g₁, channel sparsity", f"α\n{channels}"),
        ("g2", 0.8, "g₂, position sparsity", f"β\n{height} × {width}"),
    ):
        axis.plot([end, 2.78, 2.78], [1.55, 1.55, y], color=LINE, linewidth=0.8)
        _chain(axis, steps[head], 2.78, 5.2, y, "head")
        axis.text(4.0, y + 0.42, label, ha="center", va="bottom", fontsize=7)
        _box(axis, 5.75, y, 0.75, 0.55, out)
        _arrow(axis, (5.2, y), (5.37, y))
        _circle(axis, 6.95, y, "×")
        _arrow(axis, (6.13, y), (6.8, y))
    _box(axis, 5.75, 1.55, 1.0, 0.5, f"h: {shape}", "DeConv", fontsize=5.5)
    axis.plot([6.25, 6.95], [1.55, 1.55], color=LINE, linewidth=0.8)
    _circle(axis, 7.65, 1.55, "+")
    for y, of_h, of_sum in ((2.3, 2.15, 1.7), (0.8, 0.95, 1.4)):
        _arrow(axis, (6.95, 1.55), (6.95, of_h))
        axis.plot([7.1, 7.65], [y, y], color=LINE, linewidth=0.8)
        _arrow(axis, (7.65, y), (7.65, of_sum))
    _arrow(axis, (7.8, 1.55), (8.05, 1.55))
    _box(axis, 8.55, 1.55, 1.0, 0.5, f"x: {shape}", "SASTM", fontsize=5.5)
    axis.text(8.55, 1.12, "x = αh + βh", ha="center", va="top", fontsize=7)
    alt = f"The last SASTM of {c.name}: {'; '.join(f'{part} {text}' for (part, _), text in rows.items())}."
    return Drawing(f"sastm-{c.network_name}", axis.figure, alt)


def _stage(c: Configuration, found: list[Layer]) -> Drawing:
    """One stage with the paper's names of what passes between its layers (Fig. 3)."""
    starts = [i for i, layer in enumerate(found) if layer.kind == "DeConv"]
    t = len(starts) - 2  # the last stage with a SASTM
    stage = found[starts[t] : starts[t + 1]]
    axis = _canvas(c, 1.6, (-0.75, 2 * len(stage) + 0.75), (-0.75, 1.75), f"Stage {t + 1} of the generator")
    names = [f"$y^{{{t}}}$", *(f"${name}^{{{t + 1}}}$" for name in ("h", "x", "s", "y"))]
    shapes = [found[starts[t] - 1].shape if t else (c.latent_dim,), *(layer.shape for layer in stage)]
    for i, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        axis.text(2 * i, 0.32, name, ha="center", va="center", fontsize=9)
        axis.text(2 * i, -0.3, shape_text(shape), ha="center", va="top", fontsize=6)
        _arrow(axis, (2 * i - 0.45, 0), (2 * i + 0.45, 0))
    for i, layer in enumerate(stage):
        place = 2 * i + 1
        _box(axis, place, 0, 1.1, 0.95, layer.text.replace(", ", "\n"), layer.kind)
        if layer.kind == "SASTM":
            look = {"ha": "center", "va": "center", "fontsize": 7.5, "color": SPARSE_LINE}
            axis.text(place, 1.45, f"z ({c.latent_dim})", **look)
            _arrow(axis, (place, 1.25), (place, 0.5), colour=SPARSE_LINE)
    passes = ", ".join(f"{layer.text} to {shape_text(layer.shape)}" for layer in stage)
    return Drawing(f"stage-{c.network_name}", axis.figure, f"Stage {t + 1} of the generator of {c.name}: {passes}.")


def _canvas(c: Configuration, height: float, x: tuple[float, float], y: tuple[float, float], title: str) -> Axes:
    axis = Figure(figsize=(style.TWO_COLUMNS, height)).subplots()
    axis.set_axis_off()
    axis.set_xlim(*x)
    axis.set_ylim(*y)
    axis.set_title(f"{title}, {dataset_label(c.dataset.dataset, c.dataset.resolution)}", fontsize=8)
    return axis


def _chain(axis: Axes, texts: Sequence[str], left: float, right: float, y: float, kind: str) -> float:
    """Draw boxes between left and right in a row, with arrows into them; return where the last one ends."""
    step = (right - left) / len(texts)
    for i, text in enumerate(texts):
        centre = left + (i + 0.5) * step + 0.06
        _arrow(axis, (left + i * step, y), (centre - step / 2 + 0.1, y))
        _box(axis, centre, y, step - 0.2, 0.72, text, kind, fontsize=5.5)
    return right - 0.04


def _box(axis: Axes, x: float, y: float, width: float, height: float, text: str, kind: str = "", **look) -> None:
    fill = {"facecolor": FILLS.get(kind, "white"), "edgecolor": LINE, "linewidth": 0.7}
    style = "round,pad=0,rounding_size=0.06"
    axis.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle=style, **fill))
    axis.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 6.0, "linespacing": 1.15} | look)


def _circle(axis: Axes, x: float, y: float, text: str) -> None:
    box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": LINE, "linewidth": 0.7}
    axis.text(x, y, text, ha="center", va="center", fontsize=8, bbox=box)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = LINE) -> None:
    look = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
    axis.annotate("", end, start, arrowprops=look)
