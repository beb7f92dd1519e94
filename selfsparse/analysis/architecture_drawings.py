"""The paper's diagrams, drawn from a built network: the generator (Fig. 1), the SASTM (Fig. 2), and one stage (Fig. 3)."""

from collections.abc import Sequence

import torch
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from selfsparse.analysis import style
from selfsparse.analysis.architectures import build_on_meta, network_size
from selfsparse.analysis.built_networks import Layer, layers, position_layers, sastm_rows
from selfsparse.analysis.drawing import Drawing
from selfsparse.config import Configuration, load_settings
from selfsparse.registry import SPARSE
from selfsparse.results.reading import Results
from selfsparse.results.text import count, dataset_label, group_key, share

# Fills: the SASTM in a tint of the colour that Self-Sparse GAN has everywhere.
FILLS = {
    "DeConv": "#DCEBF5",
    "SASTM": "#F7D9C4",
    "BN": "#EFEFEF",
    "ReLU": "#FFFFFF",
    "Tanh": "#FFFFFF",
    "Linear": "#EFEFEF",
    "head": "#F7D9C4",
    "maps": "#FFFFFF",
}
LINE = "#333333"


def drawn(results: Results) -> Configuration:
    """Return the configuration whose networks are drawn: the suite's largest Self-Sparse GAN of DCGAN's kind."""
    fitting = [c for c in results.configurations if c.model == SPARSE and c.network.architecture == "dcgan"]
    if not fitting:
        return load_settings().configuration("mnist-128-self_sparse")
    return max(fitting, key=lambda c: c.dataset.resolution)  # of several, the first


@style.styled()
def generator_diagram(c: Configuration) -> Drawing:
    """The generator from z to the image, with a SASTM behind every deconvolution but the last (Fig. 1)."""
    found = _layers(c)
    width, gap, top = 0.62, 0.38, 1.5
    figure, axis = _canvas(style.TWO_COLUMNS, 2.15, (-1.5, len(found) - 0.6), (-0.62, 2.35))
    _box(axis, -1.05, top / 2, 0.72, top, f"z\n{c.latent_dim}", "maps")
    axis.plot([-1.05, -1.05], [top + 0.06, 2.0], color=style.COLOURS[SPARSE], linewidth=1)
    last = max(i for i, layer in enumerate(found) if layer.kind == "SASTM")
    axis.plot([-1.05, last], [2.0, 2.0], color=style.COLOURS[SPARSE], linewidth=1)
    axis.text(-0.85, 2.06, "z to every SASTM", fontsize=6.5, color=style.COLOURS[SPARSE], va="bottom")
    _arrow(axis, (-0.65, top / 2), (-width / 2, top / 2))
    for i, layer in enumerate(found):
        _box(
            axis,
            i,
            top / 2,
            width,
            top,
            layer.text.replace(", ", "\n", 1),
            layer.kind,
            rotation=90,
            fontsize=5.2 if layer.kind == "DeConv" else 6.0,
        )
        if i + 1 < len(found):
            _arrow(axis, (i + width / 2, top / 2), (i + width / 2 + gap, top / 2))
        if layer.kind == "SASTM":
            _arrow(axis, (i, 2.0), (i, top), colour=style.COLOURS[SPARSE])
        if layer.kind == "DeConv":
            span = next((j for j in range(i + 1, len(found)) if found[j].kind == "DeConv"), len(found)) - 1
            axis.annotate(
                "", (i - 0.35, -0.1), (span + 0.35, -0.1), arrowprops={"arrowstyle": "-", "color": style.GREY, "linewidth": 0.8}
            )  # fmt: skip
            axis.text((i + span) / 2, -0.17, _shape(found[span].shape), ha="center", va="top", fontsize=6)
    name = "generator"
    axis.set_title(f"Generator of Self-Sparse GAN, {dataset_label(*group_key(c)[:2])}", fontsize=8)
    return Drawing(name, figure, f"The generator of {c.name}: {'; '.join(layer.text for layer in found)}.")


