"""table_samples: FIDs by two sample counts (v1 Table 3), and what the larger one changes."""

from selfsparse.analysis.comparisons import COMPARED, TESTS, Comparison, compared, fid_title, main_pairs, rule
from selfsparse.analysis.table import Table, count, interval, joined, mean_std, number, said, summarised
from selfsparse.config import Configuration
from selfsparse.paper.printed import printed_table
from selfsparse.results.reading import Results
from selfsparse.results.text import model_label
from selfsparse.statistics.moments import Moments, moments

PRINTED_SAMPLES = "stl10-64"  # what v1's table of sample counts is about, as its caption says


def samples_pairs(results: Results) -> list[Comparison]:
    """Return the pairs of the main table, those that v1 prints for two sample counts first."""
    return sorted(main_pairs(results), key=lambda p: p.lower.dataset_key != PRINTED_SAMPLES)


def _printed(c: Configuration, n_fake: int) -> Moments:
    """Return the FID that v1 prints for this configuration and sample count; it has no standard deviation."""
    table = printed_table("stl10_samples").set_index(["model", "samples"])["fid"]
    named = c.name == f"{PRINTED_SAMPLES}-{c.model}" and (c.model, n_fake) in table.index
    return moments([float(table[c.model, n_fake])] if named else [])


def samples_table(results: Results) -> Table:
    """The best generators' FIDs by both sample counts: the paper's, ours, and their comparison."""
    cells = [(p, p.lower.extractor.samples[size]) for p in samples_pairs(results) for size in (0, 1)]
    found = compared(results, cells, _printed)
    rows = [
        {"comparison": p.label, "n_fake": n_fake, "n_real": results.real_images(p.lower, n_fake), **row}
        for (p, n_fake), row in zip(cells, found, strict=True)
    ]
    columns = {"Comparison": said("comparison"), "Generated": count("n_fake"), "Real": count("n_real"), **COMPARED}
    caption = (
        f"{fid_title(results)} of the best generators with fresh latents by two sample counts, Self-Sparse GAN / WGAN-GP."
        f" {TESTS} {rule(results.decide)}"
    )
    return Table(rows, columns, caption)


def drops_table(results: Results) -> Table:
    """By how much the larger sample lowers each model's FID, run by run (C9)."""
    rows = []
    for p in samples_pairs(results):
        for c in reversed(p.both):
            few, many = c.extractor.samples
            drop = results.re_evaluated(c, "best", few) - results.re_evaluated(c, "best", many)
            m = moments(drop.dropna().astype(float))
            row = {"configuration": c.name, "small": few, "large": many}
            row |= {"paper_drop": _printed(c, few).mean - _printed(c, many).mean, **summarised("drop", m), "n": m.n}
            row |= {"extractor": c.extractor.extractor, "_pair": p.label, "_model": model_label(c.model)}
            row |= {"_low_95": m.low, "_high_95": m.high, "_without": results.count(c).without_value}
            rows.append(row)
    columns = {
        "Pair": said("_pair"),
        "Model": said("_model"),
        "Samples": joined(count("small"), count("large"), by=" → "),
        "Paper, drop": number("paper_drop"),
        "Ours, drop": mean_std("drop", without="_without"),
        "n": said("n"),
        "95 % interval": interval(""),
        "Extractor": said("extractor"),
    }
    caption = f"Drop of the {fid_title(results)} of the best generators by the larger sample."
    return Table(rows, columns, caption)
