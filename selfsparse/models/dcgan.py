"""The DCGAN-like generator and discriminator of the appendix tables (v2: A1 to D2), at any resolution.

Generator stage: DeConv 4x4 - SASTM - BN - ReLU; the first DeConv has stride 1 and padding 0, the others
stride 2 and padding 1; the last DeConv leads to the image through Tanh, without SASTM (U19).
Discriminator: Conv 4x4 stride 2 padding 1 - InstanceNorm - LeakyReLU; the last Conv has stride 1 and padding 0.
The baseline WGAN-GP is the same generator without SASTM.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import linear

from selfsparse.models.sastm import SASTM, ThinDeconv, recombine

# differs from the paper: nothing is stated; DCGAN's and WGAN-GP's slope (U16).
LEAKY_SLOPE = 0.2


class StageOutput(NamedTuple):
    """What the analysis looks at in one generator stage t (Figure 3), for latents of batch size N."""

    alpha: Tensor | None  # (N, C), None without channel head
    beta: Tensor | None  # (N, H, W), None without position head
    h: Tensor  # (N, C, H, W), after DeConv
    x: Tensor  # (N, C, H, W), after SASTM; h itself in the baseline


def transform(h: Tensor, z: Tensor, sastm: SASTM | None) -> StageOutput:
    """Pass feature maps h (N, C, H, W) of latents z (N, latent_dim) through an SASTM, or leave them where there is none."""
    if sastm is None:
        return StageOutput(None, None, h, h)
    alpha, beta = sastm.coefficients(z)
    return StageOutput(alpha, beta, h, recombine(h, alpha, beta))  # Eq. 3


class LatentDeconv(nn.ConvTranspose2d):
    """The generators' first layer: z (N, C', 1, 1) -> maps (N, C, 4, 4), a DeConv 4x4 of stride 1 without padding or bias.

    Computed as the matrix product that it is: libraries are slow at maps of one pixel.
    """

    def __init__(self, latent_dim: int, channels: int) -> None:
        super().__init__(latent_dim, channels, 4, 1, 0, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        """Each latent times the kernels."""
        return (z.flatten(1) @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:])


class GeneratorStage(nn.Module):
    """One stage: DeConv - SASTM - BN - ReLU (Figure 3)."""

    def __init__(self, in_channels: int, channels: int, *, first: bool, sastm: SASTM | None) -> None:
        super().__init__()
        # No bias before a norm, as in DCGAN (U15): with an SASTM in between it would not cancel.
        self.deconv = (
            LatentDeconv(in_channels, channels)
            if first
            else nn.ConvTranspose2d(in_channels, channels, 4, 2, 1, bias=False)
        )
        self.sastm = sastm
        self.norm = nn.BatchNorm2d(channels)
        self.activation = nn.ReLU()

    def forward(self, y: Tensor, z: Tensor) -> tuple[Tensor, StageOutput]:
        """y (N, C', H', W') and z (N, latent_dim) -> the stage's output (N, C, H, W) and what made it."""
        output = transform(self.deconv(y), z, self.sastm)
        return self.activation(self.norm(output.x)), output


class Generator(nn.Module):
    """What every generator here is: `stages`, each (y, z) -> (y, StageOutput), then `to_image`."""

    latent_dim: int
    stages: nn.ModuleList
    to_image: nn.Module

    def _run(self, z: Tensor, record: list[StageOutput] | None) -> Tensor:
        y = z[:, :, None, None]  # (N, latent_dim, 1, 1)
        for stage in self.stages:
            y, output = stage(y, z)
            if record is not None:
                record.append(output)
        return self.to_image(y)

    def forward(self, z: Tensor) -> Tensor:
        """z (N, latent_dim) -> images (N, channels, R, R) in [-1, 1]."""
        return self._run(z, None)

    def sastm_outputs(self, z: Tensor) -> list[StageOutput]:
        """Return alpha, beta, h and x of every stage for latents z (N, latent_dim): the very forward pass."""
        record: list[StageOutput] = []
        self._run(z, record)
        return record


class DCGANGenerator(Generator):
    """Generator of the appendix tables.

    Args:
        latent_dim: width of z ~ N(0, 1).
        widths: channels of the stages, from 4 x 4 up; R = 4 * 2 ** len(widths).
        channels: 1 (grey) or 3 (RGB).
        resolution: R, checked against the widths.
        make_sastm: (channels, size) -> SASTM of a stage; None for the baseline.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        channels: int,
        resolution: int,
        make_sastm: Callable[[int, int], SASTM] | None = None,
    ) -> None:
        super().__init__()
        check_widths("generator", widths, resolution)
        self.latent_dim = latent_dim
        self.stages = nn.ModuleList(
            GeneratorStage(before, width, first=i == 0, sastm=make_sastm(width, 4 * 2**i) if make_sastm else None)
            for i, (before, width) in enumerate(zip([latent_dim, *widths[:-1]], widths, strict=True))
        )
        self.to_image = nn.Sequential(ThinDeconv(widths[-1], channels, 4, 2, 1, bias=False), nn.Tanh())


class ScoreConv(nn.Conv2d):
    """The discriminators' last layer: maps (N, C, 4, 4) -> scores (N, 1, 1, 1), a Conv 4x4 without padding.

    Computed as the matrix product that it is: libraries are slow at a convolution with one output.
    """

    def __init__(self, channels: int, bias: bool = False) -> None:
        super().__init__(channels, 1, 4, 1, 0, bias=bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Each image's maps against the one kernel."""
        return linear(maps.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


class Discriminator(nn.Module):
    """What every discriminator here is: `layers`, from images (N, channels, R, R) in [-1, 1] to unbounded scores."""

    layers: nn.Sequential

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, channels, R, R) -> scores (N,)."""
        return self.layers(images).flatten()


class DCGANDiscriminator(Discriminator):
    """The same for all models (claim C27).

    Args:
        widths: channels from R/2 x R/2 down to 4 x 4.
        channels: 1 or 3.
        resolution: R, checked against the widths.
    """

    def __init__(self, widths: Sequence[int], channels: int, resolution: int) -> None:
        super().__init__()
        check_widths("discriminator", widths, resolution)
        layers: list[nn.Module] = []
        for before, width in zip([channels, *widths[:-1]], widths, strict=True):
            layers += [
                nn.Conv2d(before, width, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(width),  # without affine parameters, in the first layer too, as printed (U17)
                nn.LeakyReLU(LEAKY_SLOPE),
            ]
        self.layers = nn.Sequential(*layers, ScoreConv(widths[-1]))


def check_widths(what: str, widths: Sequence[int], resolution: int, doublings: int | None = None) -> None:
    """Raise ValueError unless 4 x 4, doubled once per width (or `doublings` times), is the resolution."""
    reached = 4 * 2 ** (len(widths) if doublings is None else doublings)
    if reached != resolution:
        raise ValueError(
            f"{what} widths {list(widths)} make {reached} x {reached} images, not {resolution} x {resolution}"
        )
