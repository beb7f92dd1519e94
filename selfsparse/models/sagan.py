"""SAGAN (Zhang et al. 2019), the third model of v2's Table 10, on the widths of the paper's own networks (U31).

The paper says nothing of its SAGAN. Here: the DCGAN-like networks with spectral normalisation in every layer of both,
self-attention at one size in both, and no other norm in the discriminator, whose layers therefore keep their biases.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from selfsparse.models.dcgan import LEAKY_SLOPE, DCGANGenerator, Discriminator, ScoreConv, check_widths

ATTENTION_REDUCTION = 8  # channels of the attention's inner maps: C / 8 (SAGAN, Sec. 3)


class SelfAttention(nn.Module):
    """y + gamma * o(y), with SAGAN's Eq. 1 to 3; gamma starts at 0. Maps (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // ATTENTION_REDUCTION)
        self.query, self.key, self.value = (nn.Conv2d(channels, inner, 1, bias=False) for _ in range(3))
        self.output = nn.Conv2d(inner, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, y: Tensor) -> Tensor:
        """Every position sees every other one, weighted by softmax(query . key)."""
        query, key, value = (layer(y).flatten(2) for layer in (self.query, self.key, self.value))  # (N, C / 8, HW)
        attention = torch.softmax(query.transpose(1, 2) @ key, dim=2)  # (N, HW, HW), rows sum to 1
        seen = (value @ attention.transpose(1, 2)).unflatten(2, y.shape[2:])  # (N, C / 8, H, W)
        return y + self.gamma * self.output(seen)


class SAGANGenerator(DCGANGenerator):
    """The DCGAN-like generator without SASTM; self-attention follows the stage whose height and width is `attention_size`."""

    def __init__(
        self, latent_dim: int, widths: Sequence[int], channels: int, resolution: int, attention_size: int
    ) -> None:
        super().__init__(latent_dim, widths, channels, resolution)
        attended = [4 * 2**i for i in range(len(widths))].index(attention_size)
        self.stages[attended].activation = nn.Sequential(nn.ReLU(), SelfAttention(widths[attended]))
        normalise_spectrally(self)


class SAGANDiscriminator(Discriminator):
    """Arguments as of DCGANDiscriminator; `attention_size`: height and width of the layer that attention follows."""

    def __init__(self, widths: Sequence[int], channels: int, resolution: int, attention_size: int) -> None:
        super().__init__()
        check_widths("discriminator", widths, resolution)
        layers: list[nn.Module] = []
        size = resolution
        for before, width in zip([channels, *widths[:-1]], widths, strict=True):
            size //= 2
            layers += [nn.Conv2d(before, width, 4, 2, 1), nn.LeakyReLU(LEAKY_SLOPE)]
            if size == attention_size:
                layers.append(SelfAttention(width))
        self.layers = nn.Sequential(*layers, ScoreConv(widths[-1], bias=True))
        normalise_spectrally(self)


def normalise_spectrally(network: nn.Module) -> None:
    """Divide every convolution's weight by its largest singular value, estimated by power iteration."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            spectral_norm(module)
