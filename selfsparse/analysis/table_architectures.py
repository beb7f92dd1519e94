"""Tables and diagrams of notebooks/table_architectures.ipynb, and docs/architectures.md: the networks as they are built.

The paper's tables of networks (A1 to D4, v2's Tables 5 and 6) are compared with them row by row; architecture_drawings.py
draws Fig. 1 to 3.
"""

from functools import cache
from pathlib import Path

from selfsparse.analysis.table import Table, cell, count, joined, said, to_markdown
from selfsparse.config import Configuration, Settings, load_settings
from selfsparse.models.build import count_parameters, count_sastm_parameters
from selfsparse.models.counting import forward_flops
from selfsparse.models.layers import Layer, build_on_meta, conv_text, layers, sastm_rows
from selfsparse.paper import open_questions, reported
from selfsparse.paper.printed import printed_table, printed_tables
from selfsparse.registry import SASTM_MODELS, SPARSE
from selfsparse.results.text import MISSING, model_label, share
from selfsparse.templates import filled

SASTMS = ("A4", "B3", "C3", "D3", "D4", "T5")
# In printed order.
NAMES = ("T5", "T6", "A1", "A2", "A3", "A4", "B1", "B2", "B3", "C1", "C2", "C3", "D1", "D2", "D3", "D4")
INDEX = {"T5": "sastm_stl10", "T6": "resnet"}  # their names among the printed tables
QUESTIONS = {"A2": "U25", "D3": "U22", "T5": "U23", "T6": "U27", "D1": "U26", "D2": "U26"}


# The networks


def networks_table() -> Table:
    """Every configuration of every suite: parameters, and FLOPs of one image's forward pass."""
    columns = {
        "Suite": said("suite"),
        "Configuration": said("configuration"),
        "Paper's tables": said("tables"),
        "Network": said("network"),
        "Generator": count("generator"),
        "of which SASTM": cell(lambda n: f"{n:,}" if n else MISSING, "sastm"),
        "SASTM adds": cell(lambda n, all_: f"+{share(n / (all_ - n))}" if n else MISSING, "sastm", "generator"),
        "Discriminator": count("discriminator"),
        "MFLOPs, generator": cell(lambda n: f"{n / 1e6:,.1f}", "generator_flops"),
        "MFLOPs, discriminator": cell(lambda n: f"{n / 1e6:,.1f}", "discriminator_flops"),
    }
    settings = load_settings()
    rows = [{"suite": suite} | network_row(c) for suite in ordered_suites(settings) for c in settings.suite(suite)]
    return Table(rows, columns, "The networks of every configuration, by suite: parameters, and FLOPs of one image.")


def ordered_suites(settings: Settings) -> list[str]:
    """Return the suites, the paper's own first."""
    return sorted(settings.suites, key=lambda suite: suite != "paper")


def network_row(c: Configuration) -> dict:
    """Count the parameters and FLOPs of a configuration's networks; those of several configurations once."""
    shapes = (c.network, c.model, c.latent_dim, c.dataset.channels, c.dataset.resolution, c.train.position_layers)
    if shapes not in _counts:
        built = build_on_meta(c)
        flops = {f"{part}_flops": forward_flops(*pair) for part, pair in built.items()}
        generator, discriminator = (built[part][0] for part in ("generator", "discriminator"))
        _counts[shapes] = {
            "generator": count_parameters(generator),
            "sastm": count_sastm_parameters(generator),
            "discriminator": count_parameters(discriminator),
        } | flops
    return {"configuration": c.name, "tables": tables_of(c), "network": c.network_name} | _counts[shapes]


_counts: dict[tuple, dict[str, int]] = {}


def tables_of(c: Configuration) -> str:
    """Return the paper's tables that a configuration follows: those of its own row, or of the row that it is a variation of."""
    paper, stem = reported()["appendix_tables"], f"{c.dataset_key}-{c.model}".replace("sketch_substitute", "sketch")
    name = c.name if c.name in paper.index else stem
    if paper.get(name, "-") == "-":
        return "none (U31)" if c.model == "sagan" else "none"
    network, sastm = paper[name].split("+")
    if c.network_name.endswith("_matched"):
        network += ", widths scaled"
    elif c.network_name != load_settings().configuration(name).network_name:
        return "none"
    return (f"{network} + {sastm}" if c.model in SASTM_MODELS else network).replace("T", "Table ")


