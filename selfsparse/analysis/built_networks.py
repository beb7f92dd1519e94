"""What a built network consists of, module by module in the order of its forward pass, in the words of the paper's tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from selfsparse.models.sastm import SASTM

ACTIVATIONS = {nn.ReLU: "ReLU", nn.Tanh: "Tanh", nn.LeakyReLU: "LeakyReLU"}


@dataclass(frozen=True)
class Layer:
    """One module: what it is, as the tables write it, and the shape that it gives."""

    kind: str  # DeConv, Conv, SASTM, BN, IN, Linear, ReLU, Tanh, LeakyReLU, Upsample, Downsample
    text: str  # for example `DeConv 4×4, stride 1, padding 0`
    shape: tuple[int, ...]
    module: nn.Module


@torch.no_grad()
def layers(network: nn.Module, entry: torch.Tensor) -> list[Layer]:
    """Return a network's layers in the order in which `entry` (1, ...) passes them; an SASTM is one layer.

    Skip paths of residual blocks are left out: the tables do not print them.
    """
    found: list[Layer] = []
    inside = {id(m) for s in network.modules() if isinstance(s, SASTM) for m in s.modules() if m is not s}
    skipped = {id(m) for name, m in network.named_modules() if "skip" in name.split(".")}
    handles = []
    for module in network.modules():
        if id(module) in inside or id(module) in skipped or (list(module.children()) and not isinstance(module, SASTM)):
            continue
        # A generator asks an SASTM for its coefficients: its MLP is the first part that runs.
        watched = module.mlp if isinstance(module, SASTM) else module
        handles.append(watched.register_forward_hook(lambda _, i, o, m=module: _note(found, m, o)))
    network(entry)
    for handle in handles:
        handle.remove()
    return found


def _note(found: list[Layer], module: nn.Module, output: torch.Tensor) -> None:
    # An SASTM leaves the shape of the maps as it is.
    shape = found[-1].shape if isinstance(module, SASTM) else tuple(output.shape[1:])
    kind, text = described(module)
    if kind:
        found.append(Layer(kind, text, shape, module))


def described(module: nn.Module) -> tuple[str, str]:
    """Return what a module is, and how the tables write it; nothing for what has no place in them."""
    if isinstance(module, SASTM):
        return "SASTM", "SASTM"
    if isinstance(module, nn.ConvTranspose2d | nn.Conv2d):
        kind = "DeConv" if isinstance(module, nn.ConvTranspose2d) else "Conv"
        return kind, conv_text(kind, module.kernel_size[0], module.stride[0], module.padding[0])
    if isinstance(module, nn.BatchNorm2d):
        return "BN", f"BN-{module.num_features}"
    if isinstance(module, nn.InstanceNorm2d):
        return "IN", f"IN-{module.num_features}"
    if isinstance(module, nn.Linear):
        return "Linear", f"Linear {module.in_features} → {module.out_features}"
    if isinstance(module, nn.Upsample):
        return "Upsample", "Upsample-2"
    if isinstance(module, nn.AvgPool2d):
        return "Downsample", "Downsample-0.5"
    name = ACTIVATIONS.get(type(module), "")
    return name, name


def conv_text(kind: str, kernel: int, stride: int, padding: int) -> str:
    """Return for example `DeConv 4×4, stride 1, padding 0`."""
    return f"{kind} {kernel}×{kernel}, stride {stride}, padding {padding}"


def rows(found: Sequence[Layer]) -> list[str]:
    """Return one text per convolution with all that follows it: the rows of the tables of DCGANs."""
    texts: list[list[str]] = []
    for layer in found:
        if layer.kind in ("DeConv", "Conv") or not texts:
            texts.append([])
        texts[-1].append(layer.text)
    return ["; ".join(parts) for parts in texts]


@torch.no_grad()
def sastm_rows(sastm: SASTM) -> dict[tuple[str, int], str]:
    """Return the rows of an SASTM's table by part (f, g1, g2) and step: `Linear 100 → 1024, ReLU`.

    All of g2's convolutions together are one row, `16×16 → 4×4, ReLU`, as in the tables.
    """
    found = {("f", i): text for i, text in enumerate(_linear_rows(sastm.mlp), 1)}
    if sastm.channel_head is not None:
        found |= {("g1", i): text for i, text in enumerate(_linear_rows(sastm.channel_head), 1)}
    if sastm.position_head is not None:
        head = list(sastm.position_head)
        start = next(m for m in head if isinstance(m, nn.Unflatten)).unflattened_size[1]
        linear = _linear_rows(head[:-1])
        found |= {("g2", i): text for i, text in enumerate(linear, 1)}
        # features of f, whatever is in front of the map
        width = next((m.in_features for m in head if isinstance(m, nn.Linear)), start * start)
        size = sastm.position_head(torch.empty(1, width, device="meta")).shape[-1]
        end = f", {ACTIVATIONS[type(head[-1])]}"
        found["g2", len(linear) + 1] = f"{start}×{start} → {size}×{size}{end}"
    return found


def position_layers(sastm: SASTM) -> list[str]:
    """Return the convolutions of an SASTM's position head."""
    if sastm.position_head is None:
        return []
    return [described(m)[1] for m in sastm.position_head if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def _linear_rows(modules: Sequence[nn.Module]) -> list[str]:
    modules = list(modules)
    texts = []
    for i, module in enumerate(modules):
        if isinstance(module, nn.Linear):
            after = ACTIVATIONS.get(type(modules[i + 1]), "") if i + 1 < len(modules) else ""
            texts.append(described(module)[1] + (f", {after}" if after else ""))
    return texts
