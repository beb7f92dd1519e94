"""The Self-Adaptive Sparse Transform Module (SASTM), Section 3.1 of the paper (v1), Equations 1 to 3.

It stands alone: put it behind any layer of a generator of your own.

    sastm = SASTM(latent_dim=128, channels=64, size=8)
    x = sastm(h, z)                         # h (N, 64, 8, 8), z (N, 128) -> x (N, 64, 8, 8)
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import fold, unfold


def recombine(h: Tensor, alpha: Tensor | None, beta: Tensor | None) -> Tensor:
    """Feature-map recombination, Eq. 3: x_ijk = alpha_i h_ijk + beta_jk h_ijk.

    Args:
        h: feature maps (N, C, H, W).
        alpha: channel coefficients (N, C), >= 0; None stands for 0.
        beta: position coefficients (N, H, W), >= 0; None stands for 0.
    """
    if alpha is None and beta is None:
        raise ValueError("recombine needs alpha, beta or both: without them x is zero everywhere")
    if beta is None:
        return alpha[:, :, None, None] * h
    if alpha is None:
        return beta[:, None] * h
    return (alpha[:, :, None, None] + beta[:, None]) * h


def _product(weight: Tensor, maps: Tensor) -> Tensor:
    """weight (K, C) times each of the maps (N, C, P); `@` would sum in another order where no gradient is asked for."""
    return torch.bmm(weight.expand(len(maps), -1, -1), maps)


class ThinConv(nn.Conv2d):
    """A convolution of one or a few channels: on a CPU a matrix product with the windows, as libraries are slow at these."""

    def forward(self, x: Tensor) -> Tensor:
        """As nn.Conv2d."""
        if x.device.type != "cpu":
            return super().forward(x)
        shape = zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        size = [(n + 2 * p - k) // s + 1 for n, p, k, s in shape]
        y = _product(self.weight.flatten(1), unfold(x, self.kernel_size, 1, self.padding, self.stride)).unflatten(
            2, size
        )
        return y if self.bias is None else y + self.bias[:, None, None]


class ThinDeconv(nn.ConvTranspose2d):
    """A transposed convolution to one or a few channels: on a CPU a matrix product whose windows are added up."""

    def forward(self, x: Tensor) -> Tensor:
        """As nn.ConvTranspose2d."""
        if x.device.type != "cpu":
            return super().forward(x)
        shape = zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        size = [(n - 1) * s - 2 * p + k for n, p, k, s in shape]
        windows = _product(self.weight.flatten(1).t(), x.flatten(2))
        y = fold(windows, size, self.kernel_size, 1, self.padding, self.stride)
        return y if self.bias is None else y + self.bias[:, None, None]


class SASTM(nn.Module):
    """Two-headed network from the latent to channel and position coefficients, applied to feature maps.

    Tables A4, B3, C3 and D3 (v2): f is an MLP with ReLU; g1 is one Linear layer to C; g2 starts from a
    16 x 16 map and reaches H x W by convolutions or deconvolutions.

    Args:
        latent_dim: width of z.
        channels: C of the feature maps.
        size: H = W of the feature maps; a power of two.
        mlp_widths: widths of f (Table C3: one layer of 256).
        position_size: height and width of the map that g2 starts from. Where f does not end at its
            square, a Linear layer leads there (Table A4: 512 -> 256 = 16 x 16).
        position_layers: `chain` or `single`, how g2 goes from position_size to size (U21).
        channel_head: False removes the Channel Sparsity Module (alpha = 0, "without CSM").
        position_head: False removes the Position Sparsity Module (beta = 0, "without PSM").

    Raises:
        ValueError: for a size or position_size that is no power of two, an unknown position_layers, or without any head.
    """

    def __init__(
        self,
        latent_dim: int,
        channels: int,
        size: int,
        *,
        mlp_widths: Sequence[int] = (256,),
        position_size: int = 16,
        position_layers: str = "chain",
        channel_head: bool = True,
        position_head: bool = True,
    ) -> None:
        super().__init__()
        if not (channel_head or position_head):
            raise ValueError("an SASTM needs the channel head, the position head or both")
        widths = [latent_dim, *mlp_widths]
        self.mlp = nn.Sequential(  # f of Eq. 1, 2
            *(layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU()))
        )
        self.channel_head = nn.Sequential(nn.Linear(widths[-1], channels), nn.ReLU()) if channel_head else None  # g1
        self.position_head = (  # g2
            _position_head(widths[-1], position_size, size, position_layers) if position_head else None
        )

    def coefficients(self, z: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Eq. 1 and 2: z (N, latent_dim) -> alpha (N, C) and beta (N, H, W), both >= 0; None for a removed head."""
        shared = self.mlp(z)
        alpha = None if self.channel_head is None else self.channel_head(shared)
        beta = None if self.position_head is None else self.position_head(shared)[:, 0]
        return alpha, beta

    def forward(self, h: Tensor, z: Tensor) -> Tensor:
        """Sparse feature maps x (N, C, H, W) from h (N, C, H, W) and z (N, latent_dim)."""
        return recombine(h, *self.coefficients(z))


def _position_head(width: int, start: int, size: int, layers: str) -> nn.Sequential:
    """g2: a start x start map, then convolutions down, or deconvolutions up, to size x size, ReLU at the end alone.

    The paper prints "Conv or DeConv: 16 x 16 -> Mh x Mw, ReLU" and leaves kernel, stride, depth and channels
    open (U21). All layers have one channel.

        chain: 4 x 4, stride 2, padding 1, as in every other layer of the networks; 3 x 3 where the size stays.
        single: one layer whose kernel and stride are the ratio of the sizes; none where the size stays.
    """
    for name, value in (("size", size), ("position_size", start)):
        if value < 1 or value & (value - 1):
            raise ValueError(f"{name} must be a power of two, got {value}")
    found: list[nn.Module] = []
    if width != start * start:
        found += [nn.Linear(width, start * start), nn.ReLU()]
    found.append(nn.Unflatten(1, (1, start, start)))
    steps = int(math.log2(size)) - int(math.log2(start))
    layer = ThinDeconv if steps > 0 else ThinConv
    if layers == "chain":
        found += [layer(1, 1, 4, 2, 1) for _ in range(abs(steps))] or [ThinConv(1, 1, 3, 1, 1)]
    elif layers == "single":
        ratio = 2 ** abs(steps)
        found += [layer(1, 1, ratio, ratio)] if steps else []
    else:
        raise ValueError(f"position_layers must be 'chain' or 'single', got {layers!r}")
    return nn.Sequential(*found, nn.ReLU())