def layer_table(c: Configuration, part: str) -> Table:
    """The layers of a `generator` or `discriminator` in the order of its forward pass, with their parameters."""
    columns = {"Layer": said("layer"), "Output": said("output"), "Parameters": count("parameters")}
    return Table(
        [_layer_row(layer) for layer in layers(*build_on_meta(c)[part]) if not layer.is_activation], columns, ""
    )


def _layer_row(layer: Layer) -> dict:
    module, name = layer.module, layer.text
    if layer.kind == "SASTM":
        parts: dict[str, list[str]] = {}
        for (part, _), text in sastm_rows(module).items():
            parts.setdefault(part, []).append(text.removeprefix("Linear ").split(", ")[0])
        name = "SASTM: " + "; ".join(f"{part} {', '.join(texts)}" for part, texts in parts.items())
    elif layer.kind in ("Conv", "DeConv"):
        name += ", bias" * (module.bias is not None) + ", spectral norm" * hasattr(module, "parametrizations")
    return {"layer": name, "output": shape_text(layer.shape), "parameters": count_parameters(module)}


def shape_text(shape) -> str:
    """Return `64 × 8 × 8`."""
    return " × ".join(map(str, shape))


def architectures_markdown() -> str:
    """Return docs/architectures.md: the networks of all suites."""
    settings = load_settings()
    by_structure: dict[tuple, list[Configuration]] = {}
    for c in (c for suite in ordered_suites(settings) for c in settings.suite(suite)):
        structure = c.network_name, c.latent_dim, c.dataset.channels, c.dataset.resolution
        by_structure.setdefault(structure, []).append(c)
    sections = [
        (structure, next((c for c in users if c.model == SPARSE), users[0]), users)
        for structure, users in by_structure.items()
    ]
    values = {"networks": networks_table(), "sections": sections, "layers": layer_table}
    template = Path(__file__).with_name("architectures.md.j2")
    rows_of = lambda table: to_markdown(table).split("\n", 2)[2]  # noqa: E731 # without its caption
    return filled(template, values, model_label=model_label, shape_text=shape_text, rows_of=rows_of)


# The paper's tables


def title(name: str) -> str:
    """Return where a table stands, and its caption: `Table A1: ...`."""
    entry = printed_tables().loc[INDEX.get(name, name)]
    return f"{entry['v2']}: {entry['title']}"


@cache
def followers(name: str) -> tuple[Configuration, ...]:
    """Return the configurations of Self-Sparse GAN whose networks follow a printed table, one per latent width and size.

    Those on Sketch follow the tables of Fashion-MNIST (U7). No experiment uses A2 (U25): shown is MNIST's at its size.
    """
    settings, table = load_settings(), reported()
    table = table[(table["model"] == SPARSE) & (table["dataset"] != "sketch")]
    found = {}
    for configuration, tables in table["appendix_tables"].items():
        if name in tables.split("+"):
            c = settings.configuration(configuration)
            found.setdefault((c.dataset.resolution, c.latent_dim, c.network_name), c)
    if found:
        return tuple(found.values())
    network, c = settings.networks[name], settings.configuration("mnist-128-self_sparse")
    dataset = c.dataset.model_copy(update={"resolution": network.resolution})
    changes = {"network": network, "network_name": name, "dataset": dataset, "name": f"{name} of params.yaml"}
    return (c.model_copy(update=changes),)


@cache
def printed_and_built(name: str, c: Configuration) -> list[dict]:
    """Return a printed table's rows beside those of a configuration's networks: part, row, printed, built, agrees.

    What is built beyond the printed rows has `not printed`, and what is printed and not built has `no`.
    """
    built = {part: [x for x in layers(*pair) if not x.skip] for part, pair in build_on_meta(c).items()}
    if name in SASTMS:
        return _sastm_comparison(name, c, [layer for layer in built["generator"] if layer.kind == "SASTM"])
    found = []
    for part, own in built.items():
        # The ResNet's table has one row per layer, the others one per convolution.
        texts = [layer.text for layer in own] if name == "T6" else _rows_by_convolution(own)
        printed = _printed_rows(name, part)
        for i in range(max(len(texts), len(printed))):
            a, b = ("".join(rows[i : i + 1]) for rows in (printed, texts))
            found.append(_row(part, i + 1, a, b, a == b))
    return found


def _rows_by_convolution(found: list[Layer]) -> list[str]:
    """Return one text per convolution with all that follows it: the rows of the tables of DCGANs."""
    texts: list[list[str]] = []
    for layer in found:
        if layer.kind in ("DeConv", "Conv") or not texts:
            texts.append([])
        texts[-1].append(layer.text)
    return ["; ".join(parts) for parts in texts]


