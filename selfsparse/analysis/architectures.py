"""docs/architectures.md: every configuration's networks as they are built, beside the paper's tables that they follow."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from selfsparse.config import Configuration, Settings
from selfsparse.models.build import build_discriminator, build_generator, count_parameters, count_sastm_parameters
from selfsparse.models.sagan import SelfAttention
from selfsparse.models.sastm import SASTM
from selfsparse.paper import reported
from selfsparse.registry import SASTM_MODELS
from selfsparse.results.text import model_label, share

INTRODUCTION = """# Architectures

Written by `selfsparse docs` from the networks as they are built; the widths stand in `params.yaml`, section `networks`.
Tables A1 to D4 are those of the journal version's appendix, Tables 5 and 6 are in its Section 3.4.
A table of SASTM (A4, B3, C3, D3, D4, 5) says what Self-Sparse GAN adds to its WGAN-GP baseline.

FLOPs are those of one forward pass of one image: two for each multiplication with its addition, in convolutions,
deconvolutions, linear layers and attention.

## Configurations

"SASTM adds" is the module's share of the baseline generator: the paper compares generators of different size. The suite
`controls` has baselines with as many parameters (`-matched`).
"""
LAYERS = """## Layers

One section per network, latent width and number of image channels. The generator is shown with both of SASTM's heads
where a configuration has them; WGAN-GP is the same without the rows `SASTM`, "without PSM" has only their alpha,
"without CSM" only their beta. Activations are left out; skip paths of residual blocks follow the branch that they pass.
"""


@dataclass(frozen=True)
class Size:
    """What a configuration's networks cost: numbers of parameters, and FLOPs of one image's forward pass."""

    generator: int
    sastm: int
    discriminator: int
    generator_flops: int
    discriminator_flops: int


def build_on_meta(c: Configuration) -> tuple[nn.Module, nn.Module]:
    """Return a configuration's generator and discriminator without memory for their weights, in evaluation mode."""
    with torch.device("meta"):
        return build_generator(c).eval(), build_discriminator(c).eval()


@torch.no_grad()
def network_size(c: Configuration) -> Size:
    """Count the parameters and FLOPs of a configuration's networks."""
    generator, discriminator = build_on_meta(c)
    latent = torch.empty(1, c.latent_dim, device="meta")
    image = torch.empty(1, c.dataset.channels, c.dataset.resolution, c.dataset.resolution, device="meta")
    flops = []
    for network, entry in ((generator, latent), (discriminator, image)):
        with FlopCounterMode(display=False) as counter:
            network(entry)
        flops.append(counter.get_total_flops())
    return Size(count_parameters(generator), count_sastm_parameters(generator), count_parameters(discriminator), *flops)


def architectures_markdown(settings: Settings) -> str:
    """Return docs/architectures.md for the suites paper and controls."""
    configurations = [c for suite in ("paper", "controls") for c in settings.suite(suite)]
    parts = [INTRODUCTION, *_overview(configurations), "", LAYERS]
    for c in _representatives(configurations):
        parts += _network_section(c, configurations)
    return "\n".join(parts).rstrip() + "\n"


def _overview(configurations: list[Configuration]) -> list[str]:
    header = [
        "Configuration", "Paper's tables", "Network", "Generator", "of which SASTM", "SASTM adds", "Discriminator",
        "MFLOPs, generator", "MFLOPs, discriminator",
    ]  # fmt: skip
    rows = []
    for c in configurations:
        size = network_size(c)
        rows.append(
            [
                c.name,
                _tables_of(c),
                c.network_name,
                f"{size.generator:,}",
                f"{size.sastm:,}" if size.sastm else "–",
                f"+{share(size.sastm / (size.generator - size.sastm))}" if size.sastm else "–",
                f"{size.discriminator:,}",
                f"{size.generator_flops / 1e6:,.1f}",
                f"{size.discriminator_flops / 1e6:,.1f}",
            ]
        )
    return _table(header, rows)


def _tables_of(c: Configuration) -> str:
    """The paper's tables that a configuration follows: those of its own row, or of the row it is a control of."""
    paper = reported()["appendix_tables"]
    stem = f"{c.dataset_key}-{c.model}"
    name = c.name if c.name in paper.index else stem
    tables = paper.get(name, paper.get(stem.replace("sketch_substitute", "sketch"), "-"))
    if tables == "-":
        return "none (U31)"
    network, sastm = tables.split("+")
    shown = f"{network}, widths scaled" if c.network_name.endswith("_matched") else network
    return (f"{shown} + {sastm}" if c.model in SASTM_MODELS else shown).replace("T", "Table ")


def _representatives(configurations: list[Configuration]) -> Iterator[Configuration]:
    """Yield one configuration per network, latent width and channels: Self-Sparse GAN where there is one."""
    found: dict[tuple, Configuration] = {}
    for c in configurations:
        key = _structure(c)
        if key not in found or c.model == "self_sparse":
            found[key] = c
    yield from found.values()


