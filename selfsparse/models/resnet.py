"""The ResNet generator and discriminator of v2's Table 6, completed where the table stops short (U27).

The table shows a first block and two residual blocks of the generator, which end at 16 x 16, and two blocks of the
discriminator, which end at 8 x 8; it names neither skip paths nor heads. Here: blocks up to the image's size and down
to 4 x 4, skip paths as in WGAN-GP's ResNet, BN - ReLU - Conv 3x3 - Tanh as the generator's head, and Conv 4x4 with
stride 1 and padding 0 as the discriminator's, as in all other tables. The printed layers stand in the printed order.
"""

import itertools
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from selfsparse.models.dcgan import (
    LEAKY_SLOPE,
    Discriminator,
    Generator,
    LatentDeconv,
    ScoreConv,
    StageOutput,
    check_widths,
    transform,
)
from selfsparse.models.sastm import SASTM


class FirstBlock(nn.Module):
    """z (N, latent_dim, 1, 1) -> DeConv 4x4 - SASTM (N, C, 4, 4)."""

    def __init__(self, latent_dim: int, channels: int, sastm: SASTM | None) -> None:
        super().__init__()
        self.deconv = LatentDeconv(latent_dim, channels)
        self.sastm = sastm

    def forward(self, y: Tensor, z: Tensor) -> tuple[Tensor, StageOutput]:
        """Return the block's output and what made it."""
        output = transform(self.deconv(y), z, self.sastm)
        return output.x, output


class UpBlock(nn.Module):
    """BN - ReLU - Upsample 2 - Conv 3x3 - BN - ReLU - Conv 3x3 - SASTM, plus the upsampled input."""

    def __init__(self, in_channels: int, channels: int, sastm: SASTM | None) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(in_channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
        )
        self.sastm = sastm
        self.skip = nn.Sequential(nn.Upsample(scale_factor=2), _match(in_channels, channels))

    def forward(self, y: Tensor, z: Tensor) -> tuple[Tensor, StageOutput]:
        """y (N, C', H, W) -> the block's output (N, C, 2H, 2W), and what made it."""
        output = transform(self.residual(y), z, self.sastm)
        return output.x + self.skip(y), output


class ResNetGenerator(Generator):
    """Arguments as of DCGANGenerator, but that the first of the widths is of 4 x 4: R = 4 * 2 ** (len(widths) - 1)."""

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        channels: int,
        resolution: int,
        make_sastm: Callable[[int, int], SASTM] | None = None,
    ) -> None:
        super().__init__()
        check_widths("generator", widths, resolution, doublings=len(widths) - 1)
        self.latent_dim = latent_dim
        sastms = [make_sastm(width, 4 * 2**i) if make_sastm else None for i, width in enumerate(widths)]
        self.stages = nn.ModuleList([FirstBlock(latent_dim, widths[0], sastms[0])])
        for before, width, sastm in zip(widths[:-1], widths[1:], sastms[1:], strict=True):
            self.stages.append(UpBlock(before, width, sastm))
        self.to_image = nn.Sequential(
            nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.Conv2d(widths[-1], channels, 3, 1, 1, bias=False), nn.Tanh()
        )


class DownBlock(nn.Module):
    """IN - LeakyReLU - Conv 3x3 - IN - LeakyReLU - Conv 3x3 - Downsample 0.5, plus the downsampled input."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.InstanceNorm2d(in_channels),
            nn.LeakyReLU(LEAKY_SLOPE),
            nn.Conv2d(in_channels, channels, 3, 1, 1, bias=False),
            nn.InstanceNorm2d(channels),
            nn.LeakyReLU(LEAKY_SLOPE),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.AvgPool2d(2),
        )
        self.skip = nn.Sequential(_match(in_channels, channels), nn.AvgPool2d(2))

    def forward(self, y: Tensor) -> Tensor:
        """y (N, C', H, W) -> (N, C, H / 2, W / 2)."""
        return self.residual(y) + self.skip(y)


class ResNetDiscriminator(Discriminator):
    """The same with and without SASTM (claim C27); arguments as of DCGANDiscriminator."""

    def __init__(self, widths: Sequence[int], channels: int, resolution: int) -> None:
        super().__init__()
        check_widths("discriminator", widths, resolution)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, widths[0], 4, 2, 1, bias=False),
            *(DownBlock(before, width) for before, width in itertools.pairwise(widths)),
            nn.InstanceNorm2d(widths[-1]),
            nn.LeakyReLU(LEAKY_SLOPE),
            ScoreConv(widths[-1]),
        )


def _match(in_channels: int, channels: int) -> nn.Module:
    """The skip path's own layer: 1x1 where the width changes."""
    return nn.Identity() if in_channels == channels else nn.Conv2d(in_channels, channels, 1, bias=False)
