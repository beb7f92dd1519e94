"""What we see inside the generators, in sentences: every number in the notebook's prose comes from here."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from IPython.display import Markdown

from selfsparse.analysis.mechanism import SETTLED_AFTER, by_model, kernels_table, last_snapshot, of_finished
from selfsparse.analysis.mechanism_figures import coefficient_arrays
from selfsparse.config import Configuration
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import Results
from selfsparse.results.text import count, group_label, mean_std, number, share
from selfsparse.statistics.correlation import pearson
from selfsparse.statistics.moments import moments


def signs(results: Results) -> Markdown:
    """Say how often signs change after the first and up to the last snapshot, and what is left after 5,000 steps."""
    lines, longest = [], 0
    for c in results.configurations:
        rows = of_finished(results, c)
        found = [text for name in ("alpha", "beta") if (text := _flips(rows, name))]
        if found:
            longest = max(longest, int(rows["step"].max()))
            lines.append(f"- `{c.name}`: {'; '.join(found)}")
    if not lines:
        return _nothing("No configuration with a SASTM has run")
    text = (
        "Sign changes per coefficient and 1,000 generator steps, mean over stages and finished runs:\n\n"
        + "\n".join(lines)
    )
    if longest <= SETTLED_AFTER:
        text += f"\n\nThe longest of these trainings has {count(longest)} steps: none reaches beyond the {count(SETTLED_AFTER)} steps of the paper's statement."
    return Markdown(text)


def _flips(rows: pd.DataFrame, name: str) -> str:
    rows = rows.dropna(subset=[f"{name}_flips"])
    if rows.empty:
        return ""
    by_step = rows.groupby("step")[[f"{name}_flips", f"{name}_changed"]].mean()
    flips, changed = by_step[f"{name}_flips"], by_step[f"{name}_changed"]
    letter = {"alpha": "α", "beta": "β"}[name]
    text = f"{letter} {number(flips.iloc[0])} up to step {count(flips.index[0])} and {number(flips.iloc[-1])} up to step {count(flips.index[-1])}"
    text += f" ({share(changed.iloc[-1])} of the signs differ from the snapshot before)"
    late = flips[flips.index > SETTLED_AFTER]
    return text + (f", {number(late.mean(), 3)} after step {count(SETTLED_AFTER)}" if len(late) else "")


def coefficients(results: Results) -> Markdown:
    """Say which share of the shown coefficients is zero at the first and at the last snapshot."""
    lines = []
    for c in results.configurations:
        arrays = coefficient_arrays(results, c)
        found = []
        for name, letter in (("alpha", "α"), ("beta", "β")):
            stages = [values for key, values in arrays.items() if key.startswith(name)]
            if stages:
                first, last = (np.concatenate([values[i].ravel() for values in stages]) for i in (0, -1))
                found.append(f"{letter} {share(np.mean(first == 0))} and {share(np.mean(last == 0))}")
        if found:
            lines.append(f"- `{c.name}`: {'; '.join(found)}")
    if not lines:
        return _nothing("No configuration with a SASTM has run")
    return Markdown(
        "Share of these coefficients that are exactly zero, all stages together, at the first and the last snapshot:\n\n"
        + "\n".join(lines)
    )


def equation_12(results: Results) -> Markdown:
    """Say how P(s < 0 | x > 0) goes with xi, and how it differs between the models."""
    lines = []
    for c in results.configurations:
        rows = last_snapshot(results, c).dropna(subset=["negative_given_positive"])
        if rows.empty:
            continue
        text = f"- `{c.name}`: {mean_std(moments(_per_run(rows, 'negative_given_positive')), 3)} at ξ = {number(rows['xi'].mean(), 3)}"
        found = pearson(rows["xi"], rows["negative_given_positive"])
        if found.n >= 3 and rows["xi"].nunique() > 1:
            text += f"; Pearson's r with ξ over stages and runs {number(found.r)} (n = {found.n} points, those of one run dependent)"
        lines.append(text)
    if not lines:
        return _nothing("No configuration with batch norm behind its stages has run")
    return Markdown(
        "P(s < 0 | x > 0) at the last snapshot, mean over stages:\n\n"
        + "\n".join(lines)
        + _difference(results, "negative_given_positive")
    )


def zero_gradients(results: Results) -> Markdown:
    """Say which share of gradients is zero behind batch norm and ReLU at the last snapshot, per configuration."""
    return _last(
        results,
        "zero_gradient",
        "Share of zero gradients at the last snapshot, mean over stages",
        lambda v: mean_std(v, 3),
    )


def weights(results: Results) -> Markdown:
    """Say which share of deconvolution weights is negative at the last snapshot, per configuration."""
    return _last(
        results,
        "weight_negative",
        "Share of negative weights at the last snapshot, mean over stages",
        lambda v: mean_std(v, 3),
    )


def kernels(results: Results) -> Markdown:
    """Say how many channels are dead, and whether the kernels saved outweigh what the SASTMs add."""
    table = kernels_table(results).data
    with_sastm = table[(table["layer"] == "all") & (table["sastm_parameters"] > 0)]
    lines = [
        f"- `{r.configuration}`: {number(r.dead_mean, 1)} channels observed dead, {share(r.effective_share)} of the kernels effective, "
        f"{count(r.parameters_saved)} parameters saved against {count(r.sastm_parameters)} added"
        for r in with_sastm.itertuples()
    ]
    if not lines:
        return _nothing("No configuration with a SASTM has run")
    less = int((with_sastm["net"] > 0).sum())
    return Markdown(
        "Dead is here observed: zero for every latent of the probe, at the last snapshot; other latents may wake a channel. Net"
        f" of what its SASTMs add, the generator without them is smaller in {less} of {len(lines)} configurations with a SASTM:\n\n"
        + "\n".join(lines)
    )


def _last(results: Results, measure: str, what: str, text: Callable) -> Markdown:
    table = by_model(results, measure)
    if table.empty:
        return _nothing("No configuration that this can be measured of has run")
    lines = [
        f"- `{name}`: {text(moments(part['value']))} (n = {len(part)})"
        for name, part in table.groupby("configuration", sort=False)
    ]
    return Markdown(f"{what}:\n\n" + "\n".join(lines) + _difference(results, measure))


def _difference(results: Results, measure: str) -> str:
    """Say where Self-Sparse GAN's mean lies against WGAN-GP's, group by group."""
    means = by_model(results, measure).groupby("configuration")["value"].mean()
    found = []
    for key, group in results.groups().items():
        pair: dict[str, Configuration] = {c.model: c for c in group if c.name in means.index}
        if {BASELINE, SPARSE} <= pair.keys():
            difference = means[pair[SPARSE].name] - means[pair[BASELINE].name]
            found.append(f"{'+' if difference > 0 else ''}{number(difference, 3)} on {group_label(key)}")
    return (
        f"\n\nSelf-Sparse GAN less WGAN-GP, by the means alone, which are not tested: {'; '.join(found)}."
        if found
        else ""
    )


def _per_run(rows: pd.DataFrame, measure: str) -> pd.Series:
    return rows.groupby("seed")[measure].mean()


def _nothing(why: str) -> Markdown:
    return Markdown(f"{why}.")
