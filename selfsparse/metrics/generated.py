"""The FID of a generator's images, and sheets of them."""

import torch
from PIL import Image
from torch import Tensor, nn

from selfsparse.metrics.extractors import iterate_features
from selfsparse.metrics.frechet import RunningGaussian, frechet_distance
from selfsparse.metrics.reference import Reference
from selfsparse.models.sampling import generate


def first_images(
    generator: nn.Module, latents: Tensor, count: int, batch_size: int, device: torch.device, batch_norm: str
) -> Tensor:
    """Return the uint8 images of the first `count` latents, drawn in batches as large as those of an FID (U18)."""
    needed = latents[: max(count, batch_size)]
    return torch.cat(list(generate(generator, needed, batch_size, device, batch_norm)))[:count]


def measure_fid(
    generator: nn.Module,
    latents: Tensor,
    extractor: nn.Module,
    reference: Reference,
    batch_size: int,
    device: torch.device,
    batch_norm: str,
) -> tuple[float, Tensor | None]:
    """FID (Eq. 14) of a generator's images of these latents against a reference.

    Returns:
        The FID, and the features (N, D) where the reference keeps its own, for the kernel distance; else None.
    """
    running, kept = RunningGaussian(), []
    batches = generate(generator, latents, batch_size, device, batch_norm)
    for features in iterate_features(extractor, batches, device, len(latents), f"FID of {len(latents)}"):
        running.add(features)
        if reference.features is not None:
            kept.append(features)
    fid = frechet_distance(reference.gaussian, running.result(), reference.factor)
    return fid, torch.cat(kept).cpu() if kept else None


def tile(images: Tensor, columns: int) -> Image.Image:
    """Lay uint8 images (N, C, R, R) out in rows of `columns`, without margins, at their own pixels."""
    n, c, r, _ = images.shape
    rows = -(-n // columns)
    sheet = torch.zeros(rows * columns, c, r, r, dtype=torch.uint8)
    sheet[:n] = images.cpu()
    pixels = sheet.view(rows, columns, c, r, r).permute(0, 3, 1, 4, 2).reshape(rows * r, columns * r, c).numpy()
    return Image.fromarray(pixels[..., 0] if c == 1 else pixels)
