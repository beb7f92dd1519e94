"""The model card of a trained generator: every number from the run's own files."""

from typing import Any

from huggingface_hub import ModelCardData

from selfsparse.hub.generator import LIBRARY, GeneratorConfiguration
from selfsparse.provenance import commit_text
from selfsparse.results.text import count, dataset_label, model_label, number, short

Rows = list[dict[str, Any]]
PAPER = "https://doi.org/10.26599/AIR.2022.9150005"
STATISTICS = {
    "running": "batch norms use the statistics gathered in training (`running`)",
    "batch": "batch norms use the statistics of each batch of 250 images (`batch`)",
}
FOLDER = "FOLDER_OR_HUB_ID"
NOT_MEASURED = "Not measured: no results of the suite's measures lay beside these weights."
LOAD = """```python
from torchvision.utils import save_image
from selfsparse import load_generator

generator = load_generator("{where}")
save_image(generator.sample(64, seed=0) / 255, "images.png")  # sample: uint8, 64 x {channels} x {size} x {size}
```"""


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
    parts = [
        f"---\n{metadata.to_yaml()}\n---",
        f"# {configuration.name}",
        _what(configuration, which, run),
        "## Load and draw",
        "With this project's package `selfsparse` installed:",
        LOAD.format(where=where, channels=data.channels, size=data.resolution),
        f"Images are drawn in evaluation mode; {STATISTICS[configuration.train.sampling_batch_norm]}. "
        "`model.safetensors` holds no code; the configuration that builds the network is in its header.",
        "## Measures",
        *_measures(extractor, fid, sparsity),
        "## Training",
        _training(provenance),
        "## Limits",
        *_limits(data.dataset, extractor, chosen_from),
        "## Licence and citation",
        "Code and weights: Apache-2.0. The images that it was trained on have terms of their own, which may bind what is "
        f"learnt from them. The model is that of Qian, Xu, Zuo and Li, *Self-Sparse Generative Adversarial Networks*, {PAPER}; "
        "these weights are a reproduction and not the authors'.",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _what(configuration: GeneratorConfiguration, which: str, run: dict[str, Any] | None) -> str:
    data = configuration.dataset
    text = (
        f"The generator of {model_label(configuration.model)} (`{configuration.model}`, {configuration.network.architecture}) "
        f"for {dataset_label(data.dataset, data.resolution)}, from z ~ N(0, 1) of width {configuration.latent_dim}."
    )
    if run is None:
        return text
    text += f" Seed {run['seed']}; {count(run['generator_parameters'])} parameters"
    text += f", {count(run['sastm_parameters'])} of them in its SASTMs." if run["sastm_parameters"] else "."
    if which == "best":
        text += (
            f" It is the best of its training by FID: step {count(run['best_step'])} of {count(run['steps'])}; that FID, "
            f"{number(run['best_fid'])}, chose it and is therefore too low."
        )
    elif which == "last":
        text += f" It is the last of its training, step {count(run['steps'])}."
    if run["status"] == "diverged":
        text += f" The training diverged at step {count(run['diverged_at'])}, after this generator."
    return text


def _measures(extractor: str | None, fid: Rows | None, sparsity: Rows | None) -> list[str]:
    if not fid and not sparsity:
        return [NOT_MEASURED]
    # Here: a card without measures, as of a generator that is loaded by itself, needs no tables.
    from selfsparse.analysis.table import Table, cell, count, number, said, to_markdown

    parts = []
    if fid:
        columns = {
            "Generated": count("n_fake"),
            "Real": count("n_real"),
            f"FID ({extractor or 'unknown extractor'})": number("fid"),
            "KID": cell(short, "kid"),
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


def _training(provenance: dict[str, Any] | None) -> str:
    if provenance is None:
        return "Unknown: no provenance lay beside these weights."
    train = provenance["settings"]["train"]
    rows = {
        "Finished": provenance["finished"],
        "Commit": commit_text(provenance, 40, "`"),
        "Settings, SHA-256": f"`{provenance['settings_sha256']}`",
        "Generator steps, batch size": f"{count(train['steps'])}, {count(train['batch_size'])}",
        "Learning rates (generator, discriminator), Adam betas": f"{train['generator_lr']}, {train['discriminator_lr']}, {train['betas']}",
        "Loss, gradient penalty, its centre": f"{train['loss']}, {train['penalty_weight']}, {train['penalty_centre']}",
        "Device": provenance["device"],
        "Wall time of all its seeds together": f"{count(provenance['seconds'])} s",
        "PyTorch": provenance["torch"],
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])


def _limits(dataset: str, extractor: str | None, chosen_from: int) -> list[str]:
    lines = []
    if extractor is None:
        lines.append("- The feature extractor of its FIDs is not known here: compare them with nothing.")
    elif extractor == "inception":
        lines.append(
            "- FID is under `inception` (torch-fidelity's Inception-v3): compare it only with FIDs of as many images, on "
            "images prepared in the same way."
        )
    elif extractor.startswith("inception"):
        lines.append(
            f"- FID is under `{extractor}`, Inception-v3 with other weights than the published ones: it is comparable only "
            "with FIDs under the same."
        )
    else:
        lines.append(
            f"- FID is under `{extractor}`, a small classifier trained on this dataset. It is not comparable with Inception: "
            "with no FID of the paper or of other models."
        )
    if chosen_from > 1:
        lines.append(
            f"- The best of {chosen_from} trainings with different seeds, by the FID of the larger sample above, which is therefore"
            " too low for the configuration: the suite's tables have the mean."
        )
    else:
        lines.append("- One training with one seed: other seeds give other numbers.")
    lines.append(
        f"- It draws what `{dataset}` holds, at this size, without labels. Whether it repeats training images was not examined."
    )
    return ["\n".join(lines)]
