"""table_resolutions: datasets with their numbers of images and resolutions, as printed and as used (Table 1, its text)."""

import math
from typing import Any

from selfsparse.analysis.table import Table, cell, count, said
from selfsparse.config import Configuration, load_settings
from selfsparse.data.registry import DATASETS
from selfsparse.data.sources import image_count
from selfsparse.paper.printed import printed_table
from selfsparse.results.comparability import image_note, source_of
from selfsparse.results.reading import Results
from selfsparse.results.text import MISSING

COLOURS = {1: "grayscale", 3: "RGB"}


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


def resolutions_table(results: Results) -> Table:
    """One row per dataset and resolution of the suite, in its order: what the paper prints, and what is used here."""
    cells: dict[tuple[str, int], list[Configuration]] = {}
    for c in results.configurations:
        cells.setdefault((c.dataset.dataset, c.dataset.resolution), []).append(c)
    columns = {
        "Dataset": cell(lambda name: DATASETS[name].title, "dataset"),
        "Paper, size": cell(lambda size: size.replace("×", " × ") or MISSING, "paper_size"),
        "Ours, size": cell("{0} × {0} × {1}".format, "resolution", "channels"),
        "Paper, colour": said("paper_colour"),
        "Ours, colour": cell(COLOURS.__getitem__, "channels"),
        "Paper, images": count("paper_images"),
        "Ours, images": count("images"),
        "Configurations": said("_configurations"),
        "Runs": said("runs"),
    }
    sizes = printed_table("resolutions").set_index(["dataset", "resolution"])["printed"]
    images, rows = printed_table("datasets").set_index("dataset"), []
    for (dataset, resolution), own in cells.items():
        c, printed = own[0], dataset in images.index
        row: dict[str, Any] = {"dataset": dataset, "resolution": resolution, "channels": c.dataset.channels}
        row["paper_images"] = float(images.loc[dataset, "images"]) if printed else math.nan
        row["paper_size"] = sizes.get((dataset, resolution), "")
        row["paper_colour"] = images.loc[dataset, "colour"] if printed else ""
        row |= {"images": used_images(results, c), "note": image_note(dataset, source_of(c, results.provenance))}
        row["runs"] = "; ".join(dict.fromkeys(results.count(c).text for c in own))
        rows.append(row | {"_configurations": len(own)})
    caption = "Datasets, their numbers of images, and the resolutions of the generated images."
    return Table(rows, columns, caption)
