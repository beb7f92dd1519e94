"""Three FIDs of every run, how biased the lowest is, and KID, precision and recall from the same features."""

from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import fid_title, identity, table_of
from selfsparse.config import Configuration
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, count, mean_std, short
from selfsparse.statistics.moments import Moments, moments

SIZES = ("small", "large")
GENERATORS = ("best", "last")


def bias(results: Results, c: Configuration) -> Moments:
    """How much higher the best generators' FID is with fresh latents than when it was chosen, over the finished runs.

    The lowest of many noisy values lies below what the generator deserves (U42); both FIDs are of the small sample.
    """
    chosen = results.finished(results.runs, c).set_index("seed")["best_fid"]
    rows = results.finished(results.fid, c)
    rows = rows[(rows["generator"] == "best") & (rows["n_fake"] == c.extractor.samples[0])]
    return moments((rows.set_index("seed")["fid"] - chosen).dropna().astype(float))


def measures_table(results: Results) -> Table:
    """The lowest FID of each training, and its best and last generator measured again with fresh latents (U42)."""
    rows = []
    for c in results.configurations:
        runs, found = results.count(c), bias(results, c)
        lowest = moments(results.best_in_training(c))
        data = identity(c) | {"lowest_mean": lowest.mean, "lowest_std": lowest.std}
        data |= {"bias_mean": found.mean, "bias_std": found.std, "bias_n": found.n}
        text = {
            "Configuration": c.name,
            "Lowest in training": mean_std(lowest, without_value=runs.without_value),
            "Again − lowest": mean_std(found),
        }
        for generator in GENERATORS:
            for size, n_fake in zip(SIZES, c.extractor.samples, strict=True):
                m = moments(results.measured(c, generator, n_fake))
                key = f"{generator}_{size}"
                data |= {f"{key}_mean": m.mean, f"{key}_std": m.std, f"{key}_n": m.n}
                text[f"{generator.capitalize()} again, {size} sample"] = mean_std(m)
        text["Extractor"] = data["extractor"] = c.extractor.extractor
        text["Real / generated, small; large"] = "; ".join(
            f"{count(results.real_images(c, n))} / {count(n)}" for n in c.extractor.samples
        )
        rows.append((data, text))
    caption = f"{fid_title(results)} of the kept generators, measured again with other latents than those that chose the best."
    return table_of(rows, ([], []), caption)


def quality_table(results: Results) -> Table:
    """KID, precision and recall of the best and the last generators at the small sample, from the features of the FID."""
    rows = []
    for c in results.configurations:
        data, text = identity(c), {"Configuration": c.name}
        for generator in GENERATORS:
            for measure, label in (("kid", "KID"), ("precision", "precision"), ("recall", "recall")):
                m = moments(results.measured(c, generator, c.extractor.samples[0], measure).dropna().astype(float))
                key = f"{generator}_{measure}"
                data |= {f"{key}_mean": m.mean, f"{key}_std": m.std, f"{key}_n": m.n}
                without = MISSING if text.keys() - {"Configuration"} else results.count(c).without_value
                text[f"{generator.capitalize()}, {label}"] = (
                    _kid(m, without) if measure == "kid" else mean_std(m, 3, without)
                )
        text["Extractor"] = data["extractor"] = c.extractor.extractor
        rows.append((data, text))
    caption = "KID, precision and recall with fresh latents, small sample: KID has no bias at small samples; precision falls where images are poor, recall where they are few of a kind."
    return table_of(rows, ([], []), caption)


def _kid(m: Moments, without_value: str) -> str:
    """Return a KID, which may be small, with three digits."""
    if m.n < 2:
        return without_value if m.n == 0 else short(m.mean)
    return f"{short(m.mean)} ± {short(m.std)}"