def _printed_rows(name: str, part: str) -> list[str]:
    table = printed_table(INDEX.get(name, name))
    table = table[table["network"] == part]
    if name == "T6":
        return table["item"].tolist()
    texts = []
    for row in table.itertuples():
        sastm = ["SASTM"] if row.sastm == "yes" else []
        parts = [conv_text(row.operator, row.kernel, row.stride, row.padding), *sastm, row.norm, row.activation]
        texts.append("; ".join(filter(None, parts)))
    return texts


def _sastm_comparison(name: str, c: Configuration, sastms: list[Layer]) -> list[dict]:
    """Compare a table of SASTM with every SASTM of a generator: z, Mc and Mh×Mw are those of the stage."""
    built = [sastm_rows(layer.module) for layer in sastms]
    printed = {(row.part, int(row.step)): row for row in printed_table(INDEX.get(name, name)).itertuples()}
    found = []
    for key in sorted({*printed, *(key for rows in built for key in rows)}):
        texts = [rows.get(key, "") for rows in built]
        row = printed.get(key)
        shown = _printed_step(row) + (" (Conv or DeConv)" if row and row.operator.startswith("Conv") else "")
        expected = [_printed_step(row, c.latent_dim, layer.shape) for layer in sastms]
        found.append(_row(key[0], key[1], shown, "; ".join(dict.fromkeys(filter(None, texts))), texts == expected))
    return found


def _printed_step(row, latent_dim: int | None = None, shape: tuple[int, ...] = ()) -> str:
    """Return a printed row of a SASTM, with a stage's numbers in place of z, Mc and Mh×Mw where they are given."""
    if row is None:
        return ""
    names = {"z": latent_dim, "Mc": shape[0], "Mh×Mw": f"{shape[1]}×{shape[2]}"} if shape else {}
    operator = "" if row.operator.startswith("Conv") else f"{row.operator} "
    return f"{operator}{names.get(row.input, row.input)} → {names.get(row.output, row.output)}, {row.activation}"


def _row(part: str, row: int, printed: str, built: str, same: bool) -> dict:
    agrees = ("yes" if same else "no") if printed else "not printed"
    return {"part": part, "row": row, "printed": printed, "built": built, "agrees": agrees}


def architecture_table(name: str) -> Table:
    """One printed table beside the rows of the first configuration that follows it."""
    c = followers(name)[0]
    rows = [{"table": name, "configuration": c.name} | row for row in printed_and_built(name, c)]
    columns = {key.capitalize(): said(key) for key in ("part", "row", "printed", "built", "agrees")}
    return Table(rows, columns, f"{title(name)}. Built: {c.name}.")


def agreement_table() -> Table:
    """Every printed table against every network that follows it: how many rows agree, and which do not."""
    short = {q.id: f"{q.id}: {q.short}" for q in open_questions().questions}
    rows = []
    for name in NAMES:
        entry = printed_tables().loc[INDEX.get(name, name)]
        for c in followers(name):
            found = printed_and_built(name, c)
            agree, differ, beyond = (
                [f"{row['part']} {row['row']}" for row in found if row["agrees"] == word]
                for word in ("yes", "no", "not printed")
            )
            rows.append(
                {
                    "table": entry["v2"],
                    "configuration": c.name,
                    "rows": len(agree) + len(differ),
                    "agree": len(agree),
                    "not_printed": len(beyond),
                    "differ": "; ".join(differ),
                    "printed_image": entry["image"],
                    "image": f"{c.dataset.resolution}×{c.dataset.resolution}×{c.dataset.channels}",
                    "printed_latent": entry["latent"],
                    "latent": c.latent_dim,
                    "question": QUESTIONS.get(name, ""),
                }
            )
    columns = {
        "Table": said("table"),
        "Built": said("configuration"),
        "Rows that agree": joined(said("agree"), said("rows"), by=" of "),
        "Rows that differ": said("differ"),
        "Rows not printed": cell(lambda n: str(n or MISSING), "not_printed"),
        "Image, printed": said("printed_image"),
        "built": said("image"),
        "z, printed": said("printed_latent"),
        "z, built": said("latent"),
        "Open question": cell(lambda question: short.get(question, question) or MISSING, "question"),
    }
    return Table(rows, columns, "The paper's tables of networks, row by row against the networks as they are built.")
