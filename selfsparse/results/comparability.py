"""What the paper prints of a configuration, and whether it is the paper's own: every printed setting, and the printed images."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from selfsparse.config import Configuration
from selfsparse.paper import reported
from selfsparse.paper.printed import printed_table, text_number
from selfsparse.registry import SASTM_MODELS
from selfsparse.results.text import count

PAPER_EXTRACTOR = "inception"
LSUN_BEDROOM_IMAGES = 3_033_042  # as the paper counts them, and the lmdb holds them
TEXT = ("discriminator_steps", "generator_lr", "discriminator_lr")  # settings of a training, in the running text


def comparable(c: Configuration) -> bool:
    """Whether a number of this configuration may stand against the paper's of the same name."""
    return not differences(c)


def differences(c: Configuration) -> tuple[str, ...]:
    """Return what keeps a configuration from being the paper's own, in words; nothing where every printed setting agrees.

    What the paper leaves open (the batch size, the penalty's weight ...) is no difference: docs/open_questions.md.
    """
    paper, train = reported(), c.train
    name = c.extractor.extractor
    extractor = [_said("extractor", name, PAPER_EXTRACTOR)] * (name != PAPER_EXTRACTOR)
    if c.name not in paper.index:
        return ("not in the paper", *extractor)
    row = paper.loc[c.name]
    printed: dict[str, tuple[Any, Any]] = {
        "resolution": (c.dataset.resolution, int(row["resolution"])),
        "channels": (c.dataset.channels, int(row["channels"])),
        "architecture": (c.network.architecture, row["architecture"]),
        "latent size": (c.latent_dim, int(row["latent_dim"])),
        "steps": (train.steps, int(text_number("generator_steps"))),
        "interval of the evaluations": (train.evaluate_every, int(text_number("evaluate_every"))),
        "generated images of an FID": (c.extractor.samples[0], int(text_number("fid_samples"))),
    }
    if c.model != "sagan":  # how the paper's was trained is not printed (U31)
        printed["betas"] = train.betas, tuple(float(beta) for beta in row["adam_betas"].split())
        printed |= {name.replace("_", " "): (getattr(train, name), text_number(name)) for name in TEXT}
    if row["architecture"] == "dcgan":  # the others are not printed whole (U27, U31)
        network, module = row["appendix_tables"].split("+")
        widths = _widths(network) | (_module_widths(module) if c.model in SASTM_MODELS else {})
        printed |= {name.replace("_", " "): (getattr(c.network, name), value) for name, value in widths.items()}
    found = [_said(name, ours, theirs) for name, (ours, theirs) in printed.items() if ours != theirs]
    note = image_note(c.dataset.dataset, c.source.model_dump())
    return (*extractor, *found, *([note.rstrip(".")] if note else []))


def _said(name: str, ours: Any, theirs: Any) -> str:
    ours, theirs = (count(x) if isinstance(x, int) else f"{x:g}" if isinstance(x, float) else x for x in (ours, theirs))
    return f"{name} {ours}, not {theirs}"


@cache
def _widths(table: str) -> dict[str, tuple[int, ...]]:
    """Return the widths of the networks of an appendix table: its batch norms and instance norms name them."""
    norms = printed_table(table).dropna(subset=["norm"])
    parts = {
        part: own["norm"].str.extract(r"-(\d+)$")[0].dropna().astype(int) for part, own in norms.groupby("network")
    }
    return {f"{part}_widths": tuple(found.tolist()) for part, found in parts.items()}


@cache
def _module_widths(table: str) -> dict[str, Any]:
    """Return the widths of the module's f, and the size that its position head begins with, of an appendix table."""
    steps = printed_table(table)
    found: dict[str, Any] = {"position_size": int(steps.loc[steps["part"] == "g2", "input"].iloc[-1].split("×")[0])}
    if table != "D3":  # where the last width contradicts what follows (U22)
        found["sastm_widths"] = tuple(steps.loc[steps["part"] == "f", "output"].astype(int).tolist())
    return found


def comparison(c: Configuration) -> str:
    """Say whether a FID of this configuration may stand against the paper's: `no (extractor lenet, not inception)`."""
    return f"no ({'; '.join(differences(c))})" if differences(c) else "yes"


def image_note(dataset: str, source: Mapping[str, Any]) -> str:
    """Return one sentence on how a dataset differs from the paper's, or "" where it does not.

    Args:
        dataset: the dataset's name.
        source: its settings, as in `sources.<dataset>` of params.yaml.
    """
    if dataset == "lsun_bedroom" and source["images"] not in ("all", LSUN_BEDROOM_IMAGES):
        return f"LSUN bedrooms: a subset of {source['images']:,} of {LSUN_BEDROOM_IMAGES:,} images."
    if dataset == "cifar10" and source["split"] == "train":
        return "CIFAR-10: the 50,000 training images only; the paper has 60,000."
    if dataset == "sketch":
        return "Sketch: drawings of one's own, as the paper's are private."
    if dataset == "sketch_substitute":
        return "sketch_substitute: edges of photographs of buildings, not the paper's Sketch."
    return ""


def source_of(configuration: Configuration, provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of the images that a configuration was trained on; today's where it has not run.

    Args:
        provenance: by configuration, as `Results` has it.
    """
    trained = provenance.get(configuration.name, {}).get("settings", {}).get("source")
    return configuration.source.model_dump() if trained is None else trained


def image_notes(configurations: Iterable[Configuration], provenance: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each set of images that is not the paper's, for below a table."""
    notes = (image_note(c.dataset.dataset, source_of(c, provenance)) for c in configurations)
    return [note for note in dict.fromkeys(notes) if note]