@style.styled()
def sastm_diagram(c: Configuration) -> Drawing:
    """The SASTM of the last stage that has one: f, its two heads, and the recombination of Eq. 3 (Fig. 2)."""
    layer = [layer for layer in _layers(c) if layer.kind == "SASTM"][-1]
    channels, height, width = layer.shape
    rows = sastm_rows(layer.module)
    steps = {
        part: [text.replace(", ", "\n").replace("Linear ", "Linear\n") for (p, _), text in rows.items() if p == part]
        for part in ("f", "g1", "g2")
    }
    convs = position_layers(layer.module)
    if convs:
        steps["g2"][-1] = f"{len(convs)} × {convs[0].split(',')[0]}\n" + steps["g2"][-1]
    figure, axis = _canvas(style.TWO_COLUMNS, 2.2, (-0.55, 9.15), (0.3, 3.05))
    _box(axis, -0.1, 1.55, 0.6, 0.55, f"z\n{c.latent_dim}", "maps")
    end = _chain(axis, steps["f"], 0.2, 2.6, 1.55, "Linear")
    axis.text(1.4, 2.1, "f", ha="center", fontsize=8, style="italic")
    ends = {}
    for head, y, label in (("g1", 2.3, "g₁, channel sparsity"), ("g2", 0.8, "g₂, position sparsity")):
        axis.plot([end, 2.78, 2.78], [1.55, 1.55, y], color=LINE, linewidth=0.8)
        ends[head] = _chain(axis, steps[head], 2.78, 5.2, y, "head")
        axis.text(4.0, y + 0.42, label, ha="center", va="bottom", fontsize=7)
    _box(axis, 5.75, 2.3, 0.75, 0.55, f"α\n{channels}", "maps")
    _box(axis, 5.75, 0.8, 0.75, 0.55, f"β\n{height} × {width}", "maps")
    for y in (2.3, 0.8):
        _arrow(axis, (5.2, y), (5.37, y))
        _circle(axis, 6.95, y, "×")
        _arrow(axis, (6.13, y), (6.8, y))
    _box(axis, 5.75, 1.55, 1.0, 0.5, f"h: {_shape(layer.shape)}", "DeConv", fontsize=5.5)
    axis.plot([6.25, 6.95], [1.55, 1.55], color=LINE, linewidth=0.8)
    for to in (2.15, 0.95):
        _arrow(axis, (6.95, 1.55), (6.95, to))
    _circle(axis, 7.65, 1.55, "+")
    for y, to in ((2.3, 1.7), (0.8, 1.4)):
        axis.plot([7.1, 7.65], [y, y], color=LINE, linewidth=0.8)
        _arrow(axis, (7.65, y), (7.65, to))
    _arrow(axis, (7.8, 1.55), (8.05, 1.55))
    _box(axis, 8.55, 1.55, 1.0, 0.5, f"x: {_shape(layer.shape)}", "SASTM", fontsize=5.5)
    axis.text(8.55, 1.12, "x = αh + βh", ha="center", va="top", fontsize=7)
    axis.set_title(
        f"SASTM behind the deconvolution to {_shape(layer.shape)}, {dataset_label(*group_key(c)[:2])}", fontsize=8
    )
    alt = f"The last SASTM of {c.name}: {'; '.join(f'{part} {text}' for (part, _), text in rows.items())}."
    return Drawing("sastm", figure, alt)


