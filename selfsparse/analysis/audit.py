"""Tables and figures of notebooks/audit.ipynb: the paper's own arithmetic, as selfsparse/paper/arithmetic.py recomputes it."""

from collections.abc import Callable, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from selfsparse.analysis import style
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Cell, Table, cell, count, joined, number, probability, said, with_interval
from selfsparse.data.registry import DATASETS
from selfsparse.paper import arithmetic, paper_moments, reported
from selfsparse.paper.arithmetic import RUNS, Pair, main_pairs, place
from selfsparse.paper.findings import findings
from selfsparse.registry import MODELS, SPARSE
from selfsparse.results import text
from selfsparse.statistics.inference import decrease, power

SCOPES = {"all": "both resolutions in one", "combined": "both, each with its own level"}


def _ways(rounding: bool, cutting_off: bool) -> str:
    return " or ".join(["rounding"] * rounding + ["cutting off"] * cutting_off) or "neither"


def _printed(name: str) -> str:
    return f"{text.model_label(reported().loc[name, 'model'])} {text.mean_std(paper_moments(name))}"


TESTS = {
    "Comparison": said("comparison"),
    "Lower": cell(_printed, "lower"),
    "Higher": cell(_printed, "higher"),
    "t (df)": cell(lambda t, df: f"{text.number(t)} ({text.number(df, 1)})", "t", "df"),
    "p": probability("p"),
    "p, Holm": probability("p_holm"),
    "p one-sided": probability("p_one_sided"),
    "one-sided, Holm": probability("p_one_sided_holm"),
    "p, if ± divides by n": probability("p_if_ddof_0"),
    "Hedges' g": with_interval("g"),
}
# By name: what computes the numbers, how each column is written, the caption.
TABLES: dict[str, tuple[Callable[[], pd.DataFrame], dict[str, Cell], str]] = {
    "percentages": (
        arithmetic.percentages,
        {
            "Place": said("place"),
            "Pair": said("pair"),
            "FIDs": joined(number("_higher"), number("_lower"), by=" → "),
            "Printed %": number("printed_percent"),
            "Recomputed %": number("recomputed_percent", 3),
            "With unrounded FIDs %": cell(text.interval, "lowest_percent", "highest_percent", digits=3),
            "Printed follows by": cell(_ways, "rounds_to_printed", "cuts_off_to_printed"),
            "From unrounded FIDs by": cell(_ways, "unrounded_may_round", "unrounded_may_cut_off"),
        },
        "Relative decrease of FID in percent, as printed and from the printed FIDs.",
    ),
    "growth": (
        arithmetic.growth,
        {
            "Dataset": cell(lambda dataset: DATASETS[dataset].title, "dataset"),
            "Resolutions": joined(said("first_resolution"), said("second_resolution"), by=", "),
            "First": cell(text.with_interval, "first_percent", "_first_low", "_first_high"),
            "Second": cell(text.with_interval, "second_percent", "_second_low", "_second_high"),
            "Change": number("change"),
            "p, grows": probability("p_one_sided"),
            "Named by the paper": cell(lambda named: "yes" if named else "no", "named_by_the_paper"),
        },
        "Relative decrease of the printed FID, % with 95 % interval, at two resolutions.",
    ),
    "significance": (
        arithmetic.significance,
        TESTS,
        "Self-Sparse GAN against WGAN-GP, from the printed moments. Holm's correction is over the 12 cells.",
    ),
    "other_comparisons": (
        arithmetic.other_comparisons,
        TESTS,
        "The other printed comparisons, lower FID first. Holm's correction is over these rows.",
    ),
    "power": (
        arithmetic.powers,
        (
            {"Pair": said("pair")}
            | {f"Power, n = {n}": number(f"power_{n}") for n in RUNS}
            | {"n for 80 %": count("runs_80")}
        ),
        "Power at the printed means and standard deviations, two-sided at 5 %, n trainings of each model.",
    ),
    "spread": (
        arithmetic.spread,
        {
            "Pair": said("pair"),
            "WGAN-GP, std": number("wgan_gp_std"),
            "Self-Sparse GAN, std": number("self_sparse_std"),
            "Ratio": cell(lambda a, b: text.number(a / b), "self_sparse_std", "wgan_gp_std"),
            "WGAN-GP, std in % of mean": number("wgan_gp_percent"),
            "Self-Sparse GAN, std in % of mean": number("self_sparse_percent"),
            "Larger std": said("larger"),
        },
        "Standard deviation of the printed FIDs across three trainings.",
    ),
    "samples": (
        arithmetic.samples,
        {
            "FID by": said("_label"),
            "WGAN-GP": number("wgan_gp"),
            "Self-Sparse GAN": number("self_sparse"),
            "Relative decrease %": number("decrease_percent"),
        },
        f"FID on STL-10 at 64 × 64 ({place('stl10_samples')}).",
    ),
    "baseline": (
        arithmetic.baseline,
        {
            "Place": said("place"),
            "Resolution": cell(lambda n: f"{n} × {n}", "resolution"),
            "Samples, as stated": count("stated_samples"),
            "FID": number("fid"),
            "Above the other paper's": number("above_the_other"),
        },
        "FIDs of WGAN-GP on STL-10.",
    ),
    "betas": (
        arithmetic.betas,
        {
            "What": said("what"),
            "Computation": joined(number("second"), number("first"), by=" − "),
            "Difference": number("difference"),
            "p": probability("p"),
        },
        f"Adam's betas on STL-10 ({place('adam_betas')}).",
    ),
    "correlation": (
        arithmetic.correlation_table,
        {
            "Pairs of": cell(lambda scope: SCOPES.get(scope) or f"{scope} × {scope}", "pairs_of"),
            "Pairs": count("n"),
            "Printed r": number("paper_r"),
            "Recomputed r": number("r", 3),
            "95 % interval": cell(text.interval, "low_95", "high_95"),
            "p": probability("p"),
            "Pairs for 80 % power": count("pairs_80"),
        },
        f"Pearson's r of the printed ξ̄ and FID reduction ({place('sparsity')}).",
    ),
    "parameters": (
        arithmetic.parameters,
        {
            "Configuration": said("configuration"),
            "Paper's tables": cell(
                lambda name: reported().loc[name, "appendix_tables"].replace("+", " + "), "configuration"
            ),
            "Generator of WGAN-GP": count("without"),
            "SASTM": count("added"),
            "Adds %": number("added_percent", 0),
        },
        "Parameters of the generators, as built by this project (U20, U21).",
    ),
    "findings": (
        findings,
        {
            "Question": said("question"),
            "Claims": cell(lambda claims: claims.replace(" ", ", ") or text.MISSING, "claims"),
            "From the print": said("verdict"),
            "Computed": said("computed"),
        },
        "What the printed numbers carry. The verdict is on the print, not on the method.",
    ),
}


