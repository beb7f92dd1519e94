"""The datasets with their numbers of images and resolutions, as printed and as used (Table 1, and its section's text)."""

import math

from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import table_of
from selfsparse.config import Configuration, load_settings
from selfsparse.data.registry import DATASETS
from selfsparse.data.sources import image_count
from selfsparse.paper.printed import printed_table
from selfsparse.results.comparability import image_note, source_of
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING, count

COLOURS = {1: "grayscale", 3: "RGB"}


def resolutions_table(results: Results) -> Table:
    """One row per dataset and resolution of the suite, in its order: what the paper prints, and what is used here."""
    cells: dict[tuple[str, int], list[Configuration]] = {}
    for c in results.configurations:
        cells.setdefault((c.dataset.dataset, c.dataset.resolution), []).append(c)
    rows = [_row(results, *key, configurations) for key, configurations in cells.items()]
    return table_of(rows, ([], []), "Datasets, their numbers of images, and the resolutions of the generated images.")


def used_images(results: Results, c: Configuration) -> float:
    """Return how many images a configuration is trained on; NaN where a folder of the user's own decides.

    By the settings that it was trained with; by today's where it has not run.
    """
    if c.dataset.dataset == "sketch":
        return math.nan
    settings = load_settings()
    source = type(c.source).model_validate(source_of(c, results.provenance))
    sources = settings.sources.model_copy(update={c.dataset.dataset: source})
    return float(image_count(settings.model_copy(update={"sources": sources}), c.dataset))


def _row(results: Results, dataset: str, resolution: int, configurations: list[Configuration]) -> tuple[dict, dict]:
    sizes = printed_table("resolutions").set_index(["dataset", "resolution"])["printed"]
    images = printed_table("datasets").set_index("dataset")
    size = sizes.get((dataset, resolution), "")
    printed = float(images.loc[dataset, "images"]) if dataset in images.index else math.nan
    colour = images.loc[dataset, "colour"] if dataset in images.index else ""
    c = configurations[0]
    used = used_images(results, c)
    status = dict.fromkeys(results.count(c).text for c in configurations)
    shape = f"{resolution} × {resolution} × {c.dataset.channels}"
    note = image_note(dataset, source_of(c, results.provenance))
    data = {
        "dataset": dataset,
        "resolution": resolution,
        "channels": c.dataset.channels,
        "paper_images": printed,
        "paper_size": size,
        "paper_colour": colour,
        "images": used,
        "note": note,
        "runs": "; ".join(status),
    }
    text = {
        "Dataset": DATASETS[dataset].title,
        "Paper, size": size.replace("×", " × ") or MISSING,
        "Ours, size": shape,
        "Paper, colour": colour or MISSING,
        "Ours, colour": COLOURS[c.dataset.channels],
        "Paper, images": count(printed),
        "Ours, images": count(used),
        "Configurations": len(configurations),
        "Runs": "; ".join(status),
    }
    return data, text