@style.styled()
def stage_diagram(c: Configuration) -> Drawing:
    """One stage with the paper's names of what passes between its layers (Fig. 3)."""
    found = _layers(c)
    starts = [i for i, layer in enumerate(found) if layer.kind == "DeConv"]
    t = len(starts) - 2  # the last stage with a SASTM
    stage = found[starts[t] : starts[t + 1]]
    figure, axis = _canvas(style.TWO_COLUMNS, 1.6, (-0.75, 2 * len(stage) + 0.75), (-0.75, 1.75))
    names = [f"$y^{{{t}}}$", *("$" + n + f"^{{{t + 1}}}$" for n in ("h", "x", "s", "y"))]
    shapes = [found[starts[t] - 1].shape if t else (c.latent_dim,), *(layer.shape for layer in stage)]
    for i, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        axis.text(2 * i, 0.32, name, ha="center", va="center", fontsize=9)
        axis.text(2 * i, -0.3, _shape(shape), ha="center", va="top", fontsize=6)
        if i < len(stage):
            layer = stage[i]
            _arrow(axis, (2 * i - 0.45, 0), (2 * i + 0.45, 0))
            _box(axis, 2 * i + 1, 0, 1.1, 0.95, layer.text.replace(", ", "\n"), layer.kind)
        else:
            _arrow(axis, (2 * i - 0.45, 0), (2 * i + 0.45, 0))
        if i < len(stage) and stage[i].kind == "SASTM":
            axis.text(
                2 * i + 1,
                1.45,
                f"z ({c.latent_dim})",
                ha="center",
                va="center",
                fontsize=7.5,
                color=style.COLOURS[SPARSE],
            )
            _arrow(axis, (2 * i + 1, 1.25), (2 * i + 1, 0.5), colour=style.COLOURS[SPARSE])
    axis.set_title(f"Stage {t + 1} of the generator, {dataset_label(*group_key(c)[:2])}", fontsize=8)
    passes = ", ".join(f"{layer.text} to {_shape(layer.shape)}" for layer in stage)
    return Drawing("stage", figure, f"Stage {t + 1} of the generator of {c.name}: {passes}.")


def seen(c: Configuration) -> Markdown:
    """Say what the drawn generator consists of, and what its SASTMs add."""
    kinds = [layer.kind for layer in _layers(c)]
    size = network_size(c)
    return Markdown(
        f"`{c.name}`: {kinds.count('DeConv')} deconvolutions, {kinds.count('SASTM')} SASTMs. Of the generator's"
        f" {count(size.generator)} parameters, {count(size.sastm)} are those of the SASTMs:"
        f" {share(size.sastm / (size.generator - size.sastm))} of what it has without them."
    )


def _layers(c: Configuration) -> list[Layer]:
    generator, _ = build_on_meta(c)
    return layers(generator, torch.empty(1, c.latent_dim, device="meta"))


def _canvas(width: float, height: float, x: tuple[float, float], y: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    axis = figure.subplots()
    axis.set_axis_off()
    axis.set_xlim(*x)
    axis.set_ylim(*y)
    return figure, axis


def _chain(axis: Axes, texts: Sequence[str], left: float, right: float, y: float, kind: str) -> float:
    """Draw boxes between left and right in a row, with arrows into them; return where the last one ends."""
    step = (right - left) / len(texts)
    for i, text in enumerate(texts):
        centre = left + (i + 0.5) * step + 0.06
        _arrow(axis, (left + i * step, y), (centre - step / 2 + 0.1, y))
        _box(axis, centre, y, step - 0.2, 0.72, text, kind, fontsize=5.5)
    return right - 0.04


def _box(
    axis: Axes, x: float, y: float, width: float, height: float, text: str, kind: str, rotation: int = 0, fontsize=6.0
) -> None:
    axis.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=FILLS.get(kind, "white"), edgecolor=LINE, linewidth=0.7,
        )
    )  # fmt: skip
    axis.text(x, y, text, ha="center", va="center", fontsize=fontsize, rotation=rotation, linespacing=1.15)


def _circle(axis: Axes, x: float, y: float, text: str) -> None:
    axis.text(
        x, y, text, ha="center", va="center", fontsize=8, bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": LINE, "linewidth": 0.7}
    )  # fmt: skip


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = LINE) -> None:
    axis.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
    )  # fmt: skip


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(str(n) for n in shape)
