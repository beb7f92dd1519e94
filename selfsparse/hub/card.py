"""The model card of a trained generator: every number from the run's own files. card.md.j2 has its words."""

from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from selfsparse.hub.generator import LIBRARY, GeneratorConfiguration
from selfsparse.provenance import commit_text
from selfsparse.results import text
from selfsparse.templates import filled

Rows = list[dict[str, Any]]
FOLDER = "FOLDER_OR_HUB_ID"


def model_card(
    configuration: GeneratorConfiguration,
    *,
    where: str = FOLDER,
    which: str = "",
    chosen_from: int = 1,
    run: dict[str, Any] | None = None,
    provenance: dict[str, Any] | None = None,
    extractor: str | None = None,
    fid: Rows | None = None,
    sparsity: Rows | None = None,
) -> str:
    """Return the card as Markdown with the Hub's metadata; what is not given is said to be missing, never filled in.

    Args:
        where: what the loading example names, in quotes there.
        which: `best` or `last` generator of its run.
        chosen_from: of how many runs this one has the lowest FID at the larger sample count.
        run, provenance: run.json and provenance.json.
        extractor: the features of its FIDs, by the name that whoever prepared them wrote.
        fid, sparsity: the rows of fid.csv and sparsity.csv that measured this very generator.
    """
    data = configuration.dataset
    metadata = ModelCardData(
        license="apache-2.0",
        library_name=LIBRARY,
        pipeline_tag="unconditional-image-generation",
        tags=["gan", "self-sparse-gan", configuration.model, data.dataset],
    )
    values = {
        "c": configuration, "data": text.dataset_label(data.dataset, data.resolution), "metadata": metadata.to_yaml(),
        "where": where, "which": which, "chosen_from": chosen_from, "run": run, "provenance": provenance,
        "extractor": extractor, "commit": commit_text(provenance or {}, 40, "`"), "measures": _measures(extractor, fid, sparsity),
    }  # fmt: skip
    template = Path(__file__).with_name("card.md.j2")
    return filled(template, values, count=text.count, number=text.number, model_label=text.model_label)


def _measures(extractor: str | None, fid: Rows | None, sparsity: Rows | None) -> list[str]:
    if not fid and not sparsity:
        return []
    # Here: a card without measures, as of a generator that is loaded by itself, needs no tables.
    from selfsparse.analysis.table import Table, cell, count, number, said, to_markdown

    parts = []
    if fid:
        columns = {
            "Generated": count("n_fake"),
            "Real": count("n_real"),
            f"FID ({extractor or 'unknown extractor'})": number("fid"),
            "KID": cell(text.short, "kid"),
            "Precision": number("precision", 3),
            "Recall": number("recall", 3),
        }
        parts.append(Table(fid, columns, "Measured again, with other latents than those of its training."))
    if sparsity:
        columns = {
            "Stage": said("stage"),
            "Maps": cell("{} of {} × {}".format, "channels", "size", "size"),
            "ξ": number("xi", 3),
            "ζ": number("zeta", 3),
            "α = 0": number("alpha_zero", 3),
            "β = 0": number("beta_zero", 3),
        }
        parts.append(Table(sparsity, columns, "Sparsity per stage (Eq. 4, 5), shares from 0 to 1."))
    return [to_markdown(part) for part in parts]