def table(name: str) -> Table:
    """Return one of TABLES."""
    numbers, columns, caption = TABLES[name]
    return Table(numbers().to_dict("records"), columns, caption)


@style.styled()
def decreases() -> Drawing:
    """The relative decrease of the 12 cells with 95 % intervals, from the printed moments."""
    figure, axis, pairs = _cells("decrease of FID, %, 95 % interval")
    model = MODELS[SPARSE]
    for row, pair in enumerate(pairs):
        found = decrease(pair.b, pair.a)
        axis.plot([found.low, found.high], [row, row], color=model.colour)
        axis.plot([found.value], [row], color=model.colour, marker=model.marker, markersize=4)
    axis.axvline(0, color=style.GREY, linewidth=0.8)
    return Drawing("decreases", figure, "Relative decrease of FID in the 12 printed cells, with 95 % intervals.")


@style.styled()
def power_figure() -> Drawing:
    """The power of Welch's test, one row per cell."""
    figure, axis, pairs = _cells("power of Welch's test")
    for n, shade, marker in zip(RUNS, ("black", style.GREY, "#B8B8B8"), ("o", "s", "D"), strict=True):
        found = [power(pair.a, pair.b, n) for pair in pairs]
        axis.plot(found, range(len(pairs)), color=shade, linestyle="", marker=marker, markersize=4, label=f"n = {n}")
    axis.axvline(0.8, color=style.GREY, linewidth=0.8, linestyle="--")
    axis.set_xlim(0, 1.03)
    style.legend(figure, axis.get_legend_handles_labels()[0])
    return Drawing("power", figure, "Power of Welch's test in the 12 printed cells with 3, 5 and 10 trainings.")


def _cells(xlabel: str) -> tuple[Figure, Axes, Sequence[Pair]]:
    """Return a figure with one row for each cell of the main table, the first on top."""
    pairs = list(main_pairs().values())
    figure, (axis,) = style.panels(1, panel_height=3.0)
    axis.set_yticks(range(len(pairs)), [pair.label for pair in pairs])
    axis.set_ylim(len(pairs) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(xlabel)
    return figure, axis, pairs


@style.styled()
def sparsity_figure() -> Drawing:
    """The printed FID reduction over the printed sparsity, by resolution."""
    figure, (axis,) = style.panels(1, panel_height=2.6)
    figure.set_figwidth(style.TWO_COLUMNS)  # names stand beside the points
    marks = {64: ("o", "black"), 128: ("s", style.GREY)}  # no model's colours: each point is a pair
    for row in arithmetic.sparsity_pairs().itertuples():
        marker, colour = marks[row.resolution]
        place = row.paper_xi, row.paper_reduction_percent
        fill = "white" if row.excepted else colour
        axis.plot(*place, linestyle="", marker=marker, color=colour, markerfacecolor=fill)
        axis.annotate(DATASETS[row.dataset].title, place, (0, 6), textcoords="offset points", fontsize=6.5, ha="center")
    axis.margins(0.15)
    axis.set_xlabel("printed sparsity ξ̄ (Eq. 15)")
    axis.set_ylabel("printed FID reduction, %")
    point = {"linestyle": ""}
    handles = [Line2D([], [], **point, marker=m, color=c, label=f"{r} × {r}") for r, (m, c) in marks.items()]
    excepted = Line2D(
        [], [], **point, marker="o", color="black", markerfacecolor="white", label="excepted by the paper"
    )
    style.legend(figure, [*handles, excepted])
    return Drawing("sparsity", figure, "Printed FID reduction over printed sparsity, eight points by resolution.")
