"""What a built network consists of, layer by layer in the order of its forward pass, in the words of the paper's tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from selfsparse.config import Configuration
from selfsparse.models.build import build_discriminator, build_generator
from selfsparse.models.sagan import SelfAttention
from selfsparse.models.sastm import SASTM

ACTIVATIONS = {nn.ReLU: "ReLU", nn.Tanh: "Tanh", nn.LeakyReLU: "LeakyReLU"}


@dataclass(frozen=True)
class Layer:
    """One module: what it is, as the tables write it, and the shape of the maps that it gives.

    Attributes:
        kind: DeConv, Conv, SASTM, attention, BN, IN, Linear, Upsample, Downsample, or the name of an activation.
        text: for example `DeConv 4×4, stride 1, padding 0`.
        skip: whether it lies on the skip path of a residual block, which the tables do not print.
    """

    kind: str
    text: str
    shape: tuple[int, ...]
    module: nn.Module
    skip: bool

    @property
    def is_activation(self) -> bool:
        """Whether it is a nonlinearity alone."""
        return self.kind in ACTIVATIONS.values()


def build_on_meta(c: Configuration) -> dict[str, tuple[nn.Module, Tensor]]:
    """Return generator and discriminator, in evaluation mode, each with what it takes: no memory for any number."""
    with torch.device("meta"):
        image = torch.empty(1, c.dataset.channels, c.dataset.resolution, c.dataset.resolution)
        return {
            "generator": (build_generator(c).eval(), torch.empty(1, c.latent_dim)),
            "discriminator": (build_discriminator(c).eval(), image),
        }


@torch.no_grad()
def layers(network: nn.Module, entry: Tensor) -> list[Layer]:
    """Return a network's layers in the order in which `entry` (1, ...) passes them; an SASTM, and attention, is one.

    Reshaping and spectral normalisation have no layers of their own.
    """
    found: list[Layer] = []
    whole = [m for m in network.modules() if isinstance(m, SASTM | SelfAttention)]
    inside = {id(m) for block in whole for m in block.modules() if m is not block}
    handles = []
    for name, module in network.named_modules():
        if id(module) in inside or not described(module)[0]:
            continue
        skip = "skip" in name.split(".")
        # A generator asks an SASTM for its coefficients: its MLP is the first part that runs.
        watched = module.mlp if isinstance(module, SASTM) else module
        handles.append(watched.register_forward_hook(partial(_note, found, module, skip)))
    network(entry)
    for handle in handles:
        handle.remove()
    return found


def _note(found: list[Layer], module: nn.Module, skip: bool, _: nn.Module, __: tuple, output: Tensor) -> None:
    # An SASTM gives coefficients, and leaves the shape of the maps as it is.
    shape = found[-1].shape if isinstance(module, SASTM) else tuple(output.shape[1:])
    found.append(Layer(*described(module), shape, module, skip))


def described(module: nn.Module) -> tuple[str, str]:
    """Return what a module is, and how the tables write it; nothing for what has no place in them."""
    match module:
        case SASTM():
            return "SASTM", "SASTM"
        case SelfAttention():
            return "attention", "Self-attention"
        case nn.ConvTranspose2d() | nn.Conv2d():
            kind = "DeConv" if isinstance(module, nn.ConvTranspose2d) else "Conv"
            return kind, conv_text(kind, module.kernel_size[0], module.stride[0], module.padding[0])
        case nn.BatchNorm2d():
            return "BN", f"BN-{module.num_features}"
        case nn.InstanceNorm2d():
            return "IN", f"IN-{module.num_features}"
        case nn.Linear():
            return "Linear", f"Linear {module.in_features} → {module.out_features}"
        case nn.Upsample():
            return "Upsample", "Upsample-2"
        case nn.AvgPool2d():
            return "Downsample", "Downsample-0.5"
    name = ACTIVATIONS.get(type(module), "")
    return name, name


def conv_text(kind: str, kernel: int, stride: int, padding: int) -> str:
    """Return for example `DeConv 4×4, stride 1, padding 0`."""
    return f"{kind} {kernel}×{kernel}, stride {stride}, padding {padding}"


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
        size = sastm.position_head(torch.empty(1, width, device=next(sastm.parameters()).device)).shape[-1]
        found["g2", len(linear) + 1] = f"{start}×{start} → {size}×{size}, {ACTIVATIONS[type(head[-1])]}"
    return found


def _linear_rows(modules: Sequence[nn.Module]) -> list[str]:
    following = [*list(modules)[1:], nn.Identity()]
    return [
        ", ".join(text for text in (described(module)[1], ACTIVATIONS.get(type(after))) if text)
        for module, after in zip(modules, following, strict=True)
        if isinstance(module, nn.Linear)
    ]