def _structure(c: Configuration) -> tuple:
    return c.network_name, c.latent_dim, c.dataset.channels


def _network_section(c: Configuration, configurations: list[Configuration]) -> list[str]:
    users = [other.name for other in configurations if _structure(other) == _structure(c)]
    latent = torch.empty(1, c.latent_dim, device="meta")
    image = torch.empty(1, c.dataset.channels, c.dataset.resolution, c.dataset.resolution, device="meta")
    generator, discriminator = build_on_meta(c)
    header = ["Layer", "Output", "Parameters"]
    channels = "grey" if c.dataset.channels == 1 else "RGB"
    return [
        f"### {c.network_name}: z {c.latent_dim}, {channels} {c.dataset.resolution} × {c.dataset.resolution}",
        "",
        f"Used by {', '.join(users)}.",
        "",
        f"Generator ({model_label(c.model)}), from z ({c.latent_dim}):",
        "",
        *_table(header, layer_rows(generator, latent)),
        "",
        f"Discriminator, from an image ({_shape(image)}):",
        "",
        *_table(header, layer_rows(discriminator, image)),
        "",
    ]


@torch.no_grad()
def layer_rows(network: nn.Module, entry: torch.Tensor) -> list[list[str]]:
    """Return name, output shape and parameters of every layer in the order of its forward pass.

    An SASTM, which the generator calls for its coefficients, is one row; so is attention. Activations, reshaping and
    spectral normalisation have no rows of their own: the first two have no parameters, the last is named in its layer.
    """
    rows: list[list[str]] = []
    whole = tuple(m for m in network.modules() if isinstance(m, SASTM | SelfAttention))
    inside = {id(m) for block in whole for m in block.modules() if m is not block}
    handles = []
    for module in network.modules():
        if id(module) in inside:
            continue
        if isinstance(module, SASTM):
            # The MLP is the first part that runs, whichever heads there are.
            handles.append(module.mlp.register_forward_hook(lambda m, i, o, s=module: rows.append(_sastm_row(s))))
        elif _layer_name(module):
            handles.append(module.register_forward_hook(lambda m, i, o: rows.append(_layer_row(m, o))))
    network(entry)
    for handle in handles:
        handle.remove()
    return rows


def _layer_row(module: nn.Module, output: torch.Tensor) -> list[str]:
    return [_layer_name(module), _shape(output), f"{count_parameters(module):,}"]


def _sastm_row(sastm: SASTM) -> list[str]:
    linear = [m for m in sastm.mlp if isinstance(m, nn.Linear)]
    parts = ["f " + " → ".join(str(n) for n in [linear[0].in_features, *(m.out_features for m in linear)])]
    shapes = []
    if sastm.channel_head is not None:
        parts.append(f"g1 {sastm.channel_head[0].in_features} → {sastm.channel_head[0].out_features}")
        shapes.append(f"alpha {sastm.channel_head[0].out_features}")
    if sastm.position_head is not None:
        start = next(m for m in sastm.position_head if isinstance(m, nn.Unflatten)).unflattened_size[1]
        first = sastm.position_head[0]
        size = sastm.position_head(torch.empty(1, linear[-1].out_features, device="meta")).shape[-1]
        to_map = f"{first.in_features} → {first.out_features}, " if isinstance(first, nn.Linear) else ""
        parts.append(f"g2 {to_map}{start} × {start} → {size} × {size}")
        shapes.append(f"beta {size} × {size}")
    return [f"SASTM: {'; '.join(parts)}", ", ".join(shapes), f"{count_parameters(sastm):,}"]


def _layer_name(module: nn.Module) -> str:
    """How the paper's tables write a layer; nothing for what has no row."""
    normalised = ", spectral norm" if hasattr(module, "parametrizations") else ""
    if isinstance(module, nn.ConvTranspose2d | nn.Conv2d):
        kind = "DeConv" if isinstance(module, nn.ConvTranspose2d) else "Conv"
        k, s, p = module.kernel_size[0], module.stride[0], module.padding[0]
        bias = ", bias" if module.bias is not None else ""
        return f"{kind} {k} × {k}, stride {s}, padding {p}{bias}{normalised}"
    if isinstance(module, nn.BatchNorm2d):
        return f"BN-{module.num_features}"
    if isinstance(module, nn.InstanceNorm2d):
        return f"IN-{module.num_features}"
    if isinstance(module, nn.Upsample):
        return "Upsample 2"
    if isinstance(module, nn.AvgPool2d):
        return "Downsample 0.5"
    if isinstance(module, SelfAttention):
        return "Self-attention"
    return ""


def _shape(output: torch.Tensor) -> str:
    return " × ".join(str(n) for n in output.shape[1:])


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
